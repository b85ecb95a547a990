"""Thousands of mutated tokens, the same kinds each time: what two verifiers are compared with.

Each is signed by the pool wherever that makes what was mutated its only fault.
"""

import json
import random
from collections.abc import Iterator
from typing import Any

from tests.apps import NOW
from tests.attacks.forge import (
    ATTACKER,
    CLAIMS,
    GOOD,
    HEADER,
    ID_CLAIMS,
    ID_KEY,
    KEY,
    OTHER,
    OTHER_KEY,
    POOL,
    b64,
    part,
    signed,
    token,
    without,
)

ROUNDS = 400
SEED = 20_260_702

TIMES: list[Any] = [NOW, NOW + 1, NOW - 1, NOW + 0.5, NOW - 0.5]
NUMBERS: list[Any] = [0, 1, -1, 1.5, 2**53, 2**63, 10**30, 10**400, -(10**400)]
STRINGS: list[Any] = ["", " ", "x", "a b", "access", "id", "refresh", "4000000000", "Zoë", "\ud800"]
STRINGS += ["k" * 257, "x" * 12_000, POOL.client_id, POOL.issuer, OTHER.issuer]
STRINGS += [POOL.issuer.replace("cognito-idp", "issuer-cognito-idp")]
BOXES: list[Any] = [None, True, False, [], ["x"], [POOL.client_id], [None], [[]], {}, {"a": 1}]
VALUES = [*TIMES, *NUMBERS, *STRINGS, *BOXES]
CLAIM_NAMES = (
    "iss sub exp nbf iat jti auth_time token_use client_id aud scope cognito:groups username".split()
)
CLAIM_NAMES += "version email origin_jti __proto__ constructor x".split()

ALGORITHMS = (
    "none RS256 rs256 HS256 RS384 RS512 ES256 PS256 EdDSA JWT jwt at+jwt JWE dpop+jwt DEF A256GCM".split()
)
KIDS: list[Any] = [KEY.kid, ID_KEY.kid, OTHER_KEY.kid, KEY.kid + " ", [KEY.kid], "../x", "k" * 257]
HEADER_VALUES = [*ALGORITHMS, *KIDS, None, True, False, 0, "", [], ["exp"], ["x"], {}]
HEADER_VALUES += [ATTACKER.public_jwk(), "https://evil.example"]
HEADER_NAMES = "alg kid typ cty crit b64 zip enc jku jwk x5u x5c iss x".split()

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
STRAY = [*LETTERS, *"=+/. \n~,\0ü\u2028"]
BYTES = b' |\n|"|,|}|{|[|\\|\0|\xff|\xc3\xa9|\xed\xa0\x80|\xef\xbb\xbf|0|9|e|NaN|/**/|\\u0000|\\ud800|'.split(
    b"|"
)
SIGNERS = [KEY.sign, KEY.sign, ID_KEY.sign, OTHER_KEY.sign, ATTACKER.sign]
TEXTS = [GOOD, *map(POOL.access_token, ["ada", "eve"]), POOL.id_token("ada"), POOL.machine_token()]
TEXTS += [POOL.access_token("ada", expires_in=-1), OTHER.access_token("ada"), token(sign=ATTACKER.sign)]


def mutated_claims(dice: random.Random) -> str:
    claims = dict(dice.choice([CLAIMS, CLAIMS, CLAIMS, ID_CLAIMS]))
    for _ in range(dice.choice([1, 1, 1, 2])):
        name = dice.choice(CLAIM_NAMES)
        if dice.random() < 0.2:
            claims.pop(name, None)
        else:
            claims[name] = dice.choice(VALUES)
    return token(payload=claims)


def mutated_header(dice: random.Random) -> str:
    header: dict[str, Any] = dict(HEADER)
    name = dice.choice(HEADER_NAMES)
    if dice.random() < 0.1:
        header.pop(name, None)
    else:
        header[name] = dice.choice(HEADER_VALUES)
    return token(header, sign=dice.choice(SIGNERS))


def mutated_text(dice: random.Random) -> str:
    text = dice.choice(TEXTS)
    at, letter = dice.randrange(len(text)), dice.choice(STRAY)
    head, tail = text[:at], text[at:]
    ways: list[str] = [
        head + letter + tail[1:],
        head + letter + tail,
        head + tail[1:],
        head,
        head + tail.swapcase(),
    ]
    ways += [text + letter, letter + text]
    return dice.choice(ways)


def respelled(text: str, way: int) -> str:
    """The same bytes to a lenient decoder, or nearly so."""
    if way < 4:
        return text + "=" * way
    if way == 4:
        return text[:-1] + LETTERS[(LETTERS.index(text[-1]) + 1) % 64]
    return text.replace("-", "+").replace("_", "/") if way == 5 else text + "A"


def mutated_spelling(dice: random.Random) -> str:
    """Padding, alphabets, and bits left over, in text that the pool signed."""
    head, body = part(HEADER), part({**CLAIMS, "x": "ÿ" * dice.randrange(3) + "?" * dice.randrange(4)})
    which, way = dice.randrange(3), dice.randrange(7)
    if which == 0:
        return signed(f"{respelled(head, way)}.{body}")
    if which == 1:
        return signed(f"{head}.{respelled(body, way)}")
    text, _, signature = signed(f"{head}.{body}").rpartition(".")
    return f"{text}.{respelled(signature, way)}"


def mutated_json(dice: random.Random) -> str:
    octets = json.dumps(CLAIMS).encode()
    at = dice.randrange(len(octets) + 1)
    return token(payload=octets[:at] + dice.choice(BYTES) + octets[at + dice.randrange(2) :])


EXP = f'"exp": {CLAIMS["exp"]}'
PASSAGES = [
    (EXP, f'"exp": 1, {EXP}'),
    (EXP, f'{EXP}, "exp": 1'),
    (EXP, f"{EXP}.0"),
    (EXP, '"exp": 4e9'),
    (EXP, '"exp": 1e400'),
    (EXP, '"exp": NaN'),
    (EXP, f'{EXP}, "x": {"9" * 5000}'),
    (EXP, f'{EXP}, "x": {"[" * 33}{"]" * 33}'),
    (EXP, f'{EXP}, "x": {"[" * 31}{"]" * 31}'),
    (EXP, f'{EXP}, "x": {"[" * 4000}{"]" * 4000}'),
    (EXP, EXP.replace("e", "\\u0065")),
    ('"sub"', '"sub": "eve", "sub"'),
    ("{", " {"),
    ("}", "}\n"),
    ("}", "}}"),
    ("}", ",}"),
    ('"ada"', '"ad\\u0000a"'),
    ('"', "'"),
]


def mutated_passage(dice: random.Random) -> str:
    old, new = dice.choice(PASSAGES)
    return token(payload=json.dumps(CLAIMS).replace(old, new).encode())


def mutated_signature(dice: random.Random) -> str:
    text, _, _ = GOOD.rpartition(".")
    genuine = KEY.sign(text.encode())
    flipped, cut = bytearray(genuine), genuine[: dice.randrange(256)]
    flipped[dice.randrange(len(flipped))] ^= 1 << dice.randrange(8)
    return f"{text}.{b64(dice.choice([bytes(flipped), cut, cut + genuine, bytes(256), genuine]))}"


def swapped(dice: random.Random) -> str:
    return ".".join(dice.choice(TEXTS).split(".")[n] for n in range(3))


def untouched(dice: random.Random) -> str:
    """Good tokens of all sorts, so that the two are compared where they accept, too."""
    signer = dice.choice([KEY, ID_KEY])
    extra = {"x": dice.choice(["Zoë", 1, [1], {"a": None}]), "cognito:groups": dice.choice([[], ["a", "b"]])}
    payload = {**without(CLAIMS, dice.choice(["x", "username", "scope", "iat", "jti"])), **extra}
    return token({**HEADER, "kid": signer.kid}, payload, signer.sign)


OFTEN = [mutated_claims, mutated_header, mutated_text, mutated_json]
MUTATORS = [*OFTEN, *OFTEN, mutated_claims, mutated_claims, mutated_spelling, mutated_passage]
MUTATORS += [mutated_signature, swapped, untouched]


def each_value_in_each_place() -> Iterator[str]:
    """Once each, so that what the two differ in does not hang on the dice."""
    for name in CLAIM_NAMES:
        yield token(payload=without(CLAIMS, name))
        yield from (token(payload={**CLAIMS, name: value}) for value in VALUES)
    for name in HEADER_NAMES:
        yield token(without(HEADER, name))
        yield from (token({**HEADER, name: value}) for value in HEADER_VALUES)
    for old, new in PASSAGES:
        yield token(payload=json.dumps(CLAIMS).replace(old, new).encode())
    yield token(payload={**CLAIMS, "x": "x" * 16_384})


def hostile_tokens() -> list[str]:
    """All of them. The dice fall the same way each time; keys, and so signatures, are new ones."""
    dice = random.Random(SEED)
    return [*each_value_in_each_place(), *(mutate(dice) for _ in range(ROUNDS) for mutate in MUTATORS)]
