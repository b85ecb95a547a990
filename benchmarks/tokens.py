"""Tokens of the size and shape of Cognito's, and a bare RSA verification."""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from fastapi_cognito_guard import Principal
from fastapi_cognito_guard.testing import FakeUserPool

GROUPS = ("admins", "operators", "eu-west-1_FakePool1_Google")
SCOPES = ("openid", "profile", "orders/read", "orders/write")


def make_access_tokens(pool: FakeUserPool, count: int) -> list[str]:
    """Make distinct access tokens of about 1.2 KB."""
    return [
        pool.access_token(groups=GROUPS, scopes=SCOPES, claims=_make_device_claims()) for _ in range(count)
    ]


def make_id_tokens(pool: FakeUserPool, count: int) -> list[str]:
    """Make distinct ID tokens with 22 claims."""
    return [pool.id_token(groups=GROUPS, claims=_make_profile_claims()) for _ in range(count)]


def make_tokens_with_unknown_kids(pool: FakeUserPool, count: int) -> list[str]:
    """Make tokens that each name another unknown key. Their signatures are never checked."""
    _, dot, rest = make_access_tokens(pool, 1)[0].partition(".")
    headers = ({"kid": secrets.token_urlsafe(32), "alg": "RS256"} for _ in range(count))
    return [_encode_part(header) + dot + rest for header in headers]


def make_junk(token: str) -> list[str]:
    """Make invalid tokens: no dots, three random parts, a good header with a random payload, and alg none."""
    header, payload, signature = token.split(".")
    noise = secrets.token_urlsafe(len(payload))[: len(payload) // 4 * 4]
    none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"  # {"alg":"none","typ":"JWT"}
    return [
        noise,
        f"{noise[: len(header)]}.{noise}.{signature}",
        f"{header}.{noise}.{signature}",
        f"{none}.{payload}.{signature}",
    ]


def change_signature(token: str) -> str:
    """Replace one character of the signature."""
    head, dot, signature = token.rpartition(".")
    return f"{head}{dot}{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


class Raw:
    """Bare RSA verification, the minimum cost of verifying a token."""

    def __init__(self, pool: FakeUserPool, token: str) -> None:
        kid = _parse_json(token.partition(".")[0])["kid"]
        entry = next(entry for entry in pool.jwks["keys"] if entry["kid"] == kid)
        n, e = (int.from_bytes(_decode_part(entry[name]), "big") for name in ("n", "e"))
        self._key: RSAPublicKey = RSAPublicNumbers(e, n).public_key()

    def verify(self, signed: tuple[bytes, bytes]) -> None:
        """Verify a signature. Raises `cryptography.exceptions.InvalidSignature`."""
        signature, message = signed
        self._key.verify(signature, message, PKCS1v15(), SHA256())

    async def read_unchecked(self, token: str) -> Principal:
        """Return the principal of a token of which nothing but the signature is checked.

        It shows the cost of decoding, parsing and building, which no verifier in Python can save.
        """
        message, _, signature = token.rpartition(".")
        claims = _parse_json(message.partition(".")[2])
        self.verify((_decode_part(signature), message.encode()))
        scopes, groups = frozenset(claims["scope"].split(" ")), frozenset(claims["cognito:groups"])
        names = claims["sub"], claims["client_id"], claims["iss"], claims["exp"]
        return Principal(*names, claims, claims["username"], "access", scopes, groups)


def split_signature(token: str) -> tuple[bytes, bytes]:
    """Return the signature and the signed message as bytes."""
    message, _, signature = token.rpartition(".")
    return _decode_part(signature), message.encode()


def _parse_json(part: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(_decode_part(part))
    return value


def _encode_part(value: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()


def _decode_part(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _make_device_claims() -> dict[str, str]:
    return {"device_key": f"eu-west-1_{uuid4()}"}


def _make_profile_claims() -> dict[str, object]:
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
