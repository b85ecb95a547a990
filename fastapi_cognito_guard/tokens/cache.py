"""Tokens that were good for this guard, so that the same one is not proven twice. Only cachetools' importer.

It remembers that a signature was good and what the claims came to; never a refusal, and never a token,
only its digest. An entry dies with its key: the key set must still hold the very key that proved it.
"""

from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING

from fastapi_cognito_guard.principal import Principal
from fastapi_cognito_guard.tokens.jwks import PublicKey
from fastapi_cognito_guard.tokens.verifier import KeySource

if TYPE_CHECKING:
    from cachetools import LRUCache


class CachedToken:
    """A principal, from when on it counts, and what proved it: the key that ``keys`` has under ``kid``."""

    __slots__ = ("key", "keys", "kid", "principal", "starts")

    def __init__(
        self, principal: Principal, starts: float, keys: KeySource, kid: str, key: PublicKey
    ) -> None:
        self.principal = principal
        self.starts = starts
        self.keys = keys
        self.kid = kid
        self.key = key


class TokenCache:
    """A bounded memory of good tokens, least recently used out first. Safe for threads; size 0 is none."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._lock = Lock()
        self._entries: LRUCache[bytes, CachedToken] | None = None

    def __len__(self) -> int:
        return 0 if self._entries is None else len(self._entries)

    def find(self, digest: bytes) -> CachedToken | None:
        """What is known of a token, if the key that proved it is still the pool's."""
        if self._entries is None:
            return None
        try:
            with self._lock:
                known = self._entries[digest]
        except KeyError:
            return None
        return known if known.keys.find(known.kid) is known.key else None

    def keep(self, digest: bytes, known: CachedToken) -> None:
        """Remember a token that was good."""
        with self._lock:
            if self._entries is None:
                self._entries = _new(self.size)
            self._entries[digest] = known


def hash_token(token: str) -> bytes:
    """What a token is remembered by, instead of itself. It is ASCII, as all that have been read are."""
    return sha256(str.encode(token)).digest()


def _new(size: int) -> "LRUCache[bytes, CachedToken]":
    from cachetools import LRUCache

    return LRUCache(size)
