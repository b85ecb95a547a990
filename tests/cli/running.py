"""Runner of the command line: arguments, input and environment in; exit code and output out."""

import re
import sys
from collections.abc import Mapping
from typing import NamedTuple

from typer.testing import CliRunner

from fastapi_cognito_guard.cli.commands import commands
from fastapi_cognito_guard.settings import GUARD, POOL

COMMAND = [sys.executable, "-c", "from fastapi_cognito_guard.cli import main; main()"]
_UNSET: dict[str, str | None] = dict.fromkeys(
    ["COGNITO_TOKEN", *(name for name, _ in {**POOL, **GUARD}.values())]
)


class Result(NamedTuple):
    """Exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Standard output without line breaks and repeated blanks."""
        return " ".join(self.out.split())


def cognito_guard(*args: str, given: str | None = None, env: Mapping[str, str] | None = None) -> Result:
    """Run the command line. Check for all runs: no traceback, 80 columns, no colour, no whole token."""
    result = CliRunner().invoke(commands, list(args), input=given, env={**_UNSET, **(env or {})})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "\x1b" not in result.output
    if {"token", "export", "--json", "--markdown", "--html", "-o"}.isdisjoint(args):
        assert all(len(line) <= 80 for line in result.stdout.splitlines())
        assert not re.search(r"eyJ[\w-]{16}", result.output)
    return Result(result.exit_code, result.stdout, result.stderr)
