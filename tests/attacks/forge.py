"""Forge for hostile tokens: two pools with real keys, an attacker's key, and assertions on refusals."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

import pytest

from fastapi_cognito_guard import CognitoGuard
from fastapi_cognito_guard.errors import AuthError
from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.testing.signing_key import SigningKey, unverified_claims
from tests.apps import NOW, guard_for

Sign = Callable[[bytes], bytes]
Tables = Mapping[str, Mapping[str, Any]]
"""Hostile tokens, by the error code that is expected, by the name of the attack."""

POOL = FakeUserPool(now=lambda: NOW)
OTHER = FakeUserPool("eu-west-1_OtherPool", now=lambda: NOW)
KEY, ID_KEY = (POOL.signing_keys[use] for use in ("access", "id"))
OTHER_KEY = OTHER.signing_keys["access"]
ATTACKER = SigningKey.generate()
NUMBERS = KEY.private.private_numbers()
N, SIZE = NUMBERS.public_numbers.n, 256

GOOD = POOL.access_token("ada", groups=["admins"], scopes=["orders/read"])
CLAIMS = unverified_claims(GOOD)
ID_CLAIMS = unverified_claims(POOL.id_token("ada"))
HEADER = {"kid": KEY.kid, "alg": "RS256"}
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 8017 section 9.2, note 1


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def encode_part(value: object) -> str:
    """Encode one part of a token: bytes unchanged, any other value as JSON."""
    return b64(value if isinstance(value, bytes) else json.dumps(value).encode())


def sign_text(text: str, sign: Sign = KEY.sign) -> str:
    """Append a signature to any text. The pool's own by default, so that only the text can be at fault."""
    return f"{text}.{b64(sign(text.encode()))}"


def forge_token(header: object = None, payload: object = None, sign: Sign = KEY.sign) -> str:
    """Return a signed token. Header, payload and signer are those of a good token unless they are given."""
    parts = (HEADER if header is None else header, CLAIMS if payload is None else payload)
    return sign_text(".".join(map(encode_part, parts)), sign)


def forge_header(sign: Sign = KEY.sign, /, **members: Any) -> str:
    """Return a token whose header has these members besides, or instead of, the good ones."""
    return forge_token({**HEADER, **members}, sign=sign)


def forge_claims(**claims: Any) -> str:
    """Return a token, signed by the pool, with these claims besides, or instead of, the good ones."""
    return forge_token(payload={**CLAIMS, **claims})


def drop(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def forge_without(*names: str) -> str:
    """Return a token, signed by the pool, that lacks these claims."""
    return forge_token(payload=drop(CLAIMS, *names))


def forge_each(name: str, *values: Any) -> dict[str, str]:
    """Return one token for each value of a claim, by a description."""
    return {f"{name} is {value!r:.60}": forge_claims(**{name: value}) for value in values}


def sign_raw(encoded: bytes) -> bytes:
    """Apply the private key (RFC 8017 section 5.2.1) to an encoded message, well formed or not."""
    m = int.from_bytes(encoded, "big")
    high, low = pow(m, NUMBERS.dmp1, NUMBERS.p), pow(m, NUMBERS.dmq1, NUMBERS.q)
    s = low + NUMBERS.q * ((high - low) * NUMBERS.iqmp % NUMBERS.p)
    return s.to_bytes(SIZE, "big")


def encode_message(info: bytes, *, start: bytes = b"\0\1", end: bytes = b"\0", size: int = SIZE) -> bytes:
    """Pad any DigestInfo by EMSA-PKCS1-v1_5 (RFC 8017 section 9.2) to the size of the key."""
    return start + b"\xff" * (size - len(start) - len(end) - len(info)) + end + info


def build_digest_info(message: bytes) -> bytes:
    return SHA256_INFO + sha256(message).digest()


def parametrize_hostile(tables: Tables) -> pytest.MarkDecorator:
    """Run a test once for each token, with the error code that is expected."""
    cases = [
        pytest.param(value, code, id=name) for code, named in tables.items() for name, value in named.items()
    ]
    return pytest.mark.parametrize(("hostile", "code"), cases)


async def get_refusal_code(guard: CognitoGuard, hostile: Any) -> str:
    """Return the error code with which a guard refuses a token. Fail if it accepts it, or not with 401."""
    with pytest.raises(AuthError) as refused:
        await guard.verify(hostile)
    assert refused.value.status == 401
    return refused.value.code


async def assert_refused(hostile: Any, code: str, **settings: Any) -> None:
    """Check that a fresh guard refuses a token, and a guard that has a good token in its cache."""
    assert await get_refusal_code(guard_for(POOL, **settings), hostile) == code
    guard = guard_for(POOL, **settings)
    good = POOL.id_token("ada") if settings.get("user_pool", {}).get("token_use") == "id" else GOOD
    for _ in range(2):
        assert (await guard.verify(good)).username == "ada"
        assert await get_refusal_code(guard, hostile) == code
    assert (await guard.verify(good)).username == "ada"
