"""Sign-in to a local pool, with the requests of a browser and of its app."""

import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from fastapi_cognito_guard.testing import LocalPool

REDIRECT_URI = "http://127.0.0.1:8000/docs/oauth2-redirect"
VERIFIER = "v" * 64


def make_challenge(verifier: str) -> str:
    """Compute the PKCE code challenge (RFC 7636 section 4.2, S256)."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def build_authorize_query(**changes: str | None) -> dict[str, str]:
    """Build the query of a valid authorization request. A change to None leaves the parameter out."""
    query: dict[str, str | None] = {
        "response_type": "code",
        "client_id": "local-docs",
        "redirect_uri": REDIRECT_URI,
        "scope": "openid orders/read",
        "state": "a&b=c",
        "nonce": "n-1",
        "code_challenge": make_challenge(VERIFIER),
        "code_challenge_method": "S256",
        **changes,
    }
    return {name: value for name, value in query.items() if value is not None}


def build_token_form(code: str, **changes: str) -> dict[str, str]:
    """Build the form of a token request for an authorization code."""
    return {
        "grant_type": "authorization_code",
        "client_id": "local-docs",
        "redirect_uri": REDIRECT_URI,
        "code": code,
        "code_verifier": VERIFIER,
        **changes,
    }


def read_hidden_fields(page: str) -> dict[str, str]:
    """Read the hidden fields of the sign-in form."""
    pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return {unescape(name): unescape(value) for name, value in pairs}


def read_redirect(location: str) -> dict[str, str]:
    """Read the query of a redirect to the client."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def sign_in(local: LocalPool, username: str, **changes: str) -> dict[str, Any]:
    """Sign a user in through the form, and return the token response."""
    with httpx.Client(base_url=local.address, trust_env=False, timeout=10) as client:
        page = client.get("/oauth2/authorize", params=build_authorize_query(**changes))
        sent = client.post("/login", data={**read_hidden_fields(page.text), "username": username})
        code = read_redirect(sent.headers["location"])["code"]
        named = {key: changes[key] for key in ("client_id", "redirect_uri") if key in changes}
        tokens: dict[str, Any] = client.post("/oauth2/token", data=build_token_form(code, **named)).json()
    return tokens
