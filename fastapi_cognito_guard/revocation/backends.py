"""Stores of revoked tokens."""

import time
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import Protocol

CALLS_AT_ONCE = 16
"""Calls of a store's blocking client that run at the same time."""

TIMEOUT = 1.0
"""Seconds that such a client waits for a connection, and for an answer, before it gives up."""


class Backend(Protocol):
    """The store of a `Denylist`: entries ``key -> not before``, each kept for some time."""

    async def add(self, key: str, not_before: int, seconds: int) -> None:
        """Keep an entry for at least ``seconds``.

        If the key has an entry, the later of both times counts, and so does the later end.
        """
        ...

    async def find(self, keys: Iterable[str]) -> Mapping[str, int]:
        """Return the entries that exist. Raises any exception if that cannot be found out."""
        ...


class MemoryBackend:
    """Entries in the memory of one process: for tests, and for an app with one process."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` in seconds; only differences count."""
        self._clock = clock
        self._lock = Lock()
        self._entries: dict[str, tuple[int, float]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    async def add(self, key: str, not_before: int, seconds: int) -> None:
        """Keep an entry for at least ``seconds``, and drop those whose time is over."""
        now = self._clock()
        with self._lock:
            kept = {name: entry for name, entry in self._entries.items() if entry[1] > now}
            known, end = kept.get(key, (not_before, now))
            kept[key] = max(known, not_before), max(end, now + seconds)
            self._entries = kept

    async def find(self, keys: Iterable[str]) -> Mapping[str, int]:
        """Return the entries that exist."""
        entries, now = self._entries, self._clock()
        return {key: entries[key][0] for key in keys if key in entries and entries[key][1] > now}
