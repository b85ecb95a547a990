"""Token verifier for MCP servers: what it returns and refuses. tests/field/test_mcp.py has it in a server."""

import logging
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from mcp.server.auth.provider import AccessToken, TokenVerifier, principal_components

from fastapi_cognito_guard import CognitoGuard, KeyPolicy
from fastapi_cognito_guard.errors import ConfigurationError, KeysUnavailable
from fastapi_cognito_guard.testing import FakeUserPool, attack_tokens
from tests.apps import NOW, guard_for

pytestmark = pytest.mark.anyio

RESOURCE = "https://api.example.com/mcp"


def build_verifier(pool: FakeUserPool, **user_pool: Any) -> TokenVerifier:
    return guard_for(pool, user_pool=user_pool).token_verifier()


async def test_a_valid_token_becomes_the_sdks_access_token(pool: FakeUserPool) -> None:
    token = pool.access_token("ada", scopes=["b", "a"], groups=["staff"], claims={"aud": RESOURCE})
    access = await build_verifier(pool, resource=RESOURCE).verify_token(token)
    assert isinstance(access, AccessToken)
    assert (access.token, access.client_id, access.scopes) == (token, pool.client_id, ["a", "b"])
    assert (access.subject, access.resource) == (pool.sub("ada"), RESOURCE)
    assert access.expires_at == int(NOW) + 3600
    assert access.claims is not None
    assert access.claims["cognito:groups"] == ["staff"]
    assert principal_components(access) == (pool.client_id, pool.issuer, pool.sub("ada"))


async def test_a_machine_is_its_client(pool: FakeUserPool) -> None:
    access = await build_verifier(pool).verify_token(pool.machine_token(scopes=["a"]))
    assert access is not None
    assert (access.subject, access.client_id) == (pool.client_id, pool.client_id)


@pytest.mark.parametrize("aud", [None, RESOURCE, "4b1examplefakeclient", ["x", RESOURCE]])
async def test_an_audience_that_the_guard_does_not_require_is_no_resource(
    pool: FakeUserPool, aud: Any
) -> None:
    """A trigger may write the app client there."""
    access = await build_verifier(pool).verify_token(pool.access_token(claims={"aud": aud}))
    assert access is not None
    assert access.resource is None


async def test_one_of_several_audiences_is_the_resource(pool: FakeUserPool) -> None:
    token = pool.access_token(claims={"aud": ["https://other.example.com", RESOURCE]})
    access = await build_verifier(pool, resource=RESOURCE).verify_token(token)
    assert access is not None
    assert access.resource == RESOURCE


async def test_an_id_token_names_no_resource(pool: FakeUserPool) -> None:
    verifier = build_verifier(pool, resource=RESOURCE, token_use={"access", "id"})
    access = await verifier.verify_token(pool.id_token("ada"))
    assert access is not None
    assert access.resource is None


async def test_of_several_pools_the_callers_own_says_the_resource(
    pool: FakeUserPool, other_pool: FakeUserPool
) -> None:
    mine, others = pool.user_pool(resource=RESOURCE), other_pool.user_pool(resource="https://other.example")
    verifier = CognitoGuard(others, mine, now=lambda: NOW).token_verifier()
    token = pool.access_token(claims={"aud": ["https://other.example", RESOURCE]})
    access = await verifier.verify_token(token)
    assert access is not None
    assert access.resource == RESOURCE


async def test_every_attack_is_refused_and_logged_without_its_token(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    verifier = build_verifier(pool, resource=RESOURCE)
    attacks = attack_tokens(pool, resource=RESOURCE)
    for name, token in attacks.items():
        caplog.clear()
        assert await verifier.verify_token(token) is None, name
        (record,) = caplog.records
        assert (record.levelno, record.getMessage().split(":")[0]) == (logging.WARNING, "MCP token refused")
        assert record.code  # type: ignore[attr-defined]  # a field of ours


@pytest.mark.parametrize("junk", ["", " ", "x", "é", "a.b.c", "\ud800", "Bearer x", "." * 9000])
async def test_junk_is_refused(pool: FakeUserPool, junk: str) -> None:
    assert await build_verifier(pool).verify_token(junk) is None


async def test_an_outage_of_the_keys_is_no_refusal_of_the_token(pool: FakeUserPool) -> None:
    """None would send the client into a new sign-in, which helps nobody."""
    setting = pool.user_pool(jwks_uri="http://127.0.0.1:9/jwks.json", jwks=None)
    guard = CognitoGuard(setting, keys=KeyPolicy(timeout=0.5), now=lambda: NOW)
    with pytest.raises(KeysUnavailable):
        await guard.token_verifier().verify_token(pool.access_token())


async def test_a_verifier_of_a_mount_takes_tokens_for_the_mount_only(pool: FakeUserPool) -> None:
    guard = guard_for(pool, user_pool={"resource": "https://api.example.com"})
    verifier = guard.for_resource(RESOURCE).token_verifier()
    assert await verifier.verify_token(pool.access_token(claims={"aud": RESOURCE})) is not None
    assert await verifier.verify_token(pool.access_token(claims={"aud": "https://api.example.com"})) is None


async def test_without_the_sdk_the_verifier_says_what_it_is_for(
    pool: FakeUserPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "mcp.server.auth.provider")
    with pytest.raises(ConfigurationError, match=r"MCPServer\(token_verifier="):
        await build_verifier(pool).verify_token(pool.access_token())


async def test_fastmcp_reads_that_the_verifier_itself_requires_no_scopes(pool: FakeUserPool) -> None:
    verifier: Any = build_verifier(pool)
    assert (verifier.required_scopes, verifier.scopes_supported) == ([], [])


def read_fields(record: logging.LogRecord) -> Mapping[str, Any]:
    return vars(record)


async def test_a_refusal_has_the_fields_of_a_decision(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    token = pool.access_token("ada", expires_in=-60, claims={"jti": "j"})
    assert await build_verifier(pool).verify_token(token) is None
    fields = read_fields(caplog.records[-1])
    assert (fields["outcome"], fields["code"]) == ("refused", "token_expired")
    assert (fields["sub"], fields["jti"], fields["source"]) == (pool.sub("ada"), "j", "token")
