"""Commands ``inspect`` and ``verify``: show a token, with or without proof."""

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from fastapi_cognito_guard import settings
from fastapi_cognito_guard.cli.authorizer_table import check_with_authorizers, check_with_guard
from fastapi_cognito_guard.cli.inputs import load_app, read_token
from fastapi_cognito_guard.cli.output import (
    ExitCode,
    add_row,
    err,
    format_value,
    make_table,
    print_fields,
    print_hint,
    print_table,
    print_text,
)
from fastapi_cognito_guard.cli.token_view import decode_token, describe_kind, list_fields
from fastapi_cognito_guard.errors import AuthError, ConfigurationError, Unavailable
from fastapi_cognito_guard.guard import CognitoGuard, installed_guard

Token = Annotated[
    str | None,
    typer.Argument(
        metavar="[TOKEN|-]",
        help="- reads standard input. By default COGNITO_TOKEN, else standard input.",
        show_default=False,
    ),
]


def inspect(token: Token = None) -> None:
    """Show a token's claims, and which authorizers would take it. Offline; proves nothing.

    Exits with 0 if the guard of this environment's settings (COGNITO_...) would
    take it; without settings, if any authorizer would. Otherwise with 1.
    """
    decoded = decode_token(read_token(token))
    now = time.time()
    if not decoded.claims:
        print_text(f"The token cannot be read: {decoded.problem}")
        raise typer.Exit(ExitCode.NO)
    print_text(describe_kind(decoded.claims), style="bold")
    print_text("Unverified: the signature was not checked.")
    print_text()
    algorithm = f"{format_value(decoded.header.get('alg'))}, key {format_value(decoded.header.get('kid'))}"
    print_fields([*list_fields(decoded.claims, now), ("signed with", algorithm)])
    print_text()
    if decoded.problem is not None:
        print_text(f"No authorizer would take it: {decoded.problem}")
        raise typer.Exit(ExitCode.NO)
    raise typer.Exit(ExitCode.YES if _print_authorizers(decoded.claims, now) else ExitCode.NO)


def verify(
    token: Token = None,
    jwks: Annotated[
        Path | None,
        typer.Option(help="A file with the pool's keys, so that none are fetched.", show_default=False),
    ] = None,
    app: Annotated[
        str | None,
        typer.Option(metavar="APP", help="Verify with this app's guard (module:app).", show_default=False),
    ] = None,
) -> None:
    """Verify a token as an app with this environment's settings (COGNITO_...) does.

    Exits with 0 if the token is good, 1 if it is refused, 3 if the keys cannot be fetched.
    """
    text = read_token(token)
    guard = _build_guard(app, jwks)
    try:
        with err.status("Verifying the token"):
            principal = asyncio.run(guard.verify(text))
    except Unavailable as error:
        print_text(f"Undecided: {error.reason}")
        raise typer.Exit(ExitCode.UNDECIDED) from None
    except AuthError as error:
        print_text(f"Refused ({error.code}): {error.reason}")
        raise typer.Exit(ExitCode.NO) from None
    print_text(f"Good. {describe_kind(principal.claims)}", style="bold")
    print_text()
    print_fields(list_fields(principal.claims, time.time()))


def _build_guard(app: str | None, jwks: Path | None) -> CognitoGuard:
    if app is None:
        return CognitoGuard.from_env(_read_environment(jwks))
    if jwks is not None:
        raise ConfigurationError("The app's guard has keys of its own: drop --jwks, or --app.")
    return installed_guard(load_app(app))


def _read_environment(jwks: Path | None) -> dict[str, str]:
    if jwks is None:
        return dict(os.environ)
    if not _is_file(jwks):
        raise ConfigurationError(f"{jwks} is not a file: fetch the keys with `cognito-guard jwks pull`.")
    return {**os.environ, "COGNITO_JWKS_FILE": str(jwks)}


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long a name, or one with a NUL in it
        return False


def _print_authorizers(claims: Mapping[str, Any], now: float) -> bool:
    """Print which authorizers would take the token. Return True if the one set up here would."""
    rows = check_with_authorizers(claims, now)
    if os.environ.get(settings.POOL["id"][0]):
        rows[0] = check_with_guard(CognitoGuard.from_env(), claims, now)
        is_taken = rows[0].takes
    else:
        print_hint("COGNITO_USER_POOL_ID is not set: checked against the pool that the token names.")
        is_taken = any(row.takes for row in rows)
    reasons = {row.reason for row in rows}
    if not is_taken and len(reasons) == 1:
        print_text(f"No authorizer would take it: {format_value(reasons.pop())}")
        return False
    table = make_table("Authorizer", "Takes it", "")
    for row in rows:
        add_row(table, row.authorizer, "yes" if row.takes else "no", format_value(row.reason))
    print_table(table)
    return is_taken
