"""Sources of a pool's public keys."""

from collections.abc import Mapping
from typing import Any, Protocol

from fastapi_cognito_guard.pool import KeyPolicy, UserPool
from fastapi_cognito_guard.tokens.clock import Clock
from fastapi_cognito_guard.tokens.fetch import Fetch, fetch_over_https
from fastapi_cognito_guard.tokens.jwks import PublicKey
from fastapi_cognito_guard.tokens.remote_keys import RemoteKeys
from fastapi_cognito_guard.tokens.static_keys import FileKeys, MappingKeys


class KeySource(Protocol):
    """A source of one pool's keys: an address, a file or a mapping."""

    def find(self, kid: str) -> PublicKey | None:
        """Return the key with this kid if it is at hand. Never waits."""
        ...

    def lacks(self, kid: str) -> bool:
        """Return True if the pool is known to lack this key, and will be for a while."""
        ...

    async def get(self, kid: str, *, patience: float = 0.0) -> PublicKey:
        """Return the key with this kid. Raises `KeyUnknown` or `KeysUnavailable`."""
        ...

    async def warm_up(self) -> bool:
        """Get the keys ahead of the first request. Return True if there are usable ones."""
        ...

    def status(self) -> dict[str, Any]:
        """Return facts for a readiness check."""
        ...


def build_key_source(pool: UserPool, policy: KeyPolicy, *, clock: Clock, fetch: Fetch | None) -> KeySource:
    """Build the key source that a pool's settings name. Raises `ConfigurationError`."""
    if pool.jwks is None:
        return RemoteKeys(pool.keys_address, policy, fetch=fetch or fetch_over_https, clock=clock)
    if isinstance(pool.jwks, Mapping):
        return MappingKeys(pool.jwks)
    return FileKeys(pool.jwks, clock)
