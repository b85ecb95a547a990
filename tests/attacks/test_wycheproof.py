"""What Project Wycheproof tries on RS256, in a table of our own: no registry has its vectors as a package.

Its JWS and JWK vectors were the list of what to try; keys, tokens and encodings here are our own. Left out is
what RS256 does not have (MACs, curves, PSS), and one thing that is not claimed: a key with the weakness of
ROCA (CVE-2017-15361) is not told apart, since keys come from the pool and from nowhere else.
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
    code_of,
    digest_info,
    encoded_message,
    headed,
    part,
    raw_private,
    signed,
    trying,
)

pytestmark = pytest.mark.anyio

INPUT, _, SIGNATURE = GOOD.rpartition(".")
HEAD, _, BODY = INPUT.partition(".")
RIGHT = digest_info(INPUT.encode())

# --- the DER of the DigestInfo (RFC 8017 section 9.2), each of its values mutated in every way

Node = tuple[int, "bytes | list[Node]"]
Mutation = Callable[[int, bytes], bytes]
TREE: Node = (
    0x30,
    [(0x30, [(0x06, bytes.fromhex("608648016503040201")), (0x05, b"")]), (0x04, RIGHT[-32:])],
)
PATHS: dict[str, tuple[int, ...]] = {
    "the outer sequence": (),
    "the algorithm": (0,),
    "the OID": (0, 0),
    "the NULL": (0, 1),
    "the hash": (1,),
}


def der(tag: int, body: bytes) -> bytes:
    return bytes([tag, len(body)]) + body


def encode(node: Node, path: tuple[int, ...] | None, mutate: Mutation) -> bytes:
    """DER, with the value at the path replaced by what the mutation makes of it."""
    tag, content = node
    if isinstance(content, list):
        inner = (encode(child, step_into(path, n), mutate) for n, child in enumerate(content))
        content = b"".join(inner)
    return mutate(tag, content) if path == () else der(tag, content)


def step_into(path: tuple[int, ...] | None, n: int) -> tuple[int, ...] | None:
    return path[1:] if path and path[0] == n else None


def with_length(length: bytes) -> Mutation:
    return lambda tag, body: bytes([tag]) + length + body


def with_length_of(change: Callable[[int], int], width: int) -> Mutation:
    """The length in its long form, ``width`` bytes wide, and changed."""
    return lambda tag, body: bytes([tag, 0x80 + width]) + change(len(body)).to_bytes(width, "big") + body


def with_body(change: Callable[[bytes], bytes]) -> Mutation:
    return lambda tag, body: der(tag, change(body))


def with_tag(change: Callable[[int], int]) -> Mutation:
    return lambda tag, body: der(change(tag), body)


MUTATIONS: dict[str, Mutation] = {
    "length in its long form": with_length_of(int, 1),
    "length with a zero before": with_length_of(int, 2),
    "length one more": lambda tag, body: bytes([tag, len(body) + 1]) + body,
    "length one less": lambda tag, body: bytes([tag, (len(body) - 1) % 128]) + body,
    "length that overflows 32 bits": with_length_of(lambda size: 2**32 + size, 5),
    "length that overflows 64 bits": with_length_of(lambda size: 2**64 + size, 9),
    **{
        f"length 2^{bits}{less:+d}": with_length(
            bytes([0x80 + (bits + 8) // 8]) + (2**bits + less).to_bytes((bits + 8) // 8, "big")
        )
        for bits, less in ((31, -1), (31, 0), (32, -1), (40, -1), (64, -1))
    },
    "length 255": with_length(b"\xff"),
    "length cut short": with_length(b"\x82"),
    "indefinite length, no end": with_length(b"\x80"),
    "indefinite length": lambda tag, body: bytes([tag, 0x80]) + body + b"\0\0",
    "indefinite length, constructed": lambda tag, body: bytes([tag | 0x20, 0x80]) + der(tag, body) + b"\0\0",
    "indefinite length, half an end": lambda tag, body: bytes([tag, 0x80]) + body + b"\0",
    "indefinite length, an end that is not empty": lambda tag, body: bytes([tag, 0x80]) + body + b"\0\2\5\0",
    "removed": lambda tag, body: b"",
    "nothing but the tag": lambda tag, body: bytes([tag]),
    "no tag": lambda tag, body: body,
    "zeros at the end": with_body(lambda body: body + b"\0\0"),
    "zeros at the start": with_body(lambda body: b"\0\0" + body),
    "zeros behind": lambda tag, body: der(tag, body) + b"\0\0",
    "zeros before": lambda tag, body: b"\0\0" + der(tag, body),
    "a NULL at the end": with_body(lambda body: body + b"\5\0"),
    "a NULL behind": lambda tag, body: der(tag, body) + b"\5\0",
    "a NULL in its place": lambda tag, body: b"\5\1\0" if tag == 5 else b"\5\0",
    "a NULL of a context's own tag behind": lambda tag, body: der(tag, body) + b"\xa0\2\5\0",
    "an empty sequence at the start": with_body(lambda body: b"\x30\0" + body),
    "an empty sequence at the end": with_body(lambda body: body + b"\x30\0"),
    "garbage at the start": with_body(lambda body: b"\x49\x77" + body),
    "garbage at the end": with_body(lambda body: body + b"\x49\x77"),
    "garbage with a high tag number behind": lambda tag, body: der(tag, body) + b"\xbf\x7f\0",
    "undefined tags before": lambda tag, body: b"\xaa\0\xbb\0\xcd\0" + der(tag, body),
    "undefined tags around": lambda tag, body: b"\xaa\2\xaa\xbb" + der(tag, body) + b"\xcd\0",
    "constructed of itself": lambda tag, body: der(tag | 0x20, der(tag, body)),
    "constructed, of a wrong tag": lambda tag, body: der(tag | 0x20, der(0x0C, body)),
    "in a sequence": lambda tag, body: der(0x30, der(tag, body)),
    "twice": lambda tag, body: der(tag, body) * 2,
    "the tag 0": with_tag(lambda tag: 0),
    "the tag one more": with_tag(lambda tag: tag + 1),
    "the tag of a set": with_tag(lambda tag: 0x31),
    "the tag of a bit string": with_tag(lambda tag: 0x03),
    "the tag of a context": with_tag(lambda tag: tag | 0x80),
    "the tag 255": with_tag(lambda tag: 0xFF),
    "constructed by name": with_tag(lambda tag: tag ^ 0x20),
    "empty": lambda tag, body: b"\5\1\5" if tag == 5 else der(tag, b""),
    "the first byte changed": with_body(lambda body: bytes([(body or b"\0")[0] ^ 1]) + body[1:]),
    "the last byte changed": with_body(lambda body: body[:-1] + bytes([(body or b"\0")[-1] ^ 0x80])),
    "the first byte missing": lambda tag, body: der(tag, body[1:] if body else b"\0"),
    "the last byte missing": lambda tag, body: der(tag, body[:-1] if body else b"\1"),
    "a large first number": with_body(lambda body: b"\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00" + body),
    "a number that never ends": with_body(lambda body: body[:-1] + b"\x81"),
}


def unchanged(tag: int, body: bytes) -> bytes:
    return der(tag, body)


def mutated() -> Iterator[tuple[str, bytes]]:
    for where, path in PATHS.items():
        for name, mutate in MUTATIONS.items():
            yield f"{where}: {name}", encode(TREE, path, mutate)


DER = dict(mutated())


@trying({
    "signature_invalid": {
        name: f"{INPUT}.{b64(raw_private(encoded_message(info)))}" for name, info in DER.items()
    },
})  # fmt: skip
async def test_only_one_der_is_a_signature(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


async def test_the_mutations_do_change_the_der_and_nothing_else() -> None:
    assert encode(TREE, None, unchanged) == encode(TREE, (), unchanged) == RIGHT
    assert RIGHT not in DER.values()
    assert len(DER) == len(PATHS) * len(MUTATIONS)
    good = f"{INPUT}.{b64(raw_private(encoded_message(encode(TREE, (0, 1), unchanged))))}"
    assert good == GOOD
    assert {len(encoded_message(info)) for info in DER.values()} == {SIZE}
    assert (await guard_for(POOL).verify(good)).username == "ada"


# --- the parts of a token, and their base64


def at(text: str, letters: str, *, place: int = 0) -> str:
    return text[:place] + letters + text[place:]


@trying({
    "token_malformed": {
        "the signature is missing": f"{INPUT}.",
        "the signature and its dot are missing": INPUT,
        "the payload is missing": f"{HEAD}..{SIGNATURE}",
        "the payload and its dot are missing": f"{HEAD}.{SIGNATURE}",
        "the header is missing": f".{BODY}.{SIGNATURE}",
        "the header and its dot are missing": f"{BODY}.{SIGNATURE}",
        "nothing but the payload, with dots": f".{BODY}.",
        "nothing but the payload": BODY,
        "nothing": "",
        "an empty part more": f"{GOOD}.",
        "a part more": f"{GOOD}.{BODY}",
        "JSON serialization": json.dumps(
            {
                "payload": BODY,
                "signatures": [{"protected": HEAD, "header": {"unknown": "x"}, "signature": SIGNATURE}],
            }
        ),
        **{f"{name} {where}": text
           for name, mark in {"spaces": "    ", "other characters": "####", "a question mark": "?"}.items()
           for where, text in {
               "in the signature": f"{INPUT}.{at(SIGNATURE, mark)}",
               "behind the signature": GOOD + mark,
               "for the start of the signature": f"{INPUT}.{mark}{SIGNATURE[len(mark):]}",
               "in the header, signed so": signed(f"{at(HEAD, mark, place=-1)}.{BODY}"),
               "behind the header, signed so": signed(f"{HEAD}{mark}.{BODY}"),
               "in the payload, signed so": signed(f"{HEAD}.{at(BODY, mark)}"),
               "behind the payload, signed so": signed(f"{HEAD}.{BODY}{mark}"),
               "in the payload, not signed": f"{HEAD}.{at(BODY, mark)}.{SIGNATURE}",
               "in the header, not signed": f"{at(HEAD, mark, place=-1)}.{BODY}.{SIGNATURE}",
           }.items()},
    },
    "algorithm_not_allowed": {
        "none, and no signature": f"{part({**HEADER, 'alg': 'none'})}.{BODY}.",
        "none, and a signature": f"{part({**HEADER, 'alg': 'none'})}.{BODY}.{SIGNATURE}",
    },
    "key_unknown": {
        "a letter of the kid changed": f"{part({**HEADER, 'kid': 'X' + KEY.kid[1:]})}.{BODY}.{SIGNATURE}",
    },
    "signature_invalid": {
        "a letter of the signature changed": f"{INPUT}.{'A' if SIGNATURE[0] != 'A' else 'B'}{SIGNATURE[1:]}",
        "a payload changed": f"{HEAD}.{part({**CLAIMS, 'sub': 'X' + CLAIMS['sub'][1:]})}.{SIGNATURE}",
    },
})  # fmt: skip
async def test_a_token_has_three_parts_in_clean_base64url(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


# --- key sets

MINE = {**ATTACKER.public_jwk(), "kid": "mine"}
SETS: dict[str, list[dict[str, Any]]] = {
    "for encryption": [{**MINE, "use": "enc"}],
    "key_ops to encrypt": [{**MINE, "key_ops": ["encrypt"]}],
    "exponent 1": [{**MINE, "e": "AQ"}],
    "1024 bits": [{**MINE, "n": MINE["n"][:170] + "Q"}],
    "symmetric": [{"kty": "oct", "k": MINE["n"], "alg": "HS256", "kid": "mine"}],
    "symmetric, said to be for RS256": [{"kty": "oct", "k": MINE["n"], "alg": "RS256", "kid": "mine"}],
    "two of one kid": [MINE, {**MINE, "n": KEY.public_jwk()["n"]}],
    "two of one kid, one symmetric": [MINE, {"kty": "oct", "k": MINE["n"], "alg": "HS256", "kid": "mine"}],
    "two of one kid, the same twice": [MINE, MINE],
    "for another algorithm": [{**MINE, "alg": "RS384"}],
}


@pytest.mark.parametrize("entries", SETS.values(), ids=SETS)
async def test_a_key_that_is_not_one_for_rs256_signatures_signs_none(entries: list[dict[str, Any]]) -> None:
    guard = guard_for(POOL, user_pool={"jwks": {"keys": [*entries, *POOL.jwks["keys"]]}})
    assert await code_of(guard, headed(ATTACKER.sign, kid="mine")) == "key_unknown"
    assert (await guard.verify(GOOD)).username == "ada"


@pytest.mark.parametrize(
    "entry", [MINE, {**MINE, "key_ops": ["verify"]}, {name: MINE[name] for name in ("kty", "kid", "n", "e")}],
    ids=["as Cognito's are", "key_ops", "no more than it needs"],
)  # fmt: skip
async def test_a_key_that_is_one_signs(entry: dict[str, Any]) -> None:
    guard = guard_for(POOL, user_pool={"jwks": {"keys": [entry, *POOL.jwks["keys"]]}})
    assert (await guard.verify(headed(ATTACKER.sign, kid="mine"))).username == "ada"
