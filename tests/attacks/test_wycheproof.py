"""Attacks on RS256 from Project Wycheproof's JWS and JWK vectors.

The vectors are rebuilt here with our own keys and tokens, because they are not available as a package. MACs,
curves and PSS are left out. Keys with the ROCA weakness (CVE-2017-15361) are not detected, and not tested:
keys come only from the pool.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.apps import guard_for
from tests.attacks.forge import (
    ATTACKER,
    CLAIMS,
    GOOD,
    HEADER,
    KEY,
    POOL,
    SIZE,
    assert_refused,
    b64,
    build_digest_info,
    encode_message,
    encode_part,
    forge_header,
    get_refusal_code,
    parametrize_hostile,
    sign_raw,
    sign_text,
)

pytestmark = pytest.mark.anyio

INPUT, _, SIGNATURE = GOOD.rpartition(".")
HEAD, _, BODY = INPUT.partition(".")
RIGHT = build_digest_info(INPUT.encode())

# --- the DER of the DigestInfo (RFC 8017 section 9.2), with every mutation of each value

Node = tuple[int, "bytes | list[Node]"]
Mutation = Callable[[int, bytes], bytes]
TREE: Node = (
    0x30,
    [(0x30, [(0x06, bytes.fromhex("608648016503040201")), (0x05, b"")]), (0x04, RIGHT[-32:])],
)
PATHS: dict[str, tuple[int, ...]] = {
    "outer sequence": (),
    "AlgorithmIdentifier": (0,),
    "OID": (0, 0),
    "NULL": (0, 1),
    "hash": (1,),
}


def encode_der(tag: int, body: bytes) -> bytes:
    return bytes([tag, len(body)]) + body


def encode(node: Node, path: tuple[int, ...] | None, mutate: Mutation) -> bytes:
    """Encode a tree as DER, with the mutation applied to the value at the path."""
    tag, content = node
    if isinstance(content, list):
        inner = (encode(child, descend(path, n), mutate) for n, child in enumerate(content))
        content = b"".join(inner)
    return mutate(tag, content) if path == () else encode_der(tag, content)


def descend(path: tuple[int, ...] | None, n: int) -> tuple[int, ...] | None:
    return path[1:] if path and path[0] == n else None


def replace_length(length: bytes) -> Mutation:
    return lambda tag, body: bytes([tag]) + length + body


def change_length(change: Callable[[int], int], width: int) -> Mutation:
    """Write a changed length in the long form, ``width`` bytes wide."""
    return lambda tag, body: bytes([tag, 0x80 + width]) + change(len(body)).to_bytes(width, "big") + body


def change_body(change: Callable[[bytes], bytes]) -> Mutation:
    return lambda tag, body: encode_der(tag, change(body))


def change_tag(change: Callable[[int], int]) -> Mutation:
    return lambda tag, body: encode_der(change(tag), body)


MUTATIONS: dict[str, Mutation] = {
    "length in the long form": change_length(int, 1),
    "length with a leading zero": change_length(int, 2),
    "length plus one": lambda tag, body: bytes([tag, len(body) + 1]) + body,
    "length minus one": lambda tag, body: bytes([tag, (len(body) - 1) % 128]) + body,
    "length that overflows 32 bits": change_length(lambda size: 2**32 + size, 5),
    "length that overflows 64 bits": change_length(lambda size: 2**64 + size, 9),
    **{
        f"length 2^{bits}{less:+d}": replace_length(
            bytes([0x80 + (bits + 8) // 8]) + (2**bits + less).to_bytes((bits + 8) // 8, "big")
        )
        for bits, less in ((31, -1), (31, 0), (32, -1), (40, -1), (64, -1))
    },
    "length 255": replace_length(b"\xff"),
    "length truncated": replace_length(b"\x82"),
    "indefinite length without end": replace_length(b"\x80"),
    "indefinite length": lambda tag, body: bytes([tag, 0x80]) + body + b"\0\0",
    "indefinite length, constructed": lambda tag, body: (
        bytes([tag | 0x20, 0x80]) + encode_der(tag, body) + b"\0\0"
    ),
    "indefinite length with a truncated end": lambda tag, body: bytes([tag, 0x80]) + body + b"\0",
    "indefinite length with content in the end": lambda tag, body: bytes([tag, 0x80]) + body + b"\0\2\5\0",
    "removed": lambda tag, body: b"",
    "only the tag": lambda tag, body: bytes([tag]),
    "without tag and length": lambda tag, body: body,
    "zeros at the end": change_body(lambda body: body + b"\0\0"),
    "zeros at the start": change_body(lambda body: b"\0\0" + body),
    "zeros after": lambda tag, body: encode_der(tag, body) + b"\0\0",
    "zeros before": lambda tag, body: b"\0\0" + encode_der(tag, body),
    "NULL at the end": change_body(lambda body: body + b"\5\0"),
    "NULL after": lambda tag, body: encode_der(tag, body) + b"\5\0",
    "replaced by NULL": lambda tag, body: b"\5\1\0" if tag == 5 else b"\5\0",
    "context-specific NULL after": lambda tag, body: encode_der(tag, body) + b"\xa0\2\5\0",
    "empty sequence at the start": change_body(lambda body: b"\x30\0" + body),
    "empty sequence at the end": change_body(lambda body: body + b"\x30\0"),
    "garbage at the start": change_body(lambda body: b"\x49\x77" + body),
    "garbage at the end": change_body(lambda body: body + b"\x49\x77"),
    "garbage with a high tag number after": lambda tag, body: encode_der(tag, body) + b"\xbf\x7f\0",
    "undefined tags before": lambda tag, body: b"\xaa\0\xbb\0\xcd\0" + encode_der(tag, body),
    "undefined tags around": lambda tag, body: b"\xaa\2\xaa\xbb" + encode_der(tag, body) + b"\xcd\0",
    "wrapped in its own tag, constructed": lambda tag, body: encode_der(tag | 0x20, encode_der(tag, body)),
    "constructed from a wrong tag": lambda tag, body: encode_der(tag | 0x20, encode_der(0x0C, body)),
    "wrapped in a sequence": lambda tag, body: encode_der(0x30, encode_der(tag, body)),
    "twice": lambda tag, body: encode_der(tag, body) * 2,
    "tag 0": change_tag(lambda tag: 0),
    "tag plus one": change_tag(lambda tag: tag + 1),
    "tag of a set": change_tag(lambda tag: 0x31),
    "tag of a bit string": change_tag(lambda tag: 0x03),
    "context-specific tag": change_tag(lambda tag: tag | 0x80),
    "tag 255": change_tag(lambda tag: 0xFF),
    "constructed bit flipped": change_tag(lambda tag: tag ^ 0x20),
    "empty": lambda tag, body: b"\5\1\5" if tag == 5 else encode_der(tag, b""),
    "first byte changed": change_body(lambda body: bytes([(body or b"\0")[0] ^ 1]) + body[1:]),
    "last byte changed": change_body(lambda body: body[:-1] + bytes([(body or b"\0")[-1] ^ 0x80])),
    "first byte removed": lambda tag, body: encode_der(tag, body[1:] if body else b"\0"),
    "last byte removed": lambda tag, body: encode_der(tag, body[:-1] if body else b"\1"),
    "large first arc": change_body(lambda body: b"\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00" + body),
    "last arc without end": change_body(lambda body: body[:-1] + b"\x81"),
}


def leave_unchanged(tag: int, body: bytes) -> bytes:
    return encode_der(tag, body)


def mutate_tree() -> Iterator[tuple[str, bytes]]:
    for where, path in PATHS.items():
        for name, mutate in MUTATIONS.items():
            yield f"{where}: {name}", encode(TREE, path, mutate)


DER = dict(mutate_tree())


@parametrize_hostile({
    "signature_invalid": {
        name: f"{INPUT}.{b64(sign_raw(encode_message(info)))}" for name, info in DER.items()
    },
})  # fmt: skip
async def test_a_signature_over_any_other_der_is_401(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


async def test_every_mutation_changes_the_der_and_nothing_else() -> None:
    assert encode(TREE, None, leave_unchanged) == encode(TREE, (), leave_unchanged) == RIGHT
    assert RIGHT not in DER.values()
    assert len(DER) == len(PATHS) * len(MUTATIONS)
    good = f"{INPUT}.{b64(sign_raw(encode_message(encode(TREE, (0, 1), leave_unchanged))))}"
    assert good == GOOD
    assert {len(encode_message(info)) for info in DER.values()} == {SIZE}
    assert (await guard_for(POOL).verify(good)).username == "ada"


# --- the parts of a token, and their base64url


def insert(text: str, letters: str, *, place: int = 0) -> str:
    return text[:place] + letters + text[place:]


@parametrize_hostile({
    "token_malformed": {
        "signature missing": f"{INPUT}.",
        "signature and its dot missing": INPUT,
        "payload missing": f"{HEAD}..{SIGNATURE}",
        "payload and its dot missing": f"{HEAD}.{SIGNATURE}",
        "header missing": f".{BODY}.{SIGNATURE}",
        "header and its dot missing": f"{BODY}.{SIGNATURE}",
        "only the payload, with dots": f".{BODY}.",
        "only the payload": BODY,
        "empty string": "",
        "fourth part, empty": f"{GOOD}.",
        "fourth part": f"{GOOD}.{BODY}",
        "JSON serialization": json.dumps(
            {
                "payload": BODY,
                "signatures": [{"protected": HEAD, "header": {"unknown": "x"}, "signature": SIGNATURE}],
            }
        ),
        **{f"{name} {where}": text
           for name, mark in {"spaces": "    ", "other characters": "####", "question mark": "?"}.items()
           for where, text in {
               "in the signature": f"{INPUT}.{insert(SIGNATURE, mark)}",
               "after the signature": GOOD + mark,
               "instead of the start of the signature": f"{INPUT}.{mark}{SIGNATURE[len(mark):]}",
               "in the header, signed": sign_text(f"{insert(HEAD, mark, place=-1)}.{BODY}"),
               "after the header, signed": sign_text(f"{HEAD}{mark}.{BODY}"),
               "in the payload, signed": sign_text(f"{HEAD}.{insert(BODY, mark)}"),
               "after the payload, signed": sign_text(f"{HEAD}.{BODY}{mark}"),
               "in the payload, not signed": f"{HEAD}.{insert(BODY, mark)}.{SIGNATURE}",
               "in the header, not signed": f"{insert(HEAD, mark, place=-1)}.{BODY}.{SIGNATURE}",
           }.items()},
    },
    "algorithm_not_allowed": {
        "alg none without a signature": f"{encode_part({**HEADER, 'alg': 'none'})}.{BODY}.",
        "alg none with a signature": f"{encode_part({**HEADER, 'alg': 'none'})}.{BODY}.{SIGNATURE}",
    },
    "key_unknown": {
        "kid changed": f"{encode_part({**HEADER, 'kid': 'X' + KEY.kid[1:]})}.{BODY}.{SIGNATURE}",
    },
    "signature_invalid": {
        "signature changed": f"{INPUT}.{'A' if SIGNATURE[0] != 'A' else 'B'}{SIGNATURE[1:]}",
        "payload changed": f"{HEAD}.{encode_part({**CLAIMS, 'sub': 'X' + CLAIMS['sub'][1:]})}.{SIGNATURE}",
    },
})  # fmt: skip
async def test_a_token_that_is_not_three_parts_in_strict_base64url_is_401(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


# --- key sets

ADDED = {**ATTACKER.public_jwk(), "kid": "added"}
UNSUITABLE: dict[str, list[dict[str, Any]]] = {
    "for encryption": [{**ADDED, "use": "enc"}],
    "key_ops to encrypt": [{**ADDED, "key_ops": ["encrypt"]}],
    "exponent 1": [{**ADDED, "e": "AQ"}],
    "1024 bits": [{**ADDED, "n": ADDED["n"][:170] + "Q"}],
    "symmetric": [{"kty": "oct", "k": ADDED["n"], "alg": "HS256", "kid": "added"}],
    "symmetric, with alg RS256": [{"kty": "oct", "k": ADDED["n"], "alg": "RS256", "kid": "added"}],
    "two keys with one kid": [ADDED, {**ADDED, "n": KEY.public_jwk()["n"]}],
    "two keys with one kid, one symmetric": [
        ADDED,
        {"kty": "oct", "k": ADDED["n"], "alg": "HS256", "kid": "added"},
    ],
    "one key twice": [ADDED, ADDED],
    "for another algorithm": [{**ADDED, "alg": "RS384"}],
}


@pytest.mark.parametrize("entries", UNSUITABLE.values(), ids=UNSUITABLE)
async def test_a_token_signed_with_an_unsuitable_key_is_401(entries: list[dict[str, Any]]) -> None:
    guard = guard_for(POOL, user_pool={"jwks": {"keys": [*entries, *POOL.jwks["keys"]]}})
    assert await get_refusal_code(guard, forge_header(ATTACKER.sign, kid="added")) == "key_unknown"
    assert (await guard.verify(GOOD)).username == "ada"


@pytest.mark.parametrize(
    "entry",
    [ADDED, {**ADDED, "key_ops": ["verify"]}, {name: ADDED[name] for name in ("kty", "kid", "n", "e")}],
    ids=["as Cognito publishes it", "key_ops", "only the required members"],
)  # fmt: skip
async def test_a_token_signed_with_a_suitable_key_is_accepted(entry: dict[str, Any]) -> None:
    guard = guard_for(POOL, user_pool={"jwks": {"keys": [entry, *POOL.jwks["keys"]]}})
    assert (await guard.verify(forge_header(ATTACKER.sign, kid="added"))).username == "ada"
