"""Attacks on ``alg``: only RS256 counts, whoever signed, and no other signature passes for one of it."""

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
    headed,
    token,
    trying,
    without,
)

pytestmark = pytest.mark.anyio

EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
PUBLIC = KEY.private.public_key()


def unsigned(message: bytes) -> bytes:
    return b""


def es256(message: bytes) -> bytes:
    r, s = decode_dss_signature(EC_KEY.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def es256_as_der(message: bytes) -> bytes:
    return EC_KEY.sign(message, ec.ECDSA(hashes.SHA256()))


def pkcs1(algorithm: hashes.HashAlgorithm) -> Sign:
    return lambda message: KEY.private.sign(message, padding.PKCS1v15(), algorithm)


def pss(algorithm: hashes.HashAlgorithm, salt: int | None = None) -> Sign:
    length = algorithm.digest_size if salt is None else salt
    pad = padding.PSS(padding.MGF1(algorithm), length)
    return lambda message: KEY.private.sign(message, pad, algorithm)


def mac(secret: bytes, name: str = "sha256") -> Sign:
    return lambda message: hmac.digest(secret, message, name)


def constant(signature: bytes) -> Sign:
    return lambda message: signature


NONE: list[Any] = ["none", "None", "NONE", "nOnE", " none", "none ", "none\0", "", "null", "undefined"]
NAMES: list[Any] = [
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

NAMED = {
    # CVE-2015-9235, CVE-2018-1000531, CVE-2022-23540: "none" in every spelling, with and without a signature.
    **{f"CVE-2015-9235 alg {alg!r}, no signature": headed(unsigned, alg=alg) for alg in NONE},
    **{f"CVE-2015-9235 alg {alg!r}, the pool's signature": headed(alg=alg) for alg in NONE},
    **{f"RFC 7515 4.1.1 alg is another text {alg!r}": headed(alg=alg) for alg in NAMES},
    **{f"RFC 8725 3.1 {alg} is not on the list of one": headed(alg=alg) for alg in OTHERS},
    **{f"RFC 7515 4.1.1 alg is of another type {alg!r}": headed(alg=alg) for alg in TYPES},
    "RFC 7515 4.1.1 no alg": token(without(HEADER, "alg")),
    "RFC 7515 4.1.1 an empty header": token({}),
    "RFC 7515 5.2 alg under another name": token({**without(HEADER, "alg"), "Alg": "RS256", "ALG": "RS256"}),
}


def spellings_of_the_public_key() -> dict[str, bytes]:
    jwk = KEY.public_jwk()
    pem = PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {
        "PEM": pem,
        "PEM, no newline at the end": pem.strip(),
        "PEM, newlines of Windows": pem.replace(b"\n", b"\r\n"),
        "PEM, text between the lines": b"".join(pem.splitlines()[1:-1]),
        "PEM of PKCS#1": PUBLIC.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        "DER": PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "DER of PKCS#1": PUBLIC.public_bytes(Encoding.DER, PublicFormat.PKCS1),
        "OpenSSH": PUBLIC.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        "JWK": json.dumps(jwk).encode(),
        "JWK without spaces": json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode(),
        "key set": json.dumps(POOL.jwks).encode(),
        "bytes of n": N.to_bytes(256, "big"),
        "text of n": jwk["n"].encode(),
        "kid": KEY.kid.encode(),
        "empty": b"",
    }


SECRETS = spellings_of_the_public_key()
# CVE-2015-9235, CVE-2016-5431, CVE-2016-10555, CVE-2017-11424, CVE-2022-29217, CVE-2024-33663
CONFUSED = {
    f"CVE-2016-5431 CVE-2024-33663 {alg} with the {name} as secret": headed(mac(secret, digest), alg=alg)
    for name, secret in SECRETS.items()
    for alg, digest in (("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512"))
}
CONFUSED_AS_RS256 = {
    f"CVE-2016-5431 a MAC with the {name} as secret, said to be RS256": headed(mac(secret))
    for name, secret in SECRETS.items()
}

RIGHT_KEY: dict[str, tuple[str, Sign]] = {
    "RS384": ("RS384", pkcs1(hashes.SHA384())),
    "RS512": ("RS512", pkcs1(hashes.SHA512())),
    "RSA with SHA-1": ("RS1", pkcs1(hashes.SHA1())),
    "RSA with SHA-224": ("RS224", pkcs1(hashes.SHA224())),
    "RSA with SHA-512/256": ("RS512/256", pkcs1(hashes.SHA512_256())),
    "RSA with SHA3-256": ("RS3-256", pkcs1(hashes.SHA3_256())),
    "PS256": ("PS256", pss(hashes.SHA256())),
    "PS256 without salt": ("PS256", pss(hashes.SHA256(), 0)),
    "PS384": ("PS384", pss(hashes.SHA384())),
    "PS512": ("PS512", pss(hashes.SHA512())),
}
WRONG_KEY: dict[str, tuple[str, Sign]] = {
    "ES256": ("ES256", es256),
    "ES256 in DER": ("ES256", es256_as_der),
    "EdDSA": ("EdDSA", ED_KEY.sign),
    "CVE-2022-21449 psychic: r and s are 0": ("ES256", constant(bytes(64))),
    "CVE-2022-21449 psychic, in DER": ("ES256", constant(bytes.fromhex("3006020100020100"))),
    "CVE-2022-21449 psychic: r and s are the order": ("ES256", constant(P256_ORDER.to_bytes(32, "big") * 2)),
    "CVE-2022-21449 psychic, as wide as RSA": ("ES512", constant(bytes(256))),
    "RS256 of an attacker": ("none", ATTACKER.sign),
    "a bare SHA-256": ("HS256", lambda message: hashlib.sha256(message).digest()),
}
SIGNED = {**RIGHT_KEY, **WRONG_KEY}


@trying({
    "algorithm_not_allowed": {
        **NAMED,
        **CONFUSED,
        **{f"RFC 8725 3.1 {name}": headed(sign, alg=alg) for name, (alg, sign) in SIGNED.items()},
    },
    "signature_invalid": {
        **CONFUSED_AS_RS256,
        **{f"RFC 8725 3.1 {name}, said to be RS256": headed(sign) for name, (_, sign) in SIGNED.items()},
    },
})  # fmt: skip
async def test_no_other_algorithm_passes(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


@pytest.mark.parametrize("good", [GOOD, headed(), headed(typ="JWT"), headed(typ="at+jwt")])
async def test_the_same_forge_makes_tokens_that_count_with_rs256(good: str) -> None:
    assert (await guard_for(POOL).verify(good)).username == "ada"


async def test_the_signatures_are_real_ones_of_their_own_algorithms() -> None:
    message = b"message"
    PUBLIC.verify(
        pss(hashes.SHA256())(message),
        message,
        padding.PSS(padding.MGF1(hashes.SHA256()), 32),
        hashes.SHA256(),
    )
    PUBLIC.verify(pkcs1(hashes.SHA512())(message), message, padding.PKCS1v15(), hashes.SHA512())
    EC_KEY.public_key().verify(es256_as_der(message), message, ec.ECDSA(hashes.SHA256()))
    assert mac(b"secret")(message) == hmac.new(b"secret", message, "sha256").digest()
