"""Attacks with weak or unsuitable keys in a pool's key set: such keys are never used."""

import json
from hashlib import sha256
from itertools import count
from math import gcd, lcm
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from fastapi_cognito_guard import CognitoGuard
from fastapi_cognito_guard.errors import ConfigurationError
from tests.apps import NOW, guard_for
from tests.attacks.forge import (
    ATTACKER,
    GOOD,
    ID_KEY,
    KEY,
    NUMBERS,
    POOL,
    N,
    Sign,
    b64,
    build_digest_info,
    encode_message,
    forge_header,
    get_refusal_code,
)

pytestmark = pytest.mark.anyio


class RawKey(NamedTuple):
    """RSA key of any numbers. No library checks them."""

    n: int
    e: int
    d: int

    def sign(self, message: bytes) -> bytes:
        size = (self.n.bit_length() + 7) // 8
        encoded = int.from_bytes(encode_message(build_digest_info(message), size=size), "big")
        return pow(encoded, self.d, self.n).to_bytes(size, "big")

    def verifies(self, message: bytes, signature: bytes) -> bool:
        opened = pow(int.from_bytes(signature, "big"), self.e, self.n).to_bytes(len(signature), "big")
        return opened == encode_message(build_digest_info(message), size=len(signature))


def encode_integer(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def make_raw(n: int, e: int, *primes: int) -> RawKey:
    return RawKey(n, e, pow(e, -1, lcm(*(prime - 1 for prime in primes))))


def generate(exponent: int, bits: int) -> RawKey:
    numbers = rsa.generate_private_key(exponent, bits).private_numbers()
    return RawKey(numbers.public_numbers.n, exponent, numbers.d)


SMALL = rsa.generate_private_key(65537, 1024).private_numbers()
P, Q = NUMBERS.p, NUMBERS.q
ORDER = lcm(P - 1, Q - 1)


def find_exponent(least: int) -> int:
    """Return the first usable exponent for the pool's modulus, counting from ``least``."""
    return next(e for e in count(least, 2) if gcd(e, ORDER) == 1)


# RFC 7518 section 3.3 (at least 2048 bits), RFC 8017 section 3.1 (exponents), CVE-2022-23539
WEAK: dict[str, RawKey] = {
    "512 bits": make_raw(SMALL.p, 65537, SMALL.p),
    "1024 bits": make_raw(SMALL.public_numbers.n, 65537, SMALL.p, SMALL.q),
    "1536 bits": make_raw(SMALL.p * P, 65537, SMALL.p, P),
    "2047 bits": generate(65537, 2047),
    "exponent 1: the padded hash is the signature": RawKey(N, 1, 1),
    "exponent 3 (CVE-2006-4339)": generate(3, 2048),
    "exponent of 5 bits": make_raw(N, find_exponent(17), P, Q),
    "exponent of 17 bits other than 65537": make_raw(N, find_exponent(65539), P, Q),
    "exponent of 2048 bits, congruent to 65537": RawKey(N, 65537 + ORDER, NUMBERS.d),
    "exponent of 33 bits": make_raw(N, find_exponent(2**32 + 1), P, Q),
    "even modulus": make_raw(N * 2, 65537, P, Q),
}


def publish(key: RawKey, kid: str = "weak") -> dict[str, str]:
    return {
        "alg": "RS256",
        "e": encode_integer(key.e),
        "kid": kid,
        "kty": "RSA",
        "n": encode_integer(key.n),
        "use": "sig",
    }


def make_guard(*entries: Any) -> CognitoGuard:
    jwks = {"keys": [*POOL.jwks["keys"], *entries]}
    return guard_for(POOL, user_pool={"jwks": jwks})


@pytest.mark.parametrize("key", WEAK.values(), ids=WEAK)
async def test_a_token_signed_with_a_weak_key_of_the_pool_is_401(key: RawKey) -> None:
    guard = make_guard(publish(key))
    for _ in range(2):
        assert await get_refusal_code(guard, forge_header(key.sign, kid="weak")) == "key_unknown"
        assert (await guard.verify(GOOD)).username == "ada"


@pytest.mark.parametrize("key", WEAK.values(), ids=WEAK)
async def test_a_configured_key_set_with_only_weak_keys_is_a_configuration_error(key: RawKey) -> None:
    with pytest.raises(ConfigurationError):
        guard_for(POOL, user_pool={"jwks": {"keys": [publish(key)]}})


@pytest.mark.parametrize("key", WEAK.values(), ids=WEAK)
def test_the_signatures_of_the_weak_keys_are_valid(key: RawKey) -> None:
    assert key.verifies(b"message", key.sign(b"message"))


async def test_a_token_signed_with_a_fetched_weak_key_is_401() -> None:
    weak = WEAK["1024 bits"]

    async def fetch(address: str) -> bytes:
        return json.dumps({"keys": [publish(weak), *POOL.jwks["keys"]]}).encode()

    settings = {"jwks_uri": "https://keys.example/jwks.json"}
    guard = CognitoGuard(POOL.user_pool(**settings), now=lambda: NOW, fetch=fetch)
    assert await get_refusal_code(guard, forge_header(weak.sign, kid="weak")) == "key_unknown"
    assert (await guard.verify(GOOD)).username == "ada"


def find_cube_root(value: int) -> int:
    low, high = 0, 1 << (value.bit_length() // 3 + 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if middle**3 < value else (low, middle)
    return low


def forge_cube_root(message: bytes) -> bytes:
    """Return a number whose cube begins like a padded hash, without a private key (Bleichenbacher, 2006)."""
    head = b"\0\1" + b"\xff" * 8 + b"\0" + build_digest_info(message)
    return find_cube_root(int.from_bytes(head + bytes(256 - len(head)), "big")).to_bytes(256, "big")


async def test_a_cube_root_forgery_is_401() -> None:
    """CVE-2006-4339, against the pool's key and against a key with exponent 3."""
    opened = (int.from_bytes(forge_cube_root(b"message"), "big") ** 3).to_bytes(256, "big")
    assert sha256(b"message").digest() in opened
    guard = make_guard(publish(WEAK["exponent 3 (CVE-2006-4339)"]))
    assert await get_refusal_code(guard, forge_header(forge_cube_root, kid="weak")) == "key_unknown"
    assert await get_refusal_code(guard, forge_header(forge_cube_root)) == "signature_invalid"


ENTRY = {**ATTACKER.public_jwk(), "kid": "weak"}
# Unsuitable entries: the key in each is strong, and signed the token.
UNSUITABLE: dict[str, dict[str, Any]] = {
    "even exponent": {**ENTRY, "e": encode_integer(65536)},
    "exponent 0": {**ENTRY, "e": "AA"},
    "for encryption (RFC 7517 4.2)": {**ENTRY, "use": "enc"},
    "key_ops to encrypt (RFC 7517 4.3)": {**ENTRY, "key_ops": ["encrypt"]},
    "key_ops to sign": {**ENTRY, "key_ops": ["sign"]},
    "for RS512 (RFC 7517 4.4)": {**ENTRY, "alg": "RS512"},
    "for PS256": {**ENTRY, "alg": "PS256"},
    "for HS256": {**ENTRY, "alg": "HS256"},
    "for none": {**ENTRY, "alg": "none"},
    "of type oct (RFC 8725 2.1)": {**ENTRY, "kty": "oct", "k": ENTRY["n"]},
    "of type EC": {**ENTRY, "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
    "of type rsa": {**ENTRY, "kty": "rsa"},
    "private key (RFC 7518 6.3.2)": {**ENTRY, "d": encode_integer(ATTACKER.private.private_numbers().d)},
    "modulus with a leading zero (RFC 7518 6.3.1.1)": {
        **ENTRY,
        "n": b64(b"\0" + ATTACKER.private.public_key().public_numbers().n.to_bytes(256, "big")),
    },
    "padded modulus": {**ENTRY, "n": ENTRY["n"] + "=="},
    "modulus of 10240 bits": {**ENTRY, "n": encode_integer(N**5)},
    "kid in a list": {**ENTRY, "kid": ["weak"]},
}


@pytest.mark.parametrize("entry", UNSUITABLE.values(), ids=UNSUITABLE)
async def test_a_token_signed_with_an_unsuitable_key_is_401(entry: dict[str, Any]) -> None:
    guard = make_guard(entry)
    assert await get_refusal_code(guard, forge_header(ATTACKER.sign, kid="weak")) == "key_unknown"
    assert (await guard.verify(GOOD)).username == "ada"


async def test_a_kid_that_two_keys_share_names_neither() -> None:
    """Otherwise one key could replace the other."""
    guard = make_guard({**ENTRY, "kid": KEY.kid})
    assert await get_refusal_code(guard, forge_header(ATTACKER.sign)) == "key_unknown"
    assert await get_refusal_code(guard, forge_header(KEY.sign)) == "key_unknown"
    assert (await guard.verify(forge_header(ID_KEY.sign, kid=ID_KEY.kid))).username == "ada"


LARGE = generate(65537, 3072)
STRONG: dict[str, tuple[dict[str, str], Sign]] = {
    "2048 bits": (ENTRY, ATTACKER.sign),
    "2048 bits, raw RSA": (publish(make_raw(N, 65537, P, Q)), make_raw(N, 65537, P, Q).sign),
    "3072 bits": (publish(LARGE), LARGE.sign),
}


@pytest.mark.parametrize(("entry", "sign"), STRONG.values(), ids=STRONG)
async def test_a_strong_key_that_is_added_in_the_same_way_is_accepted(
    entry: dict[str, str], sign: Sign
) -> None:
    assert (await make_guard(entry).verify(forge_header(sign, kid="weak"))).username == "ada"
