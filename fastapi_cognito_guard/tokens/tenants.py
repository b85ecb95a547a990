"""The pools that a directory has named: each with keys of its own, and counting for a bounded time."""

import logging
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace
from typing import Any, Self

import anyio
from anyio.lowlevel import RunVar

from fastapi_cognito_guard.claims import issuer_error
from fastapi_cognito_guard.directory import PoolDirectory
from fastapi_cognito_guard.errors import ConfigurationError, PoolsUnavailable
from fastapi_cognito_guard.log_records import write_record
from fastapi_cognito_guard.pool import UserPool
from fastapi_cognito_guard.tokens.clock import Clock
from fastapi_cognito_guard.tokens.key_source import KeySource
from fastapi_cognito_guard.tokens.tenant_memory import Refusal, Tenant, TenantMemory

_PAUSE = 1.0  # seconds for which a failure of the directory counts
_UNKNOWN = "is neither one of this guard's pools nor in its directory of pools"

logger = logging.getLogger("fastapi_cognito_guard")


class _Questions:
    """Questions to the directory that one event loop has under way.

    Pools that the directory has named before have places of their own, which invented issuers cannot take.
    """

    def __init__(self, at_once: int) -> None:
        self.places = {known: anyio.CapacityLimiter(at_once) for known in (True, False)}
        self.answered: dict[str, anyio.Event] = {}


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
        self._memory = TenantMemory(directory.remember)

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
            self._memory.refuse(issuer, Refusal(reason, self._clock.now()))
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
            self._memory.refuse(issuer, Refusal(None, self._clock.now()))
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

    def _find_refusal(self, issuer: str) -> Refusal | None:
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
