"""Command ``revoke``: write an entry into the list of revoked tokens."""

import asyncio
import time
from typing import Annotated

import typer

from fastapi_cognito_guard.cli.inputs import read_token
from fastapi_cognito_guard.cli.output import ExitCode, format_value, print_hint, print_text
from fastapi_cognito_guard.cli.token_view import decode_token, format_time
from fastapi_cognito_guard.cli.tokens import Token
from fastapi_cognito_guard.errors import ConfigurationError, GuardError
from fastapi_cognito_guard.network_errors import describe_failure
from fastapi_cognito_guard.revocation import Denylist, open_backend

_VARIABLE = "COGNITO_DENYLIST"
_MEANINGS = {
    "jti": "the token with the jti",
    "origin_jti": "all tokens of the sign-in with the origin_jti",
    "sub": "all tokens of sign-ins up to now, of the user (or machine) with the sub",
}


def revoke(
    token: Token = None,
    sub: Annotated[
        str | None,
        typer.Option(help="Revoke all tokens of a user, or of a machine.", show_default=False),
    ] = None,
    origin_jti: Annotated[
        str | None, typer.Option(help="Revoke all tokens of one sign-in.", show_default=False)
    ] = None,
    jti: Annotated[str | None, typer.Option(help="Revoke one token.", show_default=False)] = None,
    backend: Annotated[
        str | None,
        typer.Option(
            envvar=_VARIABLE,
            show_envvar=False,
            show_default=False,
            help=f"dynamodb://REGION/TABLE or redis://HOST:PORT/0. By default {_VARIABLE}.",
        ),
    ] = None,
) -> None:
    """Revoke tokens before they expire: in the list that the app's guard asks.

    Without an option, a token is read, and all tokens of its sign-in are revoked.

    Exits with 0 if the entry is written, 3 if the list cannot be reached.
    """
    if backend is None:
        raise ConfigurationError(f"No list: set {_VARIABLE}, or give --backend redis://HOST:PORT/0.")
    given = {"sub": sub, "origin_jti": origin_jti, "jti": jti}
    named = {name: value for name, value in given.items() if value is not None}
    if len(named) > 1 or (named and token is not None):
        raise ConfigurationError("Give a token, or one of --sub, --origin-jti and --jti.")
    named = named or _read_ids(read_token(token))
    kept = _write(Denylist(open_backend(backend)), named)
    ((name, value),) = named.items()
    print_text(f"Revoked: {_MEANINGS[name]} {format_value(value)}.")
    now = time.time()
    print_text(f"Kept until {format_time(now + kept, now)}.")
    print_hint("Revoke the refresh token at Cognito too, or it brings new tokens.")


def _write(denylist: Denylist, named: dict[str, str]) -> int:
    async def write() -> int:
        return await denylist.revoke(
            jti=named.get("jti"), origin_jti=named.get("origin_jti"), sub=named.get("sub")
        )

    try:
        return asyncio.run(write())
    except GuardError:
        raise
    except Exception as error:
        print_text(f"Not revoked: the list cannot be written ({describe_failure(error)}).")
        raise typer.Exit(ExitCode.UNDECIDED) from None


def _read_ids(token: str) -> dict[str, str]:
    """Return the ``origin_jti`` of a token, or its ``jti`` if it has none. Its signature is not checked."""
    claims = decode_token(token).claims
    for name in ("origin_jti", "jti"):
        value = claims.get(name)
        if isinstance(value, str):
            return {name: value}
    raise ConfigurationError("The token has no origin_jti and no jti: give --sub.")
