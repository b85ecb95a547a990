"""Cost by what comes with requests: groups in a token, first requests at once, remembered tokens."""

import asyncio
import json
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

from benchmarks.growth.curves import Curve, measure_curve
from fastapi_cognito_guard import CognitoGuard, KeyPolicy, require_group
from fastapi_cognito_guard.claims import Claims
from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.testing.signing_key import unverified_claims
from fastapi_cognito_guard.tokens.cache import TokenCache, VerifiedToken, hash_token
from fastapi_cognito_guard.tokens.clock import Clock
from fastapi_cognito_guard.tokens.key_source import build_key_source

GROUPS = (1, 5, 20, 50, 100, 200)
AT_ONCE = (1, 10, 50, 200, 1000, 2000)
REMEMBERED = (1, 10, 100, 1000, 10_000, 100_000)
_pool = FakeUserPool()
_runner = asyncio.Runner()


def measure() -> Iterator[Curve]:
    """Measure requests."""
    yield measure_curve("groups per token: first use and require_group", GROUPS, _prepare_groups)
    yield measure_curve("concurrent first requests, one fetch: all of them", AT_ONCE, _prepare_at_once)
    yield measure_curve("remembered tokens: finding 100 of them", REMEMBERED, _prepare_remembered)
    yield _measure_memory()


def _prepare_groups(size: int) -> Callable[[], object]:
    guard, names = CognitoGuard(_pool.user_pool(), remember=0), [f"group-{n}" for n in range(size)]
    token, required = _pool.access_token(groups=names), require_group(names[-1])

    async def verify() -> None:
        required.check(await guard.verify(token))

    return lambda: _runner.run(verify())


def _prepare_at_once(size: int) -> Callable[[], object]:
    token, document = _pool.access_token(), json.dumps(_pool.jwks).encode()

    async def send_all() -> None:
        fetches = 0

        async def fetch(address: str) -> bytes:
            nonlocal fetches
            fetches += 1
            await asyncio.sleep(0.05)  # so that all requests wait for it
            return document

        pool = _pool.user_pool(jwks=None)
        guard = CognitoGuard(pool, fetch=fetch)
        await asyncio.gather(*(guard.verify(token) for _ in range(size)))
        if fetches != 1:
            raise AssertionError(f"{fetches} fetches for {size} requests")

    return lambda: _runner.run(send_all())


def _prepare_remembered(size: int) -> Callable[[], object]:
    cache, digests = _fill_cache(size)
    found = digests[:: max(1, size // 100)]
    repeats = -(-100 // len(found))

    def find() -> None:
        for _ in range(repeats):
            for digest in found:
                if cache.find(digest) is None:
                    raise AssertionError("a remembered token was forgotten")

    return find


def _measure_memory() -> Curve:
    """Measure what the entries of a cache and all in them take, by Python's own count."""
    _fill_cache(1)  # imports what it needs
    points = []
    for size in REMEMBERED:
        tracemalloc.start()
        kept = _fill_cache(size)
        points.append((size, float(tracemalloc.get_traced_memory()[0])))
        tracemalloc.stop()
        del kept
    return Curve("remembered tokens: memory of all", "bytes", tuple(points))


def _fill_cache(size: int) -> tuple[TokenCache, list[bytes]]:
    """Fill a cache with entries as a verification makes them, each with claims of its own."""
    guard = CognitoGuard(_pool.user_pool())
    token = _pool.access_token(groups=["admins"])
    kid = _pool.signing_keys["access"].kid
    source = build_key_source(_pool.user_pool(), KeyPolicy(), clock=Clock(), fetch=None)
    key, text = source.find(kid), json.dumps(unverified_claims(token))
    if key is None:
        raise AssertionError("the pool has no such key")
    cache, digests = TokenCache(size), []
    for number in range(size):
        claims: Any = {**json.loads(text), "jti": str(uuid4())}
        principal, start = guard.validator.validate(Claims(claims), "token", guard.now())
        digest = hash_token(f"{number}")
        cache.keep(digest, VerifiedToken(principal, start, len(token), kid, key, source))
        digests.append(digest)
    return cache, digests
