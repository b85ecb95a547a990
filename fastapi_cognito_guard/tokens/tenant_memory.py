"""Memory of what a directory of pools has said: tenants, and refusals."""

from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi_cognito_guard.forks import reset_in_children
from fastapi_cognito_guard.pool import UserPool
from fastapi_cognito_guard.tokens.clock import Clock, Moment
from fastapi_cognito_guard.tokens.jwks import PublicKey
from fastapi_cognito_guard.tokens.key_source import KeySource

if TYPE_CHECKING:
    from cachetools import LRUCache


class Tenant:
    """A pool that the directory has named, and the source of its keys.

    Its keys are at hand as long as the pool counts without asking again, so that a token in the cache is not
    accepted for longer.
    """

    def __init__(self, pool: UserPool, keys: KeySource, *, keep: float, clock: Clock) -> None:
        """``keep``: seconds for which the pool counts."""
        self.pool = pool
        self.issuers = frozenset(pool.issuers)
        self._keys = keys
        self._keep = keep
        self._clock = clock
        self._named = clock.now()

    @property
    def age(self) -> float:
        """Seconds since the directory has named the pool."""
        return self._clock.since(self._named)

    def confirm(self) -> None:
        """Let the pool count from now on."""
        self._named = self._clock.now()

    def find(self, kid: str) -> PublicKey | None:
        """Return the key with this kid if it is at hand, and the pool counts. Never waits."""
        return self._keys.find(kid) if self.age < self._keep else None

    def lacks(self, kid: str) -> bool:
        """Return True if the pool is known to lack this key, and will be for a while."""
        return self._keys.lacks(kid)

    async def get(self, kid: str, *, patience: float = 0.0) -> PublicKey:
        """Return the key with this kid. Raises `KeyUnknown` or `KeysUnavailable`."""
        return await self._keys.get(kid, patience=patience)

    async def warm_up(self) -> bool:
        """Get the keys ahead of the first request. Return True if there are usable ones."""
        return await self._keys.warm_up()

    def status(self) -> dict[str, Any]:
        """Return facts for a readiness check."""
        return self._keys.status()


class Refusal(NamedTuple):
    """Answer of the directory that is no pool: none of yours (``reason`` is None), or a failure."""

    reason: str | None
    given: Moment


class TenantMemory:
    """Tenants by pool id, and refusals by issuer, each least recently used out first. Thread-safe."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.reset()
        reset_in_children(self)

    def reset(self) -> None:
        """Forget all."""
        self._lock = Lock()
        self._tenants: LRUCache[str, Tenant] = _new_entries(self._size)
        self._refusals: LRUCache[str, Refusal] = _new_entries(self._size)

    def __len__(self) -> int:
        return len(self._tenants)

    def find(self, pool_id: str) -> Tenant | None:
        """Return the tenant with this pool."""
        with self._lock:
            return self._tenants.get(pool_id)

    def keep(self, tenant: Tenant) -> None:
        """Keep a tenant in place of the one that its pool had."""
        with self._lock:
            self._tenants[tenant.pool.id] = tenant

    def forget(self, tenant: Tenant) -> None:
        """Forget a tenant."""
        with self._lock:
            if self._tenants.get(tenant.pool.id) is tenant:
                del self._tenants[tenant.pool.id]

    def find_refusal(self, issuer: str) -> Refusal | None:
        """Return the last answer for an issuer that was no pool."""
        with self._lock:
            return self._refusals.get(issuer)

    def refuse(self, issuer: str, refusal: Refusal) -> None:
        """Keep an answer that is no pool."""
        with self._lock:
            self._refusals[issuer] = refusal


def _new_entries(size: int) -> "LRUCache[str, Any]":
    from cachetools import LRUCache

    return LRUCache(size)
