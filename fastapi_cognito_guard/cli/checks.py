"""What ``doctor`` looks at besides routes: settings, keys, and the clock."""

import asyncio
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import httpx

from fastapi_cognito_guard.cli.jwks import CannotFetch, fetch
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.pool import AnyClient, KeyPolicy, UserPool
from fastapi_cognito_guard.tokens.clock import Clock
from fastapi_cognito_guard.tokens.key_source import build_key_source

_SKEW = 2.0  # seconds: HTTP dates have no fractions, and answers take their time
_TIMEOUT = 5.0


class Check(NamedTuple):
    """One thing that was looked at."""

    ok: bool
    what: str


def pool_settings(guard: CognitoGuard) -> Iterator[Check]:
    """The settings that decide, as they are understood."""
    for pool in guard.pools:
        clients = "any app client" if isinstance(pool.client_ids, AnyClient) else _listed(pool.client_ids)
        yield Check(
            True, f"pool {pool.id}, of {clients}, taking {' and '.join(sorted(pool.token_use))} tokens"
        )
        if pool.issuer is not None:
            yield Check(True, f"issuer {pool.issuer}")
    yield Check(True, f'semantics="{guard.semantics}", gateway="{guard.gateway}"')


def keys(pool: UserPool, now: Callable[[], float]) -> Iterator[Check]:
    """Whether the pool's keys can be had, and this machine's clock is right."""
    if pool.jwks is not None:
        status = build_key_source(pool, KeyPolicy(), clock=Clock(), fetch=None)
        usable = asyncio.run(status.warm_up())
        kids = len(status.status()["kids"])
        yield Check(
            usable, f"{kids} keys given with the settings" if usable else "no usable key is in the file"
        )
        return
    try:
        fetched = fetch(pool.keys_address)
    except CannotFetch as error:
        yield Check(False, f"they cannot be had: {error}")
        return
    yield Check(True, f"{fetched.usable} keys, fetched in {fetched.took * 1000:.0f} ms")
    yield clock(pool.keys_address, now)


def clock(address: str, now: Callable[[], float]) -> Check:
    """Whether this machine and the server at an address agree on the time."""
    try:
        proxied = address.startswith("https:")
        answer = httpx.get(address, timeout=_TIMEOUT, trust_env=proxied)
        ahead = now() - parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (httpx.HTTPError, KeyError, ValueError):
        return Check(True, "the server does not say what time it is")
    if abs(ahead) <= _SKEW:
        return Check(True, "the clock is right")
    return Check(
        False,
        f"this machine's clock is {abs(ahead):.0f} s {'ahead' if ahead > 0 else 'behind'}: set it by NTP, "
        "or allow for that with leeway",
    )


def _listed(clients: object) -> str:
    names = sorted(clients) if isinstance(clients, frozenset) else []
    return f"app client{'s' if len(names) > 1 else ''} {', '.join(names)}"
