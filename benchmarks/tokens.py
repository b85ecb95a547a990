"""A pool, and tokens of the size and shape that Cognito's have."""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from fastapi_cognito_guard.testing import FakeUserPool

GROUPS = ("admins", "operators", "eu-west-1_FakePool1_Google")
SCOPES = ("openid", "profile", "orders/read", "orders/write")


def access_tokens(pool: FakeUserPool, count: int) -> list[str]:
    """Distinct access tokens of about 1.2 KB."""
    return [pool.access_token(groups=GROUPS, scopes=SCOPES, claims=_device()) for _ in range(count)]


def id_tokens(pool: FakeUserPool, count: int) -> list[str]:
    """Distinct ID tokens with 22 claims."""
    return [pool.id_token(groups=GROUPS, claims=_profile()) for _ in range(count)]


def unknown_kids(pool: FakeUserPool, count: int) -> list[str]:
    """Tokens that each name another key which the pool does not have, so that nobody looks at signatures."""
    _, dot, rest = access_tokens(pool, 1)[0].partition(".")
    headers = ({"kid": secrets.token_urlsafe(32), "alg": "RS256"} for _ in range(count))
    return [_part(header) + dot + rest for header in headers]


def junk(token: str) -> list[str]:
    """What is no token: no dots; three parts of noise; a good header with noise; an algorithm of its own."""
    header, payload, signature = token.split(".")
    noise = secrets.token_urlsafe(len(payload))[: len(payload) // 4 * 4]
    none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"  # {"alg":"none","typ":"JWT"}
    return [
        noise,
        f"{noise[: len(header)]}.{noise}.{signature}",
        f"{header}.{noise}.{signature}",
        f"{none}.{payload}.{signature}",
    ]


def with_changed_signature(token: str) -> str:
    """The token with one letter of its signature replaced by another."""
    head, dot, signature = token.rpartition(".")
    return f"{head}{dot}{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


class Raw:
    """A bare RSA verification: the least that any verification of a token costs."""

    def __init__(self, pool: FakeUserPool, token: str) -> None:
        kid = _json(token.partition(".")[0])["kid"]
        entry = next(entry for entry in pool.jwks["keys"] if entry["kid"] == kid)
        n, e = (int.from_bytes(_octets(entry[name]), "big") for name in ("n", "e"))
        self._key: RSAPublicKey = RSAPublicNumbers(e, n).public_key()

    def verify(self, signed: tuple[bytes, bytes]) -> None:
        """Raises `cryptography.exceptions.InvalidSignature`."""
        signature, message = signed
        self._key.verify(signature, message, PKCS1v15(), SHA256())


def signed_parts(token: str) -> tuple[bytes, bytes]:
    """The signature and what it signs, both ready to verify."""
    message, _, signature = token.rpartition(".")
    return _octets(signature), message.encode()


def _json(part: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(_octets(part))
    return value


def _part(value: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()


def _octets(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _device() -> dict[str, str]:
    return {"device_key": f"eu-west-1_{uuid4()}"}


def _profile() -> dict[str, object]:
    return {
        "name": "Ada Lovelace",
        "given_name": "Ada",
        "family_name": "Lovelace",
        "phone_number": "+441234567890",
        "phone_number_verified": True,
        "custom:tier": "gold",
        "custom:tenant": str(uuid4()),
        "nonce": secrets.token_urlsafe(32),
    }
