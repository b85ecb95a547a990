"""The pools that a directory has named: each with keys of its own, and counting for a bounded time."""

import logging
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import anyio
from anyio.lowlevel import RunVar

from fastapi_cognito_guard.claims import issuer_error
from fastapi_cognito_guard.directory import PoolDirectory
from fastapi_cognito_guard.errors import ConfigurationError, PoolsUnavailable
from fastapi_cognito_guard.forks import reset_in_children
from fastapi_cognito_guard.log_records import write_record
from fastapi_cognito_guard.pool import UserPool
from fastapi_cognito_guard.tokens.clock import Clock, Moment
from fastapi_cognito_guard.tokens.jwks import PublicKey
from fastapi_cognito_guard.tokens.key_source import KeySource

if TYPE_CHECKING:
    from cachetools import LRUCache

_PAUSE = 1.0  # seconds for which a failure of the directory counts
_UNKNOWN = "is neither one of this guard's pools nor in its directory of pools"

logger = logging.getLogger("fastapi_cognito_guard")


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


class _Refusal(NamedTuple):
    """Answer of the directory that is no pool: none of yours (``reason`` is None), or a failure."""

    reason: str | None
    given: Moment


class _Questions:
    """Questions to the directory that one event loop has under way.

    Pools that the directory has named before have places of their own, which invented issuers cannot take.
    """

    def __init__(self, at_once: int) -> None:
        self.places = {known: anyio.CapacityLimiter(at_once) for known in (True, False)}
        self.answered: dict[str, anyio.Event] = {}


class _Memory:
    """Tenants by pool id, and refusals by issuer, each least recently used out first. Thread-safe."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.reset()
        reset_in_children(self)

    def reset(self) -> None:
        """Forget all."""
        self._lock = Lock()
        self._tenants: LRUCache[str, Tenant] = _new_entries(self._size)
        self._refusals: LRUCache[str, _Refusal] = _new_entries(self._size)

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

    def find_refusal(self, issuer: str) -> _Refusal | None:
        """Return the last answer for an issuer that was no pool."""
        with self._lock:
            return self._refusals.get(issuer)

    def refuse(self, issuer: str, refusal: _Refusal) -> None:
        """Keep an answer that is no pool."""
        with self._lock:
            self._refusals[issuer] = refusal


class Tenants:
    """Pools of a directory, least recently used out first, and its refusals, bounded apart from them.

    So invented issuers push out no pool. A forked child starts with neither.
    """

    def __init__(
        self,
        directory: PoolDirectory,
        *,
        known: Mapping[str, UserPool],
        build_keys: Callable[[UserPool], KeySource],
        clock: Clock,
    ) -> None:
        """``known``: the pools of the guard by issuer, for which the directory is not asked.

        ``build_keys`` may raise `ConfigurationError` for a pool that cannot be right.
        """
        self._directory = directory
        self._known = frozenset(pool.id for pool in known.values())
        self._build_keys = build_keys
        self._clock = clock
        self.settings: Mapping[str, Any] = {}
        # By name, which older versions of anyio go by.
        self._questions: RunVar[_Questions] = RunVar(f"fastapi_cognito_guard-{id(self)}")
        self._memory = _Memory(directory.remember)

    def with_settings(self, **settings: Any) -> Self:
        """Return these tenants with other settings of their pools, and the same keys."""
        other = copy(self)
        other.settings = {**self.settings, **settings}
        return other

    async def get(self, claims: Mapping[str, Any]) -> tuple[UserPool, KeySource]:
        """Return the pool that issued the claims, and its keys.

        Raises `IssuerMismatch` if the directory does not have it, or `PoolsUnavailable`.
        """
        issuer = claims.get("iss")
        pool_id = self._directory.read_pool_id(issuer)
        if not isinstance(issuer, str) or pool_id is None or pool_id in self._known:
            raise issuer_error(claims, _UNKNOWN)
        tenant = await self._find(issuer, pool_id)
        if tenant is None or issuer not in tenant.issuers:  # of a replica that the pool does not list
            raise issuer_error(claims, _UNKNOWN)
        return replace(tenant.pool, **self.settings) if self.settings else tenant.pool, tenant

    @property
    def count(self) -> int:
        """The number of pools in memory."""
        return len(self._memory)

    async def _find(self, issuer: str, pool_id: str) -> Tenant | None:
        """Return the tenant with this pool, from memory or from the directory. Raises `PoolsUnavailable`."""
        questions = self._find_questions()
        while True:
            tenant = self._memory.find(pool_id)
            if tenant is not None and tenant.age < self._directory.keep:
                return tenant
            stale = tenant if self._is_usable(tenant, issuer) else None
            refusal = self._find_refusal(issuer)
            if refusal is not None:
                if stale is None and refusal.reason is not None:
                    raise PoolsUnavailable(refusal.reason)
                return stale
            answered = questions.answered.get(issuer)
            if answered is None:
                return await self._ask(issuer, tenant, stale)
            if stale is not None:
                return stale
            await answered.wait()

    async def _ask(self, issuer: str, tenant: Tenant | None, stale: Tenant | None) -> Tenant | None:
        """Ask the directory, and remember what it says. Others who need the same answer wait meanwhile."""
        questions = self._find_questions()
        questions.answered[issuer] = answered = anyio.Event()
        try:
            with anyio.fail_after(self._directory.deadline):
                async with questions.places[stale is not None]:
                    pool = await self._directory.ask(issuer)
            return self._remember(issuer, tenant, pool)
        except (TimeoutError, PoolsUnavailable) as error:
            reason = error.reason if isinstance(error, PoolsUnavailable) else self._describe_timeout()
            self._memory.refuse(issuer, _Refusal(reason, self._clock.now()))
            if stale is None:
                raise PoolsUnavailable(reason) from None
            write_record(logger, logging.WARNING, "%s The pool %s counts on.", reason, stale.pool.id)
            return stale
        finally:
            del questions.answered[issuer]
            answered.set()

    def _remember(self, issuer: str, tenant: Tenant | None, pool: UserPool | None) -> Tenant | None:
        """Remember an answer. Raises `PoolsUnavailable` for a pool that cannot be right."""
        if pool is None:
            # For a look-alike, such as an issuer of another region, it says nothing about the pool.
            if tenant is not None and issuer in tenant.issuers:
                self._memory.forget(tenant)
            self._memory.refuse(issuer, _Refusal(None, self._clock.now()))
            return None
        if tenant is None or tenant.pool != pool:
            tenant = self._build_tenant(pool)
        tenant.confirm()
        self._memory.keep(tenant)
        return tenant

    def _build_tenant(self, pool: UserPool) -> Tenant:
        try:
            keys = self._build_keys(pool)
        except ConfigurationError as error:
            raise PoolsUnavailable(f"the directory of pools returned the pool {pool.id}: {error}") from None
        return Tenant(pool, keys, keep=self._directory.keep, clock=self._clock)

    def _describe_timeout(self) -> str:
        return (
            f"the directory of pools gave no answer within {self._directory.deadline:g} s: see if its store "
            "is slow, or if many issuers are asked for at once (at_once)."
        )

    def _is_usable(self, tenant: Tenant | None, issuer: str) -> bool:
        """Return True for a tenant that may count on while there is no answer."""
        longest = self._directory.keep + self._directory.keep_stale
        return tenant is not None and issuer in tenant.issuers and tenant.age < longest

    def _find_refusal(self, issuer: str) -> _Refusal | None:
        """Return the last refusal of an issuer, if it still counts."""
        refusal = self._memory.find_refusal(issuer)
        if refusal is None:
            return None
        seconds = self._directory.keep_missing if refusal.reason is None else _PAUSE
        return refusal if self._clock.since(refusal.given) < seconds else None

    def _find_questions(self) -> _Questions:
        try:
            return self._questions.get()
        except LookupError:
            questions = _Questions(self._directory.at_once)
            self._questions.set(questions)
            return questions


def _new_entries(size: int) -> "LRUCache[str, Any]":
    from cachetools import LRUCache

    return LRUCache(size)
