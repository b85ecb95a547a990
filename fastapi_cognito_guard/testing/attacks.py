"""Hostile tokens to try on an app. Each has one fault and must be refused."""

import hmac
import json
from collections.abc import Callable, Collection, Iterator
from hashlib import sha256
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI

from fastapi_cognito_guard.guard import installed_guard
from fastapi_cognito_guard.pool import AnyClient
from fastapi_cognito_guard.testing.gateway.app import Gateway
from fastapi_cognito_guard.testing.pool import USER_ADMIN, FakeUserPool
from fastapi_cognito_guard.testing.signing_key import SigningKey, base64url, unverified_claims

_MOST_SHOWN = 10

Sign = Callable[[bytes], bytes]
Parts = tuple[dict[str, Any], dict[str, Any]]


class Client(Protocol):
    """Client of an app: httpx's, Starlette's ``TestClient`` or a `GatewayClient`."""

    def request(self, method: str, url: str, *, headers: dict[str, str]) -> Any: ...


def attack_tokens(
    pool: FakeUserPool, *, groups: Collection[str] = ("admins",), scopes: Collection[str] = (USER_ADMIN,)
) -> dict[str, str]:
    """Return hostile tokens by their fault, for an app that trusts ``pool``.

    Most are ada's access tokens with these groups and scopes, and nobody issued them; some the pool did
    sign, but for another app, or for another time.
    """
    key = pool.signing_keys["access"]
    claims = unverified_claims(pool.access_token("ada", groups=groups, scopes=scopes))
    good: Parts = ({"kid": key.kid, "alg": "RS256"}, claims)
    return {
        **dict(_unsigned(good)),
        **dict(_wrong_algorithm(good, key)),
        **dict(_wrong_key(good, pool)),
        **dict(_changed(good, key, pool)),
        **dict(_not_for_us(good, key)),
        **dict(_not_now(good, key)),
        **dict(_not_claims(good, key)),
    }


def assert_rejects_attacks(
    client: Client,
    path: str,
    *,
    pool: FakeUserPool | None = None,
    method: str = "GET",
    groups: Collection[str] = ("admins",),
    scopes: Collection[str] = (USER_ADMIN,),
) -> None:
    """Fail unless ``path`` answers 401 without a token and for each of `attack_tokens`.

    ``pool`` is the one that the app trusts; then it also fails if the path takes no good token with these
    groups and scopes either: its refusals would prove nothing. Without it, all tokens are signed by
    somebody else, in the name of the app's pool as far as ``client`` knows it.
    """
    __tracebackhide__ = True
    if pool is not None:
        good = (pool.access_token(groups=groups, scopes=scopes), pool.id_token(groups=groups))
        if all(_status(client, method, path, token) == 401 for token in good):
            raise AssertionError(
                f"{method} {path} takes no token of this pool: does its guard trust it? "
                "Are these the groups and scopes that it asks for?"
            )
    attacks = attack_tokens(pool or _impostor(client), groups=groups, scopes=scopes)
    tried = {"no token": None, **attacks}
    answers = {name: _status(client, method, path, token) for name, token in tried.items()}
    wrong = [f"  {name}: {status}" for name, status in answers.items() if status != 401]
    if wrong:
        wrong[_MOST_SHOWN:] = [f"  and {len(wrong) - _MOST_SHOWN} more"] if len(wrong) > _MOST_SHOWN else []
        raise AssertionError("\n".join([f"{method} {path} should answer 401 to these, and did not:", *wrong]))


def _impostor(client: Client) -> FakeUserPool:
    """Return a pool with the app's pool id and other keys."""
    app = getattr(client, "app", None)
    app = app.app if isinstance(app, Gateway) else app
    if not isinstance(app, FastAPI):
        return FakeUserPool()
    known = installed_guard(app).pools[0]
    client_id = "any-client" if isinstance(known.client_ids, AnyClient) else min(known.client_ids)
    return FakeUserPool(known.id, client_id=client_id, issuer=known.issuers[0])


def _status(client: Client, method: str, path: str, token: str | None) -> int:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    status: int = client.request(method, path, headers=headers).status_code
    return status


def _token(parts: Parts, sign: Sign) -> str:
    text = ".".join(base64url(json.dumps(part).encode()) for part in parts)
    return f"{text}.{base64url(sign(text.encode()))}"


def _headed(parts: Parts, sign: Sign, **members: Any) -> str:
    return _token(({**parts[0], **members}, parts[1]), sign)


def _claiming(parts: Parts, sign: Sign, **claims: Any) -> str:
    said = {**parts[1], **claims}
    return _token((parts[0], {name: value for name, value in said.items() if value is not None}), sign)


def _unsigned(good: Parts) -> Iterator[tuple[str, str]]:
    for name in ("none", "None", "nOnE", ""):
        yield f"alg {name!r}, no signature", _headed(good, lambda text: b"", alg=name)
    yield "RS256, no signature", _token(good, lambda text: b"")
    yield "RS256, zeros for a signature", _token(good, lambda text: bytes(256))
    yield "no header", f".{_token(good, lambda text: b'').split('.')[1]}."


def _wrong_algorithm(good: Parts, key: SigningKey) -> Iterator[tuple[str, str]]:
    public = key.private.public_key()
    secrets = {
        "PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "modulus": public.public_numbers().n.to_bytes(256, "big"),
        "JWK": json.dumps(key.public_jwk()).encode(),
    }
    for name, secret in secrets.items():
        yield f"HS256 with the public key's {name} as the secret", _headed(good, _hs256(secret), alg="HS256")
    for name, secret in {"nothing": b"", "secret": b"secret"}.items():
        yield f"HS256 with {name} as the secret", _headed(good, _hs256(secret), alg="HS256")
    curve = ec.generate_private_key(ec.SECP256R1())
    yield "ES256 with a key of one's own", _headed(good, lambda text: _es256(curve, text), alg="ES256")
    yield "ES256, zeros for a signature", _headed(good, lambda text: bytes(64), alg="ES256")
    yield "RS512 with the pool's key", _headed(good, _rsa(key, padding.PKCS1v15(), SHA512()), alg="RS512")
    pss = padding.PSS(padding.MGF1(SHA256()), 32)
    yield "PS256 with the pool's key", _headed(good, _rsa(key, pss, SHA256()), alg="PS256")
    yield "PS256 that says RS256", _token(good, _rsa(key, pss, SHA256()))


def _wrong_key(good: Parts, pool: FakeUserPool) -> Iterator[tuple[str, str]]:
    own = SigningKey.generate()
    yield "a key of one's own under the pool's kid", _token(good, own.sign)
    yield "a key of one's own under its own kid", _headed(good, own.sign, kid=own.kid)
    yield "a key of one's own in the header", _headed(good, own.sign, kid=own.kid, jwk=own.public_jwk())
    for member in ("jku", "x5u"):
        address = "https://attacker.example/jwks.json"
        yield f"a key of one's own at {member}", _headed(good, own.sign, kid=own.kid, **{member: address})
    for kid in ("../../../../dev/null", "' OR '1'='1", "", 0, None):
        yield f"kid {kid!r}", _headed(good, own.sign, kid=kid)
    yield "the key of ID tokens under the kid of access tokens", _token(good, pool.signing_keys["id"].sign)


def _changed(good: Parts, key: SigningKey, pool: FakeUserPool) -> Iterator[tuple[str, str]]:
    header, payload, signature = _token(good, key.sign).split(".")
    more = base64url(json.dumps({**good[1], "username": "eve"}).encode())
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


def _not_for_us(good: Parts, key: SigningKey) -> Iterator[tuple[str, str]]:
    issuer = good[1]["iss"]
    for other in (f"{issuer}/", f"{issuer}2", issuer.replace("://", "://attacker.example/"), [issuer], None):
        yield f"the issuer is {other!r}", _claiming(good, key.sign, iss=other)
    yield "of another app client", _claiming(good, key.sign, client_id="another-client")
    yield "of a list of app clients", _claiming(good, key.sign, client_id=[good[1]["client_id"]])
    for use in ("refresh", ["access"], None):
        yield f"token_use is {use!r}", _claiming(good, key.sign, token_use=use)


def _not_now(good: Parts, key: SigningKey) -> Iterator[tuple[str, str]]:
    issued = good[1]["iat"]
    yield "expired", _claiming(good, key.sign, iat=issued - 7200, exp=issued - 3600)
    yield "not yet valid", _claiming(good, key.sign, nbf=issued + 3600)
    yield "issued in the future", _claiming(good, key.sign, iat=issued + 3600)
    for expiry in (None, str(issued + 3600), [issued + 3600], True, float("inf"), float("nan"), -1, 0):
        yield f"exp is a {type(expiry).__name__}: {expiry!r:.3}", _claiming(good, key.sign, exp=expiry)


def _not_claims(good: Parts, key: SigningKey) -> Iterator[tuple[str, str]]:
    header, claims = good
    yield "an extension that must be understood", _headed(good, key.sign, crit=["exp"])
    yield "a compressed payload", _headed(good, key.sign, zip="DEF")
    yield "a token within", _headed(good, key.sign, cty="JWT")
    for name, payload in {
        "a list": json.dumps([claims]),
        "nothing": "",
        "names twice": json.dumps(claims)[:-1] + ', "iss": "https://attacker.example"}',
        "deep": json.dumps(claims)[:-1] + ', "x": ' + "[" * 500 + "]" * 500 + "}",
        "more than an object": json.dumps(claims) + "{}",
    }.items():
        text = f"{base64url(json.dumps(header).encode())}.{base64url(payload.encode())}"
        yield f"the payload is {name}", f"{text}.{base64url(key.sign(text.encode()))}"
    yield "groups are a text", _claiming(good, key.sign, **{"cognito:groups": "admins"})
    yield "sub is missing", _claiming(good, key.sign, sub=None)


def _hs256(secret: bytes) -> Sign:
    return lambda text: hmac.new(secret, text, sha256).digest()


def _rsa(key: SigningKey, scheme: Any, algorithm: SHA256 | SHA512) -> Sign:
    return lambda text: key.private.sign(text, scheme, algorithm)


def _es256(key: ec.EllipticCurvePrivateKey, text: bytes) -> bytes:
    r, s = decode_dss_signature(key.sign(text, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")
