"""Attacks on the serialization: base64url and JWS compact serialization have one form; others are refused.

The pool's own key signs each text, so that its form is its only fault.
"""

import json
import zlib
from base64 import b64encode
from typing import Any

import pytest

from fastapi_cognito_guard.testing.signing_key import unverified_claims
from tests.apps import guard_for
from tests.attacks.forge import (
    CLAIMS,
    GOOD,
    HEADER,
    KEY,
    POOL,
    assert_refused,
    b64,
    encode_part,
    forge_header,
    forge_token,
    parametrize_hostile,
    sign_text,
)

pytestmark = pytest.mark.anyio

# Claims whose base64 leaves unused bits and contains characters in which the two alphabets differ.
PAYLOAD = next(
    text
    for n in range(3)
    if len(text := json.dumps({**CLAIMS, "x": "ÿÿ?>~~~ÿÿ>>>" + "?" * n}, ensure_ascii=False).encode()) % 3
    == 1
)
HEAD, BODY = encode_part(HEADER), b64(PAYLOAD)
SIGNED = sign_text(f"{HEAD}.{BODY}")
SIGNATURE = SIGNED.rpartition(".")[2]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def set_unused_bit(text: str) -> str:
    """Return another encoding of the same bytes, for a decoder that ignores unused bits."""
    assert len(text) % 4
    return text[:-1] + LETTERS[LETTERS.index(text[-1]) + 1]


IGNORABLE = {
    "a space": " ",
    "a tab": "\t",
    "a line feed": "\n",
    "CR LF": "\r\n",
    "a form feed": "\f",
    "NUL": "\0",
}
IGNORABLE |= {
    "a soft hyphen": "\xad",
    "a no-break space": "\xa0",
    "a zero width space": "\u200b",
    "a byte order mark": "\ufeff",
}
IGNORABLE |= {
    "a comma": ",",
    "a percent sign": "%41",
    "an exclamation mark": "!",
    "a lone surrogate": "\ud800",
}


def insert_mark(mark: str) -> dict[str, str]:
    """Insert a character in each place of a token. Lenient decoders skip it."""
    return {
        "at the start": mark + GOOD,
        "at the end": GOOD + mark,
        "in the header": f"{HEAD[:5]}{mark}{HEAD[5:]}.{BODY}.{SIGNATURE}",
        "in the payload": f"{HEAD}.{BODY[:5]}{mark}{BODY[5:]}.{SIGNATURE}",
        "in the signature": f"{HEAD}.{BODY}.{SIGNATURE[:5]}{mark}{SIGNATURE[5:]}",
        "after a dot": SIGNED.replace(".", "." + mark, 1),
    }


BASE64 = {
    "RFC 7515 2 padded payload": sign_text(f"{HEAD}.{BODY}" + "=" * (-len(BODY) % 4)),
    "RFC 7515 2 padded header": sign_text(f"{HEAD}{'=' * (-len(HEAD) % 4)}.{BODY}"),
    "RFC 7515 2 padded signature": SIGNED + "==",
    "RFC 7515 2 padding before the payload": sign_text(f"{HEAD}.=={BODY}"),
    "RFC 4648 5 payload in the standard alphabet": sign_text(
        f"{HEAD}.{b64encode(PAYLOAD).decode().rstrip('=')}"
    ),
    "RFC 4648 5 signature in the standard alphabet": GOOD[:-8] + "++//++//",
    "RFC 4648 3.5 unused bit set in the payload": sign_text(f"{HEAD}.{set_unused_bit(BODY)}"),
    "RFC 4648 3.5 unused bit set in the signature": f"{HEAD}.{BODY}.{set_unused_bit(SIGNATURE)}",
    "one base64 character too many": sign_text(f"{HEAD}.{BODY}" + "A" * (5 - len(BODY) % 4)),
    "base64url encoded twice": sign_text(f"{b64(HEAD.encode())}.{b64(BODY.encode())}"),
    "hexadecimal": sign_text(f"{HEAD.encode().hex()}.{PAYLOAD.hex()}"),
    "JSON instead of base64url": sign_text(json.dumps(HEADER) + "." + json.dumps(CLAIMS)),
    "full-width letters": GOOD.replace("A", "\uff21"),
    "full-width dots": GOOD.replace(".", "\uff0e"),
    "percent-encoded dots": GOOD.replace(".", "%2E"),
    **{
        f"RFC 7515 2 {name} {place}": text
        for name, mark in IGNORABLE.items()
        for place, text in insert_mark(mark).items()
    },
}

GOOD_HEAD, GOOD_BODY, GOOD_SIGNATURE = GOOD.split(".")
JWE = {"alg": "dir", "enc": "A128GCM", "zip": "DEF"}
DEFLATED = zlib.compress(json.dumps(CLAIMS).encode())[2:-4]
STRUCTURE: dict[str, Any] = {
    "RFC 7516 3.1 JWE": encode_part({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": KEY.kid}) + ".AA.AA.AA.AA",
    "CVE-2024-33664 JWE with compressed content": f"{encode_part(JWE)}..AA.{'A' * 9000}.AA",
    "RFC 7516 4.1.2 enc in a JWS": forge_header(enc="A256GCM"),
    "RFC 7516 4.1.3 zip in a JWS": forge_header(zip="DEF"),
    "RFC 7516 4.1.3 zip in a JWS with a compressed payload": forge_token({**HEADER, "zip": "DEF"}, DEFLATED),
    "compressed payload without zip": forge_token(payload=DEFLATED),
    "RFC 7519 5.2 nested JWT with cty": forge_token({**HEADER, "cty": "JWT"}, GOOD.encode()),
    "RFC 7519 5.2 nested JWT without cty": forge_token(payload=GOOD.encode()),
    "RFC 7519 5.2 nested JWT in a JSON string": forge_token(payload=json.dumps(GOOD).encode()),
    "RFC 7519 5.2 cty without a nested JWT": forge_header(cty="JWT"),
    "RFC 7515 7.2.1 JSON serialization, general": json.dumps(
        {
            "payload": GOOD_BODY,
            "signatures": [{"protected": GOOD_HEAD, "header": {}, "signature": GOOD_SIGNATURE}],
        }
    ),
    "RFC 7515 7.2.2 JSON serialization, flattened": json.dumps(
        {"payload": GOOD_BODY, "protected": GOOD_HEAD, "signature": GOOD_SIGNATURE}
    ),
    "RFC 7515 F detached payload": f"{GOOD_HEAD}..{GOOD_SIGNATURE}",
    "RFC 7515 F empty payload, signed": sign_text(f"{GOOD_HEAD}."),
    "RFC 7797 5.2 b64 false": forge_header(b64=False, crit=["b64"]),
    "RFC 7797 5.2 b64 false with an unencoded payload": sign_text(
        f"{encode_part({**HEADER, 'b64': False, 'crit': ['b64']})}.{json.dumps(CLAIMS)}"
    ),
    "RFC 7797 6 b64 false without crit": forge_header(b64=False),
    "RFC 7797 7 b64 true": forge_header(b64=True),
    "RFC 9901 SD-JWT without disclosures": GOOD + "~",
    "RFC 9901 SD-JWT with a disclosure": f"{GOOD}~{encode_part(['salt', 'username', 'eve'])}~",
    "RFC 9449 DPoP proof": forge_header(typ="dpop+jwt"),
    "RFC 8725 3.11 typ of a logout token": forge_header(typ="logout+jwt"),
    "RFC 8725 3.11 typ of a security event": forge_header(typ="secevent+jwt"),
    "RFC 8725 3.11 typ JWE": forge_header(typ="JWE"),
    "RFC 8725 3.11 typ is an empty string": forge_header(typ=""),
    "RFC 8725 3.11 typ is a list": forge_header(typ=["JWT"]),
    "RFC 8725 3.11 typ is null": forge_header(typ=None),
    "RFC 6750 2.1 Bearer before the token": f"Bearer {GOOD}",
    "RFC 6750 2.1 bearer before the token": f"bearer {GOOD}",
    "RFC 6750 2.2 form parameter": f"access_token={GOOD}",
    "in quotes": f'"{GOOD}"',
    "in brackets": f"[{GOOD}]",
    "two tokens, separated by a comma": f"{GOOD},{GOOD}",
    "two tokens, separated by a dot": f"{GOOD}.{GOOD}",
    "two tokens without a separator": GOOD + GOOD,
    "leading dot": "." + GOOD,
    "trailing dot": GOOD + ".",
    "double dot": GOOD.replace(".", "..", 1),
    "empty header": sign_text(f".{GOOD_BODY}"),
    "empty payload": sign_text(f"{GOOD_HEAD}."),
    "RFC 7519 6.1 unsecured, two parts": f"{GOOD_HEAD}.{GOOD_BODY}",
    "only a header": GOOD_HEAD,
    "PASETO": f"v4.public.{GOOD_BODY}",
    "empty string": "",
    "one dot": ".",
    "two dots": "..",
    "a million dots": "." * 1_000_000,
    "one character beyond the limit": "A" * 16_385,
    "good token beyond the limit": forge_token(payload={**CLAIMS, "x": "x" * 16_384}),
    "bytes": GOOD.encode(),
    "list": [GOOD],
    "None": None,
    "number": 5,
}

CRIT: list[Any] = [
    ["exp"],
    ["b64"],
    ["alg"],
    ["kid", "alg"],
    ["x"],
    [],
    [""],
    [None],
    [1],
    "exp",
    "",
    None,
    {},
]
CRIT += [False, 0, ["http://evil.example/"]]
CRITICAL = {
    **{f"RFC 7515 4.1.11 crit {crit!r}": forge_header(crit=crit) for crit in CRIT},
    "RFC 7515 4.1.11 crit of an extension in the header": forge_header(crit=["x"], x=1),
    "RFC 7515 4.1.11 crit of exp in the header": forge_header(crit=["exp"], exp=4_000_000_000),
}


@parametrize_hostile({"token_malformed": {**BASE64, **STRUCTURE, **CRITICAL}})
async def test_any_other_serialization_is_401(hostile: Any, code: str) -> None:
    await assert_refused(hostile, code)


UNUSUAL_BUT_VALID = {
    "the forge's own encoding": SIGNED,
    "just below the limit": forge_token(payload={**CLAIMS, "x": "x" * 11_000}),
    "typ in lower case": forge_header(typ="jwt"),
    "typ of RFC 9068": forge_header(typ="at+jwt"),
}


@pytest.mark.parametrize("good", UNUSUAL_BUT_VALID.values(), ids=UNUSUAL_BUT_VALID)
async def test_a_valid_serialization_is_accepted(good: str) -> None:
    user = await guard_for(POOL).verify(good)
    assert user.username == "ada"
    assert user.claims == unverified_claims(good)
