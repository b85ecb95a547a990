"""Cache of verified tokens, so that the same token is not verified twice.

It keeps principals under the SHA-256 of their token, never a token and never a refusal. An entry counts as
long as the key source still holds the very key that verified the token.
"""

from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from fastapi_cognito_guard.forks import reset_in_children
from fastapi_cognito_guard.principal import Principal
from fastapi_cognito_guard.tokens.jwks import PublicKey
from fastapi_cognito_guard.tokens.key_source import KeySource

if TYPE_CHECKING:
    from cachetools import LRUCache

_COUNTED_LENGTH = 2048  # characters


class VerifiedToken(NamedTuple):
    """A token's principal, the time from which it is valid, its length, and the key that verified it."""

    principal: Principal
    valid_from: float  # seconds since the epoch
    length: int  # characters
    kid: str
    key: PublicKey
    source: KeySource


class TokenCache:
    """Bounded cache of verified tokens, least recently used out first. Thread-safe. Size 0 keeps nothing.

    A token counts once for each 2,048 characters that it begins, so that long tokens do not fill the memory:
    claims take up to 20 bytes for a character. A forked child starts with an empty cache, because the lock
    and the entries may be in use at the fork.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.reset()
        reset_in_children(self)

    def reset(self) -> None:
        """Forget all entries."""
        self._lock = Lock()
        self._entries: LRUCache[bytes, VerifiedToken] | None = None

    def __len__(self) -> int:
        return 0 if self._entries is None else len(self._entries)

    def find(self, digest: bytes) -> VerifiedToken | None:
        """Return the entry of a token if its pool still has the key that verified it."""
        if self._entries is None:
            return None
        try:
            with self._lock:
                entry = self._entries[digest]
        except KeyError:
            return None
        return entry if entry.source.find(entry.kid) is entry.key else None

    def keep(self, digest: bytes, entry: VerifiedToken) -> None:
        """Keep a verified token, unless it counts for more than the whole cache."""
        if _count(entry) > self.size:
            return
        with self._lock:
            if self._entries is None:
                self._entries = _new_entries(self.size)
            self._entries[digest] = entry


def hash_token(token: str) -> bytes:
    """Return the SHA-256 key of a token."""
    return sha256(str.encode(token)).digest()


def _new_entries(size: int) -> "LRUCache[bytes, VerifiedToken]":
    from cachetools import LRUCache

    return LRUCache(size, getsizeof=_count)


def _count(entry: VerifiedToken) -> int:
    return 1 + entry.length // _COUNTED_LENGTH
