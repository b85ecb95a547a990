"""Cost by the number of pools, tenants and keys."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.growth.curves import Curve, measure_curve
from benchmarks.growth.routes import build_app
from fastapi_cognito_guard import CognitoGuard, UserPool
from fastapi_cognito_guard.directory import PoolDirectory
from fastapi_cognito_guard.errors import AuthError
from fastapi_cognito_guard.matrix.table import build_matrix
from fastapi_cognito_guard.testing import FakeUserPool

POOLS = (1, 5, 20, 100, 250, 500)
TENANTS = (1, 10, 100, 500, 2000, 5000)
KEYS = (1, 3, 10, 30, 60, 100)
_ROUTES = 20  # of the app whose matrix is computed
_pool, _stranger = FakeUserPool(), FakeUserPool()
_KEYS = _pool.jwks
_runner = asyncio.Runner()


def measure() -> Iterator[Curve]:
    """Measure guards of several pools."""
    yield measure_curve("pools: making a guard", POOLS, lambda size: lambda: CognitoGuard(*_make_pools(size)))
    yield measure_curve("pools: first use of a token", POOLS, _prepare_token)
    yield measure_curve("pools: refusing an unknown kid", POOLS, _prepare_unknown)
    yield measure_curve(f"pools: matrix of {_ROUTES} routes behind a REST API", POOLS, _prepare_matrix)
    yield measure_curve("tenants: first tokens of all", TENANTS, _prepare_tenants)
    yield measure_curve("keys: making a guard, and its first token", KEYS, _prepare_first_token)
    yield measure_curve("keys: first use of a token", KEYS, _prepare_keys)


def _make_pool(number: int, keys: dict[str, Any] | None = None) -> UserPool:
    return UserPool(f"eu-west-1_Pool{number:05}", client_ids={_pool.client_id}, jwks=keys or _KEYS)


def _make_pools(size: int) -> list[UserPool]:
    return [_make_pool(number) for number in range(size)]


def _make_token(number: int) -> str:
    return _pool.access_token(claims={"iss": _make_pool(number).issuers[0]})


def _prepare_token(size: int) -> Callable[[], object]:
    guard, token = CognitoGuard(*_make_pools(size), remember=0), _make_token(size - 1)
    return lambda: _runner.run(guard.verify(token))


def _prepare_unknown(size: int) -> Callable[[], object]:
    guard, token = CognitoGuard(*_make_pools(size)), _stranger.access_token()

    async def refuse() -> None:
        try:
            await guard.verify(token)
        except AuthError:
            return
        raise AssertionError("a token of no pool was accepted")

    return lambda: _runner.run(refuse())


def _prepare_matrix(size: int) -> Callable[[], object]:
    app = build_app(_ROUTES, guard=CognitoGuard(*_make_pools(size)))
    return lambda: build_matrix(app, door="rest")


_tokens: list[str] = []


def _prepare_tenants(size: int) -> Callable[[], object]:
    _tokens.extend(_make_token(number) for number in range(len(_tokens), size))
    pools = {pool.id: pool for pool in _make_pools(size)}

    async def find(issuer: str) -> UserPool | None:
        return pools.get(issuer.rpartition("/")[2])

    async def verify_all() -> None:
        guard = CognitoGuard(pools=PoolDirectory(find, remember=size), remember=0)
        for token in _tokens[:size]:
            await guard.verify(token)

    return lambda: _runner.run(verify_all())


def _make_guard_with_keys(size: int) -> CognitoGuard:
    """Make a guard of a pool with so many keys. The last ones are the pool's own."""
    own = _KEYS["keys"]
    others = [{**own[0], "kid": f"other-{number}"} for number in range(size - 1)]
    used = next(key for key in own if key["kid"] == _pool.signing_keys["access"].kid)
    return CognitoGuard(_make_pool(0, {"keys": [*others, used]}), remember=0)


def _prepare_first_token(size: int) -> Callable[[], object]:
    token = _make_token(0)
    return lambda: _runner.run(_make_guard_with_keys(size).verify(token))


def _prepare_keys(size: int) -> Callable[[], object]:
    guard, token = _make_guard_with_keys(size), _make_token(0)
    _runner.run(guard.verify(token))  # builds the keys
    return lambda: _runner.run(guard.verify(token))
