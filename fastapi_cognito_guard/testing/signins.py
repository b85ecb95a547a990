"""Sign-ins of a fake pool, and the claims that Cognito puts into their tokens."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import uuid4

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing.signing_key import encode_base64url


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens of one sign-in or refresh. ``expires_in`` is in seconds.

    A refresh returns no new ``refresh_token``: the old one stays valid.
    """

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_in: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """One sign-in of a user. All its tokens are built from it, also after a refresh.

    ``resource`` is the ``aud`` of its access tokens (resource binding), ``level`` the authentication level
    reached (``acr``), and ``actor`` the client id of a party that acts for the user (``act``).
    ``id_claims`` and ``access_claims`` are added or replaced, as by a pre-token-generation trigger. A claim
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
    resource: str | None = None
    level: str | None = None
    actor: str | None = None
    id_claims: Mapping[str, Any] = field(default_factory=dict)
    access_claims: Mapping[str, Any] = field(default_factory=dict)
    origin_jti: str = field(default_factory=lambda: str(uuid4()))
    event_id: str = field(default_factory=lambda: str(uuid4()))

    def build_access_claims(self) -> dict[str, Any]:
        """Build the claims of an access token, without ``iss``, ``iat``, ``exp`` and ``jti``."""
        return {
            **self._build_shared_claims("access"),
            "version": 2,
            "client_id": self.client_id,
            "aud": self.resource,
            "scope": " ".join(check_list("scopes", self.scopes)),
            "username": self.username,
            **self.access_claims,
        }

    def build_id_claims(self, access_token: str | None = None) -> dict[str, Any]:
        """Build the claims of an ID token, without ``iss``, ``iat``, ``exp`` and ``jti``."""
        return {
            **self._build_shared_claims("id"),
            "aud": self.client_id,
            "cognito:username": self.username,
            "email": self.email or f"{self.username}@example.com",
            "email_verified": True,
            "nonce": self.nonce,
            "at_hash": access_token and _hash_access_token(access_token),
            **self.id_claims,
        }

    def _build_shared_claims(self, use: str) -> dict[str, Any]:
        return {
            "sub": self.sub,
            "token_use": use,
            "auth_time": self.auth_time,
            "origin_jti": self.origin_jti,
            "event_id": self.event_id,
            "cognito:groups": list(check_list("groups", self.groups)) or None,
            "acr": self.level,
            "act": None if self.actor is None else {"sub": self.actor},
        }


def check_list(name: str, values: Collection[str]) -> Collection[str]:
    """Return ``values``. Raises `ConfigurationError` for a string, which would be a list of letters."""
    if isinstance(values, str):
        raise ConfigurationError(f'{name} is a list: {name}=["{values}"].', setting=name)
    return values


def _hash_access_token(token: str) -> str:
    """Compute ``at_hash`` (OpenID Connect Core section 3.1.3.6)."""
    return encode_base64url(sha256(token.encode()).digest()[:16])
