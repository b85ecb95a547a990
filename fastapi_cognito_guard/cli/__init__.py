"""``cognito-guard``: look at tokens, at an app's routes, at its pool. Needs the extra ``cli``."""

import sys

from fastapi_cognito_guard.cli.exits import WRONG_USE

_MISSING = 'cognito-guard needs typer and rich: pip install "fastapi-cognito-guard[cli]"\n'


def main() -> None:
    """The command line. Without what it needs: one line that says what to install."""
    try:
        from fastapi_cognito_guard.cli.commands import commands
    except ModuleNotFoundError as missing:
        if missing.name not in {"rich", "typer"}:
            raise
        sys.stderr.write(_MISSING)
        raise SystemExit(WRONG_USE) from None
    commands()
