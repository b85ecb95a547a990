"""Signing in to the local pool over HTTP, as a browser and a client do together (RFC 6749, RFC 7636)."""

from collections.abc import Collection, Mapping
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing.emulator.directory import Directory, LocalClient, LocalUser
from fastapi_cognito_guard.testing.signing_key import base64url

_TIMEOUT = 5  # seconds
_SAME = "Who is there, it has said when it started (`cognito-guard pool`)."


def request_user_tokens(
    address: str, directory: Directory, user: LocalUser, scopes: Collection[str]
) -> dict[str, Any]:
    """The tokens of a sign-in. Raises `ConfigurationError` where there is no such pool, user or scope."""
    client = _client(directory, machine=False)
    verifier = token_urlsafe(48)
    back = {"client_id": client.id, "redirect_uri": client.callback_urls[0]}
    asked = {
        **back,
        "response_type": "code",
        "scope": " ".join(scopes),
        "code_challenge": base64url(sha256(verifier.encode()).digest()),
        "code_challenge_method": "S256",
        "username": user.username,
        "password": user.password or "",
    }
    answer = _post(f"{address}/login", asked, client)
    said = parse_qs(urlsplit(answer.headers.get("location", "")).query)
    if "code" not in said:
        reason = _reason(
            said, f"it has no such user, another password for them, or no client {client.id}", client
        )
        raise ConfigurationError(f"The pool at {address} does not sign {user.username} in: {reason}. {_SAME}")
    code = {"grant_type": "authorization_code", "code": said["code"][0], "code_verifier": verifier}
    return _tokens(address, {**back, **code}, client)


def request_machine_tokens(address: str, directory: Directory, scopes: Collection[str]) -> dict[str, Any]:
    """A client's own token (client_credentials). Raises `ConfigurationError` as `request_user_tokens` does."""
    client = _client(directory, machine=True)
    asked = {"grant_type": "client_credentials", "scope": " ".join(scopes)}
    return _tokens(address, asked, client)


def _client(directory: Directory, *, machine: bool) -> LocalClient:
    for client in directory.clients:
        if client.is_machine is machine:
            return client
    kind = "is a machine" if machine else "users can sign in to"
    raise ConfigurationError(f"No client of the pool {kind}: add one to its file.")


def _tokens(address: str, form: dict[str, str], client: LocalClient) -> dict[str, Any]:
    answer = _post(f"{address}/oauth2/token", form, client)
    tokens = _object(answer, address)
    if answer.status_code != 200:
        said = {name: [str(text)] for name, text in tokens.items()}
        reason = _reason(said, "it does not say why", client)
        raise ConfigurationError(f"The pool at {address} gives no token: {reason}. {_SAME}")
    if not isinstance(tokens.get("access_token"), str):
        raise ConfigurationError(_no_pool(address))
    return tokens


def _object(answer: httpx.Response, address: str) -> dict[str, Any]:
    """Whatever listens at a port may have answered."""
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ConfigurationError(_no_pool(address))
    return found


def _no_pool(address: str) -> str:
    return f"What listens at {address} is no user pool: start one elsewhere, `cognito-guard pool --port ...`."


def _reason(said: Mapping[str, list[str]], otherwise: str, client: LocalClient) -> str:
    if said.get("error") == ["invalid_scope"]:
        return f"the client {client.id} may not ask for that scope"
    return said.get("error_description", said.get("error", [otherwise]))[0]


def _post(address: str, form: dict[str, str], client: LocalClient) -> httpx.Response:
    given = {name: value for name, value in form.items() if value}
    auth = (client.id, client.secret) if client.secret else None
    try:
        return httpx.post(address, data=given, auth=auth, timeout=_TIMEOUT, trust_env=False)
    except httpx.HTTPError:
        raise ConfigurationError(
            f"No local pool at {urlsplit(address).netloc}: start one, in another terminal, with "
            "`cognito-guard pool`."
        ) from None
