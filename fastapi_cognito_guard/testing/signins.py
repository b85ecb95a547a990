"""Sign-ins, and the claims that Cognito makes of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import uuid4

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing.signing_key import base64url


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens of one sign-in or refresh. ``expires_in`` is in seconds.

    A refresh gives no new ``refresh_token``: the old one stays good.
    """

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_in: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Facts that all tokens of a sign-in share, refreshed ones too.

    ``id_claims`` and ``access_claims`` are what a pre-token-generation trigger adds or replaces; one
    that is None is left out.
    """

    username: str
    sub: str
    client_id: str
    groups: Collection[str]
    scopes: Collection[str]
    auth_time: int
    email: str | None = None
    nonce: str | None = None
    id_claims: Mapping[str, Any] = field(default_factory=dict)
    access_claims: Mapping[str, Any] = field(default_factory=dict)
    origin_jti: str = field(default_factory=lambda: str(uuid4()))
    event_id: str = field(default_factory=lambda: str(uuid4()))

    def for_access(self) -> dict[str, Any]:
        """Return the claims of its access tokens, without issuer, times and ``jti``."""
        return {
            **self._shared("access"),
            "version": 2,
            "client_id": self.client_id,
            "scope": " ".join(listed("scopes", self.scopes)),
            "username": self.username,
            **self.access_claims,
        }

    def for_id(self, access_token: str | None = None) -> dict[str, Any]:
        """Return the claims of its ID tokens, without issuer, times and ``jti``."""
        return {
            **self._shared("id"),
            "aud": self.client_id,
            "cognito:username": self.username,
            "email": self.email or f"{self.username}@example.com",
            "email_verified": True,
            "nonce": self.nonce,
            "at_hash": access_token and _half_hash(access_token),
            **self.id_claims,
        }

    def _shared(self, use: str) -> dict[str, Any]:
        return {
            "sub": self.sub,
            "token_use": use,
            "auth_time": self.auth_time,
            "origin_jti": self.origin_jti,
            "event_id": self.event_id,
            "cognito:groups": list(listed("groups", self.groups)) or None,
        }


def listed(name: str, names: Collection[str]) -> Collection[str]:
    """Return the names as a list. Raises `ConfigurationError` for a single string."""
    if isinstance(names, str):
        raise ConfigurationError(f'{name} is a list: {name}=["{names}"].', setting=name)
    return names


def _half_hash(token: str) -> str:
    """Return ``at_hash`` (OpenID Connect Core section 3.1.3.6)."""
    return base64url(sha256(token.encode()).digest()[:16])
