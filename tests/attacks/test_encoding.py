"""Attacks on the spelling: base64url and the parts of a token have one form, and any other is refused.

The text of each is signed with the pool's own key, so that nothing but its form is wrong.
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
    headed,
    part,
    signed,
    token,
    trying,
)

pytestmark = pytest.mark.anyio

# Claims of a length that leaves unused bits, and with letters in which the two alphabets differ.
SHOWY_JSON = next(
    text
    for n in range(3)
    if len(text := json.dumps({**CLAIMS, "x": "ÿÿ?>~~~ÿÿ>>>" + "?" * n}, ensure_ascii=False).encode()) % 3
    == 1
)
HEAD, BODY = part(HEADER), b64(SHOWY_JSON)
SIGNED = signed(f"{HEAD}.{BODY}")
SIGNATURE = SIGNED.rpartition(".")[2]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def twin(text: str) -> str:
    """The same bytes to a decoder that does not look at the bits that are left over."""
    assert len(text) % 4
    return text[:-1] + LETTERS[LETTERS.index(text[-1]) + 1]


INSIDE = {
    "a space": " ",
    "a tab": "\t",
    "a line feed": "\n",
    "CR LF": "\r\n",
    "a form feed": "\f",
    "NUL": "\0",
}
INSIDE |= {"a soft hyphen": "\xad", "no-break space": "\xa0", "zero width space": "\u200b", "BOM": "\ufeff"}
INSIDE |= {"a comma": ",", "a percent sign": "%41", "an exclamation mark": "!", "a lone surrogate": "\ud800"}


def with_inside(mark: str) -> dict[str, str]:
    """The mark in each place: to the lenient decoders, it is not there."""
    return {
        "before": mark + GOOD,
        "behind": GOOD + mark,
        "in the header": f"{HEAD[:5]}{mark}{HEAD[5:]}.{BODY}.{SIGNATURE}",
        "in the payload": f"{HEAD}.{BODY[:5]}{mark}{BODY[5:]}.{SIGNATURE}",
        "in the signature": f"{HEAD}.{BODY}.{SIGNATURE[:5]}{mark}{SIGNATURE[5:]}",
        "behind a dot": SIGNED.replace(".", "." + mark, 1),
    }


BASE64 = {
    "RFC 7515 2 padding of the payload": signed(f"{HEAD}.{BODY}" + "=" * (-len(BODY) % 4)),
    "RFC 7515 2 padding of the header": signed(f"{HEAD}{'=' * (-len(HEAD) % 4)}.{BODY}"),
    "RFC 7515 2 padding of the signature": SIGNED + "==",
    "RFC 7515 2 padding before": signed(f"{HEAD}.=={BODY}"),
    "RFC 4648 5 the standard alphabet in the payload": signed(
        f"{HEAD}.{b64encode(SHOWY_JSON).decode().rstrip('=')}"
    ),
    "RFC 4648 5 the standard alphabet in the signature": GOOD[:-8] + "++//++//",
    "RFC 4648 3.5 bits left over in the payload": signed(f"{HEAD}.{twin(BODY)}"),
    "RFC 4648 3.5 bits left over in the signature": f"{HEAD}.{BODY}.{twin(SIGNATURE)}",
    "a letter too many": signed(f"{HEAD}.{BODY}" + "A" * (5 - len(BODY) % 4)),
    "base64 twice": signed(f"{b64(HEAD.encode())}.{b64(BODY.encode())}"),
    "hexadecimal": signed(f"{HEAD.encode().hex()}.{SHOWY_JSON.hex()}"),
    "the JSON itself": signed(json.dumps(HEADER) + "." + json.dumps(CLAIMS)),
    "wide letters": GOOD.replace("A", "\uff21"),
    "a wide dot": GOOD.replace(".", "\uff0e"),
    "percent-encoded dots": GOOD.replace(".", "%2E"),
    **{
        f"RFC 7515 2 {name} {place}": text
        for name, mark in INSIDE.items()
        for place, text in with_inside(mark).items()
    },
}

NAME, OWN_CLAIMS, SIGN = GOOD.split(".")
JWE = {"alg": "dir", "enc": "A128GCM", "zip": "DEF"}
DEFLATED = zlib.compress(json.dumps(CLAIMS).encode())[2:-4]
STRUCTURE: dict[str, Any] = {
    "RFC 7516 3.1 JWE: five parts": part({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": KEY.kid})
    + ".AA.AA.AA.AA",
    "CVE-2024-33664 JWE that inflates": f"{part(JWE)}..AA.{'A' * 9000}.AA",
    "RFC 7516 4.1.2 enc in a JWS": headed(enc="A256GCM"),
    "RFC 7516 4.1.3 zip": headed(zip="DEF"),
    "RFC 7516 4.1.3 zip, and deflated": token({**HEADER, "zip": "DEF"}, DEFLATED),
    "deflated without a word": token(payload=DEFLATED),
    "RFC 7519 5.2 nested: cty JWT": token({**HEADER, "cty": "JWT"}, GOOD.encode()),
    "RFC 7519 5.2 nested, without cty": token(payload=GOOD.encode()),
    "RFC 7519 5.2 nested, as a JSON string": token(payload=json.dumps(GOOD).encode()),
    "RFC 7519 5.2 cty on its own": headed(cty="JWT"),
    "RFC 7515 7.2.1 JSON serialization, general": json.dumps(
        {"payload": OWN_CLAIMS, "signatures": [{"protected": NAME, "header": {}, "signature": SIGN}]}
    ),
    "RFC 7515 7.2.2 JSON serialization, flattened": json.dumps(
        {"payload": OWN_CLAIMS, "protected": NAME, "signature": SIGN}
    ),
    "RFC 7515 F detached payload": f"{NAME}..{SIGN}",
    "RFC 7515 F detached payload, signed so": signed(f"{NAME}."),
    "RFC 7797 5.2 b64 false": headed(b64=False, crit=["b64"]),
    "RFC 7797 5.2 b64 false, the payload as it is": signed(
        f"{part({**HEADER, 'b64': False, 'crit': ['b64']})}.{json.dumps(CLAIMS)}"
    ),
    "RFC 7797 6 b64 false without crit": headed(b64=False),
    "RFC 7797 7 b64 true": headed(b64=True),
    "RFC 9901 SD-JWT without disclosures": GOOD + "~",
    "RFC 9901 SD-JWT with a disclosure": f"{GOOD}~{part(['salt', 'username', 'eve'])}~",
    "RFC 9449 DPoP proof": headed(typ="dpop+jwt"),
    "RFC 8725 3.11 typ of a logout token": headed(typ="logout+jwt"),
    "RFC 8725 3.11 typ of a security event": headed(typ="secevent+jwt"),
    "RFC 8725 3.11 typ JWE": headed(typ="JWE"),
    "RFC 8725 3.11 typ is empty": headed(typ=""),
    "RFC 8725 3.11 typ is a list": headed(typ=["JWT"]),
    "RFC 8725 3.11 typ is null": headed(typ=None),
    "RFC 6750 2.1 with the scheme": f"Bearer {GOOD}",
    "RFC 6750 2.1 with the scheme, small": f"bearer {GOOD}",
    "RFC 6750 2.2 as a form": f"access_token={GOOD}",
    "in quotes": f'"{GOOD}"',
    "a list of one": f"[{GOOD}]",
    "two tokens and a comma": f"{GOOD},{GOOD}",
    "two tokens and a dot": f"{GOOD}.{GOOD}",
    "two tokens and nothing": GOOD + GOOD,
    "a dot before": "." + GOOD,
    "a dot behind": GOOD + ".",
    "two dots between": GOOD.replace(".", "..", 1),
    "an empty header": signed(f".{OWN_CLAIMS}"),
    "an empty payload": signed(f"{NAME}."),
    "RFC 7519 6.1 unsecured, two parts": f"{NAME}.{OWN_CLAIMS}",
    "a header alone": NAME,
    "PASETO": f"v4.public.{OWN_CLAIMS}",
    "nothing": "",
    "a dot": ".",
    "two dots": "..",
    "a million dots": "." * 1_000_000,
    "a letter more than is read": "A" * 16_385,
    "a good token that is too long": token(payload={**CLAIMS, "x": "x" * 16_384}),
    "bytes": GOOD.encode(),
    "a list": [GOOD],
    "None": None,
    "a number": 5,
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
    **{f"RFC 7515 4.1.11 crit {crit!r}": headed(crit=crit) for crit in CRIT},
    "RFC 7515 4.1.11 crit of an extension that is there": headed(crit=["x"], x=1),
    "RFC 7515 4.1.11 crit of exp that is there": headed(crit=["exp"], exp=4_000_000_000),
}


@trying({"token_malformed": {**BASE64, **STRUCTURE, **CRITICAL}})
async def test_what_is_spelled_otherwise_is_no_token(hostile: Any, code: str) -> None:
    await assert_refused(hostile, code)


ODD_BUT_GOOD = {
    "the forge's own spelling": SIGNED,
    "just short enough": token(payload={**CLAIMS, "x": "x" * 11_000}),
    "typ in small letters": headed(typ="jwt"),
    "typ of RFC 9068": headed(typ="at+jwt"),
}


@pytest.mark.parametrize("good", ODD_BUT_GOOD.values(), ids=ODD_BUT_GOOD)
async def test_what_the_standards_allow_is_read(good: str) -> None:
    user = await guard_for(POOL).verify(good)
    assert user.username == "ada"
    assert user.claims == unverified_claims(good)
