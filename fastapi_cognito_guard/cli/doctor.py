"""Command ``doctor``: check versions, settings, keys, clock and routes, and advise on each problem."""

import asyncio
import os
import platform
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, NamedTuple

import typer

from fastapi_cognito_guard import settings
from fastapi_cognito_guard.app.routes import list_routes
from fastapi_cognito_guard.audit import audit
from fastapi_cognito_guard.cli.inputs import App, load_app
from fastapi_cognito_guard.cli.jwks import CannotFetch, fetch_keys
from fastapi_cognito_guard.cli.output import (
    ExitCode,
    add_row,
    err,
    format_value,
    make_table,
    print_table,
    print_text,
)
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.guard import CognitoGuard, installed_guard
from fastapi_cognito_guard.network_errors import describe_failure
from fastapi_cognito_guard.pool import ANY_BOUND_CLIENT, AnyClient, KeyPolicy, UserPool
from fastapi_cognito_guard.tokens.clock import Clock
from fastapi_cognito_guard.tokens.key_source import build_key_source

if TYPE_CHECKING:
    from fastapi import FastAPI

_MAX_SKEW = 2.0  # seconds: HTTP dates have no fractions, and the answer takes time
_TIMEOUT = 5.0  # seconds


class Check(NamedTuple):
    """Result of one check."""

    ok: bool
    text: str


def doctor(app: App = None) -> None:
    """Check versions, settings, keys, clock, and the app's routes.

    Without APP: check this environment's settings (COGNITO_...). Exits with 1 if there is a problem.
    """
    found = list(_check_versions())
    _print_section("Versions", found)
    loaded = load_app(app) if app is not None else None
    for title, checks in _list_sections(loaded):
        with err.status(f"Checking: {title.lower()}"):
            done = list(checks)
        _print_section(title, done)
        found += done
    problems = sum(not check.ok for check in found)
    summary = f"{problems} problem{'s' if problems > 1 else ''} found." if problems else "No problems found."
    print_text(summary, style="bold")
    raise typer.Exit(ExitCode.NO if problems else ExitCode.YES)


def check_keys(pool: UserPool, now: Callable[[], float]) -> Iterator[Check]:
    """Check that the pool's keys can be loaded, and the clock of this machine."""
    if pool.jwks is not None:
        source = build_key_source(pool, KeyPolicy(), clock=Clock(), fetch=None)
        is_usable = asyncio.run(source.warm_up())
        count = len(source.status()["kids"])
        yield Check(is_usable, f"{count} keys in the settings" if is_usable else "the file has no usable key")
        return
    try:
        fetched = fetch_keys(pool.keys_address)
    except CannotFetch as error:
        yield Check(False, f"the keys cannot be fetched: {error}")
        return
    yield Check(True, f"{fetched.usable} keys, fetched in {fetched.seconds * 1000:.0f} ms")
    yield check_clock(pool.keys_address, now)


def check_clock(address: str, now: Callable[[], float]) -> Check:
    """Compare the clock of this machine with the ``Date`` header of a server."""
    import httpx

    try:
        is_remote = address.startswith(
            "https:"
        )  # plain http is loopback or an emulator: no proxy reaches them
        response = httpx.get(address, timeout=_TIMEOUT, trust_env=is_remote)
    except Exception as error:  # also an OSError or a ValueError of a proxy or certificate setting
        return Check(True, f"the clock was not checked: no answer ({describe_failure(error)})")
    try:
        ahead = now() - parsedate_to_datetime(response.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return Check(True, "the clock was not checked: the server sends no Date header")
    if abs(ahead) <= _MAX_SKEW:
        return Check(True, "the clock is right")
    return Check(
        False,
        f"this machine's clock is {abs(ahead):.0f} s {'ahead' if ahead > 0 else 'behind'}: set it by NTP, "
        "or allow for that with leeway",
    )


def read_version(package: str) -> str:
    """Return the version of an installed package, or ``not installed``."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _check_versions() -> Iterator[Check]:
    own, fastapi, starlette, mangum, jose, cryptography = map(
        read_version,
        ("fastapi-cognito-guard", "fastapi", "starlette", "mangum", "python-jose", "cryptography"),
    )
    yield Check(True, f"fastapi-cognito-guard {own}, Python {platform.python_version()}")
    yield Check(True, f"FastAPI {fastapi}, Starlette {starlette}, Mangum {mangum}")
    backend = _find_jose_backend()
    advice = "" if backend == "cryptography" else ': slow; pip install "python-jose[cryptography]"'
    yield Check(not advice, f"python-jose {jose}, verifying with {backend} {cryptography}{advice}")


def _find_jose_backend() -> str:
    """Return the name of the library that verifies signatures."""
    from jose import backends

    return str(backends.RSAKey.__module__).rpartition(".")[2].removesuffix("_backend")


def _list_sections(app: "FastAPI | None") -> Iterator[tuple[str, Iterator[Check]]]:
    try:
        guard = CognitoGuard.from_env() if app is None else installed_guard(app)
    except ConfigurationError as error:
        is_unset = app is None and not os.environ.get(settings.POOL["id"][0])
        hint = " Or name your app: cognito-guard doctor main:app." if is_unset else ""
        yield "Settings", iter([Check(False, f"{error}{hint}")])
        return
    yield "Settings", _check_settings(guard)
    for pool in guard.pools:
        yield f"Keys of {pool.id}", check_keys(pool, time.time)
    if app is not None:
        yield "Routes", _check_routes(app)


def _check_settings(guard: CognitoGuard) -> Iterator[Check]:
    for pool in guard.pools:
        uses = " and ".join(sorted(pool.token_use))
        yield Check(True, f"pool {pool.id} takes {uses} tokens of {_format_clients(pool)}")
        if pool.issuer is not None:
            yield Check(True, f"issuer {pool.issuer}")
        if pool.http_hosts:
            hosts = ", ".join(sorted(pool.http_hosts))
            yield Check(True, f"plain http to {hosts}: for emulators only, never where tokens matter")
    yield Check(True, f'semantics="{guard.semantics}", gateway="{guard.gateway}"')
    for given, meant in settings.find_misspelt(os.environ).items():
        yield Check(False, f"{given} is no variable of the guard: is {meant} meant?")


def _format_clients(pool: UserPool) -> str:
    if isinstance(pool.client_ids, AnyClient):
        return "any app client" + (f", for {pool.resource}" if pool.client_ids is ANY_BOUND_CLIENT else "")
    names = sorted(pool.client_ids)
    return f"app client{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _check_routes(app: "FastAPI") -> Iterator[Check]:
    guarded = sum(route.guarded for route in list_routes(app))
    yield Check(True, f"{guarded} guarded routes (cognito-guard routes lists them)")
    for finding in audit(app):
        yield Check(False, str(finding))


def _print_section(title: str, checks: list[Check]) -> None:
    print_text(title, style="bold")
    table = make_table("", "")
    table.show_header = False
    for check in checks:
        add_row(table, "  ok" if check.ok else "  !!", format_value(check.text))
    print_table(table)
    print_text()
