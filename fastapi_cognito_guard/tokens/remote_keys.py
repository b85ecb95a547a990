"""A pool's public keys at an address: fetched once, kept, refreshed ahead, and served through an outage.

The keys belong to the guard and outlive event loops, threads and forks. They are one reference that is
replaced whole, so that finding a key takes no lock and never waits.
"""

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from math import ceil
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from fastapi_cognito_guard.addresses import is_loopback
from fastapi_cognito_guard.errors import KeysUnavailable, KeyUnknown
from fastapi_cognito_guard.network_errors import LOOPBACK_ADVICE, describe_failure
from fastapi_cognito_guard.pool import KeyPolicy
from fastapi_cognito_guard.single_flight import SingleFlight, wait_for
from fastapi_cognito_guard.tokens.backoff import Cooldown, backoff
from fastapi_cognito_guard.tokens.clock import Clock, Moment
from fastapi_cognito_guard.tokens.fetch import Fetch, FetchFailed, fetch_over_https, import_http_client
from fastapi_cognito_guard.tokens.jwks import NotKeys, PublicKey, import_key_library, parse_keys

_AHEAD = 0.8  # of max_age: keys older than this are refreshed while requests go on
_SPREAD = 0.2  # of max_age: how much earlier, at random, so that a fleet does not refresh in step
_GRACE = 1.0  # seconds past its deadline after which a fetch counts as lost (a frozen machine)
_PATH_ADVICE = "check the pool id, and the network path from this machine to that address."
_IMPORTS = 10.0  # seconds that a slow machine may need to import what the first fetch uses


class Keys(NamedTuple):
    """The keys of one good answer, and its time."""

    by_kid: Mapping[str, PublicKey]
    at: Moment


class FetchUnderWay(NamedTuple):
    """A fetch that has not ended. ``for_miss``: started for an unknown kid, not for the keys' age."""

    for_miss: bool
    started: Moment
    done: Future[Any]


class RemoteKeys:
    """The keys at one address."""

    def __init__(
        self,
        address: str,
        policy: KeyPolicy,
        *,
        fetch: Fetch,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._address = address
        self._policy = policy
        self._fetch = fetch
        self._clock = clock
        self._jitter = jitter
        self._refresh_age = _AHEAD * policy.max_age
        self._keys = Keys({}, Moment(float("-inf"), float("-inf")))
        self._after_failure = Cooldown()
        self._after_miss = Cooldown()
        self._failures = 0
        self._failed_refreshes = 0  # without those for unknown kids, which any client can cause
        self._fetches = 0
        self._last_error: str | None = None
        self._imported = False
        self._flight: SingleFlight[Mapping[str, PublicKey]] = SingleFlight("cognito-keys")
        self._under_way: FetchUnderWay | None = None

    def find(self, kid: str) -> PublicKey | None:
        """Return the key if it is known and needs no refresh. Takes no lock and never waits."""
        keys = self._keys
        key = keys.by_kid.get(kid)
        return key if key is not None and self._clock.since(keys.at) < self._refresh_age else None

    def lacks(self, kid: str) -> bool:
        """Return True if the pool is known to lack this key until the cool-down ends."""
        return (
            kid not in self._keys.by_kid
            and not self._failures
            and self._flight.current is None
            and self._after_miss.left(self._clock) > 0
            and self._age() < self._refresh_age
        )

    async def get(self, kid: str, *, patience: float = 0.0) -> PublicKey:
        """Return the key with exactly this kid, after a fetch if need be.

        ``patience``: seconds that the request which starts a refresh of stale keys may wait for it. Only
        for Lambda, where nothing runs between requests.

        Raises `KeyUnknown` if the pool has no such key, `KeysUnavailable` if that cannot be found out.
        """
        key = self.find(kid)
        if key is not None:
            return key
        if self._find_usable(kid) is not None:
            fetch, is_new = self._join_fetch()
            if fetch is not None and is_new and patience > 0 and self._age() >= self._policy.max_age:
                await wait_for(fetch.done, patience)
        if self._find_usable(kid) is None:
            await self._refresh(kid)
        key = self._find_usable(kid)
        if key is None:
            raise self._refusal()
        return key

    async def warm_up(self) -> bool:
        """Fetch the keys unless they are fresh. Return True if there are usable keys afterwards."""
        if self._age() >= self._refresh_age:
            await self._refresh()
        return self._is_usable()

    def status(self) -> dict[str, Any]:
        """Return facts for a readiness check. ``age`` is in seconds, None before the first good answer."""
        age = self._age()
        return {
            "kids": sorted(self._keys.by_kid),
            "age": age if self._keys.by_kid else None,
            "fresh": age < self._policy.max_age,
            "usable": self._is_usable(),
            "fetches": self._fetches,
            "failures": self._failures,
            "last_error": self._last_error,
        }

    @property
    def _longest(self) -> float:
        """Seconds after which a fetch counts as lost."""
        return self._policy.timeout + _GRACE + (0 if self._imported else _IMPORTS)

    def _age(self) -> float:
        return self._clock.since(self._keys.at)

    def _is_usable(self) -> bool:
        return self._age() < self._policy.max_age + self._policy.max_stale

    def _find_usable(self, kid: str) -> PublicKey | None:
        return self._keys.by_kid.get(kid) if self._is_usable() else None

    async def _refresh(self, kid: str | None = None) -> None:
        """Wait for a fetch: the one under way, or a new one if its cool-down has passed."""
        fetch, _ = self._join_fetch(kid)
        if fetch is not None:
            await wait_for(fetch.done, self._longest)

    def _refusal(self) -> KeyUnknown | KeysUnavailable:
        # A fetch that has not ended in time counts as an outage, too.
        if not self._failures and self._is_usable() and self._flight.current is None:
            return KeyUnknown(
                "no key of the pool has the token's kid: is the token of this pool, or too old?"
            )
        left = max(self._after_failure.left(self._clock), self._after_miss.left(self._clock))
        advice = LOOPBACK_ADVICE if is_loopback(urlsplit(self._address).hostname) else _PATH_ADVICE
        cause = self._last_error or "no answer yet"
        return KeysUnavailable(
            f"the keys at {self._address} cannot be fetched ({cause}): {advice}",
            retry_after=ceil(left),
        )

    def _join_fetch(self, kid: str | None = None) -> tuple[FetchUnderWay | None, bool]:
        """Return the fetch under way, or a new one if its cool-down has passed; and True if it is new.

        ``kid``: the unknown kid that it is for; None for a refresh because of the keys' age.
        """
        with self._flight.lock:
            if self._flight.current is not None and self._under_way is not None:
                if not self._is_lost(self._under_way):
                    return self._under_way, False
                self._give_up(self._under_way)
            for_miss = self._age() < self._refresh_age
            if for_miss and (kid is None or self._find_usable(kid) is not None):
                return None, False  # an answer has arrived since the caller looked
            cooldown = self._after_miss if for_miss else self._after_failure
            if cooldown.left(self._clock) > 0:
                return None, False
            return self._start_fetch(for_miss), True

    def _start_fetch(self, for_miss: bool) -> FetchUnderWay:
        started = self._clock.now()
        self._fetches += 1
        if for_miss:
            self._after_miss = Cooldown(self._policy.cooldown, started)
        done = self._flight.start(self._load, partial(self._accept_result, for_miss))
        self._under_way = FetchUnderWay(for_miss, started, done)
        return self._under_way

    def _is_lost(self, fetch: FetchUnderWay) -> bool:
        return self._clock.since(fetch.started) >= self._longest

    def _give_up(self, fetch: FetchUnderWay) -> None:
        """Abandon a fetch that was lost in a freeze, and allow a new one at once.

        A second one in a row counts as an outage.
        """
        self._flight.abandon()
        self._note_failure(TimeoutError(), for_miss=fetch.for_miss)
        if self._failures == 1:
            self._after_failure = Cooldown()

    async def _load(self) -> Mapping[str, PublicKey]:
        # What keys are built with is imported while the document is on its way. What fetches it is imported
        # before the deadline begins: a slow machine is no outage.
        library = asyncio.get_running_loop().run_in_executor(None, import_key_library)
        library.add_done_callback(self._note_imports)
        if self._fetch is fetch_over_https:
            import_http_client()
        async with asyncio.timeout(self._policy.timeout):
            document = await self._fetch(self._address)
        await library
        return parse_keys(json.loads(document) if isinstance(document, str | bytes) else document)

    def _note_imports(self, library: object) -> None:
        self._imported = True

    def _accept_result(self, for_miss: bool, result: Mapping[str, PublicKey] | BaseException) -> None:
        """Take the keys. Every fault of a key server is the same here: no keys."""
        if isinstance(result, BaseException):
            self._note_failure(result, for_miss=for_miss)
        else:
            self._replace_keys(result)

    def _replace_keys(self, keys: Mapping[str, PublicKey]) -> None:
        """Replace all keys. A key that is still there stays the same object."""
        known = self._keys.by_kid
        same = {kid: known[kid] if known.get(kid) == key else key for kid, key in keys.items()}
        self._refresh_age = (_AHEAD - _SPREAD * self._jitter()) * self._policy.max_age
        self._keys = Keys(same, self._clock.now())
        self._failures, self._last_error, self._after_failure = 0, None, Cooldown()
        self._failed_refreshes = 0

    def _note_failure(self, error: BaseException, *, for_miss: bool) -> None:
        self._failures += 1
        # The text of a library's exception may hold anything; texts written here do not.
        is_ours = isinstance(error, FetchFailed | NotKeys)
        self._last_error = str(error) if is_ours else describe_failure(error)
        if not for_miss:
            self._failed_refreshes += 1
            asked = error.retry_after if isinstance(error, FetchFailed) else 0
            seconds = backoff(self._policy.backoff, self._failed_refreshes, asked=asked, jitter=self._jitter)
            self._after_failure = Cooldown(seconds, self._clock.now())
