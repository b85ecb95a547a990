"""The command line, run as it is: arguments, input and environment in; exit code and texts out."""

import re
import sys
from collections.abc import Mapping
from typing import NamedTuple

from typer.testing import CliRunner

from fastapi_cognito_guard.cli.commands import commands
from fastapi_cognito_guard.settings import GUARD, POOL

COMMAND = [sys.executable, "-c", "from fastapi_cognito_guard.cli import main; main()"]
_NOTHING: dict[str, str | None] = dict.fromkeys(
    ["COGNITO_TOKEN", *(name for name, _ in {**POOL, **GUARD}.values())]
)


class Result(NamedTuple):
    """What a script sees."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """What was answered, without line breaks."""
        return " ".join(self.out.split())


def cognito_guard(*args: str, given: str | None = None, env: Mapping[str, str] | None = None) -> Result:
    """Run it. Holds for all: no traceback, 80 columns, no colour, no token in full."""
    result = CliRunner().invoke(commands, list(args), input=given, env={**_NOTHING, **(env or {})})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "\x1b" not in result.output
    if {"token", "export", "--json", "-o"}.isdisjoint(args):
        assert all(len(line) <= 80 for line in result.stdout.splitlines())
        assert not re.search(r"eyJ[\w-]{16}", result.output)
    return Result(result.exit_code, result.stdout, result.stderr)
