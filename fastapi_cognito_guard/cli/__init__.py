"""Command line ``cognito-guard``, for tokens, routes, exports and a local pool. Needs the extra ``cli``."""

import sys

from fastapi_cognito_guard.extras import format_install

_MISSING = f"cognito-guard needs typer and rich. In a checkout of the package: {format_install('cli')}\n"
_WRONG_USE = 2  # as ExitCode.WRONG_USE, whose module needs rich


def main() -> None:
    """Run the command line. Without the extra ``cli``: print the command that installs it."""
    try:
        from fastapi_cognito_guard.cli.commands import commands
    except ModuleNotFoundError as error:
        if error.name not in {"rich", "typer"}:
            raise
        sys.stderr.write(_MISSING)
        raise SystemExit(_WRONG_USE) from None
    commands()
