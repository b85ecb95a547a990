"""The commands, and what they have in common: how they end, and that nobody ever sees a traceback."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from fastapi_cognito_guard.cli import exits, output
from fastapi_cognito_guard.cli.doctor import doctor
from fastapi_cognito_guard.cli.export import export
from fastapi_cognito_guard.cli.jwks import pull
from fastapi_cognito_guard.cli.local import pool, token
from fastapi_cognito_guard.cli.routes import routes
from fastapi_cognito_guard.cli.tokens import inspect, verify
from fastapi_cognito_guard.cli.versions import versions
from fastapi_cognito_guard.errors import GuardError

_EPILOG = "Exit codes: 0 yes, 1 no, 2 asked wrongly, 3 nobody can tell."


# Which of click's two homes it has, differs by version of typer.
_UsageError: Any = typer.BadParameter.__base__


class _Commands(TyperGroup):
    """What is wrong with a question is said in one line, without the token that may be in it."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except GuardError as error:
            output.fail(str(error))
        except _UsageError as error:
            if type(error).__name__ == "NoArgsIsHelpError":
                raise
            where = f" (see {error.ctx.command_path} --help)" if error.ctx else ""
            output.fail(f"{error.format_message()}{where}")
        raise typer.Exit(exits.WRONG_USE)


commands = typer.Typer(
    cls=_Commands,
    help="Amazon Cognito for FastAPI: look at tokens, at an app's routes, at its pool.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        output.say(versions()["fastapi-cognito-guard"])
        raise typer.Exit(exits.OK)


@commands.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which this is.")
    ] = False,
) -> None:
    """For the options that come before a command."""


for command in (inspect, verify, doctor, routes, export, token, pool):
    commands.command()(command)

jwks = typer.Typer(help="A pool's public keys.", no_args_is_help=True)
jwks.command()(pull)
commands.add_typer(jwks, name="jwks")
