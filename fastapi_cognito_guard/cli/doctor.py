"""``doctor``: whether all is in place, and what to do where it is not."""

import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from fastapi_cognito_guard import settings
from fastapi_cognito_guard.app.routes import list_routes
from fastapi_cognito_guard.audit import audit
from fastapi_cognito_guard.cli import exits
from fastapi_cognito_guard.cli.checks import Check, keys, pool_settings
from fastapi_cognito_guard.cli.inputs import load_app
from fastapi_cognito_guard.cli.output import add, err, say, show, shown, table
from fastapi_cognito_guard.cli.routes import App
from fastapi_cognito_guard.cli.versions import jose_backend, versions
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.guard import CognitoGuard, installed_guard

if TYPE_CHECKING:
    from fastapi import FastAPI


def doctor(app: App = None) -> None:
    """Check versions, settings, keys, clock, and the app's routes.

    Without APP: the settings of this environment (COGNITO_...). Exits with 1 if something is wrong.
    """
    found = list(_versions())
    _show("Versions", found)
    loaded = load_app(app) if app is not None else None
    for title, checks in _sections(loaded):
        with err.status(f"Looking at {title.lower()}"):
            done = list(checks)
        _show(title, done)
        found += done
    wrong = sum(not check.ok for check in found)
    say("All is well." if not wrong else f"{wrong} thing{'s' if wrong > 1 else ''} to look at.", style="bold")
    raise typer.Exit(exits.NO if wrong else exits.OK)


def _sections(app: "FastAPI | None") -> Iterator[tuple[str, Iterator[Check]]]:
    try:
        guard = CognitoGuard.from_env() if app is None else installed_guard(app)
    except ConfigurationError as error:
        is_missing = app is None and not os.environ.get(settings.POOL["id"][0])
        hint = " Or name your app: cognito-guard doctor main:app." if is_missing else ""
        yield "Settings", iter([Check(False, f"{error}{hint}")])
        return
    yield "Settings", pool_settings(guard)
    for pool in guard.pools:
        yield f"Keys of {pool.id}", keys(pool, time.time)
    if app is not None:
        yield "Routes", _routes(app)


def _versions() -> Iterator[Check]:
    known = versions()
    yield Check(True, f"fastapi-cognito-guard {known['fastapi-cognito-guard']}, Python {known['python']}")
    yield Check(True, f"FastAPI {known['fastapi']}, Starlette {known['starlette']}, Mangum {known['mangum']}")
    backend = jose_backend()
    advice = "" if backend == "cryptography" else ': slow; pip install "python-jose[cryptography]"'
    yield Check(
        not advice,
        f"python-jose {known['python-jose']}, verifying with {backend} {known['cryptography']}{advice}",
    )


def _routes(app: "FastAPI") -> Iterator[Check]:
    guarded = sum(demand.guarded for demand in list_routes(app))
    yield Check(True, f"{guarded} ask who is calling (cognito-guard routes lists them)")
    for finding in audit(app):
        yield Check(False, str(finding))


def _show(title: str, checks: list[Check]) -> None:
    say(title, style="bold")
    listing = table("", "")
    listing.show_header = False
    for check in checks:
        add(listing, "  ok" if check.ok else "  !!", shown(check.what))
    show(listing)
    say()
