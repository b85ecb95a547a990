"""Inputs of the commands: a token from standard input or the environment, an app from a module."""

import os
import re
import sys
import tomllib
import traceback
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from fastapi import FastAPI

from fastapi_cognito_guard.cli.output import print_hint
from fastapi_cognito_guard.errors import ConfigurationError

App = Annotated[
    str | None,
    typer.Argument(
        metavar="[APP]",
        help="module:app, or module:function that returns it. By default the entrypoint in pyproject.toml.",
        show_default=False,
    ),
]
"""The app of a command."""

_TOKEN_VARIABLE = "COGNITO_TOKEN"
_MAX_INPUT = 65536  # characters
_MOST = 10_000_000  # characters of a file
_PREFIX = r"""(?i)^["']?(?:authorization:\s*)?(?:bearer\s+)?"""


def read_token(argument: str | None) -> str:
    """Read the token from standard input (``-``), the environment, or the command line itself.

    Raises `ConfigurationError` if there is none.
    """
    if argument is not None and argument != "-":
        print_hint("The token is in your shell's history now: next time, pass it on standard input.")
        given = argument
    elif argument is None and os.environ.get(_TOKEN_VARIABLE):
        given = os.environ[_TOKEN_VARIABLE]
    elif argument == "-" or not sys.stdin.isatty():
        given = sys.stdin.read(_MAX_INPUT)
    else:
        given = ""
    token = re.sub(_PREFIX, "", given.strip()).strip("\"' \n")
    if not token:
        raise ConfigurationError(f"No token: pass it on standard input (-), or as {_TOKEN_VARIABLE}.")
    return token


def read_text(file: Path) -> str:
    """Read a file, at most its first 10 million characters. Raises `ConfigurationError`."""
    try:
        with file.open(encoding="utf-8") as opened:
            return opened.read(_MOST)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {type(error).__name__}.") from None


def check_alone(**options: object) -> None:
    """Raise `ConfigurationError` if more than one of these options is given."""
    given = [f"--{name.replace('_', '-')}" for name, value in options.items() if value]
    if len(given) > 1:
        raise ConfigurationError(f"{' and '.join(given)} exclude each other: give one of them.")


def load_app(target: str | None) -> FastAPI:
    """Import the app ``module:name``, or call the function ``module:name`` that returns it.

    Without a target: the ``entrypoint`` in pyproject.toml, which the FastAPI CLI reads too. Raises
    `ConfigurationError` for anything that is not an app, and for any error of its module.
    """
    target = target or _read_entrypoint()
    module, _, name = target.partition(":")
    module = module.removesuffix(".py").replace("/", ".").lstrip(".")
    sys.path.insert(0, os.getcwd())
    try:
        with redirect_stdout(sys.stderr):  # standard output is for the answer alone
            app = _call_factory(getattr(import_module(module), name or "app"))
    except ConfigurationError as error:
        raise ConfigurationError(f"{target}: {error}") from None
    except (Exception, SystemExit) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise ConfigurationError(
            f"{target} cannot be loaded: {type(error).__name__}: {reason}. {_locate(error, module, name)}"
        ) from None
    if not isinstance(app, FastAPI):
        raise ConfigurationError(f"{target} is not a FastAPI app: its type is {type(app).__name__}.")
    return app


def _locate(error: BaseException, module: str, name: str) -> str:
    """Return the app's line that raised the error; for an unknown name, the form that names have."""
    missing = getattr(error, "name", None)
    if isinstance(error, ImportError | AttributeError) and missing in (*module.split("."), name or "app"):
        where = f" Run this where {module.replace('.', '/')}.py is." if isinstance(error, ImportError) else ""
        return f"Name it as module:app.{where}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if _is_app_code(Path(frame.filename)):
            return f"See {Path(frame.filename).name}, line {frame.lineno}."
    return f"See {module}."


def _is_app_code(file: Path) -> bool:
    """Return False for libraries, the import system, and this package wherever it is installed."""
    is_library = {"site-packages", "importlib"} & set(file.parts) or str(file).startswith("<")
    return not is_library and Path(__file__).parents[1] not in file.parents


def _call_factory(found: Any) -> Any:
    return found() if callable(found) and not isinstance(found, FastAPI) else found


def _read_entrypoint() -> str:
    try:
        content = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))
        return str(content["tool"]["fastapi"]["entrypoint"])
    except (OSError, ValueError, KeyError, TypeError):
        raise ConfigurationError("No app: name it as module:app, for example main:app.") from None
