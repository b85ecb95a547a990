"""Commands of ``cognito-guard``. Errors end a command with one line, never with a traceback."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from fastapi_cognito_guard.cli.doctor import doctor, read_version
from fastapi_cognito_guard.cli.drift import drift
from fastapi_cognito_guard.cli.export import export
from fastapi_cognito_guard.cli.jwks import pull
from fastapi_cognito_guard.cli.local import pool, token
from fastapi_cognito_guard.cli.matrix import matrix
from fastapi_cognito_guard.cli.output import ExitCode, print_error, print_text
from fastapi_cognito_guard.cli.revoke import revoke
from fastapi_cognito_guard.cli.routes import routes
from fastapi_cognito_guard.cli.tokens import inspect, verify
from fastapi_cognito_guard.errors import GuardError

_EPILOG = "Exit codes: 0 yes, 1 no, 2 wrong use, 3 undecided."

# The module that defines UsageError depends on the version of typer.
_UsageError: Any = typer.BadParameter.__base__


class _Commands(TyperGroup):
    """Command group that prints each error as one line, without tokens."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Take ``--app X`` for the argument APP, as `verify` has it as an option."""
        name, command, rest = super().resolve_command(ctx, args)
        kinds = {param.name: param.param_type_name for param in command.params} if command else {}
        return name, command, _move_app(rest) if kinds.get("app") == "argument" else rest

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except GuardError as error:
            print_error(str(error))
        except _UsageError as error:
            if type(error).__name__ == "NoArgsIsHelpError":
                raise
            where = f" (see {error.ctx.command_path} --help)" if error.ctx else ""
            print_error(f"{error.format_message()}{where}")
        raise typer.Exit(ExitCode.WRONG_USE)


def _move_app(args: list[str]) -> list[str]:
    """Put the value of ``--app X`` or ``--app=X`` first, where these commands have their app."""
    for index, arg in enumerate(args):
        option, equals, value = arg.partition("=")
        if option == "--":
            break
        if option == "--app" and (equals or index + 1 < len(args)):
            return [
                value if equals else args[index + 1],
                *args[:index],
                *args[index + (1 if equals else 2) :],
            ]
    return args


commands = typer.Typer(
    cls=_Commands,
    help="Amazon Cognito for FastAPI: inspect and verify tokens, list and export an app's routes.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print_text(read_version("fastapi-cognito-guard"))
        raise typer.Exit(ExitCode.YES)


@commands.callback()
def _add_common_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Declare the options that precede a command."""


for command in (inspect, verify, revoke, doctor, routes, matrix, export, drift, token, pool):
    commands.command()(command)

jwks = typer.Typer(help="Public keys of a user pool.", no_args_is_help=True)
jwks.command()(pull)
commands.add_typer(jwks, name="jwks")
