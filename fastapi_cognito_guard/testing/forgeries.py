"""Forgeries of a valid token: each has one fault."""

import hmac
import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fastapi_cognito_guard.testing.pool import FakeUserPool
from fastapi_cognito_guard.testing.signing_key import SigningKey, encode_base64url, unverified_claims

Sign = Callable[[bytes], bytes]
Parts = tuple[dict[str, Any], dict[str, Any]]
"""Header and claims of a token."""


def list_forgeries(pool: FakeUserPool, token: str) -> Iterator[tuple[str, str]]:
    """Return forgeries of an access token of ``pool``, each with the name of its fault."""
    key = pool.signing_keys["access"]
    good: Parts = ({"kid": key.kid, "alg": "RS256"}, unverified_claims(token))
    yield from _list_unsigned(good)
    yield from _list_wrong_algorithms(good, key)
    yield from _list_wrong_keys(good, pool)
    yield from _list_altered(good, key, pool)
    yield from _list_wrong_audiences(good, key)
    yield from _list_wrong_times(good, key)
    yield from _list_wrong_contents(good, key)


def _build_token(parts: Parts, sign: Sign) -> str:
    text = ".".join(encode_base64url(json.dumps(part).encode()) for part in parts)
    return f"{text}.{encode_base64url(sign(text.encode()))}"


def _with_header(parts: Parts, sign: Sign, **members: Any) -> str:
    return _build_token(({**parts[0], **members}, parts[1]), sign)


def _with_claims(parts: Parts, sign: Sign, **claims: Any) -> str:
    changed = {**parts[1], **claims}
    return _build_token(
        (parts[0], {name: value for name, value in changed.items() if value is not None}), sign
    )


def _list_unsigned(good: Parts) -> Iterator[tuple[str, str]]:
    for name in ("none", "None", "nOnE", ""):
        yield f"alg {name!r}, no signature", _with_header(good, lambda text: b"", alg=name)
    yield "RS256, no signature", _build_token(good, lambda text: b"")
    yield "RS256, zeros for a signature", _build_token(good, lambda text: bytes(256))
    yield "no header", f".{_build_token(good, lambda text: b'').split('.')[1]}."


def _list_wrong_algorithms(good: Parts, key: SigningKey) -> Iterator[tuple[str, str]]:
    public = key.private.public_key()
    secrets = {
        "PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "modulus": public.public_numbers().n.to_bytes(256, "big"),
        "JWK": json.dumps(key.public_jwk()).encode(),
    }
    for name, secret in secrets.items():
        yield (
            f"HS256 with the public key's {name} as the secret",
            _with_header(good, _sign_hs256(secret), alg="HS256"),
        )
    for name, secret in {"nothing": b"", "secret": b"secret"}.items():
        yield f"HS256 with {name} as the secret", _with_header(good, _sign_hs256(secret), alg="HS256")
    curve = ec.generate_private_key(ec.SECP256R1())
    yield (
        "ES256 with an attacker's key",
        _with_header(good, lambda text: _sign_es256(curve, text), alg="ES256"),
    )
    yield "ES256, zeros for a signature", _with_header(good, lambda text: bytes(64), alg="ES256")
    yield (
        "RS512 with the pool's key",
        _with_header(good, _sign_rsa(key, padding.PKCS1v15(), SHA512()), alg="RS512"),
    )
    pss = padding.PSS(padding.MGF1(SHA256()), 32)
    yield "PS256 with the pool's key", _with_header(good, _sign_rsa(key, pss, SHA256()), alg="PS256")
    yield "PS256 that says RS256", _build_token(good, _sign_rsa(key, pss, SHA256()))


def _list_wrong_keys(good: Parts, pool: FakeUserPool) -> Iterator[tuple[str, str]]:
    own = SigningKey.generate()
    yield "an attacker's key under the pool's kid", _build_token(good, own.sign)
    yield "an attacker's key under its own kid", _with_header(good, own.sign, kid=own.kid)
    yield "an attacker's key in the header", _with_header(good, own.sign, kid=own.kid, jwk=own.public_jwk())
    for member in ("jku", "x5u"):
        address = "https://attacker.example/jwks.json"
        yield (
            f"an attacker's key at {member}",
            _with_header(good, own.sign, kid=own.kid, **{member: address}),
        )
    for kid in ("../../../../dev/null", "' OR '1'='1", "", 0, None):
        yield f"kid {kid!r}", _with_header(good, own.sign, kid=kid)
    yield (
        "the key of ID tokens under the kid of access tokens",
        _build_token(good, pool.signing_keys["id"].sign),
    )


def _list_altered(good: Parts, key: SigningKey, pool: FakeUserPool) -> Iterator[tuple[str, str]]:
    header, payload, signature = _build_token(good, key.sign).split(".")
    more = encode_base64url(json.dumps({**good[1], "username": "eve"}).encode())
    other = pool.access_token("bob").rpartition(".")[2]
    yield "claims changed, signature kept", f"{header}.{more}.{signature}"
    yield "the signature of another token", f"{header}.{payload}.{other}"
    yield "half the signature", f"{header}.{payload}.{signature[: len(signature) // 2]}"
    yield "a fourth part", f"{header}.{payload}.{signature}.{signature}"
    yield "five parts, as encrypted tokens have", ".".join((header, payload, signature, payload, signature))
    yield "padding", f"{header}.{payload}.{signature}=="
    yield "white space in a part", f"{header}.{payload[:9]}\t{payload[9:]}.{signature}"
    yield "two tokens", f"{header}.{payload}.{signature},{header}.{payload}.{signature}"
    yield "no token at all", "null"


def _list_wrong_audiences(good: Parts, key: SigningKey) -> Iterator[tuple[str, str]]:
    issuer = good[1]["iss"]
    for other in (f"{issuer}/", f"{issuer}2", issuer.replace("://", "://attacker.example/"), [issuer], None):
        yield f"the issuer is {other!r}", _with_claims(good, key.sign, iss=other)
    yield "of another app client", _with_claims(good, key.sign, client_id="another-client")
    if "aud" in good[1]:
        yield "of another resource", _with_claims(good, key.sign, aud="https://another.example")
        yield "of no resource", _with_claims(good, key.sign, aud=None)
    yield "of a list of app clients", _with_claims(good, key.sign, client_id=[good[1]["client_id"]])
    for use in ("refresh", ["access"], None):
        yield f"token_use is {use!r}", _with_claims(good, key.sign, token_use=use)


def _list_wrong_times(good: Parts, key: SigningKey) -> Iterator[tuple[str, str]]:
    issued = good[1]["iat"]
    yield "expired", _with_claims(good, key.sign, iat=issued - 7200, exp=issued - 3600)
    yield "not yet valid", _with_claims(good, key.sign, nbf=issued + 3600)
    yield "issued in the future", _with_claims(good, key.sign, iat=issued + 3600)
    for expiry in (None, str(issued + 3600), [issued + 3600], True, float("inf"), float("nan"), -1, 0):
        yield f"exp is a {type(expiry).__name__}: {expiry!r:.3}", _with_claims(good, key.sign, exp=expiry)


def _list_wrong_contents(good: Parts, key: SigningKey) -> Iterator[tuple[str, str]]:
    header, claims = good
    yield "an extension that must be understood", _with_header(good, key.sign, crit=["exp"])
    yield "a compressed payload", _with_header(good, key.sign, zip="DEF")
    yield "a token within", _with_header(good, key.sign, cty="JWT")
    for name, payload in {
        "a list": json.dumps([claims]),
        "nothing": "",
        "names twice": json.dumps(claims)[:-1] + ', "iss": "https://attacker.example"}',
        "deep": json.dumps(claims)[:-1] + ', "x": ' + "[" * 500 + "]" * 500 + "}",
        "more than an object": json.dumps(claims) + "{}",
    }.items():
        text = f"{encode_base64url(json.dumps(header).encode())}.{encode_base64url(payload.encode())}"
        yield f"the payload is {name}", f"{text}.{encode_base64url(key.sign(text.encode()))}"
    yield "groups are a text", _with_claims(good, key.sign, **{"cognito:groups": "admins"})
    for act in ("admin", {}, {"sub": ""}):
        yield f"the actor is {act!r}", _with_claims(good, key.sign, act=act)
    yield "sub is missing", _with_claims(good, key.sign, sub=None)


def _sign_hs256(secret: bytes) -> Sign:
    return lambda text: hmac.new(secret, text, sha256).digest()


def _sign_rsa(key: SigningKey, scheme: Any, algorithm: SHA256 | SHA512) -> Sign:
    return lambda text: key.private.sign(text, scheme, algorithm)


def _sign_es256(key: ec.EllipticCurvePrivateKey, text: bytes) -> bytes:
    r, s = decode_dss_signature(key.sign(text, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")
