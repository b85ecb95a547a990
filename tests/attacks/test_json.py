"""Attacks on the JSON of a token: one object in UTF-8, each name once, and nothing that readers differ in.

The text of each is signed with the pool's own key, so that nothing but its JSON is wrong.
"""

import json

import pytest

from fastapi_cognito_guard.testing.signing_key import unverified_claims
from tests.apps import guard_for
from tests.attacks.forge import CLAIMS, HEADER, KEY, POOL, assert_refused, headed, part, signed, token, trying

pytestmark = pytest.mark.anyio
NAME = part(HEADER)


def raw_json(old: str, new: str | bytes) -> str:
    """A token whose JSON has one passage replaced, as text."""
    text = json.dumps(CLAIMS)
    assert text.count(old) == 1
    return token(
        payload=text.replace(old, "\0")
        .encode()
        .replace(b"\0", new if isinstance(new, bytes) else new.encode())
    )


EXP, SUB = json.dumps({"exp": CLAIMS["exp"]})[1:-1], json.dumps({"sub": CLAIMS["sub"]})[1:-1]
TEXT = json.dumps(CLAIMS)
TWICE = {
    name: raw_json(EXP, f'{EXP}, "{name}": {json.dumps(CLAIMS[name])}')
    for name in ("sub", "iss", "exp", "client_id", "token_use", "username", "cognito:groups")
}
JSON: dict[str, str] = {
    **{f"RFC 7519 4 {name} is there twice": text for name, text in TWICE.items()},
    "RFC 7519 4 exp twice, the first one passed": raw_json(EXP, f'"exp": 1, {EXP}'),
    "RFC 7519 4 exp twice, once with an escape": raw_json(EXP, rf'"\u0065xp": 1, {EXP}'),
    "RFC 7519 4 twice, inside": raw_json(EXP, f'{EXP}, "x": {{"a": 1, "a": 1}}'),
    "RFC 7515 4 alg is there twice": token(
        b'{"kid": "%s", "alg": "none", "alg": "RS256"}' % KEY.kid.encode()
    ),
    "RFC 7515 4 kid is there twice": token(b'{"alg": "RS256", "kid": "x", "kid": "%s"}' % KEY.kid.encode()),
    "RFC 8259 8.1 a byte order mark": token(payload=b"\xef\xbb\xbf" + TEXT.encode()),
    "RFC 8259 8.1 a byte order mark in the header": token(b"\xef\xbb\xbf" + json.dumps(HEADER).encode()),
    **{
        f"RFC 8259 8.1 {name}": token(payload=TEXT.encode(name))
        for name in ("UTF-16", "UTF-16-LE", "UTF-16-BE", "UTF-32", "UTF-32-LE", "cp037")
    },
    "RFC 8259 8.1 the header in UTF-16": token(json.dumps(HEADER).encode("utf-16")),
    "RFC 3629 3 a byte that is not UTF-8": raw_json('"ada"', b'"ad\xff"'),
    "RFC 3629 3 an overlong NUL": raw_json('"ada"', b'"ada\xc0\x80"'),
    "RFC 3629 3 an overlong quote": raw_json('"ada"', b'"ada\xc0\xa2"'),
    "RFC 3629 3 a surrogate in UTF-8": raw_json('"ada"', b'"ada\xed\xa0\x80"'),
    "RFC 3629 3 beyond Unicode": raw_json('"ada"', b'"ada\xf4\x90\x80\x80"'),
    "RFC 3629 3 cut short": raw_json('"ada"', b'"ada\xe2\x82"'),
    "RFC 8259 7 a control character": raw_json('"ada"', '"ad\na"'),
    "RFC 8259 7 NUL": raw_json('"ada"', b'"ada\0"'),
    "RFC 8259 7 an escape that is none": raw_json('"ada"', r'"\x61da"'),
    **{
        f"RFC 8259 6 exp {number}": raw_json(EXP, f'"exp": {number}')
        for number in (
            "NaN",
            "Infinity",
            "-Infinity",
            "+1e10",
            "0x7fffffff",
            "09999999999",
            "9999999999.",
            ".9e10",
        )
    },
    **{
        f"RFC 8259 8.2 {name} is a lone surrogate": token(payload={**CLAIMS, name: "\ud800"})
        for name in ("iss", "sub", "client_id", "username", "jti", "email", "custom:x")
    },
    "RFC 8259 8.2 a group is a lone surrogate": token(payload={**CLAIMS, "cognito:groups": ["\udfff"]}),
    "RFC 8259 8.2 a scope is a lone surrogate": token(payload={**CLAIMS, "scope": "a \udfff"}),
    "RFC 8259 8.2 a name is a lone surrogate": token(payload={**CLAIMS, "\ud800": 1}),
    "RFC 8259 6 exp 1e400": raw_json(EXP, '"exp": 1e400'),
    "RFC 8259 6 exp -1e400": raw_json(EXP, '"exp": -1e400'),
    "RFC 8259 6 any number beyond any": raw_json(EXP, f'{EXP}, "x": [1e400]'),
    "RFC 8259 6 exp with underscores": raw_json(EXP, '"exp": 9_999_999_999'),
    "RFC 8259 6 exp in other digits": raw_json(EXP, '"exp": ٩٩٩٩٩٩٩٩٩٩'),
    "RFC 8259 9 exp of 5000 digits (CVE-2020-10735)": raw_json(EXP, '"exp": ' + "9" * 5000),
    "RFC 8259 9 nested 33 deep": raw_json(EXP, f'{EXP}, "x": {"[" * 33}{"]" * 33}'),
    "RFC 8259 9 nested 5000 deep": raw_json(EXP, f'{EXP}, "x": {"[" * 5000}{"]" * 5000}'),
    "RFC 8259 9 objects 1500 deep": raw_json(EXP, EXP + ', "x": ' + '{"x":' * 1500 + "1" + "}" * 1500),
    "RFC 8259 9 a header nested 33 deep": headed(x=json.loads("[" * 33 + "]" * 33)),
    "RFC 8259 9 never closed": token(payload=b"[" * 12_000),
    "RFC 8259 2 a second object": token(payload=(TEXT + TEXT).encode()),
    "RFC 8259 2 text behind": token(payload=(TEXT + "x").encode()),
    "RFC 8259 2 NUL behind": token(payload=(TEXT + "\0").encode()),
    "RFC 8259 2 a null behind the header": token((json.dumps(HEADER) + " null").encode()),
    "RFC 8259 4 a comma behind the last": token(payload=(TEXT[:-1] + ",}").encode()),
    "RFC 8259 4 single quotes": token(payload=TEXT.replace('"', "'").encode()),
    "RFC 8259 4 names without quotes": raw_json('"exp":', "exp:"),
    "RFC 8259 4 a comment": raw_json(EXP, f"/* */ {EXP}"),
    "RFC 8259 4 not closed": token(payload=TEXT[:-1].encode()),
    "RFC 8259 3 True": raw_json(EXP, f'{EXP}, "x": True'),
    "a space before, which JSON allows and Cognito never writes": token(payload=(" " + TEXT).encode()),
    "a line feed behind, likewise": token(payload=(TEXT + "\n").encode()),
    "RFC 8259 2 a space that is none": token(payload=("\xa0" + TEXT).encode()),
    "RFC 7519 7.2 an array": token(payload=[CLAIMS]),
    "RFC 7519 7.2 pairs": token(payload=list(map(list, CLAIMS.items()))),
    "RFC 7519 7.2 null": token(payload=b"null"),
    "RFC 7519 7.2 a number": token(payload=b"1"),
    "RFC 7519 7.2 a string": token(payload=b'"sub"'),
    "RFC 7519 7.2 nothing": signed(f"{NAME}."),
    "RFC 7519 7.2 spaces": token(payload=b"   "),
    "RFC 7519 7.2 the header is an array": token([HEADER]),
    "RFC 7519 7.2 XML": token(payload=b"<sub>ada</sub>"),
    "RFC 7519 7.2 YAML": token(payload=b"sub: ada"),
    "RFC 8392 CWT": token(payload=bytes.fromhex("a2016361646104 1a7fffffff".replace(" ", ""))),
}


@trying({"token_malformed": JSON})
async def test_json_of_another_form_is_none(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


@trying({
    "claim_invalid": {
        "RFC 7519 4 a name in other case": raw_json('"exp":', '"EXP":'),
        "RFC 7519 4 a name with a space": raw_json('"exp":', '"exp ":'),
        "RFC 7519 4 a name with NUL": raw_json('"exp":', r'"exp\u0000":'),
        "a prototype has the claim": raw_json(EXP, f'"__proto__": {{{EXP}}}'),
        "an object within has the claim": raw_json(EXP, f'"claims": {{{EXP}}}'),
        "no claims": token(payload={}),
    },
})  # fmt: skip
async def test_json_that_can_be_read_is_judged_by_its_claims(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


ODD_BUT_GOOD: dict[str, str] = {
    "pretty-printed": token(payload=json.dumps(CLAIMS, indent=4).encode()),
    "all spaces that JSON knows, inside": raw_json(EXP, " \t\r\n" + EXP + " \t\r\n"),
    "a name with an escape": raw_json('"exp":', r'"\u0065xp":'),
    "exp as 4e9": raw_json(EXP, '"exp": 4e9'),
    "nested 32 deep": raw_json(EXP, f'{EXP}, "x": {"[" * 31}{"]" * 31}'),
    "a name of another alphabet": token(
        payload=json.dumps({**CLAIMS, "x": "Zoë 🙂"}, ensure_ascii=False).encode()
    ),
}


@pytest.mark.parametrize("good", ODD_BUT_GOOD.values(), ids=ODD_BUT_GOOD)
async def test_what_the_standards_allow_is_read(good: str) -> None:
    user = await guard_for(POOL).verify(good)
    assert user.username == "ada"
    assert user.claims == unverified_claims(good)
