"""Key sets (RFC 7517): parse them, and keep the keys that can verify RS256."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, cast

from fastapi_cognito_guard.errors import TokenMalformed
from fastapi_cognito_guard.tokens.base64url import decode

Verify = Callable[[bytes, bytes], bool]
"""Returns True if the second argument is a signature of the first."""

_KEY_LIBRARY = ("jose.jwk", "cryptography.hazmat.primitives.asymmetric.padding")
_MAX_KEYS = 100
_MAX_KID = 256
_MIN_MODULUS_BITS = 2048  # RFC 7518 section 3.3
_MAX_MODULUS_BITS = 8192  # larger keys cost more time than any of Cognito's
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})  # RFC 7518 section 6.3.2


class NotKeys(ValueError):
    """A document without a usable key. Its text is written here, and safe to show."""


class PublicKey:
    """RSA public key of a pool. Keys with equal numbers are equal, also under another kid."""

    __slots__ = ("numbers", "verify")

    def __init__(self, n: int, e: int, verify: Verify) -> None:
        self.numbers = (n, e)
        self.verify = verify

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and self.numbers == other.numbers


def import_key_library() -> None:
    """Import what keys are built with. It takes longer than all else that the first key needs."""
    for name in _KEY_LIBRARY:
        import_module(name)


def parse_keys(document: object) -> dict[str, PublicKey]:
    """Return the usable keys of a set by kid. Raises `NotKeys` if there is none."""
    return {entry["kid"]: _build_key(entry) for entry in list_usable_entries(document)}


def list_usable_entries(document: object) -> list[Mapping[str, Any]]:
    """Return the entries that describe a usable key. Raises `NotKeys` if there is none."""
    entries = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(entries, list) or len(entries) > _MAX_KEYS:
        raise NotKeys("its answer is no key set")
    kids = [entry.get("kid") for entry in entries if isinstance(entry, Mapping)]
    usable = [entry for entry in entries if _is_usable(entry) and kids.count(entry["kid"]) == 1]
    if not usable:
        raise NotKeys("its answer has no usable key")
    return usable


def _is_usable(entry: object) -> bool:
    """Return True for a public RS256 verification key of the form that Cognito publishes."""
    if not isinstance(entry, Mapping) or entry.get("kty") != "RSA" or not _PRIVATE.isdisjoint(entry):
        return False
    kid, operations = entry.get("kid"), entry.get("key_ops", ["verify"])
    if not isinstance(kid, str) or not 0 < len(kid) <= _MAX_KID:
        return False
    if not isinstance(operations, list) or "verify" not in operations:
        return False
    if entry.get("use", "sig") != "sig" or entry.get("alg", "RS256") != "RS256":
        return False
    n, e = _parse_integer(entry.get("n")), _parse_integer(entry.get("e"))
    return _MIN_MODULUS_BITS <= n.bit_length() <= _MAX_MODULUS_BITS and n % 2 == 1 and e == 65537


def _build_key(entry: Mapping[str, Any]) -> PublicKey:
    """Build a key. This costs more than a verification, so keys are kept."""
    from jose import jwk

    key = jwk.construct({name: entry[name] for name in ("kty", "n", "e")}, algorithm="RS256")
    return PublicKey(_parse_integer(entry["n"]), _parse_integer(entry["e"]), _build_verifier(key.to_pem()))


def _build_verifier(pem: bytes) -> Verify:
    """Return the RS256 check (RFC 7518 section 3.3) of a key.

    jose's own ``verify`` does the same, but builds its objects anew at each call.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    verify, padding, algorithm = cast(RSAPublicKey, load_pem_public_key(pem)).verify, PKCS1v15(), SHA256()

    def is_signed(message: bytes, signature: bytes) -> bool:
        try:
            verify(signature, message, padding, algorithm)
        except InvalidSignature:
            return False
        return True

    return is_signed


def _parse_integer(text: object) -> int:
    """Return the value of a Base64urlUInt (RFC 7518 section 2) without leading zeros; 0 for anything else."""
    try:
        octets = decode(text) if isinstance(text, str) else b"\0"
    except TokenMalformed:
        return 0
    return int.from_bytes(octets, "big") if octets[0] else 0
