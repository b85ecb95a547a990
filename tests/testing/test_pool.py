"""The fake pool: exactly what Cognito puts into tokens and key sets."""

import json
import urllib.error
import urllib.request
from base64 import b64decode, urlsafe_b64decode
from typing import Any

import pytest

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import FakeUserPool, gateway_event
from fastapi_cognito_guard.testing.signing import unverified_claims
from tests.apps import NOW

USER = {"sub", "iss", "origin_jti", "event_id", "token_use", "auth_time", "exp", "iat", "jti"}
ACCESS = USER | {"version", "client_id", "scope", "username"}
ID = USER | {"aud", "cognito:username", "email", "email_verified"}
MACHINE = {"sub", "token_use", "scope", "auth_time", "iss", "exp", "iat", "version", "jti", "client_id"}


def header_of(token: str) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(urlsafe_b64decode(token.split(".")[0] + "=="))
    return header


def test_tokens_have_exactly_cognitos_claims(pool: FakeUserPool) -> None:
    assert unverified_claims(pool.access_token("ada")).keys() == ACCESS
    assert unverified_claims(pool.access_token("ada", groups=["g"])).keys() == ACCESS | {"cognito:groups"}
    assert unverified_claims(pool.id_token("ada")).keys() == ID
    assert unverified_claims(pool.machine_token(scopes=["s"])).keys() == MACHINE


def test_a_machine_is_its_client(pool: FakeUserPool) -> None:
    claims = unverified_claims(pool.machine_token(scopes=["a", "b"], client_id="robot"))
    assert (claims["sub"], claims["client_id"], claims["scope"]) == ("robot", "robot", "a b")


def test_one_key_signs_id_tokens_and_another_access_tokens(pool: FakeUserPool) -> None:
    kids = [key["kid"] for key in pool.jwks["keys"]]
    assert [header_of(token) for token in (pool.id_token(), pool.access_token())] == [
        {"kid": kid, "alg": "RS256"} for kid in kids
    ]
    assert header_of(pool.machine_token())["kid"] == kids[1]


def test_keys_look_like_cognitos(pool: FakeUserPool) -> None:
    for key in pool.jwks["keys"]:
        assert key.keys() == {"alg", "e", "kid", "kty", "n", "use"}
        assert (key["alg"], key["e"], key["kty"], key["use"]) == ("RS256", "AQAB", "RSA", "sig")
        assert len(urlsafe_b64decode(key["n"] + "==")) == 256
        assert {"+", "/", "="} <= set(key["kid"])
        assert len(b64decode(key["kid"], validate=True)) == 32


def test_times_follow_the_pools_clock(pool: FakeUserPool) -> None:
    claims = unverified_claims(pool.id_token(expires_in=300))
    assert (claims["iat"], claims["auth_time"], claims["exp"]) == (NOW, NOW, NOW + 300)


def test_claims_are_added_replaced_and_left_out(pool: FakeUserPool) -> None:
    claims = unverified_claims(pool.access_token("ada", claims={"sub": "eve", "jti": None, "custom:x": [1]}))
    assert (claims["sub"], claims["custom:x"], "jti" in claims) == ("eve", [1], False)


def test_a_text_where_a_list_is_due_is_not_a_list_of_letters(pool: FakeUserPool) -> None:
    for mistake in ({"scopes": "orders/write"}, {"groups": "admins"}):
        with pytest.raises(ConfigurationError, match="is a list"):
            pool.access_token("ada", **mistake)  # type: ignore[arg-type]  # the mistake


def test_an_unknown_flavour_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"rest, rest-jwt, http, http-1\.0"):
        gateway_event("htpp")  # type: ignore[arg-type]  # the mistake


def test_rotation_replaces_both_keys() -> None:
    pool = FakeUserPool()
    before = {key["kid"] for key in pool.jwks["keys"]}
    pool.rotate()
    assert before.isdisjoint(key["kid"] for key in pool.jwks["keys"])


def test_keys_are_published_over_http_and_nothing_else_is(pool: FakeUserPool) -> None:
    with pool.serve() as address:
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(address, timeout=5) as answer:
            assert json.load(answer) == pool.jwks
        with pytest.raises(urllib.error.HTTPError) as missing:
            urllib.request.urlopen(address + "x", timeout=5)
        missing.value.close()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address, timeout=5)


def authorizer(event: dict[str, Any]) -> Any:
    return event["requestContext"]["authorizer"]


def test_each_flavour_spells_one_identity_its_own_way() -> None:
    claims = {
        "sub": "s",
        "exp": 1782995989,
        "auth_time": 1782992389,
        "cognito:groups": ["a", "b"],
        "email_verified": True,
        "scope": "x y",
        "custom:none": None,
    }
    rest = authorizer(gateway_event("rest", claims=claims))
    assert rest["claims"] | {"custom:none": None} == {
        "sub": "s",
        "exp": "Thu Jul 02 12:39:49 UTC 2026",
        "auth_time": "1782992389",
        "cognito:groups": "a,b",
        "email_verified": "true",
        "scope": "x y",
        "custom:none": None,
    }
    http = {
        "sub": "s",
        "exp": "1782995989",
        "auth_time": "1782992389",
        "cognito:groups": "[a b]",
        "email_verified": "true",
        "scope": "x y",
    }
    assert authorizer(gateway_event("http", claims=claims)) == {"jwt": {"claims": http, "scopes": None}}
    assert authorizer(gateway_event("http", claims=claims, scopes=["x"])) == {
        "jwt": {"claims": http, "scopes": ["x", "y"]}
    }
    assert authorizer(gateway_event("http-1.0", claims=claims)) == {"claims": http, "scopes": None}
    assert authorizer(gateway_event("rest-jwt", claims=claims)) == {"claims": claims}


def test_an_event_without_claims_has_no_authorizer(pool: FakeUserPool) -> None:
    event = pool.event("rest", pool.access_token(), vouched=False, query={"a": "1"})
    assert "authorizer" not in event["requestContext"]
    assert event["queryStringParameters"] == {"a": "1"}
    assert event["headers"]["authorization"].startswith("Bearer ")
    assert "authorizer" not in pool.event("http", None)["requestContext"]
