"""Authlib against the local pool: code with PKCE, refresh, client_credentials, and its ID token check."""

import asyncio
from typing import Any

import httpx
from authlib.integrations.httpx_client import OAuth2Client, OAuthError
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet

from fastapi_cognito_guard import CognitoGuard
from fastapi_cognito_guard.testing import FakeUserPool, LocalPool, local_pool
from tests.browsers import VERIFIER
from tests.foreign.pools import DIRECTORY, ODD_MACHINE, REDIRECT_URI
from tests.foreign.sign_in import submit_sign_in_form

RESOURCE = "https://api.example.com"


def check_users(local: LocalPool) -> None:
    """Sign ada in, refresh her tokens, and check both against the pool's published keys."""
    with OAuth2Client(
        "local-docs",
        redirect_uri=REDIRECT_URI,
        scope="openid orders/read",
        code_challenge_method="S256",
        token_endpoint_auth_method="none",
        trust_env=False,
    ) as client:
        found = fetch_json(f"{local.pool.issuer}/.well-known/openid-configuration")
        url, state = client.create_authorization_url(
            found["authorization_endpoint"], code_verifier=VERIFIER, nonce="n-1", resource=RESOURCE
        )
        back = submit_sign_in_form(url, "ada")
        tokens = client.fetch_token(
            found["token_endpoint"], authorization_response=back, code_verifier=VERIFIER, state=state
        )
        keys = KeySet.import_key_set(fetch_json(found["jwks_uri"]))
        check_id_token(tokens["id_token"], keys, found["issuer"])
        again = client.refresh_token(found["token_endpoint"], tokens["refresh_token"])
        claims = jwt.decode(again["access_token"], keys, algorithms=["RS256"]).claims
        assert (claims["aud"], claims["username"]) == (RESOURCE, "ada")
        user = client.get(found["userinfo_endpoint"]).json()
        assert user["email"] == "ada@example.com"


def fetch_json(address: str) -> Any:
    """Fetch a document of the pool, without a token."""
    return httpx.get(address, trust_env=False, timeout=10).json()


def check_id_token(token: str, keys: KeySet, issuer: str) -> None:
    """Check an ID token as Authlib's clients do, and a forged one."""
    decoded = jwt.decode(token, keys, algorithms=["RS256"])
    options = {"iss": {"values": [issuer]}, "aud": {"values": ["local-docs"]}}
    CodeIDToken(decoded.claims, decoded.header, options, {"nonce": "n-1"}).validate()
    try:
        forged = FakeUserPool().sign(decoded.claims, header={"kid": decoded.header["kid"]})
        jwt.decode(forged, keys, algorithms=["RS256"])
    except BadSignatureError:
        return
    raise AssertionError("a forged ID token was accepted")


def check_machines(local: LocalPool) -> None:
    """Get a machine's token with each way to authenticate, and none with a wrong secret."""
    guard = CognitoGuard(local.user_pool(resource=RESOURCE))
    token_url = f"{local.address}/oauth2/token"
    machines = [("local-machine", "local-secret"), (ODD_MACHINE.id, ODD_MACHINE.secret)]
    for client_id, secret in machines:
        for method in ("client_secret_basic", "client_secret_post"):
            with OAuth2Client(
                client_id, secret, token_endpoint_auth_method=method, trust_env=False
            ) as client:
                token = client.fetch_token(token_url, grant_type="client_credentials", resource=RESOURCE)
            assert asyncio.run(guard.verify(token["access_token"])).client_id == client_id
    with OAuth2Client("local-machine", "wrong", trust_env=False) as client:
        try:
            client.fetch_token(token_url, grant_type="client_credentials")
        except OAuthError as error:
            assert error.error == "invalid_client"
        else:
            raise AssertionError("a wrong secret was accepted")


if __name__ == "__main__":
    with local_pool(DIRECTORY) as local:
        check_users(local)
        check_machines(local)
    print("discovery, code with PKCE and resource, ID token, refresh, user info, client_credentials")
