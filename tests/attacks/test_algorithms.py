"""Attacks on ``alg``: only RS256 is accepted, and no other signature passes as RS256."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.apps import guard_for
from tests.attacks.forge import (
    ATTACKER,
    GOOD,
    HEADER,
    KEY,
    POOL,
    N,
    Sign,
    assert_refused,
    drop,
    forge_header,
    forge_token,
    parametrize_hostile,
)

pytestmark = pytest.mark.anyio

EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
PUBLIC = KEY.private.public_key()


def sign_nothing(message: bytes) -> bytes:
    return b""


def sign_es256(message: bytes) -> bytes:
    r, s = decode_dss_signature(EC_KEY.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def sign_es256_as_der(message: bytes) -> bytes:
    return EC_KEY.sign(message, ec.ECDSA(hashes.SHA256()))


def make_pkcs1(algorithm: hashes.HashAlgorithm) -> Sign:
    return lambda message: KEY.private.sign(message, padding.PKCS1v15(), algorithm)


def make_pss(algorithm: hashes.HashAlgorithm, salt: int | None = None) -> Sign:
    length = algorithm.digest_size if salt is None else salt
    pad = padding.PSS(padding.MGF1(algorithm), length)
    return lambda message: KEY.private.sign(message, pad, algorithm)


def make_mac(secret: bytes, name: str = "sha256") -> Sign:
    return lambda message: hmac.digest(secret, message, name)


def make_constant(signature: bytes) -> Sign:
    return lambda message: signature


NONE: list[Any] = ["none", "None", "NONE", "nOnE", " none", "none ", "none\0", "", "null", "undefined"]
LOOKALIKES: list[Any] = [
    "rs256",
    "Rs256",
    "RS256 ",
    " RS256",
    "RS256\0",
    "RS-256",
    "RS\u200b256",
    "R\u0405256",
    "SHA256",
]
OTHERS = "HS256 HS384 HS512 RS384 RS512 RS1 ES256 ES256K ES384 ES512 PS256 PS384 PS512 EdDSA Ed25519".split()
OTHERS += ["RSA-OAEP", "RSA1_5", "dir", "A256KW", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"]
TYPES: list[Any] = [None, True, 0, 256, 1.5, [], ["RS256"], ["none", "RS256"], {}, {"RS256": 1}]

ALG_VALUES = {
    # CVE-2015-9235, CVE-2018-1000531, CVE-2022-23540: "none" in any case, with and without a signature.
    **{f"CVE-2015-9235 alg {alg!r}, no signature": forge_header(sign_nothing, alg=alg) for alg in NONE},
    **{f"CVE-2015-9235 alg {alg!r}, the pool's signature": forge_header(alg=alg) for alg in NONE},
    **{f"RFC 7515 4.1.1 alg resembles RS256: {alg!r}": forge_header(alg=alg) for alg in LOOKALIKES},
    **{f"RFC 8725 3.1 {alg} is not RS256": forge_header(alg=alg) for alg in OTHERS},
    **{f"RFC 7515 4.1.1 alg is no string: {alg!r}": forge_header(alg=alg) for alg in TYPES},
    "RFC 7515 4.1.1 no alg": forge_token(drop(HEADER, "alg")),
    "RFC 7515 4.1.1 an empty header": forge_token({}),
    "RFC 7515 5.2 alg under another name": forge_token(
        {**drop(HEADER, "alg"), "Alg": "RS256", "ALG": "RS256"}
    ),
}


def encode_public_key() -> dict[str, bytes]:
    jwk = KEY.public_jwk()
    pem = PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {
        "PEM": pem,
        "PEM without a final newline": pem.strip(),
        "PEM with CR LF": pem.replace(b"\n", b"\r\n"),
        "PEM body without its header and footer": b"".join(pem.splitlines()[1:-1]),
        "PEM of PKCS#1": PUBLIC.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        "DER": PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "DER of PKCS#1": PUBLIC.public_bytes(Encoding.DER, PublicFormat.PKCS1),
        "OpenSSH": PUBLIC.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        "JWK": json.dumps(jwk).encode(),
        "compact JWK": json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode(),
        "JWKS": json.dumps(POOL.jwks).encode(),
        "modulus as bytes": N.to_bytes(256, "big"),
        "modulus in base64url": jwk["n"].encode(),
        "kid": KEY.kid.encode(),
        "empty string": b"",
    }


SECRETS = encode_public_key()
# CVE-2015-9235, CVE-2016-5431, CVE-2016-10555, CVE-2017-11424, CVE-2022-29217, CVE-2024-33663
MAC = {
    f"CVE-2016-5431 CVE-2024-33663 {alg} with the {name} as secret": forge_header(
        make_mac(secret, digest), alg=alg
    )
    for name, secret in SECRETS.items()
    for alg, digest in (("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512"))
}
MAC_AS_RS256 = {
    f"CVE-2016-5431 alg RS256 over an HMAC with the {name} as secret": forge_header(make_mac(secret))
    for name, secret in SECRETS.items()
}

WITH_POOL_KEY: dict[str, tuple[str, Sign]] = {
    "RS384": ("RS384", make_pkcs1(hashes.SHA384())),
    "RS512": ("RS512", make_pkcs1(hashes.SHA512())),
    "RSA with SHA-1": ("RS1", make_pkcs1(hashes.SHA1())),
    "RSA with SHA-224": ("RS224", make_pkcs1(hashes.SHA224())),
    "RSA with SHA-512/256": ("RS512/256", make_pkcs1(hashes.SHA512_256())),
    "RSA with SHA3-256": ("RS3-256", make_pkcs1(hashes.SHA3_256())),
    "PS256": ("PS256", make_pss(hashes.SHA256())),
    "PS256 without salt": ("PS256", make_pss(hashes.SHA256(), 0)),
    "PS384": ("PS384", make_pss(hashes.SHA384())),
    "PS512": ("PS512", make_pss(hashes.SHA512())),
}
WITH_OTHER_KEY: dict[str, tuple[str, Sign]] = {
    "ES256": ("ES256", sign_es256),
    "ES256 in DER": ("ES256", sign_es256_as_der),
    "EdDSA": ("EdDSA", ED_KEY.sign),
    "CVE-2022-21449 r and s are 0": ("ES256", make_constant(bytes(64))),
    "CVE-2022-21449 r and s are 0, in DER": ("ES256", make_constant(bytes.fromhex("3006020100020100"))),
    "CVE-2022-21449 r and s are the order of the curve": (
        "ES256",
        make_constant(P256_ORDER.to_bytes(32, "big") * 2),
    ),
    "CVE-2022-21449 zeros of the size of an RSA signature": ("ES512", make_constant(bytes(256))),
    "RS256 with an attacker's key": ("none", ATTACKER.sign),
    "SHA-256 without a key": ("HS256", lambda message: hashlib.sha256(message).digest()),
}
SIGNED = {**WITH_POOL_KEY, **WITH_OTHER_KEY}


@parametrize_hostile({
    "algorithm_not_allowed": {
        **ALG_VALUES,
        **MAC,
        **{f"RFC 8725 3.1 {name}": forge_header(sign, alg=alg) for name, (alg, sign) in SIGNED.items()},
    },
    "signature_invalid": {
        **MAC_AS_RS256,
        **{f"RFC 8725 3.1 alg RS256 over {name}": forge_header(sign) for name, (_, sign) in SIGNED.items()},
    },
})  # fmt: skip
async def test_a_token_with_any_other_algorithm_is_401(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


@pytest.mark.parametrize("good", [GOOD, forge_header(), forge_header(typ="JWT"), forge_header(typ="at+jwt")])
async def test_a_forged_token_with_rs256_and_the_pools_key_is_accepted(good: str) -> None:
    assert (await guard_for(POOL).verify(good)).username == "ada"


async def test_the_forged_signatures_are_valid_for_their_own_algorithms() -> None:
    message = b"message"
    PUBLIC.verify(
        make_pss(hashes.SHA256())(message),
        message,
        padding.PSS(padding.MGF1(hashes.SHA256()), 32),
        hashes.SHA256(),
    )
    PUBLIC.verify(make_pkcs1(hashes.SHA512())(message), message, padding.PKCS1v15(), hashes.SHA512())
    EC_KEY.public_key().verify(sign_es256_as_der(message), message, ec.ECDSA(hashes.SHA256()))
    assert make_mac(b"secret")(message) == hmac.new(b"secret", message, "sha256").digest()
