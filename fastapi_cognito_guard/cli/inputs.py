"""Where tokens and apps come from: standard input, the environment, a module. All of it may be wrong."""

import os
import re
import sys
import tomllib
import traceback
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from fastapi_cognito_guard.cli.output import note
from fastapi_cognito_guard.errors import ConfigurationError

TOKEN = "COGNITO_TOKEN"
_MOST = 65536
_PREFIX = r"""(?i)^["']?(?:authorization:\s*)?(?:bearer\s+)?"""


def read_token(argument: str | None) -> str:
    """The token: of standard input (``-``), of the environment, or of the command line itself.

    Raises `ConfigurationError` where there is none.
    """
    if argument is not None and argument != "-":
        note("The token is in your shell's history now: next time, pass it on standard input.")
        given = argument
    elif argument is None and os.environ.get(TOKEN):
        given = os.environ[TOKEN]
    elif argument == "-" or not sys.stdin.isatty():
        given = sys.stdin.read(_MOST)
    else:
        given = ""
    token = re.sub(_PREFIX, "", given.strip()).strip("\"' \n")
    if not token:
        raise ConfigurationError(f"No token: pass it on standard input (-), or as {TOKEN}.")
    return token


def load_app(target: str | None) -> FastAPI:
    """The app that ``module:name`` is, or that ``module:function`` makes.

    Without a target: the ``entrypoint`` in pyproject.toml, as FastAPI's own command has it. Raises
    `ConfigurationError` for what is no app, whatever it does.
    """
    target = target or _entrypoint()
    module, _, name = target.partition(":")
    module = module.removesuffix(".py").replace("/", ".").lstrip(".")
    sys.path.insert(0, os.getcwd())
    try:
        with redirect_stdout(sys.stderr):  # what it prints is not our answer
            found = _made(getattr(import_module(module), name or "app"))
    except ConfigurationError as error:
        raise ConfigurationError(f"{target}: {error}") from None
    except (Exception, SystemExit) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise ConfigurationError(
            f"{target} cannot be loaded: {type(error).__name__}: {reason}. {_where(error, module, name)}"
        ) from None
    if not isinstance(found, FastAPI):
        raise ConfigurationError(f"{target} is no FastAPI app, but of the type {type(found).__name__}.")
    return found


def _where(error: BaseException, module: str, name: str) -> str:
    """The app's line that raised it; or, where the name leads nowhere, how names are written."""
    missing = getattr(error, "name", None)
    if isinstance(error, ImportError | AttributeError) and missing in (*module.split("."), name or "app"):
        return "Name it as module:app."
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if _is_of_an_app(Path(frame.filename)):
            return f"See {Path(frame.filename).name}, line {frame.lineno}."
    return f"See {module}."


def _is_of_an_app(file: Path) -> bool:
    """Neither a library, nor how Python imports, nor this package, wherever that is installed."""
    is_library = {"site-packages", "importlib"} & set(file.parts) or str(file).startswith("<")
    return not is_library and Path(__file__).parents[1] not in file.parents


def _made(found: Any) -> Any:
    return found() if callable(found) and not isinstance(found, FastAPI) else found


def _entrypoint() -> str:
    try:
        content = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))
        return str(content["tool"]["fastapi"]["entrypoint"])
    except (OSError, ValueError, KeyError, TypeError):
        raise ConfigurationError("Which app? Name it as module:app, for example main:app.") from None
