"""Directories of pools for tests, and the apps and guards that ask them."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi_cognito_guard import CognitoGuard, UserPool
from fastapi_cognito_guard.directory import PoolDirectory
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import NOW

Behaviour = Callable[[str], Awaitable[object]]


class Clock:
    """Clock that tests set."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> float:
        return self.time


class Directory:
    """Directory of pools with a list of the issuers that it was asked for.

    ``behaviour`` replaces its answers, for example with a failure.
    """

    def __init__(self, *pools: FakeUserPool) -> None:
        self.pools = {pool.id: pool.user_pool() for pool in pools}
        self.asked: list[str] = []
        self.behaviour: Behaviour | None = None

    async def __call__(self, issuer: str) -> UserPool | None:
        self.asked.append(issuer)
        answer: Any = self.pools.get(issuer.rpartition("/")[2])
        return answer if self.behaviour is None else await self.behaviour(issuer)  # type: ignore[return-value]  # perhaps a wrong answer, on purpose


def guard_by(
    directory: Any, *fixed: UserPool, clock: Callable[[], float] = lambda: NOW, **settings: Any
) -> CognitoGuard:
    """Make a guard that asks ``directory``. ``settings`` are those of the directory."""
    return CognitoGuard(*fixed, pools=PoolDirectory(directory, **settings), now=clock)
