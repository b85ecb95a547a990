"""A user pool in memory: real RSA keys, and tokens with exactly the claims that Cognito puts in them."""

import json
import time
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_bytes
from typing import Any
from uuid import NAMESPACE_DNS, uuid4, uuid5

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.pool import UserPool
from fastapi_cognito_guard.testing.events import Flavour, gateway_event
from fastapi_cognito_guard.testing.server import serve_json


@dataclass(frozen=True)
class SigningKey:
    """An RSA-2048 key pair, and the key id under which its public half is published."""

    kid: str
    private: rsa.RSAPrivateKey

    @classmethod
    def generate(cls) -> "SigningKey":
        """A new key. Its id is standard base64 with ``+``, ``/`` and ``=`` in it, as Cognito's are."""
        kid = b64encode(b"\xfb\xff" + token_bytes(30)).decode()
        return cls(kid, rsa.generate_private_key(public_exponent=65537, key_size=2048))

    def sign(self, signing_input: bytes) -> bytes:
        """RS256 (RFC 7518 section 3.3)."""
        return self.private.sign(signing_input, padding.PKCS1v15(), SHA256())

    def public_jwk(self) -> dict[str, str]:
        """RFC 7517, with the members that Cognito publishes."""
        numbers = self.private.public_key().public_numbers()
        return {
            "alg": "RS256",
            "e": _base64url(numbers.e.to_bytes(3, "big")),
            "kid": self.kid,
            "kty": "RSA",
            "n": _base64url(numbers.n.to_bytes(256, "big")),
            "use": "sig",
        }


class FakeUserPool:
    """A user pool that exists only here. One key signs ID tokens, another access tokens.

    ``now`` is the clock of the tokens it issues, in seconds since the epoch.

    >>> pool = FakeUserPool()
    >>> guard = CognitoGuard(pool.user_pool())
    >>> token = pool.access_token("ada", groups=["admins"], scopes=["orders/read"])
    """

    def __init__(
        self,
        id: str = "eu-west-1_FakePool1",
        *,
        client_id: str = "4b1examplefakeclient",
        now: Callable[[], float] = time.time,
    ) -> None:
        self.id = id
        self.client_id = client_id
        self.issuer = UserPool(id, client_ids=client_id).issuers[0]
        self._now = now
        self.rotate()

    def rotate(self) -> None:
        """Replace both keys. Tokens of the old ones are no longer the pool's."""
        self._keys = {"id": SigningKey.generate(), "access": SigningKey.generate()}

    @property
    def jwks(self) -> dict[str, Any]:
        """The public keys, as the pool publishes them."""
        return {"keys": [key.public_jwk() for key in self._keys.values()]}

    def user_pool(self, **settings: Any) -> UserPool:
        """The settings that trust this pool, with its keys of this moment in them. ``settings`` override."""
        offline = {} if "jwks_uri" in settings else {"jwks": self.jwks}
        return UserPool(self.id, **{"client_ids": {self.client_id}, **offline, **settings})

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Publish the keys over HTTP on loopback; yields their address, for ``jwks_uri=``."""
        with serve_json(f"/{self.id}/.well-known/jwks.json", lambda: self.jwks) as address:
            yield address

    def access_token(
        self,
        username: str = "ada",
        *,
        groups: Collection[str] = (),
        scopes: Collection[str] = ("aws.cognito.signin.user.admin",),
        expires_in: float = 3600,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """A user's access token. ``claims`` are added or replaced; one that is None is left out."""
        own = {
            **self._session("access", username, groups, expires_in),
            "version": 2,
            "client_id": self.client_id,
            "scope": " ".join(_listed("scopes", scopes)),
            "username": username,
        }
        return self.sign({**own, **(claims or {})})

    def id_token(
        self,
        username: str = "ada",
        *,
        groups: Collection[str] = (),
        email: str | None = None,
        expires_in: float = 3600,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """A user's ID token. ``claims`` are added or replaced; one that is None is left out."""
        own = {
            **self._session("id", username, groups, expires_in),
            "aud": self.client_id,
            "cognito:username": username,
            "email": email or f"{username}@example.com",
            "email_verified": True,
        }
        return self.sign({**own, **(claims or {})})

    def machine_token(
        self,
        *,
        scopes: Collection[str] = (),
        client_id: str | None = None,
        expires_in: float = 3600,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """A client's own token (client_credentials): no user, no groups."""
        client_id = client_id or self.client_id
        own = {
            **self._token("access", client_id, expires_in),
            "version": 2,
            "client_id": client_id,
            "scope": " ".join(_listed("scopes", scopes)),
        }
        return self.sign({**own, **(claims or {})})

    def sub(self, username: str) -> str:
        """The user's ``sub``: the same for one name in one pool."""
        return str(uuid5(NAMESPACE_DNS, f"{username}.{self.id}"))

    def sign(self, claims: Mapping[str, Any], *, header: Mapping[str, Any] | None = None) -> str:
        """A token with these claims, whatever they are, signed with the key of its ``token_use``."""
        key = self._keys["id" if claims.get("token_use") == "id" else "access"]
        parts = (
            {"kid": key.kid, "alg": "RS256", **(header or {})},
            {name: value for name, value in claims.items() if value is not None},
        )
        signing_input = ".".join(_base64url(json.dumps(part).encode()) for part in parts)
        return f"{signing_input}.{_base64url(key.sign(signing_input.encode()))}"

    def event(
        self, flavour: Flavour, token: str | None, *, vouched: bool = True, **request: Any
    ) -> dict[str, Any]:
        """The event of a gateway whose authorizer has let ``token`` pass.

        Not ``vouched``, or without a token: the event of a route that has no authorizer.
        ``request`` is passed on to `gateway_event`.
        """
        claims = unverified_claims(token) if token is not None and vouched else None
        return gateway_event(flavour, claims=claims, token=token, **request)

    def _session(self, use: str, username: str, groups: Collection[str], expires_in: float) -> dict[str, Any]:
        return {
            **self._token(use, self.sub(username), expires_in),
            "origin_jti": str(uuid4()),
            "event_id": str(uuid4()),
            "cognito:groups": list(_listed("groups", groups)) or None,
        }

    def _token(self, use: str, sub: str, expires_in: float) -> dict[str, Any]:
        now = int(self._now())
        return {
            "sub": sub,
            "iss": self.issuer,
            "token_use": use,
            "auth_time": now,
            "iat": now,
            "exp": int(now + expires_in),
            "jti": str(uuid4()),
        }


def _listed(name: str, names: Collection[str]) -> Collection[str]:
    if isinstance(names, str):
        raise ConfigurationError(f'{name} is a list: {name}=["{names}"].', setting=name)
    return names


def unverified_claims(token: str) -> dict[str, Any]:
    """What a token says. Nothing is checked: for tests only."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(_from_base64url(payload))
    return claims


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _from_base64url(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
