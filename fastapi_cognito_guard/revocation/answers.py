"""Remembered answers to the question whether a token was revoked."""

from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from fastapi_cognito_guard.forks import reset_in_children
from fastapi_cognito_guard.principal import Principal
from fastapi_cognito_guard.tokens.clock import Clock, Moment

if TYPE_CHECKING:
    from cachetools import LRUCache


class _Answer(NamedTuple):
    revoked: bool
    given: Moment


class Answers:
    """Bounded cache of answers, least recently used out first. Thread-safe. Size 0 keeps nothing.

    A forked child starts without answers, because lock and entries may be in use at the fork.
    """

    def __init__(self, size: int, *, keep_valid: float, keep_revoked: float) -> None:
        """``keep_valid`` and ``keep_revoked``: seconds for which an answer counts."""
        self.size = size
        self._seconds = {False: keep_valid, True: keep_revoked}
        self._clock = Clock()
        self.reset()
        reset_in_children(self)

    def reset(self) -> None:
        """Forget all answers."""
        self._lock = Lock()
        self._entries: LRUCache[bytes, _Answer] | None = None

    def __len__(self) -> int:
        return 0 if self._entries is None else len(self._entries)

    def find(self, principal: Principal) -> bool | None:
        """Return the answer for the principal's token if there is one that still counts."""
        key = None if self._entries is None else _hash_identity(principal)
        if self._entries is None or key is None:
            return None
        with self._lock:
            answer = self._entries.get(key)
        if answer is None or self._clock.since(answer.given) >= self._seconds[answer.revoked]:
            return None
        return answer.revoked

    def keep(self, principal: Principal, revoked: bool) -> None:
        """Keep an answer, if answers of its kind are kept, and if its token can be told from others."""
        key = _hash_identity(principal) if self.size and self._seconds[revoked] else None
        if key is None:
            return
        with self._lock:
            if self._entries is None:
                self._entries = _new_entries(self.size)
            self._entries[key] = _Answer(revoked, self._clock.now())


def _hash_identity(principal: Principal) -> bytes | None:
    """Return the hash of what tells a token from all others, or None for a token without ``jti``."""
    jti = principal.claim("jti")
    if jti is None:
        return None
    parts = (principal.issuer, principal.sub, principal.client_id, principal.expires_at, jti)
    return sha256(repr(parts).encode()).digest()


def _new_entries(size: int) -> "LRUCache[bytes, _Answer]":
    from cachetools import LRUCache

    return LRUCache(size)
