"""The denylist: by token, by sign-in, by caller, and in memory."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from fastapi_cognito_guard import Principal
from fastapi_cognito_guard.errors import ClaimInvalid, ConfigurationError, RevocationUnavailable, TokenRevoked
from fastapi_cognito_guard.revocation import Denylist, MemoryBackend, Revocation
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import NOW, guard_for
from tests.revocation import contract

pytestmark = pytest.mark.anyio


class RecordingBackend(MemoryBackend):
    """Backend that records the keys it is asked for."""

    asked: list[list[str]]

    async def find(self, keys: Iterable[str]) -> Mapping[str, int]:
        self.asked.append(list(keys))
        return await super().find(self.asked[-1])


class Listed:
    """Guard with a denylist in memory, at a time that can be moved."""

    def __init__(self, **settings: Any) -> None:
        self.time = NOW
        self.pool = FakeUserPool(now=lambda: self.time)
        self.backend = RecordingBackend(clock=lambda: self.time)
        self.backend.asked = []
        self.denylist = Denylist(self.backend, now=lambda: self.time, **settings)
        revocation = Revocation(self.denylist, keep_revoked=0)
        self.guard = guard_for(self.pool, revoked=revocation, now=lambda: self.time)

    async def is_refused(self, token: str) -> bool:
        try:
            await self.guard.verify(token)
        except TokenRevoked:
            return True
        return False

    async def read(self, token: str) -> Principal:
        return await self.guard.verify(token)


@pytest.fixture
def listed() -> Listed:
    return Listed()


async def test_a_jti_revokes_one_token(listed: Listed) -> None:
    tokens = listed.pool.sign_in()
    await listed.denylist.revoke(jti=(await listed.read(tokens.access_token)).claim("jti"))
    assert await listed.is_refused(tokens.access_token)
    assert tokens.refresh_token is not None
    assert not await listed.is_refused(listed.pool.refresh(tokens.refresh_token).access_token)


async def test_an_origin_jti_revokes_all_tokens_of_one_sign_in_also_refreshed_ones(listed: Listed) -> None:
    tokens, other = listed.pool.sign_in(), listed.pool.sign_in()
    await listed.denylist.revoke(origin_jti=(await listed.read(tokens.access_token)).claim("origin_jti"))
    assert tokens.refresh_token is not None
    for token in (tokens.access_token, listed.pool.refresh(tokens.refresh_token).access_token):
        assert await listed.is_refused(token)
    assert not await listed.is_refused(other.access_token)


async def test_a_sub_revokes_the_tokens_by_which_that_machine_acts_for_users(listed: Listed) -> None:
    issue = listed.pool.access_token
    signed_in = int(NOW) - 600  # the user did so long before the agent got its token
    delegated = issue("ada", actor="agent", claims={"auth_time": signed_in})
    own, others = issue("ada"), issue("ada", actor="orders-service")
    prior = issue("ada", claims={"act": {"sub": "orders-service", "act": {"sub": "agent"}}})
    await listed.denylist.revoke(sub="agent")
    assert await listed.is_refused(delegated)
    assert not await listed.is_refused(own)
    assert not await listed.is_refused(others)
    assert not await listed.is_refused(prior)  # RFC 8693 section 4.1: only the current actor counts
    listed.time += 60
    new = issue("ada", actor="agent", claims={"auth_time": signed_in})
    assert not await listed.is_refused(new)
    await listed.denylist.revoke(sub=listed.pool.sub("ada"))
    assert await listed.is_refused(new)


async def test_a_sub_revokes_all_sign_ins_up_to_now_and_a_new_one_is_good(listed: Listed) -> None:
    tokens, bob = listed.pool.sign_in("ada"), listed.pool.access_token("bob")
    listed.time += 0.5  # a token has whole seconds: the same second is not late enough
    await listed.denylist.revoke(sub=listed.pool.sub("ada"))
    listed.time += 60
    assert tokens.refresh_token is not None
    refreshed = listed.pool.refresh(tokens.refresh_token).access_token
    assert await listed.is_refused(tokens.access_token)
    assert await listed.is_refused(refreshed)  # by the time of the sign-in, which a refresh keeps
    assert not await listed.is_refused(bob)
    assert not await listed.is_refused(listed.pool.access_token("ada"))


async def test_not_before_is_the_first_good_second(listed: Listed) -> None:
    await listed.denylist.revoke(sub=listed.pool.sub("ada"), not_before=NOW - 10.5)
    for ago, refused in ((11, True), (10, False)):
        token = listed.pool.access_token("ada", claims={"auth_time": int(NOW) - ago})
        assert await listed.is_refused(token) is refused


async def test_a_machine_is_revoked_by_the_time_of_its_token(listed: Listed) -> None:
    claims = {"auth_time": None}
    old = listed.pool.machine_token(client_id=listed.pool.client_id, claims=claims)
    await listed.denylist.revoke(sub=listed.pool.client_id)
    assert await listed.is_refused(old)
    listed.time += 2
    assert not await listed.is_refused(listed.pool.machine_token(claims=claims))


async def test_a_token_without_any_time_is_revoked_with_its_caller(listed: Listed) -> None:
    token = listed.pool.access_token("ada", claims={"auth_time": None, "iat": None})
    assert not await listed.is_refused(token)
    await listed.denylist.revoke(sub=listed.pool.sub("ada"), not_before=0)
    assert await listed.is_refused(token)


async def test_identifiers_of_one_kind_are_not_taken_for_another(listed: Listed) -> None:
    token = listed.pool.access_token(claims={"jti": "same", "origin_jti": "other"})
    await listed.denylist.revoke(sub="same")
    await listed.denylist.revoke(origin_jti="same")
    await listed.denylist.revoke(jti="other")
    assert not await listed.is_refused(token)


@pytest.mark.parametrize("value", [5, True, ["x"], {"a": 1}])
async def test_an_origin_jti_that_is_no_text_is_refused(listed: Listed, value: object) -> None:
    with pytest.raises(ClaimInvalid, match="origin_jti"):
        await listed.read(listed.pool.access_token(claims={"origin_jti": value}))


async def test_identifiers_too_long_to_be_listed_are_not_looked_up(listed: Listed) -> None:
    long = "x" * 3000
    token = listed.pool.access_token(claims={"jti": long, "origin_jti": long, "sub": long})
    asked = listed.backend.asked
    assert not await listed.is_refused(token)
    assert asked == [[]]
    await listed.read(listed.pool.access_token(claims={"jti": "one", "origin_jti": long, "sub": "ada"}))
    assert asked[1:] == [["jti:one", "sub:ada"]]
    with pytest.raises(ConfigurationError, match="200 characters"):
        await listed.denylist.revoke(sub=long)


WRONG: list[dict[str, Any]] = [
    {},
    {"jti": "a", "sub": "b"},
    {"jti": None},
    {"jti": ""},
    {"sub": 5},
    {"sub": "a\nb"},
    {"origin_jti": "x" * 300},
    {"jti": "a", "not_before": 5},
    *({"sub": "a", "not_before": value} for value in (-1, NOW * 1000, "5", True, float("nan"))),
]


@pytest.mark.parametrize("arguments", WRONG, ids=str)
async def test_a_wrong_entry_is_refused_and_nothing_is_written(
    listed: Listed, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ConfigurationError):
        await listed.denylist.revoke(**arguments)
    assert len(listed.backend) == 0


@pytest.mark.parametrize("lifetime", [0, 299, 86401, True, "3600", 3600.5])
async def test_a_lifetime_is_one_that_cognito_has(lifetime: Any) -> None:
    with pytest.raises(ConfigurationError, match="300 to 86400"):
        Denylist(MemoryBackend(), lifetime=lifetime)


async def test_an_entry_is_kept_as_long_as_a_token_can_be_accepted_and_no_longer() -> None:
    listed = Listed(lifetime=3600)
    token = listed.pool.access_token(claims={"jti": "one"}, expires_in=7200)
    assert await listed.denylist.revoke(jti="one") == 3600 + 300 + 1
    listed.time += 3600 + 299
    assert await listed.is_refused(token)
    listed.time += 10
    assert not await listed.is_refused(token)
    await listed.denylist.revoke(jti="two")
    assert len(listed.backend) == 1  # those that are over are dropped


async def test_a_backend_that_fails_refuses_the_token(pool: FakeUserPool) -> None:
    class Broken(MemoryBackend):
        async def find(self, keys: Any) -> Any:
            raise ConnectionRefusedError

    guard = guard_for(pool, revoked=Denylist(Broken()))
    with pytest.raises(RevocationUnavailable, match="nothing listens"):
        await guard.verify(pool.access_token())


async def test_the_memory_backend_keeps_the_contract(pool: FakeUserPool) -> None:
    await contract.check_entries(MemoryBackend())
    await contract.check_later_time_wins(MemoryBackend())
    await contract.check_as_denylist(MemoryBackend(), pool)


async def test_a_second_entry_does_not_shorten_the_first() -> None:
    time = 0.0
    backend = MemoryBackend(clock=lambda: time)
    await backend.add("sub:a", 5, 600)
    await backend.add("sub:a", 6, 10)
    time = 599
    assert await backend.find(["sub:a"]) == {"sub:a": 6}
