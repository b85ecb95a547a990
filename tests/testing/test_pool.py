"""Tests of the fake pool: its tokens and key sets are like Cognito's."""

import asyncio
import json
import urllib.error
import urllib.request
from base64 import b64decode, urlsafe_b64decode
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import httpx
import pytest
from freezegun import freeze_time

from fastapi_cognito_guard import CognitoGuard
from fastapi_cognito_guard.errors import ConfigurationError, KeyUnknown
from fastapi_cognito_guard.testing import FakeUserPool, assert_rejects_attacks, gateway_event
from fastapi_cognito_guard.testing.key_server import Fault
from fastapi_cognito_guard.testing.signing_key import unverified_claims
from tests.apps import NOW, bearer, build_app, client_of

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


def test_tokens_are_written_as_cognito_writes_them(pool: FakeUserPool) -> None:
    header, payload, _ = pool.access_token().split(".")
    written = urlsafe_b64decode(payload + "==").decode()
    assert written.startswith('{"iss":"https:\\/\\/cognito-idp.')
    assert " " not in urlsafe_b64decode(header + "==").decode()


def test_the_sub_of_a_machine_is_its_client_id(pool: FakeUserPool) -> None:
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


def test_a_string_instead_of_a_list_is_an_error(pool: FakeUserPool) -> None:
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


def test_a_rotation_may_keep_the_old_keys_until_the_next_one() -> None:
    pool = FakeUserPool()
    old = pool.access_token("ada")
    pool.rotate(keep_old=True)
    new = pool.access_token("ada")
    assert header_of(old)["kid"] != header_of(new)["kid"]
    assert len(pool.jwks["keys"]) == 4
    guard = CognitoGuard(pool.user_pool())
    assert [asyncio.run(guard.verify(token)).username for token in (old, new)] == ["ada", "ada"]
    pool.rotate(keep_old=True)
    assert len(pool.jwks["keys"]) == 4
    with pytest.raises(KeyUnknown):
        asyncio.run(CognitoGuard(pool.user_pool()).verify(old))


SHARED = ("sub", "origin_jti", "event_id", "auth_time", "iss", "cognito:groups")


def test_the_tokens_of_one_sign_in_share_its_claims(pool: FakeUserPool) -> None:
    tokens = pool.sign_in("ada", groups=["admins"], scopes=["openid"], nonce="n")
    access, identity = (unverified_claims(token) for token in (tokens.access_token, tokens.id_token))
    assert [access[name] for name in SHARED] == [identity[name] for name in SHARED]
    assert access.keys() == ACCESS | {"cognito:groups"}
    assert identity.keys() == ID | {"cognito:groups", "nonce", "at_hash"}
    assert (access["jti"] != identity["jti"], identity["nonce"], tokens.expires_in) == (True, "n", 3600)
    half = sha256(tokens.access_token.encode()).digest()[:16]
    assert urlsafe_b64decode(identity["at_hash"] + "==") == half
    assert "eyJ" not in repr(tokens)


def test_two_sign_ins_of_a_user_share_only_the_sub(pool: FakeUserPool) -> None:
    one, other = (unverified_claims(pool.sign_in("ada").id_token) for _ in range(2))
    assert (one["sub"] == other["sub"], one["origin_jti"] == other["origin_jti"]) == (True, False)


def test_a_refresh_changes_jti_iat_and_exp_only() -> None:
    clock = [NOW]
    pool = FakeUserPool(now=lambda: clock[0])
    first = pool.sign_in(
        "ada", groups=["admins"], id_claims={"custom:tier": "gold"}, access_claims={"x": [1]}
    )
    assert first.refresh_token is not None
    clock[0] += 1000
    again = pool.refresh(first.refresh_token)
    assert again.refresh_token is None
    for before, after in ((first.access_token, again.access_token), (first.id_token, again.id_token)):
        old, new = unverified_claims(before), unverified_claims(after)
        assert {name for name in old if old[name] != new[name]} - {"at_hash"} == {"jti", "iat", "exp"}
        assert (new["iat"], new["auth_time"]) == (NOW + 1000, NOW)


def test_a_refresh_token_is_valid_for_its_client_until_it_is_revoked(pool: FakeUserPool) -> None:
    token = pool.sign_in("ada").refresh_token or ""
    pool.revoke(token, client_id="another")
    with pytest.raises(LookupError):
        pool.refresh(token, client_id="another")
    assert pool.refresh(token).access_token
    pool.revoke(token)
    pool.revoke(token)
    for bad in (token, "made up"):
        with pytest.raises(LookupError):
            pool.refresh(bad)


def test_a_trigger_changes_the_claims_of_either_token(pool: FakeUserPool) -> None:
    tokens = pool.sign_in(
        "ada", id_claims={"custom:tier": "gold", "email": None}, access_claims={"teams": [{"id": 7}]}
    )
    identity, access = unverified_claims(tokens.id_token), unverified_claims(tokens.access_token)
    assert (identity["custom:tier"], "email" in identity, access["teams"]) == ("gold", False, [{"id": 7}])


@pytest.mark.parametrize(
    ("form", "issuer"),
    [
        ("original", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_FakePool1"),
        ("updated", "https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_FakePool1"),
        ("http://127.0.0.1:9229/pool", "http://127.0.0.1:9229/pool"),
    ],
)
def test_the_issuer_is_original_updated_or_an_address(form: str, issuer: str) -> None:
    pool = FakeUserPool(issuer=form)
    token = pool.access_token("ada")
    assert unverified_claims(token)["iss"] == issuer
    assert asyncio.run(CognitoGuard(pool.user_pool()).verify(token)).issuer == issuer


def test_several_pools_share_nothing(pool: FakeUserPool, other_pool: FakeUserPool) -> None:
    guard = CognitoGuard(pool.user_pool(), other_pool.user_pool(), now=lambda: NOW)
    principals = [asyncio.run(guard.verify(each.access_token("ada"))) for each in (pool, other_pool)]
    assert [principal.issuer for principal in principals] == [pool.issuer, other_pool.issuer]
    assert principals[0].sub != principals[1].sub


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [(500, 500, "purpose"), (404, 404, "purpose"), ("garbage", 200, "<!doctype")],
)
def test_the_key_server_fails_within_break_jwks_and_works_afterwards(
    pool: FakeUserPool, fault: Fault, status: int, body: str
) -> None:
    with pool.serve() as address:
        with pool.break_jwks(fault):
            answer = httpx.get(address, trust_env=False)
            assert (answer.status_code, body in answer.text) == (status, True)
        assert httpx.get(address, trust_env=False).json() == pool.jwks


def test_a_hanging_key_server_does_not_answer_until_the_block_ends(pool: FakeUserPool) -> None:
    with pool.serve() as address, httpx.Client(trust_env=False) as client:
        with pool.break_jwks("hang"), pytest.raises(httpx.ReadTimeout):
            client.get(address, timeout=0.2)
        assert client.get(address, timeout=5).json() == pool.jwks


def test_hanging_requests_are_answered_when_the_block_ends(pool: FakeUserPool) -> None:
    with ThreadPoolExecutor(1) as threads:
        with pool.break_jwks("hang"):
            waiting = threads.submit(pool.published.answer)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.1)
        assert waiting.result(timeout=5).status == 504


@pytest.mark.parametrize("fault", [200, "slow", True, None])
def test_an_unknown_fault_is_an_error(pool: FakeUserPool, fault: Any) -> None:
    with pytest.raises(ConfigurationError, match="hang"), pool.break_jwks(fault):
        pass


def test_the_server_publishes_only_the_keys(pool: FakeUserPool) -> None:
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


def test_each_flavour_writes_claims_in_its_own_format() -> None:
    claims = {
        "sub": "s",
        "exp": 1782995989,
        "iat": 1782992389,
        "nbf": 1782950401,
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
        "iat": "Thu Jul 02 11:39:49 UTC 2026",
        "nbf": "Thu Jul 02 00:00:01 UTC 2026",
        "auth_time": "1782992389",
        "cognito:groups": "a,b",
        "email_verified": "true",
        "scope": "x y",
        "custom:none": None,
    }
    http = {
        "sub": "s",
        "exp": "1782995989",
        "iat": "1782992389",
        "nbf": "1782950401",
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


def test_access_tokens_of_a_pool_with_a_resource_name_it_also_after_a_refresh() -> None:
    bound = FakeUserPool(resource="https://api.example.com/shop")
    first = bound.sign_in("ada")
    again = bound.refresh(first.refresh_token or "")
    tokens = [bound.access_token(), bound.machine_token(), first.access_token, again.access_token]
    assert {unverified_claims(token)["aud"] for token in tokens} == {"https://api.example.com/shop"}
    assert unverified_claims(first.id_token)["aud"] == bound.client_id
    assert bound.user_pool().resource == "https://api.example.com/shop"
    assert bound.user_pool(resource=None).resource is None
    other = bound.sign_in("ada", resource="https://other.example.com").access_token
    assert unverified_claims(other)["aud"] == "https://other.example.com"
    assert "aud" not in unverified_claims(FakeUserPool().access_token())


def test_a_pool_may_have_the_id_and_the_issuer_of_an_emulator() -> None:
    pool = FakeUserPool("local_6Ttdd5rm", issuer="http://cognito:9229/local_6Ttdd5rm")
    app = build_app(CognitoGuard(pool.user_pool()))
    client = client_of(app)
    assert client.get("/me", headers=bearer(pool.access_token("ada"))).status_code == 200
    assert_rejects_attacks(client, "/me", pool=pool)
    assert_rejects_attacks(client, "/me")


def test_a_frozen_time_is_the_time_of_a_pools_tokens() -> None:
    with freeze_time(datetime.fromtimestamp(NOW, UTC)):
        issued = unverified_claims(FakeUserPool().access_token())["iat"]
    assert issued == NOW
