"""Sign-in to the local pool over HTTP, in the roles of browser and client (RFC 6749, RFC 7636)."""

from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing.emulator.directory import Directory, LocalClient

_TIMEOUT = 5  # seconds
_ADVICE = "Its users and clients are listed where it was started (`cognito-guard pool`)."


def request_user_tokens(
    address: str, directory: Directory, username: str, scopes: Collection[str]
) -> dict[str, Any]:
    """Sign a user in and return the tokens. Raises `ConfigurationError` for an unknown user or scope."""
    client = _find_client(directory, machine=False)
    user = directory.user(username)
    verifier = token_urlsafe(48)
    redirect = {"client_id": client.id, "redirect_uri": client.callback_urls[0]}
    form = {
        **redirect,
        "response_type": "code",
        "scope": " ".join(scopes),
        "code_challenge": _build_challenge(verifier),
        "code_challenge_method": "S256",
        "username": username,
        "password": (user and user.password) or "",
    }
    response = _post(f"{address}/login", form, client)
    answer = parse_qs(urlsplit(response.headers.get("location", "")).query)
    if "code" not in answer:
        unknown = f"it has no such user, another password for them, or no client {client.id}"
        reason = _find_reason(answer, unknown, client)
        raise ConfigurationError(f"The pool at {address} does not sign {username} in: {reason}. {_ADVICE}")
    code = {"grant_type": "authorization_code", "code": answer["code"][0], "code_verifier": verifier}
    return _request_tokens(address, {**redirect, **code}, client)


def request_machine_tokens(address: str, directory: Directory, scopes: Collection[str]) -> dict[str, Any]:
    """Return a token of a client without a user (client_credentials). Raises `ConfigurationError`."""
    client = _find_client(directory, machine=True)
    form = {"grant_type": "client_credentials", "scope": " ".join(scopes)}
    return _request_tokens(address, form, client)


def list_suppressed_scopes(directory: Directory, username: str) -> set[str]:
    """Return the scopes of the client for sign-ins that tokens of this user never have."""
    user = directory.user(username)
    return set(user.suppressed_scopes if user else ()) & set(_find_client(directory, machine=False).scopes)


def _build_challenge(verifier: str) -> str:
    """Build the S256 challenge of RFC 7636 section 4.2."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _find_client(directory: Directory, *, machine: bool) -> LocalClient:
    for client in directory.clients:
        if client.is_machine is machine:
            return client
    kind = "is a machine" if machine else "has callback_urls, for users to sign in"
    raise ConfigurationError(f"No client of the pool {kind}: add one to its file.")


def _request_tokens(address: str, form: dict[str, str], client: LocalClient) -> dict[str, Any]:
    response = _post(f"{address}/oauth2/token", form, client)
    tokens = _parse_object(response, address)
    if response.status_code != 200:
        answer = {name: [str(text)] for name, text in tokens.items()}
        reason = _find_reason(answer, "it gives no reason", client)
        raise ConfigurationError(f"The pool at {address} gives no token: {reason}. {_ADVICE}")
    if not isinstance(tokens.get("access_token"), str):
        raise _make_pool_error(address)
    return tokens


def _parse_object(response: httpx.Response, address: str) -> dict[str, Any]:
    """Parse a JSON object. Another program than a pool may listen at the port."""
    try:
        content = response.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise _make_pool_error(address)
    return content


def _make_pool_error(address: str) -> ConfigurationError:
    return ConfigurationError(
        f"The server at {address} is not a local pool: start one at another port, "
        "`cognito-guard pool --port ...`."
    )


def _find_reason(answer: Mapping[str, list[str]], default: str, client: LocalClient) -> str:
    if answer.get("error") == ["invalid_scope"]:
        return f"the client {client.id} may not request that scope"
    return answer.get("error_description", answer.get("error", [default]))[0]


def _post(address: str, form: dict[str, str], client: LocalClient) -> httpx.Response:
    fields = {name: value for name, value in form.items() if value}
    auth = (client.id, client.secret) if client.secret else None
    try:
        return httpx.post(address, data=fields, auth=auth, timeout=_TIMEOUT, trust_env=False)
    except httpx.HTTPError:
        raise ConfigurationError(
            f"No local pool at {urlsplit(address).netloc}: start one, in another terminal, with "
            "`cognito-guard pool`."
        ) from None
