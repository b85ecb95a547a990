"""``inspect`` and ``verify``: what a token says, and whether that is so."""

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from fastapi_cognito_guard import settings
from fastapi_cognito_guard.cli import exits
from fastapi_cognito_guard.cli.authorizer_table import verdict_of, verdicts
from fastapi_cognito_guard.cli.inputs import load_app, read_token
from fastapi_cognito_guard.cli.output import add, err, facts, note, say, show, shown, table
from fastapi_cognito_guard.cli.token_view import look, rows, title
from fastapi_cognito_guard.errors import AuthError, ConfigurationError, KeysUnavailable
from fastapi_cognito_guard.guard import CognitoGuard, installed_guard

Token = Annotated[
    str | None,
    typer.Argument(
        metavar="[TOKEN|-]",
        help="- is standard input. Without it: COGNITO_TOKEN, or standard input.",
        show_default=False,
    ),
]


def inspect(token: Token = None) -> None:
    """Show what a token says, and which authorizers would take it. Offline; proves nothing.

    Exits with 0 if the guard of this environment's settings (COGNITO_...) would; without settings, if
    any of them would. Else with 1.
    """
    seen = look(read_token(token))
    now = time.time()
    if not seen.claims:
        say(f"This is no token that could be read: {seen.problem}")
        raise typer.Exit(exits.NO)
    say(title(seen.claims), style="bold")
    say("as it says itself: its signature was not looked at")
    say()
    algorithm = f"{shown(seen.header.get('alg'))}, key {shown(seen.header.get('kid'))}"
    facts([*rows(seen.claims, now), ("signed with", algorithm)])
    say()
    if seen.problem is not None:
        say(f"No authorizer would take it: {seen.problem}")
        raise typer.Exit(exits.NO)
    raise typer.Exit(exits.OK if _judged(seen.claims, now) else exits.NO)


def verify(
    token: Token = None,
    jwks: Annotated[
        Path | None, typer.Option(help="A file with the pool's keys: nothing is fetched.", show_default=False)
    ] = None,
    app: Annotated[
        str | None,
        typer.Option(metavar="APP", help="Verify it as this app's guard does.", show_default=False),
    ] = None,
) -> None:
    """Verify a token as an app with this environment's settings (COGNITO_...) does.

    Exits with 0 for a good token, 1 for one that is refused, 3 if the keys cannot be had.
    """
    given = read_token(token)
    if app is not None and jwks is not None:
        raise ConfigurationError("The app's guard has keys of its own: drop --jwks, or --app.")
    guard = installed_guard(load_app(app)) if app is not None else CognitoGuard.from_env(_with_keys(jwks))
    try:
        with err.status("Looking at the pool's keys"):
            principal = asyncio.run(guard.verify(given))
    except KeysUnavailable as error:
        say(f"Not decided: {error.reason}")
        raise typer.Exit(exits.UNDECIDED) from None
    except AuthError as error:
        say(f"Refused ({error.code}): {error.reason}")
        raise typer.Exit(exits.NO) from None
    say(f"Good. {title(principal.claims)}", style="bold")
    say()
    facts(rows(principal.claims, time.time()))


def _with_keys(jwks: Path | None) -> dict[str, str]:
    if jwks is None:
        return dict(os.environ)
    if not _is_file(jwks):
        raise ConfigurationError(f"{jwks} is no file: get the keys with `cognito-guard jwks pull`.")
    return {**os.environ, "COGNITO_JWKS_FILE": str(jwks)}


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long a name, or one with a NUL in it
        return False


def _judged(claims: Mapping[str, Any], now: float) -> bool:
    """Shows who would take the token. Whether the one that matters here would."""
    gateways = verdicts(claims, now)
    if os.environ.get(settings.POOL["id"][0]):
        found = [verdict_of(CognitoGuard.from_env(), claims, now), *gateways[1:]]
        answer = found[0].takes
    else:
        note("No COGNITO_USER_POOL_ID here: judged as if the token's own pool were yours.")
        found = gateways
        answer = any(verdict.takes for verdict in found)
    reasons = {verdict.why for verdict in found}
    if not answer and len(reasons) == 1:
        say(f"No authorizer would take it: {shown(reasons.pop())}")
        return False
    listing = table("Who would take it", "", "")
    for verdict in found:
        add(listing, verdict.who, "yes" if verdict.takes else "no", shown(verdict.why))
    show(listing)
    return answer
