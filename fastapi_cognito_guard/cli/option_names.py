"""What `export` says, as the command line says it: options for arguments, notes beside the answer."""

import logging
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature

from fastapi_cognito_guard.cli.output import remark
from fastapi_cognito_guard.deploy.definition.notes import logger
from fastapi_cognito_guard.deploy.export import export

ARGUMENTS = tuple(name for name in signature(export).parameters if name != "app")

_ANY = "|".join(ARGUMENTS)
_NO_WORD = "|".join(name for name in ARGUMENTS if "_" in name)
# Not inside a path, a variable, or a name of the app's own.
_BEFORE, _AFTER = r"(?<![\w\-/{.\"'])", r"(?![\w\-/}\"'])"
_GIVEN = rf'{_BEFORE}({_ANY})=(\[[^\]]*\]|"[^"]*"|\w+|\.\.\.)'
_FOR_A_SHELL = r'"([^"\s]*\$\{[^"\s]*)"|(\{"[^}]*\})'
_NAMED = rf"^(?:{_ANY})(?= )|{_BEFORE}(?:{_NO_WORD}){_AFTER}"


def as_options(text: str) -> str:
    """``catch_all=["openid"]`` becomes ``--catch-all openid``.

    So does a name alone; where it is a word like others (``issuer``) only at the beginning, since there a
    message names the argument that it is about. What a shell would take apart is quoted for it.
    """
    text = re.sub(_GIVEN, lambda given: _option(given[1], given[2]), text)
    text = re.sub(_NAMED, lambda named: _option(named[0]), text)
    return re.sub(_FOR_A_SHELL, lambda value: shlex.quote(value[1] or value[2]), text)


def _option(name: str, value: str = "") -> str:
    option = "--" + name.replace("_", "-")
    items = re.findall(r'"([^"]*)"', value) or list(filter(None, [value.strip("[]")]))
    return " ".join(f"{option} {item if item == '...' else shlex.quote(item)}" for item in items) or option


@contextmanager
def notes_beside() -> Iterator[None]:
    """All that `export` notes goes to standard error, whatever the app has done to logging."""
    handler = _Beside()
    before = logger.level, logger.propagate, logger.disabled
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = logger.disabled = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        _, logger.propagate, logger.disabled = before


class _Beside(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        kind = "warning" if record.levelno >= logging.WARNING else "note"
        remark(f"{kind}: {as_options(record.getMessage())}")
