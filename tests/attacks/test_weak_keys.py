"""Attacks through weak keys in a pool's key set: such a key is left out, and signs nothing."""

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
    code_of,
    digest_info,
    encoded_message,
    headed,
)

pytestmark = pytest.mark.anyio


class RawKey(NamedTuple):
    """RSA with any numbers at all, with no library to refuse them."""

    n: int
    e: int
    d: int

    def sign(self, message: bytes) -> bytes:
        size = (self.n.bit_length() + 7) // 8
        encoded = int.from_bytes(encoded_message(digest_info(message), size=size), "big")
        return pow(encoded, self.d, self.n).to_bytes(size, "big")

    def verifies(self, message: bytes, signature: bytes) -> bool:
        opened = pow(int.from_bytes(signature, "big"), self.e, self.n).to_bytes(len(signature), "big")
        return opened == encoded_message(digest_info(message), size=len(signature))


def integer(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def raw(n: int, e: int, *primes: int) -> RawKey:
    return RawKey(n, e, pow(e, -1, lcm(*(prime - 1 for prime in primes))))


def library(exponent: int, bits: int) -> RawKey:
    numbers = rsa.generate_private_key(exponent, bits).private_numbers()
    return RawKey(numbers.public_numbers.n, exponent, numbers.d)


SMALL = rsa.generate_private_key(65537, 1024).private_numbers()
P, Q = NUMBERS.p, NUMBERS.q
ORDER = lcm(P - 1, Q - 1)


def exponent_from(least: int) -> int:
    """The first number from there on that can be an exponent with the pool's modulus."""
    return next(e for e in count(least, 2) if gcd(e, ORDER) == 1)


# RFC 7518 section 3.3: 2048 bits or more; RFC 8017 section 3.1: what an exponent is; CVE-2022-23539
WEAK: dict[str, RawKey] = {
    "512 bits": raw(SMALL.p, 65537, SMALL.p),
    "1024 bits": raw(SMALL.public_numbers.n, 65537, SMALL.p, SMALL.q),
    "1536 bits": raw(SMALL.p * P, 65537, SMALL.p, P),
    "2047 bits": library(65537, 2047),
    "exponent 1: whoever can pad can sign": RawKey(N, 1, 1),
    "exponent 3 (CVE-2006-4339)": library(3, 2048),
    "an exponent of 5 bits": raw(N, exponent_from(17), P, Q),
    "another exponent of 17 bits": raw(N, exponent_from(65539), P, Q),
    "an exponent of 2048 bits that comes to 65537": RawKey(N, 65537 + ORDER, NUMBERS.d),
    "an exponent of 33 bits": raw(N, exponent_from(2**32 + 1), P, Q),
    "an even modulus": raw(N * 2, 65537, P, Q),
}


def published(key: RawKey, kid: str = "weak") -> dict[str, str]:
    return {"alg": "RS256", "e": integer(key.e), "kid": kid, "kty": "RSA", "n": integer(key.n), "use": "sig"}


def guard_with(*entries: Any) -> CognitoGuard:
    jwks = {"keys": [*POOL.jwks["keys"], *entries]}
    return guard_for(POOL, user_pool={"jwks": jwks})


@pytest.mark.parametrize("key", WEAK.values(), ids=WEAK)
async def test_a_weak_key_of_the_pool_itself_signs_nothing(key: RawKey) -> None:
    guard = guard_with(published(key))
    for _ in range(2):
        assert await code_of(guard, headed(key.sign, kid="weak")) == "key_unknown"
        assert (await guard.verify(GOOD)).username == "ada"


@pytest.mark.parametrize("key", WEAK.values(), ids=WEAK)
async def test_a_key_set_of_nothing_but_weak_keys_is_a_mistake_in_the_settings(key: RawKey) -> None:
    with pytest.raises(ConfigurationError):
        guard_for(POOL, user_pool={"jwks": {"keys": [published(key)]}})


@pytest.mark.parametrize("key", WEAK.values(), ids=WEAK)
def test_the_signatures_of_the_weak_keys_are_good_ones(key: RawKey) -> None:
    assert key.verifies(b"message", key.sign(b"message"))


async def test_a_weak_key_that_is_fetched_signs_nothing_either() -> None:
    weak = WEAK["1024 bits"]

    async def fetch(address: str) -> bytes:
        return json.dumps({"keys": [published(weak), *POOL.jwks["keys"]]}).encode()

    settings = {"jwks_uri": "https://keys.example/jwks.json"}
    guard = CognitoGuard(POOL.user_pool(**settings), now=lambda: NOW, fetch=fetch)
    assert await code_of(guard, headed(weak.sign, kid="weak")) == "key_unknown"
    assert (await guard.verify(GOOD)).username == "ada"


def cube_root(value: int) -> int:
    low, high = 0, 1 << (value.bit_length() // 3 + 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if middle**3 < value else (low, middle)
    return low


def cube_root_forgery(message: bytes) -> bytes:
    """Bleichenbacher 2006: without any private key, a number whose cube begins like a padded hash."""
    head = b"\0\1" + b"\xff" * 8 + b"\0" + digest_info(message)
    return cube_root(int.from_bytes(head + bytes(256 - len(head)), "big")).to_bytes(256, "big")


async def test_a_cube_that_begins_like_a_signature_is_none() -> None:
    """CVE-2006-4339, against the pool's key and against one that has exponent 3."""
    opened = (int.from_bytes(cube_root_forgery(b"message"), "big") ** 3).to_bytes(256, "big")
    assert sha256(b"message").digest() in opened
    guard = guard_with(published(WEAK["exponent 3 (CVE-2006-4339)"]))
    assert await code_of(guard, headed(cube_root_forgery, kid="weak")) == "key_unknown"
    assert await code_of(guard, headed(cube_root_forgery)) == "signature_invalid"


ENTRY = {**ATTACKER.public_jwk(), "kid": "weak"}
# Entries that are not what they should be, though the key in them is strong, and has signed the token.
ENTRIES: dict[str, dict[str, Any]] = {
    "an even exponent": {**ENTRY, "e": integer(65536)},
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
    "a private key (RFC 7518 6.3.2)": {**ENTRY, "d": integer(ATTACKER.private.private_numbers().d)},
    "the modulus with a zero before (RFC 7518 6.3.1.1)": {
        **ENTRY,
        "n": b64(b"\0" + ATTACKER.private.public_key().public_numbers().n.to_bytes(256, "big")),
    },
    "the modulus padded": {**ENTRY, "n": ENTRY["n"] + "=="},
    "a modulus of 10240 bits": {**ENTRY, "n": integer(N**5)},
    "the kid in a list": {**ENTRY, "kid": ["weak"]},
}


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
async def test_an_entry_of_the_wrong_sort_signs_nothing(entry: dict[str, Any]) -> None:
    guard = guard_with(entry)
    assert await code_of(guard, headed(ATTACKER.sign, kid="weak")) == "key_unknown"
    assert (await guard.verify(GOOD)).username == "ada"


async def test_a_kid_that_two_keys_have_is_nobodys() -> None:
    """Else whichever comes first, or last, would take the name of the other."""
    guard = guard_with({**ENTRY, "kid": KEY.kid})
    assert await code_of(guard, headed(ATTACKER.sign)) == "key_unknown"
    assert await code_of(guard, headed(KEY.sign)) == "key_unknown"
    assert (await guard.verify(headed(ID_KEY.sign, kid=ID_KEY.kid))).username == "ada"


LARGE = library(65537, 3072)
STRONG: dict[str, tuple[dict[str, str], Sign]] = {
    "another of 2048 bits": (ENTRY, ATTACKER.sign),
    "another of 2048 bits, made by hand": (published(raw(N, 65537, P, Q)), raw(N, 65537, P, Q).sign),
    "3072 bits": (published(LARGE), LARGE.sign),
}


@pytest.mark.parametrize(("entry", "sign"), STRONG.values(), ids=STRONG)
async def test_a_strong_key_put_into_the_set_in_the_same_way_does_sign(
    entry: dict[str, str], sign: Sign
) -> None:
    assert (await guard_with(entry).verify(headed(sign, kid="weak"))).username == "ada"
