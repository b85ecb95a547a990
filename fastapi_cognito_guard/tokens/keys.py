"""A pool's public keys: fetched once, kept, shared, refreshed. The only importer of jose and httpx.

Both are imported when they are first needed: a caller whom the gateway has vouched for needs neither.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from math import ceil
from pathlib import Path
from ssl import SSLContext
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from fastapi_cognito_guard.errors import KeysUnavailable, KeyUnknown, TokenMalformed
from fastapi_cognito_guard.pool import KeyPolicy, UserPool
from fastapi_cognito_guard.tokens.jwt import decode_base64url

if TYPE_CHECKING:
    from jose.backends.base import Key

Fetch = Callable[[str], Awaitable[bytes]]
"""Gets the body of the key document at an https address, or raises."""

_MAX_BODY = 64 * 1024
_MAX_KEYS = 100
_MAX_BACKOFF = 30.0
_MIN_MODULUS_BITS = 2048  # RFC 7518 section 3.3


class KeySet:
    """The keys of one pool. Shared by all tasks and event loops that use the guard."""

    def __init__(
        self, pool: UserPool, policy: KeyPolicy, *, now: Callable[[], float], fetch: Fetch | None = None
    ) -> None:
        self._pool = pool
        self._policy = policy
        self._now = now
        self._fetch = fetch or fetch_over_https
        self._keys: Mapping[str, Key] = {}
        self._fetched_at: float | None = None
        self._failures = 0
        self._last_error: str | None = None
        self._no_fetch_before = 0.0
        self._flights: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[None]] = WeakKeyDictionary()

    async def key(self, kid: str) -> "Key":
        """The key with exactly this ``kid``.

        Raises `KeyUnknown` when the pool has none, `KeysUnavailable` when that cannot be found out.
        """
        if kid not in self._keys or not self._is_fresh():
            await self._refresh()
        key = self._keys.get(kid) if self._is_usable() else None
        if key is not None:
            return key
        if self._failures:
            raise KeysUnavailable(
                f"the keys of {self._pool.id} cannot be had ({self._last_error}): "
                "check the network path from this machine to the pool's JWKS address.",
                retry_after=ceil(self._no_fetch_before - self._now()),
            )
        raise KeyUnknown("no key of the pool has the token's kid: is the token of this pool, or too old?")

    async def warm_up(self) -> bool:
        """Fetch the keys unless they are fresh. True if there are usable keys afterwards."""
        if not self._is_fresh():
            await self._refresh()
        return self._is_usable()

    def status(self) -> dict[str, Any]:
        """Facts for a readiness check: key ids, age in seconds, and what the last failure was."""
        return {
            "pool": self._pool.id,
            "kids": sorted(self._keys),
            "age": None if self._fetched_at is None else self._age(),
            "fresh": self._is_fresh(),
            "failures": self._failures,
            "last_error": self._last_error,
        }

    def _age(self) -> float:
        """Seconds since the keys were fetched. A clock set back makes them old, never young."""
        age = self._now() - self._fetched_at if self._fetched_at is not None else float("inf")
        return age if age >= 0 else float("inf")

    def _is_fresh(self) -> bool:
        return self._age() < self._policy.max_age

    def _is_usable(self) -> bool:
        return self._age() < self._policy.max_age + self._policy.max_stale

    async def _refresh(self) -> None:
        """Fetch, together with whoever else waits on this event loop; not before the last gap has passed."""
        loop = asyncio.get_running_loop()
        flight = self._flights.get(loop)
        if flight is None or flight.done():
            if self._now() < self._no_fetch_before:
                return
            flight = self._flights[loop] = loop.create_task(self._load())
        # A request that is cancelled must not take the others' fetch with it.
        await asyncio.shield(flight)

    async def _load(self) -> None:
        try:
            async with asyncio.timeout(self._policy.timeout):
                keys = read_keys(await self._document())
        except Exception as error:  # whatever a key server can do to us is one and the same: no keys
            self._last_error = type(error).__name__
            gap = min(self._policy.backoff * 2 ** min(self._failures, 10), _MAX_BACKOFF)
            self._failures += 1
        else:
            self._keys, self._fetched_at = keys, self._now()
            self._last_error, self._failures = None, 0
            gap = self._policy.cooldown
        self._no_fetch_before = self._now() + gap

    async def _document(self) -> object:
        jwks = self._pool.jwks
        if jwks is None:
            return json.loads(await self._fetch(self._pool.keys_address))
        if isinstance(jwks, Mapping):
            return jwks
        return json.loads(await asyncio.to_thread(Path(jwks).read_bytes))


def read_keys(document: object) -> dict[str, "Key"]:
    """The usable keys of a JWK set (RFC 7517), by kid. Raises `ValueError` where there is none."""
    entries = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(entries, list) or len(entries) > _MAX_KEYS:
        raise ValueError("not a JWK set")
    usable = [entry for entry in entries if _is_usable(entry)]
    kids = [entry["kid"] for entry in usable]
    keys = {entry["kid"]: _build(entry) for entry in usable if kids.count(entry["kid"]) == 1}
    if not keys:
        raise ValueError("no usable key")
    return keys


async def fetch_over_https(address: str) -> bytes:
    """GET, without redirects, a body of at most 64 KiB."""
    import httpx

    body = b""
    async with (
        httpx.AsyncClient(verify=_ssl_context(), follow_redirects=False) as client,
        client.stream("GET", address, headers={"accept-encoding": "identity"}) as response,
    ):
        if response.status_code != 200:
            raise ValueError(f"status {response.status_code}")
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > _MAX_BODY:
                raise ValueError("too long")
    return body


@cache
def _ssl_context() -> SSLContext:
    """Built once and only when needed: it costs more than everything else in a fetch."""
    import httpx

    return httpx.create_ssl_context()


def _is_usable(entry: object) -> bool:
    """A public RS256 verification key of 2048 bits or more, and nothing else."""
    if not isinstance(entry, Mapping) or entry.get("kty") != "RSA" or "d" in entry:
        return False
    kid = entry.get("kid")
    if not isinstance(kid, str) or not kid:
        return False
    if entry.get("use", "sig") != "sig" or entry.get("alg", "RS256") != "RS256":
        return False
    return _integer(entry.get("n")).bit_length() >= _MIN_MODULUS_BITS and _integer(entry.get("e")) == 65537


def _integer(text: object) -> int:
    """A Base64urlUInt (RFC 7518 section 2); 0 for anything else."""
    try:
        return int.from_bytes(decode_base64url(text.encode("ascii")), "big") if isinstance(text, str) else 0
    except (TokenMalformed, UnicodeEncodeError):
        return 0


def _build(entry: Mapping[str, Any]) -> "Key":
    """Once per key: building one costs more than a verification with it."""
    from jose import jwk

    return jwk.construct({name: entry[name] for name in ("kty", "n", "e")}, algorithm="RS256")
