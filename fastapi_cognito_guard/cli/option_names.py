"""Texts of `export` for the command line: its arguments as options, its log records on standard error."""

import logging
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature

from fastapi_cognito_guard.cli.output import print_note
from fastapi_cognito_guard.deploy.definition.notes import logger
from fastapi_cognito_guard.deploy.export import export

_SINGULAR = {"binary_media_types": "binary_media_type"}  # a repeatable option, for one each time
ARGUMENTS = tuple(name for name in signature(export).parameters if name != "app")

_ANY = "|".join(ARGUMENTS)
_COMPOUND = "|".join(name for name in ARGUMENTS if "_" in name)
# Not inside a path, a variable, or a name of the app's own.
_BEFORE, _AFTER = r"(?<![\w\-/{.\"'])", r"(?![\w\-/}\"'])"
_ASSIGNMENT = rf'{_BEFORE}({_ANY})=(\[[^\]]*\]|"[^"]*"|\w+|\.\.\.)'
_NAME = rf"^(?:{_ANY})(?= )|{_BEFORE}(?:{_COMPOUND}){_AFTER}"
_NEEDS_QUOTES = r'"([^"\s]*\$\{[^"\s]*)"|(\{"[^}]*\})'


def replace_arguments(text: str) -> str:
    """Write each argument of `export` in a text as an option: ``--catch-all openid``.

    ``catch_all=["openid"]`` is replaced anywhere, and so is ``catch_all`` alone. ``issuer``, which is also
    an ordinary word, is replaced only at the beginning, where a message names its argument. Values that a
    shell would split or expand are quoted.
    """
    text = re.sub(_ASSIGNMENT, lambda found: _format_option(found[1], found[2]), text)
    text = re.sub(_NAME, lambda found: _format_option(found[0]), text)
    return re.sub(_NEEDS_QUOTES, lambda value: shlex.quote(value[1] or value[2]), text)


def _format_option(name: str, value: str = "") -> str:
    option = "--" + _SINGULAR.get(name, name).replace("_", "-")
    items = re.findall(r'"([^"]*)"', value) or list(filter(None, [value.strip("[]")]))
    return " ".join(f"{option} {item if item == '...' else shlex.quote(item)}" for item in items) or option


@contextmanager
def print_log_records() -> Iterator[None]:
    """Print what `export` logs to standard error, even if the app has disabled its logger."""
    handler = _NoteHandler()
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


class _NoteHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        kind = "warning" if record.levelno >= logging.WARNING else "note"
        print_note(f"{kind}: {replace_arguments(record.getMessage())}")
