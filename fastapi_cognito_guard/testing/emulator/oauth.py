"""Authorization server of the local pool (RFC 6749, 7636, 7009, 8707): codes, tokens and refusals."""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from fastapi_cognito_guard.principal import COGNITO_LEVELS
from fastapi_cognito_guard.testing.emulator.directory import Directory, LocalClient, LocalUser
from fastapi_cognito_guard.testing.emulator.errors import OAuthError
from fastapi_cognito_guard.testing.emulator.exchange_form import (
    ACCESS_TOKEN,
    TOKEN_EXCHANGE,
    read_exchange_form,
)
from fastapi_cognito_guard.testing.emulator.registration import Registrations
from fastapi_cognito_guard.testing.exchange import ExchangeRefused
from fastapi_cognito_guard.testing.pool import FakeUserPool
from fastapi_cognito_guard.testing.signing_key import encode_base64url, unverified_claims
from fastapi_cognito_guard.testing.signins import Tokens

_CODE_LIFETIME = 300  # seconds, as Cognito's
_MAX_SHOWN = 200  # characters of a parameter, in a page
_ABSOLUTE_URI = r"[A-Za-z][A-Za-z0-9+.-]*://[!-~]+"

Parameters = Mapping[str, str]
Credentials = tuple[str, str]
"""Id and secret of a client."""


class InvalidRedirect(Exception):
    """Unknown client or redirect URI. The answer is a page, never a redirect (RFC 6749 section 4.1.2.1)."""


@dataclass(frozen=True, slots=True)
class RedirectTarget:
    """Registered redirect URI of a client, which a browser may be sent to, and the client's ``state``."""

    client: LocalClient
    redirect_uri: str
    state: str | None


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """Valid authorization request, to be answered with a code.

    ``challenge`` is that of PKCE, ``resource`` the ``aud`` of the access token.
    """

    target: RedirectTarget
    scopes: tuple[str, ...]
    nonce: str | None
    challenge: str | None
    resource: str | None
    acr_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Code:
    request: AuthorizationRequest
    user: LocalUser
    expires_at: float


class AuthorizationServer:
    """Validates authorization requests, and exchanges codes and secrets for tokens of ``pool``."""

    def __init__(self, pool: FakeUserPool, directory: Directory, now: Callable[[], float]) -> None:
        self._pool = pool
        self._directory = directory
        self._now = now
        self._codes: dict[str, _Code] = {}
        self.registrations = Registrations(directory, now)
        self._grants = {
            "authorization_code": self._exchange_code,
            "refresh_token": self._refresh,
            "client_credentials": self._issue_machine_token,
            TOKEN_EXCHANGE: self._exchange_token,
        }

    def find_client(self, id: str) -> LocalClient | None:
        """Return the client with this id, from the directory or registered since the start."""
        return self._directory.client(id) or self.registrations.clients.get(id)

    def find_target(self, parameters: Parameters) -> RedirectTarget:
        """Return the client and its redirect URI. Raises `InvalidRedirect` unless both are registered."""
        client = self.find_client(parameters.get("client_id", ""))
        if client is None:
            raise InvalidRedirect(self._describe_unknown_client(parameters.get("client_id", "")))
        redirect_uri = parameters.get("redirect_uri", "")
        if not client.has_callback(redirect_uri):
            raise InvalidRedirect(_describe_unknown_redirect(client, redirect_uri))
        return RedirectTarget(client, redirect_uri, parameters.get("state"))

    def _describe_unknown_client(self, given: str) -> str:
        known = ", ".join(client.id for client in self._directory.clients if not client.is_machine)
        if not given:
            return (
                f"The client_id is empty. Users sign in to: {known or 'no client of this pool'}. For /docs, "
                "name it first in COGNITO_CLIENT_IDS, or write it into the field client_id."
            )
        return (
            f"The pool has no client {given[:_MAX_SHOWN]}. Users sign in to: {known or 'none'}. Use one of "
            f"them, or start the pool with --client {given[:_MAX_SHOWN]}."
        )

    def validate(self, target: RedirectTarget, parameters: Parameters) -> AuthorizationRequest:
        """Return the valid request. Raises `OAuthError`."""
        if parameters.get("response_type") != "code":
            raise OAuthError("unsupported_response_type", "response_type is code")
        challenge = parameters.get("code_challenge")
        if challenge is None and target.client.secret is None:
            # RFC 9700 section 2.1.1. Cognito does not insist, but a client should.
            raise OAuthError("invalid_request", "a client without a secret sends a code_challenge (PKCE)")
        if challenge is not None and parameters.get("code_challenge_method") != "S256":
            raise OAuthError("invalid_request", "code_challenge_method is S256")
        scopes = _grant_scopes(target.client, parameters)
        if parameters.get("prompt") == "none":
            raise OAuthError("login_required")
        return AuthorizationRequest(
            target,
            scopes,
            parameters.get("nonce"),
            challenge,
            _read_resource(parameters),
            tuple(parameters.get("acr_values", "").split()),
        )

    def authenticate(self, username: str, password: str) -> LocalUser | None:
        """Return the user if the password is right, or not needed."""
        user = self._directory.user(username)
        if user is None or not _is_equal(user.password or "", password if user.password else ""):
            return None
        return user

    def issue_code(self, request: AuthorizationRequest, user: LocalUser) -> str:
        """Issue a code that is good once, for five minutes. Drop all expired ones."""
        now = self._now()
        self._codes = {code: kept for code, kept in self._codes.items() if kept.expires_at > now}
        code = secrets.token_urlsafe(24)
        self._codes[code] = _Code(request, user, now + _CODE_LIFETIME)
        return code

    def issue_tokens(self, form: Parameters, basic: tuple[Credentials, ...]) -> dict[str, Any]:
        """Build the answer of the token endpoint. ``basic``: readings of the header's credentials."""
        grant = self._grants.get(form.get("grant_type", ""))
        if grant is None:
            is_missing = not form.get("grant_type")
            raise OAuthError("invalid_request" if is_missing else "unsupported_grant_type")
        return grant(self._authenticate_client(form, basic), form)

    def revoke_token(self, form: Parameters, basic: tuple[Credentials, ...]) -> None:
        """Revoke a refresh token. An unknown one is no error (RFC 7009 section 2.2)."""
        client = self._authenticate_client(form, basic)
        self._pool.revoke(form.get("token", ""), client_id=client.id)

    def _authenticate_client(self, form: Parameters, basic: tuple[Credentials, ...]) -> LocalClient:
        named = form.get("client_id", "")
        for client_id, secret in basic or ((named, form.get("client_secret", "")),):
            client = self.find_client(client_id)
            if client is not None and named in {"", client_id} and _is_equal(client.secret or "", secret):
                return client
        raise OAuthError("invalid_client")

    def _exchange_code(self, client: LocalClient, form: Parameters) -> dict[str, Any]:
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.expires_at <= self._now() or code.request.target.client != client:
            raise OAuthError("invalid_grant", "the code is unknown, used, expired, or another client's")
        request, user = code.request, code.user
        if form.get("redirect_uri") != request.target.redirect_uri:
            raise OAuthError("invalid_grant", "redirect_uri is not the one of the request")
        if not _is_verified(form.get("code_verifier"), request.challenge):
            raise OAuthError("invalid_grant", "code_verifier does not fit the code_challenge")
        tokens = self._pool.sign_in(
            user.username,
            groups=user.groups,
            scopes=[scope for scope in request.scopes if scope not in user.suppressed_scopes],
            email=user.email,
            client_id=client.id,
            nonce=request.nonce,
            resource=_choose_resource(request.resource, form),
            level=_choose_level(request.acr_values, user),
            expires_in=self._directory.token_lifetime,
            id_claims=user.claims,
            access_claims=user.access_claims,
        )
        return _build_answer(tokens)

    def _refresh(self, client: LocalClient, form: Parameters) -> dict[str, Any]:
        try:
            tokens = self._pool.refresh(
                form.get("refresh_token", ""), client_id=client.id, expires_in=self._directory.token_lifetime
            )
        except LookupError:
            raise OAuthError("invalid_grant") from None
        _choose_resource(unverified_claims(tokens.access_token).get("aud", ""), form)
        return _build_answer(tokens)

    def _issue_machine_token(self, client: LocalClient, form: Parameters) -> dict[str, Any]:
        if not client.is_machine:
            raise OAuthError("unauthorized_client")
        lifetime = self._directory.token_lifetime
        token = self._pool.machine_token(
            scopes=_grant_scopes(client, form),
            client_id=client.id,
            resource=_read_resource(form),
            expires_in=lifetime,
        )
        return {"access_token": token, "expires_in": lifetime, "token_type": "Bearer"}

    def _exchange_token(self, client: LocalClient, form: Parameters) -> dict[str, Any]:
        lifetime = self._directory.token_lifetime
        try:
            wanted = read_exchange_form(client, form)
            token = self._pool.exchange(
                wanted.subject_token,
                wanted.actor_token,
                scopes=[scope for scope in client.scopes if scope in wanted.scopes],
                audience=wanted.audience,
                resource=_read_resource(form),
                client_id=client.id,
                expires_in=lifetime,
            )
        except ExchangeRefused as refused:
            raise OAuthError(refused.code, refused.description) from None
        scope = unverified_claims(token)["scope"]
        issued = {"access_token": token, "issued_token_type": ACCESS_TOKEN, "token_type": "Bearer"}
        return {**issued, "expires_in": lifetime, "scope": scope}


def _describe_unknown_redirect(client: LocalClient, given: str) -> str:
    allowed = " ".join(client.callback_urls) or "none, as it is a machine"
    return (
        f"The redirect_uri is {given[:_MAX_SHOWN] or 'empty'}, which is none of the callback_urls of "
        f"{client.id}: {allowed}. They are compared letter by letter: scheme, host, port and path. Start the "
        "pool with --callback and the address, or add it to the pool's file."
    )


def _grant_scopes(client: LocalClient, parameters: Parameters) -> tuple[str, ...]:
    """Return the requested scopes, or all of the client's if none are. Raises `OAuthError` for others."""
    scopes = tuple(dict.fromkeys(parameters.get("scope", "").split())) or client.scopes
    if not set(scopes) <= set(client.scopes):
        raise OAuthError("invalid_scope")
    return scopes


def _read_resource(parameters: Parameters) -> str | None:
    """Return the requested resource (RFC 8707 section 2): an absolute URI without a fragment."""
    resource = parameters.get("resource")
    if resource is not None and ("#" in resource or not re.fullmatch(_ABSOLUTE_URI, resource)):
        raise OAuthError("invalid_target", "resource is an address without a fragment: https://api.example")
    return resource


def _choose_resource(granted: str | None, form: Parameters) -> str | None:
    """Return the resource of a sign-in. A token request may name it once more, but no other."""
    requested = _read_resource(form)
    if granted is not None and requested not in (None, granted):
        raise OAuthError("invalid_target", "resource is not the one of the sign-in")
    return granted or requested


def _choose_level(acr_values: Sequence[str], user: LocalUser) -> str | None:
    """Return the first level that the user can reach; None if none was asked for. Other names are ignored."""
    reachable = COGNITO_LEVELS[: COGNITO_LEVELS.index(user.highest_level) + 1]
    return next((level for level in acr_values if level in reachable), None)


def _is_verified(verifier: str | None, challenge: str | None) -> bool:
    """Compare the PKCE verifier with its challenge (RFC 7636 section 4.6).

    Both are present or both absent: RFC 9700 section 4.8.2 refuses a verifier without a challenge.
    """
    if verifier is None or challenge is None:
        return verifier is challenge
    return _is_equal(encode_base64url(sha256(verifier.encode()).digest()), challenge)


def _build_answer(tokens: Tokens) -> dict[str, Any]:
    """Build the JSON of a token response. No ID token without ``openid`` (OIDC Core section 3.1.2.1)."""
    scopes = str(unverified_claims(tokens.access_token).get("scope", "")).split()
    answer = {
        "id_token": tokens.id_token if "openid" in scopes else None,
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "expires_in": tokens.expires_in,
        "token_type": "Bearer",
    }
    return {name: value for name, value in answer.items() if value is not None}


def _is_equal(one: str, other: str) -> bool:
    """Compare two texts in constant time."""
    return secrets.compare_digest(one.encode(), other.encode())
