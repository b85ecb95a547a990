"""Revoked tokens in Redis, or in a server that speaks its protocol."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.extras import format_install
from fastapi_cognito_guard.revocation.backends import CALLS_AT_ONCE, TIMEOUT
from fastapi_cognito_guard.worker_threads import WorkerThreads

if TYPE_CHECKING:
    from redis import Redis

_PREFIX = "cognito-guard:revoked:"

# The later of two times wins, and so does the later end.
_ADD = """
local known = tonumber(redis.call('GET', KEYS[1])) or 0
local seconds = math.max(redis.call('TTL', KEYS[1]), tonumber(ARGV[2]))
local not_before = string.format('%d', math.max(known, tonumber(ARGV[1])))
redis.call('SET', KEYS[1], not_before, 'EX', seconds)
"""


class RedisBackend:
    """Entries in Redis, under keys that begin with ``cognito-guard:revoked:``.

    ``server``  its address, ``redis://`` or ``rediss://``, or a client of your own: ``redis.Redis``, not
                that of ``redis.asyncio``, which belongs to one event loop. The client that is made by
                default waits a second for an answer, and asks at most twice

    Needs the extra ``redis``. Raises `ConfigurationError` for anything else.
    """

    def __init__(self, server: "str | Redis") -> None:
        self._client = _make_client(server)
        self._threads = WorkerThreads("cognito-revocation", CALLS_AT_ONCE)

    async def add(self, key: str, not_before: int, seconds: int) -> None:
        """Keep an entry for at least ``seconds``."""
        await self._threads.run(partial(self._client.eval, _ADD, 1, _PREFIX + key, not_before, seconds))

    async def find(self, keys: Iterable[str]) -> Mapping[str, int]:
        """Return the entries that exist."""
        return await self._threads.run(partial(self._read, list(keys)))

    def _read(self, keys: list[str]) -> Mapping[str, int]:
        # One command for each key, because a cluster takes no command for keys of several nodes.
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            pipeline.get(_PREFIX + key)
        values = pipeline.execute()
        return {key: int(value) for key, value in zip(keys, values, strict=True) if value is not None}


def _make_client(server: object) -> Any:
    try:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        raise ConfigurationError(f"Install the extra: {format_install('redis')}.") from None
    if isinstance(server, redis.Redis | redis.RedisCluster):
        return server
    try:
        if not isinstance(server, str):
            raise ValueError
        return redis.Redis.from_url(
            server,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 1),
        )
    except ValueError:
        raise ConfigurationError(
            "Give the address of the server, redis://host:6379/0 or rediss://..., or a redis.Redis.",
            setting="server",
        ) from None
