"""A directory of user pools: whether a pool is one of yours is asked while the app runs."""

from collections.abc import Awaitable, Callable, Collection
from functools import partial
from inspect import isawaitable, isclass, iscoroutinefunction
from typing import Any, Final

from fastapi_cognito_guard.errors import AuthError, ConfigurationError, PoolsUnavailable
from fastapi_cognito_guard.issuers import read_issuer
from fastapi_cognito_guard.network_errors import describe_failure
from fastapi_cognito_guard.pool import UserPool, check_regions
from fastapi_cognito_guard.settings import check_seconds, check_whole_number
from fastapi_cognito_guard.worker_threads import WorkerThreads

FindPool = Callable[[str], UserPool | Awaitable[UserPool | None] | None]
"""A function that gets an issuer, and returns its `UserPool`, or None if it is none of yours."""

_LONGEST = 86400.0
_LONGEST_DEADLINE = 60.0
_MOST_AT_ONCE: Final = 1024


class PoolDirectory:
    """Settings for finding the pools of tenants while the app runs.

    ``find``          gets the issuer of a token, and returns the `UserPool`, or None for a pool that is none
                      of yours. An async function runs in the event loop of the request, any other in a
                      thread. The token is not verified yet: anybody may invent an issuer
    ``regions``       where your pools and their replicas are. For another region ``find`` is not called;
                      without regions, it is called for all
    ``deadline``      seconds to wait for an answer
    ``keep``          seconds for which a pool counts without asking again: a tenant that you remove is
                      refused after that time at the latest
    ``keep_stale``    seconds for which it counts longer while ``find`` fails
    ``keep_missing``  seconds for which "none of yours" counts
    ``remember``      how many pools to keep, and how many issuers that are none of yours
    ``at_once``       how many issuers to ask for at the same time; further ones wait, up to the deadline. As
                      many places again are for pools that were found before

    ``find`` is called only with an issuer of Cognito's own form, which names a pool in a region, and not for
    the pools that the guard has without the directory.

    Raises `ConfigurationError` for a setting that cannot be right.
    """

    def __init__(
        self,
        find: FindPool,
        *,
        regions: Collection[str] = (),
        deadline: float = 2,
        keep: float = 60,
        keep_stale: float = 3600,
        keep_missing: float = 30,
        remember: int = 4096,
        at_once: int = 16,
    ) -> None:
        if not callable(find) or isclass(find):
            raise ConfigurationError(
                "pools is a function that gets an issuer and returns its UserPool, or None: "
                "CognitoGuard(pools=find_pool). Pools that are known now stand before it: "
                "CognitoGuard(UserPool(...), pools=find_pool).",
                setting="pools",
            )
        check_seconds("deadline", deadline, _LONGEST_DEADLINE, above_zero=True)
        for name, value in (("keep", keep), ("keep_stale", keep_stale), ("keep_missing", keep_missing)):
            check_seconds(name, value, _LONGEST)
        check_whole_number("remember", remember, 1)
        check_whole_number("at_once", at_once, 1)
        self._find: Callable[[str], Any] = find
        self._regions = frozenset(check_regions(regions))
        self.deadline = deadline
        self.keep = keep
        self.keep_stale = keep_stale
        self.keep_missing = keep_missing
        self.remember = remember
        self.at_once = min(at_once, _MOST_AT_ONCE)
        self._threads = None if _is_async(find) else WorkerThreads("cognito-directory", 2 * self.at_once)

    def read_pool_id(self, issuer: object) -> str | None:
        """Return the id of the pool that an issuer names, or None if ``find`` is not to be called for it."""
        named = read_issuer(issuer)
        if named is None or (self._regions and not self._regions >= named.regions):
            return None
        return named.pool_id

    async def ask(self, issuer: str) -> UserPool | None:
        """Return the pool of an issuer, or None. Raises `PoolsUnavailable` for what is neither."""
        try:
            answer = await self._call(issuer)
        except AuthError:
            raise
        except (Exception, SystemExit) as error:
            raise PoolsUnavailable(
                f"the directory of pools failed ({describe_failure(error)}): see if its store can be reached."
            ) from None
        if answer is None:
            return None
        if not isinstance(answer, UserPool):
            raise PoolsUnavailable(
                f"the directory of pools returned {type(answer).__name__}: return a UserPool or None."
            )
        if answer.id != self.read_pool_id(issuer):
            raise PoolsUnavailable(
                f"the directory of pools returned the pool {answer.id} for the issuer {issuer}: return the "
                "pool whose id is at its end, or None."
            )
        return answer

    async def _call(self, issuer: str) -> object:
        if self._threads is None:
            return await self._find(issuer)
        answer = await self._threads.run(partial(self._find, issuer))
        return await answer if isawaitable(answer) else answer


def build_directory(pools: PoolDirectory | FindPool | None) -> PoolDirectory | None:
    """Return the settings for asking a directory: its own, or the usual ones."""
    return pools if pools is None or isinstance(pools, PoolDirectory) else PoolDirectory(pools)


def _is_async(find: object) -> bool:
    method = getattr(find, "__call__", None)  # noqa: B004 - of an object, to see if it is async
    return iscoroutinefunction(find) or iscoroutinefunction(method)
