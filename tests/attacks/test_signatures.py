"""Attacks on the signature: RS256 is one exact value of 256 bytes, and nothing near it."""

import json
from collections.abc import Callable
from hashlib import sha1, sha256, sha512
from itertools import count

import pytest

from tests.apps import guard_for
from tests.attacks.forge import (
    CLAIMS,
    GOOD,
    HEADER,
    ID_KEY,
    KEY,
    OTHER_KEY,
    POOL,
    SHA256_INFO,
    SIZE,
    N,
    Sign,
    assert_refused,
    b64,
    code_of,
    digest_info,
    encoded_message,
    headed,
    part,
    raw_private,
    trying,
)

pytestmark = pytest.mark.anyio

INPUT, _, SIGNATURE = GOOD.rpartition(".")
HEAD, _, BODY = INPUT.partition(".")
SPACED = json.dumps(CLAIMS, indent=1).encode()
GENUINE = KEY.sign(INPUT.encode())
VALUE = int.from_bytes(GENUINE, "big")


def octets(value: int, size: int = SIZE) -> bytes:
    return value.to_bytes(size, "big")


# RFC 8017 section 8.2.2 step 1: exactly as long as the modulus; section 5.2.2 step 1: less than it.
SHAPES: dict[str, bytes] = {
    "one byte": b"\0",
    "a byte less at the end": GENUINE[:-1],
    "a byte less at the start": GENUINE[1:],
    "the first half": GENUINE[:128],
    "the second half": GENUINE[128:],
    "a zero behind": GENUINE + b"\0",
    "a byte behind": GENUINE + b"\x2a",
    "CVE-2020-13757 a zero before": b"\0" + GENUINE,
    "CVE-2020-13757 256 zeros before": bytes(256) + GENUINE,
    "twice": GENUINE * 2,
    "8 KB behind": GENUINE + bytes(8192),
    "0": bytes(SIZE),
    "1": octets(1),
    "n - 1": octets(N - 1),
    "n": octets(N),
    "n + 1": octets(N + 1),
    "all ones": b"\xff" * SIZE,
    "n more than the genuine one": octets(VALUE + N, SIZE + 1),
    "n less the genuine one": octets(N - VALUE),
    "backwards": GENUINE[::-1],
    "as hexadecimal": GENUINE.hex().encode(),
    "as base64": b64(GENUINE).encode(),
    "in a DER bit string": b"\x03\x82\x01\x01\x00" + GENUINE,
    "in a DER octet string": b"\x04\x82\x01\x00" + GENUINE,
    "its SHA-256": sha256(GENUINE).digest(),
}

OF_ANOTHER: dict[str, bytes] = {
    "of another token of the user": KEY.sign(POOL.access_token("ada").rpartition(".")[0].encode()),
    "of another user's token": KEY.sign(POOL.access_token("eve").rpartition(".")[0].encode()),
    "of the user's ID token": ID_KEY.sign(POOL.id_token("ada").rpartition(".")[0].encode()),
    "of the pool's other key": ID_KEY.sign(INPUT.encode()),
    "of another pool": OTHER_KEY.sign(INPUT.encode()),
    "of the header alone": KEY.sign(HEAD.encode()),
    "of the payload alone": KEY.sign(BODY.encode()),
    "of the parts without the dot": KEY.sign((HEAD + BODY).encode()),
    "of the parts swapped": KEY.sign(f"{BODY}.{HEAD}".encode()),
    "of the dot behind, too": KEY.sign(f"{INPUT}.".encode()),
    "of the whole token": KEY.sign(GOOD.encode()),
    "of the digest": KEY.sign(sha256(INPUT.encode()).digest()),
    "of nothing": KEY.sign(b""),
}

HASH = sha256(INPUT.encode()).digest()
INFO = digest_info(INPUT.encode())
OID = bytes.fromhex("0609608648016503040201")


def info(algorithm: str, digest: bytes = HASH) -> bytes:
    """A DigestInfo (RFC 8017 section 9.2) with any AlgorithmIdentifier content."""
    content = bytes.fromhex(algorithm)
    identifier = bytes([0x30, len(content)]) + content
    value = bytes([0x04, len(digest)]) + digest
    return bytes([0x30, len(identifier) + len(value)]) + identifier + value


def garbage_behind(padding: int) -> bytes:
    """Bleichenbacher's rump session of 2006: short padding, and what is behind the hash not looked at."""
    head = b"\0\1" + b"\xff" * padding + b"\0" + INFO
    return head + b"\x2a" * (SIZE - len(head))


def garbage_inside() -> bytes:
    """CVE-2018-16152: the room that short padding leaves goes into the parameters of the algorithm."""
    room = SIZE - 2 - 8 - 1 - len(INFO) - 9
    parameters = b"\x04\x81" + bytes([room]) + b"\x2a" * room
    identifier = OID + parameters
    identifier = b"\x30\x81" + bytes([len(identifier)]) + identifier
    value = b"\x04\x20" + HASH
    return b"\x30\x81" + bytes([len(identifier) + len(value)]) + identifier + value


# RFC 8017 section 9.2. Made with the private key: a verifier that parses instead of comparing lets them pass.
ENCODED: dict[str, bytes] = {
    "CVE-2006-4339 garbage behind the hash, 8 bytes of padding": garbage_behind(8),
    "CVE-2006-4339 garbage behind the hash, no padding": garbage_behind(0),
    "CVE-2016-1494 garbage behind the hash, 100 bytes of padding": garbage_behind(100),
    "CVE-2018-16152 garbage in the parameters": encoded_message(garbage_inside()),
    "CVE-2018-16151 garbage behind the algorithm's name": encoded_message(
        info("060a608648016503040201ff" + "0500")
    ),
    "one byte of garbage behind the hash": encoded_message(INFO + b"\x2a"),
    "the NULL is missing": encoded_message(info("0609608648016503040201")),
    "the NULL is there twice": encoded_message(info("060960864801650304020105000500")),
    "the NULL has a byte": encoded_message(info("0609608648016503040201050100")),
    "an empty octet string for the NULL": encoded_message(info("06096086480165030402010400")),
    "SHA-1 named, a SHA-256": encoded_message(info("06052b0e03021a0500")),
    "SHA-1 named, and a SHA-1": encoded_message(info("06052b0e03021a0500", sha1(INPUT.encode()).digest())),
    "SHA-224 named": encoded_message(info("06096086480165030402040500")),
    "SHA-384 named": encoded_message(info("06096086480165030402020500")),
    "SHA-512 named, a SHA-512": encoded_message(
        info("06096086480165030402030500", sha512(INPUT.encode()).digest())
    ),
    "SHA-512/256 named": encoded_message(info("06096086480165030402060500")),
    "SHA3-256 named": encoded_message(info("06096086480165030402080500")),
    "the name of RSA with SHA-256": encoded_message(info("06092a864886f70d01010b0500")),
    "no name at all": encoded_message(b"\x04\x20" + HASH),
    "the bare hash": encoded_message(HASH),
    "the hash a byte short": encoded_message(info("06096086480165030402010500", HASH[:-1])),
    "the hash a byte long": encoded_message(info("06096086480165030402010500", HASH + b"\0")),
    "no hash": encoded_message(info("06096086480165030402010500", b"")),
    "the hash backwards": encoded_message(SHA256_INFO + HASH[::-1]),
    "nothing but padding": encoded_message(b""),
    "CVE-2021-30246 padding of 7 bytes, zeros before": bytes(SIZE - 10 - len(INFO))
    + b"\0\1"
    + b"\xff" * 7
    + b"\0"
    + INFO,
    "padding without its end": encoded_message(INFO, end=b""),
    "padding that ends in 01": encoded_message(INFO, end=b"\1"),
    "padding that ends twice": encoded_message(INFO, end=b"\0\0"),
    "a zero in the padding": encoded_message(INFO, start=b"\0\1" + b"\xff" * 8 + b"\0"),
    "another byte in the padding": encoded_message(INFO, start=b"\0\1" + b"\xff" * 8 + b"\xfe"),
    "padding of zeros (block type 0)": bytes(SIZE - len(INFO)) + INFO,
    "block type 2": encoded_message(INFO, start=b"\0\2"),
    "block type 1, of zeros": b"\0\1" + bytes(SIZE - 3 - len(INFO)) + b"\0" + INFO,
    "no zero before the block type": encoded_message(INFO, start=b"\1\xff"),
    "0": bytes(SIZE),
    "1": octets(1),
}


def with_signature(signature: bytes) -> str:
    return f"{INPUT}.{b64(signature)}"


@trying({
    "token_malformed": {
        "CVE-2020-28042 empty": INPUT + ".",
        "CVE-2020-28042 empty, and no dot": INPUT,
        "empty, padded": INPUT + ".====",
        "RFC 7515 5.2 a single letter": INPUT + ".A",
    },
    "signature_invalid": {
        **{f"RFC 8017 8.2.2 {name}": with_signature(value) for name, value in SHAPES.items()},
        **{f"RFC 7515 5.2 a signature {name}": with_signature(value) for name, value in OF_ANOTHER.items()},
        **{f"RFC 8017 9.2 {name}": with_signature(raw_private(em)) for name, em in ENCODED.items()},
        "another user under the signature": f"{HEAD}.{part({**CLAIMS, 'username': 'eve'})}.{SIGNATURE}",
        "one more claim under the signature": f"{HEAD}.{part({**CLAIMS, 'x': 1})}.{SIGNATURE}",
        "one more header under the signature": f"{part({**HEADER, 'x': 1})}.{BODY}.{SIGNATURE}",
        "other spaces under the signature": f"{HEAD}.{b64(SPACED)}.{SIGNATURE}",
    },
})  # fmt: skip
async def test_a_signature_that_is_not_the_pools_of_this_very_text_is_none(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


async def test_a_flipped_bit_in_any_byte_breaks_the_signature() -> None:
    guard = guard_for(POOL)
    for at in range(SIZE):
        flipped = bytearray(GENUINE)
        flipped[at] ^= 1 << at % 8
        assert await code_of(guard, with_signature(bytes(flipped))) == "signature_invalid"


async def test_a_changed_letter_anywhere_is_refused() -> None:
    guard = guard_for(POOL)
    await guard.verify(GOOD)
    for at in range(0, len(GOOD), 3):
        for letter in {"A", "_", "."} - {GOOD[at]}:
            await code_of(guard, GOOD[:at] + letter + GOOD[at + 1 :])


async def test_the_zero_that_a_signature_begins_with_is_part_of_it() -> None:
    """RFC 8017 section 8.2.2 step 1; one in 256 tokens has such a signature."""
    bodies = (f"{HEAD}.{part({**CLAIMS, 'jti': str(n)})}" for n in count())
    body, signature = next((text, made) for text in bodies if (made := KEY.sign(text.encode()))[0] == 0)
    assert (await guard_for(POOL).verify(f"{body}.{b64(signature)}")).username == "ada"
    for stripped in (signature[1:], signature.lstrip(b"\0"), b"\0" + signature):
        await assert_refused(f"{body}.{b64(stripped)}", "signature_invalid")


def by_hand(message: bytes) -> bytes:
    return raw_private(encoded_message(digest_info(message)))


SIGNERS: dict[str, Callable[[], Sign]] = {
    "the library": lambda: KEY.sign,
    "the forge's raw RSA": lambda: by_hand,
}


@pytest.mark.parametrize("signer", SIGNERS.values(), ids=SIGNERS)
async def test_a_signature_of_the_one_right_form_counts(signer: Callable[[], Sign]) -> None:
    assert (await guard_for(POOL).verify(headed(signer(), typ="JWT"))).username == "ada"


async def test_the_forged_messages_differ_from_the_right_one_only_as_they_say() -> None:
    right = encoded_message(info("06096086480165030402010500"))
    assert right == encoded_message(INFO)
    assert raw_private(right) == GENUINE
    assert {len(em) for em in ENCODED.values()} == {SIZE}
    assert right not in ENCODED.values()
