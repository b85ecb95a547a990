"""Remote keys in an outage and in a flood of unknown kids: errors, cooldowns and the number of fetches."""

from contextlib import suppress

import pytest

from fastapi_cognito_guard import KeyPolicy
from fastapi_cognito_guard.errors import KeysUnavailable, KeyUnknown
from fastapi_cognito_guard.tokens.fetch import FetchFailed
from fastapi_cognito_guard.tokens.remote_keys import RemoteKeys
from tests.tokens.key_server import (
    ADDRESS,
    KID,
    NEW,
    NEW_KID,
    OLD,
    POLICY,
    FakeTime,
    KeyServer,
    catch_error,
    wait_for_fetch,
)

pytestmark = pytest.mark.anyio


async def test_stale_keys_serve_in_an_outage_for_max_stale_and_then_no_longer(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime
) -> None:
    await keys.get(KID)
    server.error = OSError("unreachable")
    fake_time.move(POLICY.max_age + POLICY.max_stale - 1)
    assert await keys.get(KID)
    await wait_for_fetch(keys)
    status = keys.status()
    assert (status["fresh"], status["usable"], status["last_error"]) == (False, True, "OSError")
    fake_time.move(1)
    assert isinstance(await catch_error(keys, KID), KeysUnavailable)
    assert keys.status()["usable"] is False


async def test_a_removed_key_is_refused_after_the_first_good_fetch(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime
) -> None:
    await keys.get(KID)
    server.pool = NEW
    fake_time.move(POLICY.max_age)
    with suppress(KeyUnknown):  # once the new answer has arrived
        await keys.get(KID)
    await wait_for_fetch(keys)
    assert keys.find(KID) is None
    assert isinstance(await catch_error(keys, KID), KeyUnknown)


async def test_failed_fetches_back_off_and_the_error_says_for_how_long(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime
) -> None:
    server.error = OSError()
    waits = []
    for fetches in range(1, 10):
        refused = await catch_error(keys, KID)
        assert isinstance(refused, KeysUnavailable)
        assert "OSError" in refused.reason
        for _ in range(20):  # within the cooldown nothing is fetched
            await catch_error(keys, KID)
        assert server.fetches == fetches
        waits.append(refused.retry_after)
        fake_time.move(refused.retry_after)
    assert waits == [1, 1, 2, 4, 8, 16, 30, 30, 30]


async def test_jitter_shortens_each_cooldown_but_the_first(server: KeyServer, fake_time: FakeTime) -> None:
    keys = RemoteKeys(ADDRESS, POLICY, fetch=server, clock=fake_time.clock(), jitter=lambda: 1.0)
    server.error = OSError()
    cooldowns = []
    for fetches in range(1, 9):
        await catch_error(keys, KID)
        assert server.fetches == fetches
        cooldowns.append(keys._after_failure.seconds)
        fake_time.move(cooldowns[-1] + 0.001)
    assert cooldowns == [0.5, *(pytest.approx(0.9 * seconds) for seconds in (1, 2, 4, 8, 16, 30, 30))]


@pytest.mark.parametrize(("retry_after", "seconds"), [(0, 0.5), (7, 7), (3600, 30)])
async def test_retry_after_of_the_server_lengthens_a_cooldown_up_to_the_cap(
    keys: RemoteKeys, server: KeyServer, retry_after: float, seconds: float
) -> None:
    server.error = FetchFailed("it answered 503", retry_after=retry_after)
    refused = await catch_error(keys, KID)
    assert "it answered 503" in refused.reason
    assert keys._after_failure.seconds == seconds


async def test_any_positive_policy_is_valid(server: KeyServer, fake_time: FakeTime) -> None:
    policy = KeyPolicy(max_age=0.001, max_stale=0.001, cooldown=0.001, backoff=90, timeout=0.5)
    keys = RemoteKeys(ADDRESS, policy, fetch=server, clock=fake_time.clock())
    server.error = OSError()
    refused = await catch_error(keys, KID)
    assert isinstance(refused, KeysUnavailable)
    assert refused.retry_after == 90


async def test_keys_recover_with_the_first_fetch_after_a_cooldown(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime
) -> None:
    server.error = OSError()
    await catch_error(keys, KID)
    server.error = None
    fake_time.move(POLICY.backoff)
    assert await keys.get(KID)
    assert keys.status() == {
        "kids": sorted(key["kid"] for key in OLD.jwks["keys"]),
        "age": 0, "fresh": True, "usable": True, "fetches": 2, "failures": 0, "last_error": None,
    }  # fmt: skip


async def test_a_good_answer_resets_the_backoff(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime
) -> None:
    server.error = OSError()
    for _ in range(5):
        await catch_error(keys, KID)
        fake_time.move(30)
    server.error = None
    await keys.get(KID)
    server.error = OSError()
    fake_time.move(POLICY.max_age + POLICY.max_stale)
    await catch_error(keys, KID)
    assert keys._after_failure.seconds == POLICY.backoff


async def test_failed_fetches_for_unknown_kids_do_not_lengthen_the_wait_for_fresh_keys(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime
) -> None:
    await keys.get(KID)
    server.error = OSError()
    for _ in range(8):
        assert isinstance(await catch_error(keys, "unknown"), KeysUnavailable)
        fake_time.move(POLICY.cooldown)
    assert server.fetches == 9
    fake_time.move(POLICY.max_age + POLICY.max_stale)
    await catch_error(keys, KID)
    assert keys._after_failure.seconds == POLICY.backoff


# --- unknown kids


async def test_a_flood_of_unknown_kids_is_one_fetch_per_cooldown_and_401(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime
) -> None:
    await keys.get(KID)
    for period in range(1, 4):
        for n in range(50):
            assert isinstance(await catch_error(keys, f"unknown {n}"), KeyUnknown)
            assert await keys.get(KID)
            if n == 25:
                fake_time.move(POLICY.cooldown - 1)
        assert server.fetches == 1 + period
        fake_time.move(1)


async def test_a_rotated_key_is_accepted_at_once_if_no_cooldown_runs(
    keys: RemoteKeys, server: KeyServer
) -> None:
    await keys.get(KID)
    server.pool = NEW
    assert await keys.get(NEW_KID)
    assert keys.find(KID) is None


async def test_under_a_flood_a_rotated_key_is_refused_for_at_most_one_cooldown(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime
) -> None:
    await keys.get(KID)
    await catch_error(keys, "unknown")
    server.pool = NEW
    assert isinstance(await catch_error(keys, NEW_KID), KeyUnknown)
    fake_time.move(POLICY.cooldown - 1)
    assert isinstance(await catch_error(keys, NEW_KID), KeyUnknown)
    fake_time.move(1)
    assert await keys.get(NEW_KID)


async def test_an_unknown_kid_never_delays_the_refresh_of_keys(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime
) -> None:
    await keys.get(KID)
    fake_time.move(POLICY.max_age * 0.8 - 1)
    server.error = OSError()
    assert isinstance(await catch_error(keys, "unknown"), KeysUnavailable)
    server.error = None
    fake_time.move(1)
    await keys.get(KID)
    await wait_for_fetch(keys)
    assert server.fetches == 3
    assert keys.status()["age"] == 0


async def test_an_unknown_kid_is_503_in_an_outage_and_known_ones_stay_good(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime
) -> None:
    await keys.get(KID)
    server.error = OSError()
    for _ in range(5):
        refused = await catch_error(keys, "unknown")
        assert isinstance(refused, KeysUnavailable)
        assert refused.retry_after == POLICY.cooldown
        assert await keys.get(KID)
    assert server.fetches == 2
    server.error = None
    fake_time.move(POLICY.cooldown)
    assert isinstance(await catch_error(keys, "unknown"), KeyUnknown)


@pytest.mark.parametrize(
    ("address", "advice"),
    [
        ("http://127.0.0.1:9/", "Start the local pool with `cognito-guard pool`"),
        ("https://x.example/", "pool id"),
    ],
)
async def test_the_advice_for_an_address_on_this_machine_is_to_start_the_pool(
    address: str, advice: str, fake_time: FakeTime
) -> None:
    async def refuse(address: str) -> bytes:
        raise ConnectionRefusedError

    keys = RemoteKeys(address, POLICY, fetch=refuse, clock=fake_time.clock())
    refused = await catch_error(keys, KID)
    assert isinstance(refused, KeysUnavailable)
    assert advice in refused.reason
