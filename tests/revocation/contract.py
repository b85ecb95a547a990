"""Behaviour that every backend has."""

from uuid import uuid4

import anyio

from fastapi_cognito_guard.revocation import Backend, Denylist
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import NOW, guard_for


def make_key(kind: str = "sub") -> str:
    return f"{kind}:{uuid4()}"


async def check_entries(backend: Backend) -> None:
    """Check that entries are found again, and no others."""
    one, other, unknown = make_key(), make_key("jti"), make_key()
    assert await backend.find([one, other]) == {}
    await backend.add(one, 1_000, 600)
    await backend.add(other, 2_000, 600)
    assert await backend.find([one, other, unknown]) == {one: 1_000, other: 2_000}
    assert await backend.find([one]) == {one: 1_000}


async def check_later_time_wins(backend: Backend) -> None:
    """Check that no later write makes a revoked token good again, in any order, also at the same time."""
    for times in ((1_000, 2_000), (2_000, 1_000)):
        key = make_key()
        for time in times:
            await backend.add(key, time, 600)
        assert await backend.find([key]) == {key: 2_000}
    key = make_key()
    async with anyio.create_task_group() as group:
        for time in range(1_000, 1_012):
            group.start_soon(backend.add, key, time, 600)
    assert await backend.find([key]) == {key: 1_011}


async def check_as_denylist(backend: Backend, pool: FakeUserPool) -> None:
    """Check a guard whose denylist has this backend."""
    denylist = Denylist(backend, now=lambda: NOW)
    guard = guard_for(pool, revoked=denylist)
    user = f"user-{uuid4()}"
    first, second = pool.sign_in(user), pool.sign_in(user)
    principal = await guard.verify(first.access_token)
    await denylist.revoke(origin_jti=principal.claim("origin_jti"))
    assert await denylist(principal)
    other = await guard.verify(second.access_token)
    assert not await denylist(other)
    await denylist.revoke(jti=other.claim("jti"))
    assert await denylist(other)
