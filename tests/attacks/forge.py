"""What attacks are made of: a pool's real keys, tokens put together by hand, and the one way to try them."""

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
"""Hostile tokens: by the code that refuses them, by what each tries."""

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


def part(value: object) -> str:
    """One part of a token: bytes as they are, anything else as JSON."""
    return b64(value if isinstance(value, bytes) else json.dumps(value).encode())


def signed(text: str, sign: Sign = KEY.sign) -> str:
    """Any text with a signature of it, by default the pool's: then only the text can be wrong."""
    return f"{text}.{b64(sign(text.encode()))}"


def token(header: object = None, payload: object = None, sign: Sign = KEY.sign) -> str:
    """A token of these parts, by default those of a good one."""
    parts = (HEADER if header is None else header, CLAIMS if payload is None else payload)
    return signed(".".join(map(part, parts)), sign)


def headed(sign: Sign = KEY.sign, /, **members: Any) -> str:
    return token({**HEADER, **members}, sign=sign)


def claiming(**claims: Any) -> str:
    return token(payload={**CLAIMS, **claims})


def without(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def missing(*names: str) -> str:
    return token(payload=without(CLAIMS, *names))


def each(name: str, *values: Any) -> dict[str, str]:
    return {f"{name} is {value!r:.60}": claiming(**{name: value}) for value in values}


def raw_private(encoded: bytes) -> bytes:
    """The private operation (RFC 8017 section 5.2.1) on any encoded message, however wrong it is."""
    m = int.from_bytes(encoded, "big")
    high, low = pow(m, NUMBERS.dmp1, NUMBERS.p), pow(m, NUMBERS.dmq1, NUMBERS.q)
    s = low + NUMBERS.q * ((high - low) * NUMBERS.iqmp % NUMBERS.p)
    return s.to_bytes(SIZE, "big")


def encoded_message(info: bytes, *, start: bytes = b"\0\1", end: bytes = b"\0", size: int = SIZE) -> bytes:
    """EMSA-PKCS1-v1_5 (RFC 8017 section 9.2) around any ``info``, padded to the size of the key."""
    return start + b"\xff" * (size - len(start) - len(end) - len(info)) + end + info


def digest_info(message: bytes) -> bytes:
    return SHA256_INFO + sha256(message).digest()


def trying(tables: Tables) -> pytest.MarkDecorator:
    """One test for each token of the tables, with the code that is due."""
    cases = [
        pytest.param(value, code, id=name) for code, named in tables.items() for name, value in named.items()
    ]
    return pytest.mark.parametrize(("hostile", "code"), cases)


async def code_of(guard: CognitoGuard, hostile: Any) -> str:
    """The code of the refusal. Fails where there is none, or one that is not 401."""
    with pytest.raises(AuthError) as refused:
        await guard.verify(hostile)
    assert refused.value.status == 401
    return refused.value.code


async def assert_refused(hostile: Any, code: str, **settings: Any) -> None:
    """Refused by a guard that has seen nothing yet, and by one that remembers the pool's good token."""
    assert await code_of(guard_for(POOL, **settings), hostile) == code
    guard = guard_for(POOL, **settings)
    good = POOL.id_token("ada") if settings.get("user_pool", {}).get("token_use") == "id" else GOOD
    for _ in range(2):
        assert (await guard.verify(good)).username == "ada"
        assert await code_of(guard, hostile) == code
    assert (await guard.verify(good)).username == "ada"
