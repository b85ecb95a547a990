"""Key pairs that sign tokens with RS256."""

import json
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_bytes
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256


@dataclass(frozen=True)
class SigningKey:
    """RSA-2048 key pair and its key id."""

    kid: str
    private: rsa.RSAPrivateKey

    @classmethod
    def generate(cls) -> "SigningKey":
        """Generate a key. Its id is standard base64 with ``+``, ``/`` and ``=``, as Cognito's ids are."""
        kid = b64encode(b"\xfb\xff" + token_bytes(30)).decode()
        return cls(kid, rsa.generate_private_key(public_exponent=65537, key_size=2048))

    def sign(self, signing_input: bytes) -> bytes:
        """Sign with RS256 (RFC 7518 section 3.3)."""
        return self.private.sign(signing_input, padding.PKCS1v15(), SHA256())

    def token(self, claims: Mapping[str, Any], header: Mapping[str, Any]) -> str:
        """Build a compact JWT with these claims; ``header`` adds to or replaces ``kid`` and ``alg``."""
        parts = ({"kid": self.kid, "alg": "RS256", **header}, claims)
        signing_input = ".".join(encode_base64url(_format_json(part).encode()) for part in parts)
        return f"{signing_input}.{encode_base64url(self.sign(signing_input.encode()))}"

    def public_jwk(self) -> dict[str, str]:
        """Build the JWK (RFC 7517) with the members that Cognito publishes."""
        numbers = self.private.public_key().public_numbers()
        return {
            "alg": "RS256",
            "e": encode_base64url(numbers.e.to_bytes(3, "big")),
            "kid": self.kid,
            "kty": "RSA",
            "n": encode_base64url(numbers.n.to_bytes(256, "big")),
            "use": "sig",
        }


def unverified_claims(token: str) -> dict[str, Any]:
    """Read a token's claims without any check: for tests only."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def encode_base64url(data: bytes) -> str:
    """Encode as base64url without padding (RFC 7515 section 2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _format_json(part: Mapping[str, Any]) -> str:
    r"""Format a part as Cognito does: without spaces, and with ``https:\/\/`` in the issuer."""
    return json.dumps(part, separators=(",", ":")).replace("/", "\\/")
