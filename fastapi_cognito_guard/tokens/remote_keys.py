"""A pool's public keys: fetched once, kept, shared, refreshed ahead, and served through an outage.

A key set belongs to the guard and outlives event loops, threads' loops and forks. What it knows is one
reference that is replaced whole, so a request that finds its key takes no lock and never waits. A fetch is
a flight of its own, in a thread with an event loop that nobody else depends on: whoever asked for it may
be cancelled, or have its loop closed.
"""

import asyncio
import json
import os
import random
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from math import ceil
from typing import Any, NamedTuple

from fastapi_cognito_guard.errors import KeysUnavailable, KeyUnknown
from fastapi_cognito_guard.pool import KeyPolicy
from fastapi_cognito_guard.tokens.backoff import Cooldown, backoff
from fastapi_cognito_guard.tokens.clock import Clock, Moment
from fastapi_cognito_guard.tokens.fetch import Fetch, FetchFailed
from fastapi_cognito_guard.tokens.jwks import NotKeys, PublicKey, read_keys

_AHEAD = 0.8  # of max_age: from here on a refresh is under way while requests go on
_GRACE = 1.0  # seconds past its deadline, after which a flight is taken for dead (a frozen machine)


class Keys(NamedTuple):
    """What a good answer said, and when."""

    by_kid: Mapping[str, PublicKey]
    at: Moment


class Flight(NamedTuple):
    """A fetch under way. ``for_miss``: an unknown kid asked for it, and not the keys' age."""

    for_miss: bool
    started: Moment
    landed: Future[None]


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
        self._due = _AHEAD * policy.max_age
        self._keys = Keys({}, Moment(float("-inf"), float("-inf")))
        self._after_failure = Cooldown()
        self._after_miss = Cooldown()
        self._failures = 0
        self._fetches = 0
        self._last_error: str | None = None
        self._flight: Flight | None = None
        self._lock = threading.Lock()
        self._process = os.getpid()

    def find(self, kid: str) -> PublicKey | None:
        """The key, if it is known and need not be asked about. Takes no lock and never waits."""
        keys = self._keys
        key = keys.by_kid.get(kid)
        return key if key is not None and self._clock.since(keys.at) < self._due else None

    def lacks(self, kid: str) -> bool:
        """Whether it is certain, and will be until a cool-down ends, that there is no such key."""
        return (
            kid not in self._keys.by_kid
            and not self._failures
            and self._flight is None
            and self._after_miss.left(self._clock) > 0
            and self._age() < self._due
        )

    async def key(self, kid: str, *, patience: float = 0.0) -> PublicKey:
        """The key with exactly this kid.

        ``patience``: how many seconds the request that starts a refresh of stale keys may wait for it.
        Only for Lambda, where nothing goes on between requests.

        Raises `KeyUnknown` when the pool has no such key, `KeysUnavailable` when nobody can tell.
        """
        key = self.find(kid)
        if key is not None:
            return key
        if self._usable(kid) is not None:
            flight, mine = self._refresh()
            if flight is not None and mine and patience > 0 and self._age() >= self._policy.max_age:
                await _wait(flight, patience)
        if self._usable(kid) is None:
            await self._ask(kid)
        key = self._usable(kid)
        if key is None:
            raise self._refusal()
        return key

    async def warm_up(self) -> bool:
        """Fetch unless the keys are fresh. Whether there are usable keys afterwards."""
        if self._age() >= self._due:
            await self._ask()
        return self._is_usable()

    def status(self) -> dict[str, Any]:
        """Facts for a readiness check. ``age`` is in seconds, None before the first good answer."""
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

    def _age(self) -> float:
        return self._clock.since(self._keys.at)

    def _is_usable(self) -> bool:
        return self._age() < self._policy.max_age + self._policy.max_stale

    def _usable(self, kid: str) -> PublicKey | None:
        return self._keys.by_kid.get(kid) if self._is_usable() else None

    async def _ask(self, kid: str | None = None) -> None:
        """Wait for the answer to a fetch: the one under way, or a new one if its gap has passed."""
        flight, _ = self._refresh(kid)
        if flight is not None:
            await _wait(flight, self._policy.timeout + _GRACE)

    def _refusal(self) -> KeyUnknown | KeysUnavailable:
        # A flight that has not landed in time counts as an outage, too: nobody can tell.
        if not self._failures and self._is_usable() and self._flight is None:
            return KeyUnknown(
                "no key of the pool has the token's kid: is the token of this pool, or too old?"
            )
        left = max(self._after_failure.left(self._clock), self._after_miss.left(self._clock))
        return KeysUnavailable(
            f"the keys at {self._address} cannot be had ({self._last_error or 'no answer yet'}): "
            "check the pool id, and the network path from this machine to that address.",
            retry_after=ceil(left),
        )

    def _refresh(self, kid: str | None = None) -> tuple[Flight | None, bool]:
        """The flight under way, or a new one where its gap has passed; and whether it is new.

        ``kid``: what it is for, where that is not only the keys' age.
        """
        if self._process != os.getpid():
            self._survive_fork()
        with self._lock:
            flight = self._flight
            if flight is not None and not self._is_overdue(flight):
                return flight, False
            if flight is not None:
                self._give_up(flight)
            for_miss = self._age() < self._due
            if for_miss and (kid is None or self._usable(kid) is not None):
                return None, False  # an answer has landed since the caller looked
            gap = self._after_miss if for_miss else self._after_failure
            if gap.left(self._clock) > 0:
                return None, False
            flight = self._flight = Flight(for_miss, self._clock.now(), Future())
            self._fetches += 1
            if for_miss:
                self._after_miss = Cooldown(self._policy.cooldown, flight.started)
        self._launch(flight)
        return flight, True

    def _is_overdue(self, flight: Flight) -> bool:
        return self._clock.since(flight.started) >= self._policy.timeout + _GRACE

    def _give_up(self, flight: Flight) -> None:
        """The machine was frozen meanwhile: try again at once. If that happens again, it is an outage."""
        self._flight = None
        self._note_failure(flight, TimeoutError())
        if self._failures == 1:
            self._after_failure = Cooldown()

    def _survive_fork(self) -> None:
        """A child has the parent's keys, but not its threads: no flight, and perhaps a lock held for ever."""
        self._lock, self._flight, self._process = threading.Lock(), None, os.getpid()

    def _launch(self, flight: Flight) -> None:
        flight.landed.set_running_or_notify_cancel()  # a waiter that is cancelled cannot cancel it
        thread = threading.Thread(target=self._fly, args=(flight,), name="cognito-keys", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # no more threads to be had
            self._land(flight, error)

    def _fly(self, flight: Flight) -> None:
        try:
            asyncio.run(self._load(flight))
        except BaseException as error:  # no event loop to be had, or a fetch that cancels or exits
            self._land(flight, error)

    async def _load(self, flight: Flight) -> None:
        try:
            async with asyncio.timeout(self._policy.timeout):
                document = await self._fetch(self._address)
            if isinstance(document, str | bytes):
                document = json.loads(document)
            keys = read_keys(document)
        except Exception as error:  # whatever a key server can do to us is one and the same: no keys
            self._land(flight, error)
        else:
            self._land(flight, keys)

    def _land(self, flight: Flight, result: Mapping[str, PublicKey] | BaseException) -> None:
        with self._lock:
            if flight is self._flight:  # one that was given up has nothing to say any more
                if isinstance(result, BaseException):
                    self._note_failure(flight, result)
                else:
                    self._accept(result)
                self._flight = None
        flight.landed.set_result(None)

    def _accept(self, keys: Mapping[str, PublicKey]) -> None:
        """Replace everything known. A key that is still there stays the same object."""
        known = self._keys.by_kid
        same = {kid: known[kid] if known.get(kid) == key else key for kid, key in keys.items()}
        self._keys = Keys(same, self._clock.now())
        self._failures, self._last_error, self._after_failure = 0, None, Cooldown()

    def _note_failure(self, flight: Flight, error: BaseException) -> None:
        self._failures += 1
        # What an exception of a library says may hold anything; our own words do not.
        self._last_error = str(error) if isinstance(error, FetchFailed | NotKeys) else type(error).__name__
        if not flight.for_miss:
            asked = error.retry_after if isinstance(error, FetchFailed) else 0
            gap = backoff(self._policy.backoff, self._failures, asked=asked, jitter=self._jitter)
            self._after_failure = Cooldown(gap, self._clock.now())


async def _wait(flight: Flight, seconds: float) -> None:
    await asyncio.wait([asyncio.wrap_future(flight.landed)], timeout=seconds)
