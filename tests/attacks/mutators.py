"""Thousands of mutated tokens, on which two verifiers are compared. The mutations are the same in each run.

The pool signs a token after its mutation wherever that leaves the mutation as the only fault.
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
    drop,
    encode_part,
    forge_token,
    sign_text,
)

ROUNDS = 400
SEED = 20_260_702

TIMES: list[Any] = [NOW, NOW + 1, NOW - 1, NOW + 0.5, NOW - 0.5, NOW + 11]
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
TEXTS += [POOL.access_token("ada", expires_in=-1), OTHER.access_token("ada"), forge_token(sign=ATTACKER.sign)]


def mutate_claims(dice: random.Random) -> str:
    claims = dict(dice.choice([CLAIMS, CLAIMS, CLAIMS, ID_CLAIMS]))
    for _ in range(dice.choice([1, 1, 1, 2])):
        name = dice.choice(CLAIM_NAMES)
        if dice.random() < 0.2:
            claims.pop(name, None)
        else:
            claims[name] = dice.choice(VALUES)
    return forge_token(payload=claims)


def mutate_header(dice: random.Random) -> str:
    header: dict[str, Any] = dict(HEADER)
    name = dice.choice(HEADER_NAMES)
    if dice.random() < 0.1:
        header.pop(name, None)
    else:
        header[name] = dice.choice(HEADER_VALUES)
    return forge_token(header, sign=dice.choice(SIGNERS))


def mutate_text(dice: random.Random) -> str:
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


def reencode(text: str, way: int) -> str:
    """Return another encoding of a part: a lenient decoder reads the same bytes, or nearly."""
    if way < 4:
        return text + "=" * way
    if way == 4:
        return text[:-1] + LETTERS[(LETTERS.index(text[-1]) + 1) % 64]
    return text.replace("-", "+").replace("_", "/") if way == 5 else text + "A"


def mutate_encoding(dice: random.Random) -> str:
    """Vary padding, alphabet and unused bits of base64url, in text that the pool signs."""
    head, body = (
        encode_part(HEADER),
        encode_part({**CLAIMS, "x": "ÿ" * dice.randrange(3) + "?" * dice.randrange(4)}),
    )
    which, way = dice.randrange(3), dice.randrange(7)
    if which == 0:
        return sign_text(f"{reencode(head, way)}.{body}")
    if which == 1:
        return sign_text(f"{head}.{reencode(body, way)}")
    text, _, signature = sign_text(f"{head}.{body}").rpartition(".")
    return f"{text}.{reencode(signature, way)}"


def mutate_json(dice: random.Random) -> str:
    octets = json.dumps(CLAIMS).encode()
    at = dice.randrange(len(octets) + 1)
    return forge_token(payload=octets[:at] + dice.choice(BYTES) + octets[at + dice.randrange(2) :])


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


def mutate_passage(dice: random.Random) -> str:
    old, new = dice.choice(PASSAGES)
    return forge_token(payload=json.dumps(CLAIMS).replace(old, new).encode())


def mutate_signature(dice: random.Random) -> str:
    text, _, _ = GOOD.rpartition(".")
    genuine = KEY.sign(text.encode())
    flipped, cut = bytearray(genuine), genuine[: dice.randrange(256)]
    flipped[dice.randrange(len(flipped))] ^= 1 << dice.randrange(8)
    return f"{text}.{b64(dice.choice([bytes(flipped), cut, cut + genuine, bytes(256), genuine]))}"


def swap_parts(dice: random.Random) -> str:
    return ".".join(dice.choice(TEXTS).split(".")[n] for n in range(3))


def make_good_token(dice: random.Random) -> str:
    """Return a good token: the verifiers must also agree on what they accept."""
    signer = dice.choice([KEY, ID_KEY])
    extra = {"x": dice.choice(["Zoë", 1, [1], {"a": None}]), "cognito:groups": dice.choice([[], ["a", "b"]])}
    payload = {**drop(CLAIMS, dice.choice(["x", "username", "scope", "iat", "jti"])), **extra}
    return forge_token({**HEADER, "kid": signer.kid}, payload, signer.sign)


OFTEN = [mutate_claims, mutate_header, mutate_text, mutate_json]
MUTATORS = [*OFTEN, *OFTEN, mutate_claims, mutate_claims, mutate_encoding, mutate_passage]
MUTATORS += [mutate_signature, swap_parts, make_good_token]


def list_systematic_tokens() -> Iterator[str]:
    """Return every value in every place once, so that no known difference depends on chance."""
    for name in CLAIM_NAMES:
        yield forge_token(payload=drop(CLAIMS, name))
        yield from (forge_token(payload={**CLAIMS, name: value}) for value in VALUES)
    for name in HEADER_NAMES:
        yield forge_token(drop(HEADER, name))
        yield from (forge_token({**HEADER, name: value}) for value in HEADER_VALUES)
    for old, new in PASSAGES:
        yield forge_token(payload=json.dumps(CLAIMS).replace(old, new).encode())
    yield forge_token(payload={**CLAIMS, "x": "x" * 16_384})


def list_hostile_tokens() -> list[str]:
    """Return all tokens. The seed is fixed; keys, and so signatures, are new in each run."""
    dice = random.Random(SEED)
    return [*list_systematic_tokens(), *(mutate(dice) for _ in range(ROUNDS) for mutate in MUTATORS)]
