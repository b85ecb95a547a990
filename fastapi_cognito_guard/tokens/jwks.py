"""RFC 7517 key sets: which of their keys verify RS256, and nothing else. The only importer of jose."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from fastapi_cognito_guard.errors import TokenMalformed
from fastapi_cognito_guard.tokens.base64url import decode

Verify = Callable[[bytes, bytes], bool]
"""Whether the second is a signature of the first."""

_MAX_KEYS = 100
_MAX_KID = 256
_MIN_MODULUS_BITS = 2048  # RFC 7518 section 3.3
_MAX_MODULUS_BITS = 8192  # what is larger costs more than any signature of Cognito's
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})  # RFC 7518 section 6.3.2


class NotKeys(ValueError):
    """A document without a single key that could be used. Its text is ours, and safe to show."""


class PublicKey:
    """An RSA key that a pool signs with. Equal numbers are equal keys, whatever their kid."""

    __slots__ = ("numbers", "verify")

    def __init__(self, n: int, e: int, verify: Verify) -> None:
        self.numbers = (n, e)
        self.verify = verify

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and self.numbers == other.numbers


def read_keys(document: object) -> dict[str, PublicKey]:
    """The usable keys of a set, by kid. Bad ones are left out. Raises `NotKeys` where none is left."""
    return {entry["kid"]: _build(entry) for entry in usable_entries(document)}


def usable_entries(document: object) -> list[Mapping[str, Any]]:
    """The entries that say they are what is needed. Raises `NotKeys` where none does."""
    entries = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(entries, list) or len(entries) > _MAX_KEYS:
        raise NotKeys("its answer is no key set")
    kids = [entry.get("kid") for entry in entries if isinstance(entry, Mapping)]
    usable = [entry for entry in entries if _is_usable(entry) and kids.count(entry["kid"]) == 1]
    if not usable:
        raise NotKeys("its answer has no usable key")
    return usable


def _is_usable(entry: object) -> bool:
    """A public RS256 verification key of Cognito's kind."""
    if not isinstance(entry, Mapping) or entry.get("kty") != "RSA" or not _PRIVATE.isdisjoint(entry):
        return False
    kid, operations = entry.get("kid"), entry.get("key_ops", ["verify"])
    if not isinstance(kid, str) or not 0 < len(kid) <= _MAX_KID:
        return False
    if not isinstance(operations, list) or "verify" not in operations:
        return False
    if entry.get("use", "sig") != "sig" or entry.get("alg", "RS256") != "RS256":
        return False
    n, e = _integer(entry.get("n")), _integer(entry.get("e"))
    return _MIN_MODULUS_BITS <= n.bit_length() <= _MAX_MODULUS_BITS and n % 2 == 1 and e == 65537


def _build(entry: Mapping[str, Any]) -> PublicKey:
    """Once per key: building one costs more than a verification with it."""
    from jose import jwk

    key = jwk.construct({name: entry[name] for name in ("kty", "n", "e")}, algorithm="RS256")
    return PublicKey(_integer(entry["n"]), _integer(entry["e"]), _rs256(key.to_pem()))


def _rs256(pem: bytes) -> Verify:
    """RFC 7518 section 3.3. jose's own ``verify`` does the same, but makes what it needs anew each time."""
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


def _integer(text: object) -> int:
    """A Base64urlUInt (RFC 7518 section 2) without leading zeros; 0 for anything else."""
    try:
        octets = decode(text) if isinstance(text, str) else b"\0"
    except TokenMalformed:
        return 0
    return int.from_bytes(octets, "big") if octets[0] else 0
