"""The local pool's authorization server (RFC 6749, 7636, 7009): what it grants, to whom, and why not."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from fastapi_cognito_guard.testing.emulator.directory import Directory, LocalClient, LocalUser
from fastapi_cognito_guard.testing.pool import FakeUserPool
from fastapi_cognito_guard.testing.signing_key import base64url, unverified_claims
from fastapi_cognito_guard.testing.signins import Tokens

_CODE_LIFETIME = 300  # seconds, as Cognito's

Parameters = Mapping[str, str]


class NowhereToReturn(Exception):
    """A request to sign in whose client or way back is not known: only the person may be told."""


class OAuthError(Exception):
    """A refusal that the client is told (RFC 6749 sections 4.1.2.1 and 5.2)."""

    def __init__(self, code: str, description: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.description = description


@dataclass(frozen=True, slots=True)
class WayBack:
    """Where the answer to a request to sign in goes: checked, and safe to send a browser to."""

    client: LocalClient
    redirect_uri: str
    state: str | None


@dataclass(frozen=True, slots=True)
class Authorization:
    """A request to sign in that can be answered with a code."""

    way_back: WayBack
    scopes: tuple[str, ...]
    nonce: str | None
    challenge: str | None


@dataclass(frozen=True, slots=True)
class _Code:
    authorization: Authorization
    user: LocalUser
    expires_at: float


class AuthorizationServer:
    """Vets requests, and turns sign-ins, codes and secrets into tokens of ``pool``."""

    def __init__(self, pool: FakeUserPool, directory: Directory, now: Callable[[], float]) -> None:
        self._pool = pool
        self._directory = directory
        self._now = now
        self._codes: dict[str, _Code] = {}
        self._grants = {
            "authorization_code": self._for_code,
            "refresh_token": self._for_refresh_token,
            "client_credentials": self._for_client,
        }

    def way_back(self, asked: Parameters) -> WayBack:
        """Raises `NowhereToReturn` unless the client and its redirect URI are known, letter by letter."""
        client = self._directory.client(asked.get("client_id", ""))
        if client is None:
            raise NowhereToReturn("The client_id is none of the pool's. Add it to its clients.")
        if asked.get("redirect_uri") not in client.callback_urls:
            raise NowhereToReturn(
                f"The redirect_uri is none of the callback_urls of {client.id}. They are compared letter by "
                "letter: scheme, host, port and path."
            )
        return WayBack(client, asked["redirect_uri"], asked.get("state"))

    def vet(self, way_back: WayBack, asked: Parameters) -> Authorization:
        """Raises `OAuthError` for a request that cannot be answered with a code."""
        if asked.get("response_type") != "code":
            raise OAuthError("unsupported_response_type", "response_type is code")
        challenge = asked.get("code_challenge")
        if challenge is None and way_back.client.secret is None:
            # RFC 9700 section 2.1.1. Cognito does not insist, but a client should.
            raise OAuthError("invalid_request", "a client without a secret sends a code_challenge (PKCE)")
        if challenge is not None and asked.get("code_challenge_method") != "S256":
            raise OAuthError("invalid_request", "code_challenge_method is S256")
        scopes = _granted(way_back.client, asked)
        if asked.get("prompt") == "none":
            raise OAuthError("login_required")
        return Authorization(way_back, scopes, asked.get("nonce"), challenge)

    def authenticate(self, username: str, password: str) -> LocalUser | None:
        """The user, if this is their password, or they have none."""
        user = self._directory.user(username)
        if user is None or not _same(user.password or "", password if user.password else ""):
            return None
        return user

    def code(self, authorization: Authorization, user: LocalUser) -> str:
        """A code that is good once, for five minutes."""
        now = self._now()
        self._codes = {code: kept for code, kept in self._codes.items() if kept.expires_at > now}
        code = secrets.token_urlsafe(24)
        self._codes[code] = _Code(authorization, user, now + _CODE_LIFETIME)
        return code

    def tokens(self, form: Parameters, basic: tuple[str, str] | None) -> dict[str, Any]:
        """The token endpoint's answer. ``basic``: id and secret in the header, if they are there."""
        grant = self._grants.get(form.get("grant_type", ""))
        if grant is None:
            missing = not form.get("grant_type")
            raise OAuthError("invalid_request" if missing else "unsupported_grant_type")
        return grant(self._client(form, basic), form)

    def revoke(self, form: Parameters, basic: tuple[str, str] | None) -> None:
        """RFC 7009: a token that is not known is no error."""
        client = self._client(form, basic)
        self._pool.revoke(form.get("token", ""), client_id=client.id)

    def _client(self, form: Parameters, basic: tuple[str, str] | None) -> LocalClient:
        named = form.get("client_id", "")
        client_id, secret = basic or (named, form.get("client_secret", ""))
        client = self._directory.client(client_id)
        if client is None or named not in {"", client_id} or not _same(client.secret or "", secret):
            raise OAuthError("invalid_client")
        return client

    def _for_code(self, client: LocalClient, form: Parameters) -> dict[str, Any]:
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.expires_at <= self._now() or code.authorization.way_back.client != client:
            raise OAuthError("invalid_grant", "the code is unknown, used, expired, or another client's")
        asked = code.authorization
        if form.get("redirect_uri") != asked.way_back.redirect_uri:
            raise OAuthError("invalid_grant", "redirect_uri is not the one of the request")
        if not _proves(form.get("code_verifier"), asked.challenge):
            raise OAuthError("invalid_grant", "code_verifier does not fit the code_challenge")
        tokens = self._pool.sign_in(
            code.user.username,
            groups=code.user.groups,
            scopes=[scope for scope in asked.scopes if scope not in code.user.suppressed_scopes],
            email=code.user.email,
            client_id=client.id,
            nonce=asked.nonce,
            expires_in=self._directory.token_lifetime,
            id_claims=code.user.claims,
            access_claims=code.user.access_claims,
        )
        return _answer(tokens)

    def _for_refresh_token(self, client: LocalClient, form: Parameters) -> dict[str, Any]:
        try:
            tokens = self._pool.refresh(
                form.get("refresh_token", ""), client_id=client.id, expires_in=self._directory.token_lifetime
            )
        except LookupError:
            raise OAuthError("invalid_grant") from None
        return _answer(tokens)

    def _for_client(self, client: LocalClient, form: Parameters) -> dict[str, Any]:
        if not client.is_machine:
            raise OAuthError("unauthorized_client")
        lifetime = self._directory.token_lifetime
        token = self._pool.machine_token(
            scopes=_granted(client, form), client_id=client.id, expires_in=lifetime
        )
        return {"access_token": token, "expires_in": lifetime, "token_type": "Bearer"}


def _granted(client: LocalClient, asked: Parameters) -> tuple[str, ...]:
    """The scopes asked for, all of them the client's; without any, all that it has."""
    scopes = tuple(dict.fromkeys(asked.get("scope", "").split())) or client.scopes
    if not set(scopes) <= set(client.scopes):
        raise OAuthError("invalid_scope")
    return scopes


def _proves(verifier: str | None, challenge: str | None) -> bool:
    """RFC 7636 section 4.6; a verifier without a challenge proves nothing (RFC 9700 section 4.8.2)."""
    if verifier is None or challenge is None:
        return verifier is challenge
    return _same(base64url(sha256(verifier.encode()).digest()), challenge)


def _answer(tokens: Tokens) -> dict[str, Any]:
    """OpenID Connect Core section 3.1.2.1: no ID token without the scope ``openid``."""
    scopes = str(unverified_claims(tokens.access_token).get("scope", "")).split()
    answer = {
        "id_token": tokens.id_token if "openid" in scopes else None,
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "expires_in": tokens.expires_in,
        "token_type": "Bearer",
    }
    return {name: value for name, value in answer.items() if value is not None}


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(), other.encode())
