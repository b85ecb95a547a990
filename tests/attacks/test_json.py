"""Attacks on the JSON of a token: only one object, in UTF-8, without duplicate names, is accepted.

The pool's own key signs each text, so that its JSON is its only fault.
"""

import json

import pytest

from fastapi_cognito_guard.principal import copy_all_claims
from fastapi_cognito_guard.testing.signing_key import unverified_claims
from tests.apps import guard_for
from tests.attacks.forge import (
    CLAIMS,
    HEADER,
    KEY,
    POOL,
    assert_refused,
    encode_part,
    forge_header,
    forge_token,
    parametrize_hostile,
    sign_text,
)

pytestmark = pytest.mark.anyio
HEAD = encode_part(HEADER)


def replace_json(old: str, new: str | bytes) -> str:
    """Return a token with one passage of its JSON text replaced."""
    text = json.dumps(CLAIMS)
    assert text.count(old) == 1
    return forge_token(
        payload=text.replace(old, "\0")
        .encode()
        .replace(b"\0", new if isinstance(new, bytes) else new.encode())
    )


EXP, SUB = json.dumps({"exp": CLAIMS["exp"]})[1:-1], json.dumps({"sub": CLAIMS["sub"]})[1:-1]
TEXT = json.dumps(CLAIMS)
DUPLICATES = {
    name: replace_json(EXP, f'{EXP}, "{name}": {json.dumps(CLAIMS[name])}')
    for name in ("sub", "iss", "exp", "client_id", "token_use", "username", "cognito:groups")
}
JSON: dict[str, str] = {
    **{f"RFC 7519 4 duplicate {name}": text for name, text in DUPLICATES.items()},
    "RFC 7519 4 duplicate exp, the first one expired": replace_json(EXP, f'"exp": 1, {EXP}'),
    "RFC 7519 4 duplicate exp, the first one escaped": replace_json(EXP, rf'"\u0065xp": 1, {EXP}'),
    "RFC 7519 4 duplicate name in a nested object": replace_json(EXP, f'{EXP}, "x": {{"a": 1, "a": 1}}'),
    "RFC 7515 4 duplicate alg": forge_token(
        b'{"kid": "%s", "alg": "none", "alg": "RS256"}' % KEY.kid.encode()
    ),
    "RFC 7515 4 duplicate kid": forge_token(b'{"alg": "RS256", "kid": "x", "kid": "%s"}' % KEY.kid.encode()),
    "RFC 8259 8.1 byte order mark": forge_token(payload=b"\xef\xbb\xbf" + TEXT.encode()),
    "RFC 8259 8.1 byte order mark in the header": forge_token(b"\xef\xbb\xbf" + json.dumps(HEADER).encode()),
    **{
        f"RFC 8259 8.1 {name}": forge_token(payload=TEXT.encode(name))
        for name in ("UTF-16", "UTF-16-LE", "UTF-16-BE", "UTF-32", "UTF-32-LE", "cp037")
    },
    "RFC 8259 8.1 header in UTF-16": forge_token(json.dumps(HEADER).encode("utf-16")),
    "RFC 3629 3 invalid byte": replace_json('"ada"', b'"ad\xff"'),
    "RFC 3629 3 overlong NUL": replace_json('"ada"', b'"ada\xc0\x80"'),
    "RFC 3629 3 overlong quote": replace_json('"ada"', b'"ada\xc0\xa2"'),
    "RFC 3629 3 encoded surrogate": replace_json('"ada"', b'"ada\xed\xa0\x80"'),
    "RFC 3629 3 code point beyond U+10FFFF": replace_json('"ada"', b'"ada\xf4\x90\x80\x80"'),
    "RFC 3629 3 truncated sequence": replace_json('"ada"', b'"ada\xe2\x82"'),
    "RFC 8259 7 raw control character": replace_json('"ada"', '"ad\na"'),
    "RFC 8259 7 raw NUL": replace_json('"ada"', b'"ada\0"'),
    "RFC 8259 7 invalid escape": replace_json('"ada"', r'"\x61da"'),
    **{
        f"RFC 8259 6 exp {number}": replace_json(EXP, f'"exp": {number}')
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
        f"RFC 8259 8.2 lone surrogate in {name}": forge_token(payload={**CLAIMS, name: "\ud800"})
        for name in ("iss", "sub", "client_id", "username", "jti", "email", "custom:x")
    },
    "RFC 8259 8.2 lone surrogate in a group": forge_token(payload={**CLAIMS, "cognito:groups": ["\udfff"]}),
    "RFC 8259 8.2 lone surrogate in a scope": forge_token(payload={**CLAIMS, "scope": "a \udfff"}),
    "RFC 8259 8.2 lone surrogate in a name": forge_token(payload={**CLAIMS, "\ud800": 1}),
    "RFC 8259 6 exp 1e400": replace_json(EXP, '"exp": 1e400'),
    "RFC 8259 6 exp -1e400": replace_json(EXP, '"exp": -1e400'),
    "RFC 8259 6 1e400 in a nested array": replace_json(EXP, f'{EXP}, "x": [1e400]'),
    "RFC 8259 6 exp with underscores": replace_json(EXP, '"exp": 9_999_999_999'),
    "RFC 8259 6 exp in Arabic digits": replace_json(EXP, '"exp": ٩٩٩٩٩٩٩٩٩٩'),
    "RFC 8259 9 exp of 5000 digits (CVE-2020-10735)": replace_json(EXP, '"exp": ' + "9" * 5000),
    "RFC 8259 9 arrays nested 33 deep": replace_json(EXP, f'{EXP}, "x": {"[" * 33}{"]" * 33}'),
    "RFC 8259 9 arrays nested 5000 deep": replace_json(EXP, f'{EXP}, "x": {"[" * 5000}{"]" * 5000}'),
    "RFC 8259 9 objects nested 1500 deep": replace_json(
        EXP, EXP + ', "x": ' + '{"x":' * 1500 + "1" + "}" * 1500
    ),
    "RFC 8259 9 header nested 33 deep": forge_header(x=json.loads("[" * 33 + "]" * 33)),
    "RFC 8259 9 12000 unclosed arrays": forge_token(payload=b"[" * 12_000),
    "RFC 8259 2 second object": forge_token(payload=(TEXT + TEXT).encode()),
    "RFC 8259 2 trailing text": forge_token(payload=(TEXT + "x").encode()),
    "RFC 8259 2 trailing NUL": forge_token(payload=(TEXT + "\0").encode()),
    "RFC 8259 2 trailing null in the header": forge_token((json.dumps(HEADER) + " null").encode()),
    "RFC 8259 4 trailing comma": forge_token(payload=(TEXT[:-1] + ",}").encode()),
    "RFC 8259 4 single quotes": forge_token(payload=TEXT.replace('"', "'").encode()),
    "RFC 8259 4 unquoted name": replace_json('"exp":', "exp:"),
    "RFC 8259 4 comment": replace_json(EXP, f"/* */ {EXP}"),
    "RFC 8259 4 unclosed object": forge_token(payload=TEXT[:-1].encode()),
    "RFC 8259 3 True instead of true": replace_json(EXP, f'{EXP}, "x": True'),
    "leading space, valid JSON that Cognito never writes": forge_token(payload=(" " + TEXT).encode()),
    "trailing line feed, valid JSON that Cognito never writes": forge_token(payload=(TEXT + "\n").encode()),
    "RFC 8259 2 leading no-break space": forge_token(payload=("\xa0" + TEXT).encode()),
    "RFC 7519 7.2 array": forge_token(payload=[CLAIMS]),
    "RFC 7519 7.2 array of pairs": forge_token(payload=list(map(list, CLAIMS.items()))),
    "RFC 7519 7.2 null": forge_token(payload=b"null"),
    "RFC 7519 7.2 number": forge_token(payload=b"1"),
    "RFC 7519 7.2 string": forge_token(payload=b'"sub"'),
    "RFC 7519 7.2 empty payload": sign_text(f"{HEAD}."),
    "RFC 7519 7.2 only spaces": forge_token(payload=b"   "),
    "RFC 7519 7.2 header is an array": forge_token([HEADER]),
    "RFC 7519 7.2 XML": forge_token(payload=b"<sub>ada</sub>"),
    "RFC 7519 7.2 YAML": forge_token(payload=b"sub: ada"),
    "RFC 8392 CWT": forge_token(payload=bytes.fromhex("a2016361646104 1a7fffffff".replace(" ", ""))),
}


@parametrize_hostile({"token_malformed": JSON})
async def test_invalid_or_ambiguous_json_is_401(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


@parametrize_hostile({
    "claim_invalid": {
        "RFC 7519 4 exp in upper case": replace_json('"exp":', '"EXP":'),
        "RFC 7519 4 exp with a trailing space": replace_json('"exp":', '"exp ":'),
        "RFC 7519 4 exp with a trailing NUL": replace_json('"exp":', r'"exp\u0000":'),
        "exp in __proto__": replace_json(EXP, f'"__proto__": {{{EXP}}}'),
        "exp in a nested object": replace_json(EXP, f'"claims": {{{EXP}}}'),
        "no claims": forge_token(payload={}),
    },
})  # fmt: skip
async def test_only_the_exact_name_at_the_top_level_is_the_claim(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


UNUSUAL_BUT_VALID: dict[str, str] = {
    "pretty-printed": forge_token(payload=json.dumps(CLAIMS, indent=4).encode()),
    "every kind of JSON white space inside": replace_json(EXP, " \t\r\n" + EXP + " \t\r\n"),
    "escaped name": replace_json('"exp":', r'"\u0065xp":'),
    "exp as 4e9": replace_json(EXP, '"exp": 4e9'),
    "arrays nested 32 deep": replace_json(EXP, f'{EXP}, "x": {"[" * 31}{"]" * 31}'),
    "text beyond ASCII": forge_token(
        payload=json.dumps({**CLAIMS, "x": "Zoë 🙂"}, ensure_ascii=False).encode()
    ),
}


@pytest.mark.parametrize("good", UNUSUAL_BUT_VALID.values(), ids=UNUSUAL_BUT_VALID)
async def test_valid_json_is_accepted(good: str) -> None:
    user = await guard_for(POOL).verify(good)
    assert user.username == "ada"
    assert copy_all_claims(user) == unverified_claims(good)
