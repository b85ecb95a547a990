"""Dynamic client registration of the local pool (RFC 7591), open to all, as a Cognito pool may have it."""

import re
import secrets
import string
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from fastapi_cognito_guard.addresses import is_loopback
from fastapi_cognito_guard.testing.emulator.directory import Directory, LocalClient
from fastapi_cognito_guard.testing.emulator.errors import OAuthError

_OPENID_SCOPES = ("openid", "email", "phone", "profile")  # those that any registered client may ask for
_WITH_SECRET = ("client_secret_basic", "client_secret_post")
_GRANTS, _RESPONSES = ["authorization_code", "refresh_token"], ["code"]
_MAX_CLIENTS = 100
_MAX_URIS = 20
_APP_URI = r"[a-z][a-z0-9+.-]*://[!-~]+"
_ID = string.ascii_lowercase + string.digits


class Registrations:
    """App clients that have registered themselves. They are kept until the pool stops, 100 at most."""

    def __init__(self, directory: Directory, now: Callable[[], float]) -> None:
        self._scopes = (*_OPENID_SCOPES, *(directory.registration_scopes or ()))
        self._now = now
        self.clients: dict[str, LocalClient] = {}

    def register(self, metadata: object) -> dict[str, Any]:
        """Register a client, and build the answer (RFC 7591 section 3.2.1). Raises `OAuthError`."""
        if not isinstance(metadata, Mapping):
            raise _metadata_error("the body is a JSON object")
        if len(self.clients) >= _MAX_CLIENTS:
            raise _metadata_error(f"this pool keeps {_MAX_CLIENTS} registered clients")
        method = metadata.get("token_endpoint_auth_method") or "client_secret_basic"
        if method != "none" and method not in _WITH_SECRET:
            raise _metadata_error("token_endpoint_auth_method is none, client_secret_basic or _post")
        client = LocalClient(
            id="".join(secrets.choice(_ID) for _ in range(26)),
            secret=secrets.token_urlsafe(32) if method in _WITH_SECRET else None,
            scopes=self._read_scopes(metadata),
            callback_urls=_read_redirect_uris(metadata),
        )
        _check_subset(metadata, "grant_types", _GRANTS)
        _check_subset(metadata, "response_types", _RESPONSES)
        self.clients[client.id] = client
        return self._build_answer(client, method)

    def _read_scopes(self, metadata: Mapping[Any, Any]) -> tuple[str, ...]:
        """Return the scopes that a client asks for, or all that it may have."""
        scope = metadata.get("scope")
        if scope is None:
            return self._scopes
        if not isinstance(scope, str) or not set(scope.split()) <= set(self._scopes):
            raise _metadata_error(f"scope names scopes of these: {' '.join(self._scopes)}")
        return tuple(dict.fromkeys(scope.split()))

    def _build_answer(self, client: LocalClient, method: str) -> dict[str, Any]:
        secret = (
            {} if client.secret is None else {"client_secret": client.secret, "client_secret_expires_at": 0}
        )
        return {
            "client_id": client.id,
            "client_id_issued_at": int(self._now()),
            **secret,
            "redirect_uris": client.callback_urls,
            "token_endpoint_auth_method": method,
            "grant_types": _GRANTS,
            "response_types": _RESPONSES,
            "scope": " ".join(client.scopes),
        }


def _read_redirect_uris(metadata: Mapping[Any, Any]) -> tuple[str, ...]:
    uris = metadata.get("redirect_uris")
    if not isinstance(uris, list) or not 1 <= len(uris) <= _MAX_URIS or not all(map(_is_redirect_uri, uris)):
        raise OAuthError(
            "invalid_redirect_uri",
            "redirect_uris lists addresses: https, http on loopback, or an app's own scheme",
        )
    return tuple(uris)


def _is_redirect_uri(uri: object) -> bool:
    """Return True for an address that Cognito takes as a callback URL: http on loopback only."""
    if not isinstance(uri, str) or "#" in uri or not re.fullmatch(_APP_URI, uri):
        return False
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    if parts.scheme in {"javascript", "data"}:
        return False
    return parts.scheme != "http" or is_loopback(parts.hostname)


def _check_subset(metadata: Mapping[Any, Any], name: str, values: list[str]) -> None:
    given = metadata.get(name, values)
    if not isinstance(given, list) or not all(item in values for item in given):
        raise _metadata_error(f"{name} has only {' and '.join(values)}")


def _metadata_error(description: str) -> OAuthError:
    return OAuthError("invalid_client_metadata", description)
