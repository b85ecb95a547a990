"""Sources of keys that run as they are: this package's, and PyJWT's. Each answers 200, 401 or 503."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from random import Random
from types import SimpleNamespace
from typing import Any, Protocol

from benchmarks.fleet.world import Endpoint, Throttled, VirtualTime, build_pools
from fastapi_cognito_guard import KeyPolicy, UserPool
from fastapi_cognito_guard.errors import KeysUnavailable, KeyUnknown
from fastapi_cognito_guard.tokens.fetch import FetchFailed
from fastapi_cognito_guard.tokens.key_source import build_key_source
from fastapi_cognito_guard.tokens.remote_keys import RemoteKeys

_POOL = UserPool("eu-west-1_Abc123Xyz", client_ids={"4b1example"})


class Keys(Protocol):
    """The keys of one environment or worker."""

    async def ask(self, kid: str) -> int:
        """Return the status of a request with a good token of this key."""
        ...


Build = Callable[[VirtualTime, Endpoint, Random], Keys]
"""Makes the keys of a new environment."""


class GuardKeys:
    """The key source that the guard builds for a pool, with its clock, fetch and jitter as arguments."""

    def __init__(
        self, time: VirtualTime, endpoint: Endpoint, policy: KeyPolicy, jitter: Callable[[], float]
    ) -> None:
        async def fetch(address: str) -> Mapping[str, Any]:
            try:
                return endpoint.fetch()
            except Throttled:
                raise FetchFailed("it answered 429") from None

        self._source = RemoteKeys(_POOL.keys_address, policy, fetch=fetch, clock=time.clock(), jitter=jitter)
        self._seen = self._source.status()

    async def ask(self, kid: str) -> int:
        """Return the status, once the fetch that the request starts has ended."""
        if self._source.find(kid) is not None:
            return 200
        try:
            await self._source.get(kid)
        except KeyUnknown:
            return 401
        except KeysUnavailable:
            return 503
        finally:
            await self._wait_for_fetch()
        return 200

    async def _wait_for_fetch(self) -> None:
        """Wait for a fetch in the background, during which virtual time stands still."""
        for _ in range(10_000):
            status = self._source.status()
            if status["fetches"] == self._seen["fetches"] or self._is_over(status):
                self._seen = status
                return
            await asyncio.sleep(0.001)
        raise TimeoutError

    def _is_over(self, status: Mapping[str, Any]) -> bool:
        return bool(status["age"] == 0 or status["failures"] > self._seen["failures"])


def build_guard(*, spread: float = 1.0, **settings: float) -> Build:
    """Return the guard's policy. ``spread``: the part of the jitter to use; 0 is without jitter."""
    policy = KeyPolicy(**settings)
    return lambda time, endpoint, random: GuardKeys(time, endpoint, policy, lambda: spread * random.random())


class MappingKeys:
    """The keys from a mapping, or a file: nothing is fetched while the app runs."""

    def __init__(self, time: VirtualTime, endpoint: Endpoint, random: Random) -> None:
        pool = UserPool(_POOL.id, client_ids=_POOL.client_ids, jwks=build_pools()[0].jwks)
        self._source = build_key_source(pool, KeyPolicy(), clock=time.clock(), fetch=None)

    async def ask(self, kid: str) -> int:
        """Return the status of a request with a good token of this key."""
        try:
            await self._source.get(kid)
        except KeyUnknown:
            return 401
        return 200


class PyJwtKeys:
    """`jwt.PyJWKClient`. A fetch or a key that fails is 401, as of a recipe that catches `PyJWTError`."""

    def __init__(self, time: VirtualTime, endpoint: Endpoint, random: Random) -> None:
        from jwt import PyJWKClient
        from jwt.exceptions import PyJWKClientConnectionError

        class Client(PyJWKClient):
            def fetch_data(self) -> Any:
                try:
                    document = endpoint.fetch()
                except Exception as error:
                    raise PyJWKClientConnectionError("no keys") from error
                # The caller puts it into the cache. The rest is as in the method that this one replaces.
                self._last_successful_fetch = time.now
                return dict(document)

        self._client = Client(_POOL.keys_address)

    async def ask(self, kid: str) -> int:
        """Return the status of a request with a good token of this key."""
        from jwt.exceptions import PyJWTError

        try:
            self._client.get_signing_key(kid)
        except PyJWTError:
            return 401
        return 200


@contextmanager
def moving_pyjwt(time: VirtualTime) -> Iterator[None]:
    """Give PyJWT's three modules this time: its classes take no clock as an argument."""
    try:
        from jwt import api_jwk, jwk_set_cache, jwks_client
    except ImportError:
        yield
        return
    modules: tuple[Any, ...] = (api_jwk, jwk_set_cache, jwks_client)
    before = [module.time for module in modules]
    for module in modules:
        module.time = SimpleNamespace(monotonic=time.read)
    try:
        yield
    finally:
        for module, real in zip(modules, before, strict=True):
            module.time = real
