"""The libraries: each is set up as its own pages say, with keys from the address of a place."""

import json
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.compare.place import Place

Check = Callable[[str], object]
"""Function that verifies a token. It returns something true, or an awaitable of it, or it raises."""


@dataclass(frozen=True)
class Peer:
    """Library under test. ``make`` is None for the one that runs in Node.

    ``audience``: it requires ``aud``. ``tls``: it fetches keys only over TLS. ``discovery``: it finds the
    address of the keys at the issuer.
    """

    name: str
    distribution: str
    make: Callable[[Place], Check] | None
    audience: bool = False
    tls: bool = False
    discovery: bool = False

    def set_up(self, place: Place) -> Check:
        """Return the library's check at a place."""
        if self.make is None:
            raise NotImplementedError(f"{self.name} runs in Node")
        return self.make(place)

    @property
    def needs(self) -> dict[str, bool]:
        """What its site must have."""
        return {"audience": self.audience, "tls": self.tls, "discovery": self.discovery}


def make_guard(place: Place) -> Check:
    from fastapi_cognito_guard import CognitoGuard, UserPool

    pool = UserPool(place.pool_id, client_ids={place.client_id}, jwks_uri=place.address)
    return CognitoGuard(pool, remember=0).verify


def make_powertools(place: Place) -> Check:
    """Use ``JWTVerifier.cognito``, whose address of the keys is fixed: the same profile, set by hand."""
    from aws_lambda_powertools.utilities.auth_alpha import JWTVerifier

    return JWTVerifier(
        issuer=place.issuer,
        audience=place.resource,
        algorithms=["RS256"],
        jwks_uri=place.address,
        expected_claims={"token_use": "access", "client_id": place.client_id},
    ).verify


def make_pyjwt(place: Place) -> Check:
    """Use the library's key client, and compare the claims that the library does not know."""
    import jwt

    client = jwt.PyJWKClient(place.address)

    def check(token: str) -> object:
        key = client.get_signing_key_from_jwt(token)
        options: Any = {"verify_aud": False, "require": ["exp", "iss"]}
        claims = jwt.decode(token, key, algorithms=["RS256"], issuer=place.issuer, options=options)
        return _check_cognito_claims(place, claims)

    return check


def make_python_jose(place: Place) -> Check:
    """Fetch the key set once, at the start, as many tutorials do."""
    from jose import jwt

    keys = {entry["kid"]: entry for entry in _fetch(place.address)["keys"]}

    def check(token: str) -> object:
        key = keys[jwt.get_unverified_header(token)["kid"]]
        options = {"verify_aud": False}
        claims = jwt.decode(token, key, algorithms=["RS256"], issuer=place.issuer, options=options)
        return _check_cognito_claims(place, claims)

    return check


def _check_cognito_claims(place: Place, claims: dict[str, Any]) -> dict[str, Any]:
    if claims.get("client_id") != place.client_id or claims.get("token_use") != "access":
        raise ValueError("another client or another kind of token")
    return claims


def make_joserfc(place: Place) -> Check:
    """Use a claims registry that requires issuer and client."""
    from joserfc import jwt
    from joserfc.jwk import KeySet

    keys = KeySet.import_key_set(_fetch(place.address))
    registry = jwt.JWTClaimsRegistry(**_build_claims_options(place))

    def check(token: str) -> object:
        claims = jwt.decode(token, keys, algorithms=["RS256"]).claims
        registry.validate(claims)
        return claims

    return check


def make_authlib(place: Place) -> Check:
    """Use claims options that require issuer and client."""
    with warnings.catch_warnings(record=True):  # it is deprecated in favour of joserfc
        from authlib.jose import JsonWebKey, JsonWebToken
    jwt, options = JsonWebToken(["RS256"]), _build_claims_options(place)
    keys = JsonWebKey.import_key_set(_fetch(place.address))

    def check(token: str) -> object:
        claims = jwt.decode(token, keys, claims_options=options)
        claims.validate()
        return claims

    return check


def _build_claims_options(place: Place) -> dict[str, Any]:
    return {
        "iss": {"essential": True, "value": place.issuer},
        "client_id": {"essential": True, "value": place.client_id},
        "exp": {"essential": True},
    }


def make_fastapi_cognito(place: Place) -> Check:
    """Call the library's dependency with a connection that carries the token."""
    from fastapi_cognito import CognitoAuth, CognitoSettings
    from starlette.requests import HTTPConnection

    pool: dict[str, Any] = {"region": place.region, "userpool_id": place.pool_id}
    pool |= {"app_client_id": place.client_id, "jwks_url": place.address}
    settings = CognitoSettings(
        check_expiration=True,
        jwt_header_name="Authorization",
        jwt_header_prefix="Bearer",
        userpools={"eu": pool},
    )
    auth = CognitoAuth(settings)

    def check(token: str) -> object:
        headers = [(b"authorization", b"Bearer " + token.encode())]
        return auth.auth_required(HTTPConnection({"type": "http", "headers": headers}))

    return check


def make_fastapi_cloudauth(place: Place) -> Check:
    """Use the verifier that the library's ``Cognito`` wraps, because ``Cognito`` fetches only from AWS."""
    from fastapi.security import HTTPAuthorizationCredentials
    from fastapi_cloudauth.cognito import JWKS, CognitoExtraVerifier
    from fastapi_cloudauth.verification import ScopedJWKsVerifier

    client, issuer = place.client_id, place.issuer
    extra = CognitoExtraVerifier(client_id=client, issuer=issuer, token_use={"access"})
    verifier = ScopedJWKsVerifier(JWKS(url=place.address), audience=client, issuer=issuer, extra=extra)

    def check(token: str) -> object:
        return verifier.verify_token(HTTPAuthorizationCredentials(scheme="Bearer", credentials=token))

    return check


def make_cognitojwt(place: Place) -> Check:
    """Call the library's function. It reads the address of the keys from the environment."""
    import cognitojwt as library

    os.environ["AWS_COGNITO_JWKS_PATH"] = place.address

    def check(token: str) -> object:
        return library.decode(token, place.region, place.pool_id, app_client_id=place.client_id)

    return check


def make_oidc_guard(place: Place) -> Check:
    """Use the profile without UserInfo, and the check of the client that its pages leave to the app."""
    from fastapi import FastAPI
    from fastapi_oidc_guard import OidcAuthenticator, OidcConfig

    async def resolve(token: Any) -> str | None:
        claims = token.claims
        known = claims.get("client_id") == place.client_id and claims.get("token_use") == "access"
        return str(token.sub) if known else None

    config = OidcConfig(
        issuer=place.issuer,
        audience=place.resource,
        allowed_algorithms=("RS256",),
        openapi_authorization_code=False,
        allow_insecure_http=True,
    )
    started: list[Any] = []

    async def check(token: str) -> object:
        if not started:
            authenticator = OidcAuthenticator.jwt_only(config, resolve)
            lifespan = authenticator.lifespan(FastAPI())
            await lifespan.__aenter__()
            started.extend((authenticator, lifespan))  # the context must stay alive
        return await started[0].authenticate_token(token)

    return check


def make_fastmcp(place: Place) -> Check:
    """Use the verifier of the library's Cognito provider. Its log would go to the terminal."""
    os.environ["FASTMCP_LOG_ENABLED"] = "false"
    from fastmcp.server.auth.providers.aws import AWSCognitoTokenVerifier

    verifier: Any = AWSCognitoTokenVerifier(
        jwks_uri=place.address, issuer=place.issuer, audience=place.client_id, algorithm="RS256"
    )
    check: Check = verifier.verify_token
    return check


def _fetch(address: str) -> Any:
    from urllib.request import urlopen

    with urlopen(address, timeout=20) as answer:  # noqa: S310 - our own server
        return json.load(answer)


GUARD = "this guard"
COMPARED = (
    Peer(GUARD, "fastapi-cognito-guard", make_guard),
    Peer("Powertools", "aws-lambda-powertools", make_powertools, audience=True, tls=True),
    Peer("aws-jwt-verify", "aws-jwt-verify", None, tls=True),
    Peer("fastapi-cognito", "fastapi-cognito", make_fastapi_cognito),
    Peer("fastapi-cloudauth", "fastapi-cloudauth", make_fastapi_cloudauth),
    Peer("PyJWT recipe", "pyjwt", make_pyjwt),
    Peer("python-jose recipe", "python-jose", make_python_jose),
    Peer("fastapi-oidc-guard", "fastapi-oidc-guard", make_oidc_guard, audience=True, discovery=True),
    Peer("FastMCP", "fastmcp", make_fastmcp),
)
"""Libraries of the comparison."""

TIMED_ONLY = (
    Peer("joserfc", "joserfc", make_joserfc),
    Peer("Authlib, `authlib.jose`", "authlib", make_authlib),
    Peer("cognitojwt", "cognitojwt", make_cognitojwt),
)
"""Further libraries, in the benchmarks only."""
