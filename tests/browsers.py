"""Signing in to a local pool as a browser and its app would, without the browser."""

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


def challenge_of(verifier: str) -> str:
    """RFC 7636 section 4.2, S256."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def asking(**changes: str | None) -> dict[str, str]:
    """A good request to sign in; a change to None leaves the parameter out."""
    asked: dict[str, str | None] = {
        "response_type": "code",
        "client_id": "local-docs",
        "redirect_uri": REDIRECT_URI,
        "scope": "openid orders/read",
        "state": "a&b=c",
        "nonce": "n-1",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        **changes,
    }
    return {name: value for name, value in asked.items() if value is not None}


def exchange(code: str, **changes: str) -> dict[str, str]:
    """The form that turns a code into tokens."""
    return {
        "grant_type": "authorization_code",
        "client_id": "local-docs",
        "redirect_uri": REDIRECT_URI,
        "code": code,
        "code_verifier": VERIFIER,
        **changes,
    }


def hidden_fields(page: str) -> dict[str, str]:
    """What the form carries."""
    pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return {unescape(name): unescape(value) for name, value in pairs}


def answer_in(location: str) -> dict[str, str]:
    """What a redirect says to the client."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def sign_in(local: LocalPool, username: str, **changes: str) -> dict[str, Any]:
    """The tokens of a user who has pressed the button."""
    with httpx.Client(base_url=local.address, trust_env=False, timeout=10) as client:
        page = client.get("/oauth2/authorize", params=asking(**changes))
        sent = client.post("/login", data={**hidden_fields(page.text), "username": username})
        code = answer_in(sent.headers["location"])["code"]
        named = {key: changes[key] for key in ("client_id", "redirect_uri") if key in changes}
        tokens: dict[str, Any] = client.post("/oauth2/token", data=exchange(code, **named)).json()
    return tokens
