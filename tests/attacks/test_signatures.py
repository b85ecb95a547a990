"""Attacks on the signature: for each text and key, exactly one value of 256 bytes is valid."""

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
    build_digest_info,
    encode_message,
    encode_part,
    forge_header,
    get_refusal_code,
    parametrize_hostile,
    sign_raw,
)

pytestmark = pytest.mark.anyio

INPUT, _, SIGNATURE = GOOD.rpartition(".")
HEAD, _, BODY = INPUT.partition(".")
EVES_CLAIMS = {**CLAIMS, "username": "eve"}
INDENTED = json.dumps(CLAIMS, indent=1).encode()
GENUINE = KEY.sign(INPUT.encode())
VALUE = int.from_bytes(GENUINE, "big")


def to_octets(value: int, size: int = SIZE) -> bytes:
    return value.to_bytes(size, "big")


# RFC 8017 section 8.2.2 step 1: exactly as long as the modulus; section 5.2.2 step 1: less than the modulus.
SHAPES: dict[str, bytes] = {
    "one byte": b"\0",
    "last byte removed": GENUINE[:-1],
    "first byte removed": GENUINE[1:],
    "first half": GENUINE[:128],
    "second half": GENUINE[128:],
    "trailing zero": GENUINE + b"\0",
    "trailing byte": GENUINE + b"\x2a",
    "CVE-2020-13757 leading zero": b"\0" + GENUINE,
    "CVE-2020-13757 256 leading zeros": bytes(256) + GENUINE,
    "twice": GENUINE * 2,
    "8 KB of trailing zeros": GENUINE + bytes(8192),
    "0": bytes(SIZE),
    "1": to_octets(1),
    "n - 1": to_octets(N - 1),
    "n": to_octets(N),
    "n + 1": to_octets(N + 1),
    "all ones": b"\xff" * SIZE,
    "genuine value plus n": to_octets(VALUE + N, SIZE + 1),
    "n minus the genuine value": to_octets(N - VALUE),
    "bytes reversed": GENUINE[::-1],
    "in hexadecimal": GENUINE.hex().encode(),
    "in base64url twice": b64(GENUINE).encode(),
    "in a DER bit string": b"\x03\x82\x01\x01\x00" + GENUINE,
    "in a DER octet string": b"\x04\x82\x01\x00" + GENUINE,
    "SHA-256 of the genuine one": sha256(GENUINE).digest(),
}

# RFC 7515 section 5.2: the signature is over exactly this header and payload, by the key that kid names.
OF_OTHERS: dict[str, bytes] = {
    "of another token of the user": KEY.sign(POOL.access_token("ada").rpartition(".")[0].encode()),
    "of another user's token": KEY.sign(POOL.access_token("eve").rpartition(".")[0].encode()),
    "of the user's ID token": ID_KEY.sign(POOL.id_token("ada").rpartition(".")[0].encode()),
    "of the pool's other key": ID_KEY.sign(INPUT.encode()),
    "of another pool": OTHER_KEY.sign(INPUT.encode()),
    "of the header alone": KEY.sign(HEAD.encode()),
    "of the payload alone": KEY.sign(BODY.encode()),
    "of header and payload without the dot": KEY.sign((HEAD + BODY).encode()),
    "of payload and header swapped": KEY.sign(f"{BODY}.{HEAD}".encode()),
    "of the second dot, too": KEY.sign(f"{INPUT}.".encode()),
    "of the whole token": KEY.sign(GOOD.encode()),
    "of the digest": KEY.sign(sha256(INPUT.encode()).digest()),
    "of an empty text": KEY.sign(b""),
}

HASH = sha256(INPUT.encode()).digest()
INFO = build_digest_info(INPUT.encode())
OID = bytes.fromhex("0609608648016503040201")


def build_info(algorithm: str, digest: bytes = HASH) -> bytes:
    """Build a DigestInfo (RFC 8017 section 9.2) with any content of the AlgorithmIdentifier."""
    content = bytes.fromhex(algorithm)
    identifier = bytes([0x30, len(content)]) + content
    value = bytes([0x04, len(digest)]) + digest
    return bytes([0x30, len(identifier) + len(value)]) + identifier + value


def append_garbage(padding: int) -> bytes:
    """Build an encoded message with short padding and garbage after the hash (Bleichenbacher, 2006)."""
    head = b"\0\1" + b"\xff" * padding + b"\0" + INFO
    return head + b"\x2a" * (SIZE - len(head))


def embed_garbage() -> bytes:
    """Build a DigestInfo with garbage in the algorithm's parameters (CVE-2018-16152)."""
    room = SIZE - 2 - 8 - 1 - len(INFO) - 9
    parameters = b"\x04\x81" + bytes([room]) + b"\x2a" * room
    identifier = OID + parameters
    identifier = b"\x30\x81" + bytes([len(identifier)]) + identifier
    value = b"\x04\x20" + HASH
    return b"\x30\x81" + bytes([len(identifier) + len(value)]) + identifier + value


# RFC 8017 section 9.2. Made with the private key: a verifier that parses, instead of comparing, accepts them.
ENCODED: dict[str, bytes] = {
    "CVE-2006-4339 garbage after the hash, 8 bytes of padding": append_garbage(8),
    "CVE-2006-4339 garbage after the hash, no padding": append_garbage(0),
    "CVE-2016-1494 garbage after the hash, 100 bytes of padding": append_garbage(100),
    "CVE-2018-16152 garbage in the parameters": encode_message(embed_garbage()),
    "CVE-2018-16151 garbage after the OID": encode_message(build_info("060a608648016503040201ff" + "0500")),
    "one byte of garbage after the hash": encode_message(INFO + b"\x2a"),
    "NULL missing": encode_message(build_info("0609608648016503040201")),
    "NULL twice": encode_message(build_info("060960864801650304020105000500")),
    "NULL with a byte of content": encode_message(build_info("0609608648016503040201050100")),
    "empty octet string instead of NULL": encode_message(build_info("06096086480165030402010400")),
    "OID of SHA-1 with a SHA-256 hash": encode_message(build_info("06052b0e03021a0500")),
    "OID of SHA-1 with a SHA-1 hash": encode_message(
        build_info("06052b0e03021a0500", sha1(INPUT.encode()).digest())
    ),
    "OID of SHA-224": encode_message(build_info("06096086480165030402040500")),
    "OID of SHA-384": encode_message(build_info("06096086480165030402020500")),
    "OID of SHA-512 with a SHA-512 hash": encode_message(
        build_info("06096086480165030402030500", sha512(INPUT.encode()).digest())
    ),
    "OID of SHA-512/256": encode_message(build_info("06096086480165030402060500")),
    "OID of SHA3-256": encode_message(build_info("06096086480165030402080500")),
    "OID of RSA with SHA-256": encode_message(build_info("06092a864886f70d01010b0500")),
    "no AlgorithmIdentifier": encode_message(b"\x04\x20" + HASH),
    "hash without DigestInfo": encode_message(HASH),
    "hash one byte short": encode_message(build_info("06096086480165030402010500", HASH[:-1])),
    "hash one byte long": encode_message(build_info("06096086480165030402010500", HASH + b"\0")),
    "empty hash": encode_message(build_info("06096086480165030402010500", b"")),
    "hash reversed": encode_message(SHA256_INFO + HASH[::-1]),
    "only padding": encode_message(b""),
    "CVE-2021-30246 7 bytes of padding, leading zeros": bytes(SIZE - 10 - len(INFO))
    + b"\0\1"
    + b"\xff" * 7
    + b"\0"
    + INFO,
    "padding without the separator": encode_message(INFO, end=b""),
    "separator 01": encode_message(INFO, end=b"\1"),
    "separator twice": encode_message(INFO, end=b"\0\0"),
    "zero in the padding": encode_message(INFO, start=b"\0\1" + b"\xff" * 8 + b"\0"),
    "byte FE in the padding": encode_message(INFO, start=b"\0\1" + b"\xff" * 8 + b"\xfe"),
    "block type 0": bytes(SIZE - len(INFO)) + INFO,
    "block type 2": encode_message(INFO, start=b"\0\2"),
    "block type 1 with zeros as padding": b"\0\1" + bytes(SIZE - 3 - len(INFO)) + b"\0" + INFO,
    "no leading zero": encode_message(INFO, start=b"\1\xff"),
    "0": bytes(SIZE),
    "1": to_octets(1),
}


def replace_signature(signature: bytes) -> str:
    return f"{INPUT}.{b64(signature)}"


@parametrize_hostile({
    "token_malformed": {
        "CVE-2020-28042 empty": INPUT + ".",
        "CVE-2020-28042 no signature and no dot": INPUT,
        "only padding": INPUT + ".====",
        "RFC 7515 5.2 a single character": INPUT + ".A",
    },
    "signature_invalid": {
        **{f"RFC 8017 8.2.2 {name}": replace_signature(value) for name, value in SHAPES.items()},
        **{f"RFC 7515 5.2 signature {name}": replace_signature(value) for name, value in OF_OTHERS.items()},
        **{f"RFC 8017 9.2 {name}": replace_signature(sign_raw(em)) for name, em in ENCODED.items()},
        "username changed under the signature": f"{HEAD}.{encode_part(EVES_CLAIMS)}.{SIGNATURE}",
        "claim added under the signature": f"{HEAD}.{encode_part({**CLAIMS, 'x': 1})}.{SIGNATURE}",
        "header member added under the signature": f"{encode_part({**HEADER, 'x': 1})}.{BODY}.{SIGNATURE}",
        "white space changed under the signature": f"{HEAD}.{b64(INDENTED)}.{SIGNATURE}",
    },
})  # fmt: skip
async def test_any_signature_but_the_pools_of_the_same_text_is_401(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


async def test_a_flipped_bit_in_any_byte_of_the_signature_is_401() -> None:
    guard = guard_for(POOL)
    for at in range(SIZE):
        flipped = bytearray(GENUINE)
        flipped[at] ^= 1 << at % 8
        assert await get_refusal_code(guard, replace_signature(bytes(flipped))) == "signature_invalid"


async def test_a_changed_character_anywhere_is_401() -> None:
    guard = guard_for(POOL)
    await guard.verify(GOOD)
    for at in range(0, len(GOOD), 3):
        for letter in {"A", "_", "."} - {GOOD[at]}:
            await get_refusal_code(guard, GOOD[:at] + letter + GOOD[at + 1 :])


async def test_a_signature_with_a_leading_zero_is_accepted_only_with_it() -> None:
    """RFC 8017 section 8.2.2 step 1. One token in 256 has such a signature."""
    bodies = (f"{HEAD}.{encode_part({**CLAIMS, 'jti': str(n)})}" for n in count())
    body, signature = next((text, made) for text in bodies if (made := KEY.sign(text.encode()))[0] == 0)
    assert (await guard_for(POOL).verify(f"{body}.{b64(signature)}")).username == "ada"
    for stripped in (signature[1:], signature.lstrip(b"\0"), b"\0" + signature):
        await assert_refused(f"{body}.{b64(stripped)}", "signature_invalid")


def sign_by_hand(message: bytes) -> bytes:
    return sign_raw(encode_message(build_digest_info(message)))


SIGNERS: dict[str, Callable[[], Sign]] = {
    "library": lambda: KEY.sign,
    "raw RSA": lambda: sign_by_hand,
}


@pytest.mark.parametrize("signer", SIGNERS.values(), ids=SIGNERS)
async def test_a_valid_signature_is_accepted(signer: Callable[[], Sign]) -> None:
    assert (await guard_for(POOL).verify(forge_header(signer(), typ="JWT"))).username == "ada"


async def test_each_forged_message_differs_from_the_right_one() -> None:
    right = encode_message(build_info("06096086480165030402010500"))
    assert right == encode_message(INFO)
    assert sign_raw(right) == GENUINE
    assert {len(em) for em in ENCODED.values()} == {SIZE}
    assert right not in ENCODED.values()
