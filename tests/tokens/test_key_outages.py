"""Keys in an outage and in a flood: who is served, what the rest are told, how often is asked."""

from contextlib import suppress
from itertools import pairwise

import pytest

from fastapi_cognito_guard import KeyPolicy
from fastapi_cognito_guard.errors import KeysUnavailable, KeyUnknown
from fastapi_cognito_guard.tokens.backoff import backoff
from fastapi_cognito_guard.tokens.fetch import FetchFailed
from fastapi_cognito_guard.tokens.remote_keys import RemoteKeys
from tests.tokens.keysets import ADDRESS, KID, NEW, NEW_KID, OLD, POLICY, Hands, KeyServer, landed, refusal_of

pytestmark = pytest.mark.anyio


async def test_stale_keys_serve_in_an_outage_for_max_stale_and_then_no_longer(
    keys: RemoteKeys, server: KeyServer, hands: Hands
) -> None:
    await keys.get(KID)
    server.error = OSError("unreachable")
    hands.move(POLICY.max_age + POLICY.max_stale - 1)
    assert await keys.get(KID)
    await landed(keys)
    status = keys.status()
    assert (status["fresh"], status["usable"], status["last_error"]) == (False, True, "OSError")
    hands.move(1)
    assert isinstance(await refusal_of(keys, KID), KeysUnavailable)
    assert keys.status()["usable"] is False


async def test_a_removed_key_dies_at_the_first_good_fetch(
    keys: RemoteKeys, server: KeyServer, hands: Hands
) -> None:
    await keys.get(KID)
    server.pool = NEW
    hands.move(POLICY.max_age)
    with suppress(KeyUnknown):  # as soon as the new answer is there
        await keys.get(KID)
    await landed(keys)
    assert keys.find(KID) is None
    assert isinstance(await refusal_of(keys, KID), KeyUnknown)


async def test_failed_fetches_back_off_and_the_refusal_says_for_how_long(
    keys: RemoteKeys, server: KeyServer, hands: Hands
) -> None:
    server.error = OSError()
    told = []
    for fetches in range(1, 10):
        refused = await refusal_of(keys, KID)
        assert isinstance(refused, KeysUnavailable)
        assert "OSError" in refused.reason
        for _ in range(20):  # within the gap nothing is fetched, and nobody waits
            await refusal_of(keys, KID)
        assert server.fetches == fetches
        told.append(refused.retry_after)
        hands.move(refused.retry_after)
    assert told == [1, 1, 2, 4, 8, 16, 30, 30, 30]


async def test_jitter_only_shortens_a_gap_and_not_the_first(server: KeyServer, hands: Hands) -> None:
    keys = RemoteKeys(ADDRESS, POLICY, fetch=server, clock=hands.clock(), jitter=lambda: 1.0)
    server.error = OSError()
    gaps = []
    for fetches in range(1, 9):
        await refusal_of(keys, KID)
        assert server.fetches == fetches
        gaps.append(keys._after_failure.seconds)
        hands.move(gaps[-1] + 0.001)
    assert gaps == [0.5, *(pytest.approx(0.9 * gap) for gap in (1, 2, 4, 8, 16, 30, 30))]


@pytest.mark.parametrize(("asked", "gap"), [(0, 0.5), (7, 7), (3600, 30)])
async def test_a_servers_retry_after_lengthens_a_gap_up_to_the_cap(
    keys: RemoteKeys, server: KeyServer, asked: float, gap: float
) -> None:
    server.error = FetchFailed("it answered 503", retry_after=asked)
    refused = await refusal_of(keys, KID)
    assert "it answered 503" in refused.reason
    assert keys._after_failure.seconds == gap


async def test_any_positive_policy_is_valid(server: KeyServer, hands: Hands) -> None:
    policy = KeyPolicy(max_age=0.001, max_stale=0.001, cooldown=0.001, backoff=90, timeout=0.5)
    keys = RemoteKeys(ADDRESS, policy, fetch=server, clock=hands.clock())
    server.error = OSError()
    refused = await refusal_of(keys, KID)
    assert isinstance(refused, KeysUnavailable)
    assert refused.retry_after == 90


async def test_recovery_comes_with_the_next_gap(keys: RemoteKeys, server: KeyServer, hands: Hands) -> None:
    server.error = OSError()
    await refusal_of(keys, KID)
    server.error = None
    hands.move(POLICY.backoff)
    assert await keys.get(KID)
    assert keys.status() == {
        "kids": sorted(key["kid"] for key in OLD.jwks["keys"]),
        "age": 0, "fresh": True, "usable": True, "fetches": 2, "failures": 0, "last_error": None,
    }  # fmt: skip


async def test_one_blip_is_not_a_long_outage(keys: RemoteKeys, server: KeyServer, hands: Hands) -> None:
    server.error = OSError()
    for _ in range(5):
        await refusal_of(keys, KID)
        hands.move(30)
    server.error = None
    await keys.get(KID)
    server.error = OSError()
    hands.move(POLICY.max_age + POLICY.max_stale)
    await refusal_of(keys, KID)
    assert keys._after_failure.seconds == POLICY.backoff


# --- unknown kids


async def test_a_flood_of_unknown_kids_is_one_fetch_per_cooldown_and_401(
    keys: RemoteKeys, server: KeyServer, hands: Hands
) -> None:
    await keys.get(KID)
    for period in range(1, 4):
        for n in range(50):
            assert isinstance(await refusal_of(keys, f"nobody's {n}"), KeyUnknown)
            assert await keys.get(KID)
        assert server.fetches == 1 + period
        hands.move(POLICY.cooldown)


async def test_a_key_that_was_rotated_in_is_accepted_at_once_where_nobody_missed_before(
    keys: RemoteKeys, server: KeyServer
) -> None:
    await keys.get(KID)
    server.pool = NEW
    assert await keys.get(NEW_KID)
    assert keys.find(KID) is None


async def test_under_a_flood_a_rotated_key_is_refused_for_at_most_one_cooldown(
    keys: RemoteKeys, server: KeyServer, hands: Hands
) -> None:
    await keys.get(KID)
    await refusal_of(keys, "nobody's")
    server.pool = NEW
    assert isinstance(await refusal_of(keys, NEW_KID), KeyUnknown)
    hands.move(POLICY.cooldown - 1)
    assert isinstance(await refusal_of(keys, NEW_KID), KeyUnknown)
    hands.move(1)
    assert await keys.get(NEW_KID)


async def test_misses_never_delay_the_refresh_of_expiring_keys(
    keys: RemoteKeys, server: KeyServer, hands: Hands
) -> None:
    await keys.get(KID)
    hands.move(POLICY.max_age * 0.8 - 1)
    server.error = OSError()
    assert isinstance(await refusal_of(keys, "nobody's"), KeysUnavailable)
    server.error = None
    hands.move(1)
    await keys.get(KID)
    await landed(keys)
    assert server.fetches == 3
    assert keys.status()["age"] == 0


async def test_an_unknown_kid_is_503_while_nobody_can_tell_and_known_ones_go_on(
    keys: RemoteKeys, server: KeyServer, hands: Hands
) -> None:
    await keys.get(KID)
    server.error = OSError()
    for _ in range(5):
        refused = await refusal_of(keys, "perhaps new")
        assert isinstance(refused, KeysUnavailable)
        assert refused.retry_after == POLICY.cooldown
        assert await keys.get(KID)
    assert server.fetches == 2
    server.error = None
    hands.move(POLICY.cooldown)
    assert isinstance(await refusal_of(keys, "perhaps new"), KeyUnknown)


def test_gaps_never_shrink_without_jitter() -> None:
    gaps = [backoff(0.5, failures, asked=0, jitter=lambda: 0.0) for failures in range(1, 200)]
    assert all(before <= after for before, after in pairwise(gaps))
    assert (gaps[0], gaps[-1]) == (0.5, 30.0)
