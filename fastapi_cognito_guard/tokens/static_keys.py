"""Keys from the settings: a mapping, or a file that is read again when it changes."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi_cognito_guard.errors import ConfigurationError, KeysUnavailable, KeyUnknown
from fastapi_cognito_guard.tokens.clock import Clock, Moment
from fastapi_cognito_guard.tokens.jwks import NotKeys, PublicKey, list_usable_entries, parse_keys

_CHECK_INTERVAL = 1.0  # seconds between two checks of a file's date


class MappingKeys:
    """Keys of a mapping in the code. Raises `ConfigurationError` if none is usable."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        try:
            list_usable_entries(document)
        except NotKeys:
            raise ConfigurationError(
                'jwks has no usable key: give {"keys": [...]} as the pool publishes it.',
                setting="jwks",
            ) from None
        self._document = document
        self._keys: Mapping[str, PublicKey] | None = None

    def find(self, kid: str) -> PublicKey | None:
        """Return the key with this kid, or None. The first call builds all keys."""
        if self._keys is None:
            self._keys = parse_keys(self._document)
        return self._keys.get(kid)

    def lacks(self, kid: str) -> bool:
        """Return False: a lookup is free, and the reason of a later refusal may say more."""
        return False

    async def get(self, kid: str, *, patience: float = 0.0) -> PublicKey:
        """Return the key with exactly this kid. Raises `KeyUnknown`."""
        key = self.find(kid)
        if key is None:
            raise KeyUnknown("no key in jwks has the token's kid: did the pool rotate its keys?")
        return key

    async def warm_up(self) -> bool:
        """Build the keys."""
        self.find("")
        return True

    def status(self) -> dict[str, Any]:
        """Return facts for a readiness check."""
        kids = sorted(entry["kid"] for entry in list_usable_entries(self._document))
        return {"kids": kids, "usable": True}


class FileKeys:
    """Keys of a file. A file that becomes unreadable does not replace the keys that it held before."""

    def __init__(self, path: str | os.PathLike[str], clock: Clock) -> None:
        self._path = Path(path)
        self._clock = clock
        self._checked_at: Moment | None = None
        self._version: tuple[int, int, int] | None = None
        self._keys: Mapping[str, PublicKey] = {}
        self._last_error: str | None = None

    def find(self, kid: str) -> PublicKey | None:
        """Return the key with this kid, or None."""
        if self._checked_at is None or self._clock.since(self._checked_at) >= _CHECK_INTERVAL:
            self._reload()
        return self._keys.get(kid)

    lacks = MappingKeys.lacks

    async def get(self, kid: str, *, patience: float = 0.0) -> PublicKey:
        """Return the key with exactly this kid.

        Raises `KeyUnknown`, or `KeysUnavailable` for a file without keys.
        """
        key = self.find(kid)
        if key is not None:
            return key
        if self._keys:
            raise KeyUnknown("no key in the key file has the token's kid: did the pool rotate its keys?")
        raise KeysUnavailable(
            f"the key file {self._path} cannot be used ({self._last_error}): "
            "put the pool's key document there, as it publishes it."
        )

    async def warm_up(self) -> bool:
        """Read the file. Return True if it has usable keys."""
        self.find("")
        return bool(self._keys)

    def status(self) -> dict[str, Any]:
        """Return facts for a readiness check."""
        return {"kids": sorted(self._keys), "usable": bool(self._keys), "last_error": self._last_error}

    def _reload(self) -> None:
        self._checked_at = self._clock.now()
        try:
            facts = self._path.stat()
            version = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
            if version != self._version:
                known, keys = self._keys, parse_keys(json.loads(self._path.read_bytes()))
                self._keys = {kid: known[kid] if known.get(kid) == key else key for kid, key in keys.items()}
                self._version, self._last_error = version, None
        except (OSError, ValueError, RecursionError) as error:
            self._last_error = type(error).__name__
