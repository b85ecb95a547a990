"""Resources: guards for mounts with a resource of their own, and clients that nobody knows ahead."""

from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from starlette.types import Receive, Scope, Send

from fastapi_cognito_guard import (
    ANY_BOUND_CLIENT,
    ANY_CLIENT,
    CognitoGuard,
    CurrentUser,
    Decision,
    UserPool,
    require_scope,
)
from fastapi_cognito_guard.errors import ClientMismatch, ConfigurationError, TokenUseMismatch
from fastapi_cognito_guard.testing import FakeUserPool, as_user, assert_rejects_attacks, trusting
from fastapi_cognito_guard.testing.gateway.client import GatewayClient
from tests.apps import NOW, bearer, client_of, guard_for

RESOURCE = "https://api.example.com/mcp"
OTHER = "https://api.example.com/other"


async def server(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the caller's name, as a mounted app without FastAPI routes."""
    await JSONResponse(Request(scope).user.principal.username)(scope, receive, send)


def build(guard: CognitoGuard, **settings: Any) -> FastAPI:
    """Return an app with a route of its own, and a mount that is another resource."""
    app = FastAPI()
    guard.install(app)
    app.mount("/mcp", guard.for_resource(RESOURCE, **settings).protect(server))

    @app.get("/me")
    async def me(user: CurrentUser) -> str:
        return user.username or ""

    return app


def bound(pool: FakeUserPool, aud: Any = RESOURCE, **claims: Any) -> dict[str, str]:
    return bearer(pool.access_token("ada", claims={"aud": aud, **claims}))


# Clients that nobody knows ahead


@pytest.mark.parametrize(
    "settings",
    [{}, {"resource": ""}, {"resource": RESOURCE, "token_use": {"access", "id"}},
     {"resource": RESOURCE, "token_use": "id"}],
    ids=str,
)  # fmt: skip
def test_any_bound_client_cannot_be_had_without_a_resource_that_binds_every_token(settings: Any) -> None:
    with pytest.raises(ConfigurationError, match="give resource=") as refused:
        UserPool("eu-west-1_Abc123Xyz", client_ids=ANY_BOUND_CLIENT, **settings)
    assert refused.value.setting == "client_ids"


@pytest.mark.parametrize("semantics", ["rest", "http"])
def test_any_bound_client_is_refused_where_the_dialect_takes_unbound_tokens(semantics: Any) -> None:
    pool = UserPool("eu-west-1_Abc123Xyz", client_ids=ANY_BOUND_CLIENT, resource=RESOURCE)
    with pytest.raises(ConfigurationError, match="does not bind every token") as refused:
        CognitoGuard(pool, semantics=semantics)
    assert refused.value.setting == "client_ids"


def test_the_environment_names_both_kinds_of_any_client() -> None:
    environ = {"COGNITO_USER_POOL_ID": "eu-west-1_Abc123Xyz", "COGNITO_CLIENT_IDS": "ANY_BOUND_CLIENT"}
    guard = CognitoGuard.from_env({**environ, "COGNITO_RESOURCE": RESOURCE})
    assert guard.pools[0].client_ids is ANY_BOUND_CLIENT
    with pytest.raises(ConfigurationError, match="COGNITO_CLIENT_IDS: ANY_BOUND_CLIENT takes"):
        CognitoGuard.from_env(environ)
    any_client = CognitoGuard.from_env({**environ, "COGNITO_CLIENT_IDS": "ANY_CLIENT"})
    assert any_client.pools[0].client_ids is ANY_CLIENT


@pytest.mark.anyio
async def test_a_bound_token_of_an_unknown_client_is_taken_and_any_other_is_refused(
    pool: FakeUserPool,
) -> None:
    guard = guard_for(pool, user_pool={"client_ids": ANY_BOUND_CLIENT, "resource": RESOURCE})
    unknown = {"client_id": "registered-just-now"}
    token = pool.access_token("ada", claims={**unknown, "aud": RESOURCE})
    assert (await guard.verify(token)).client_id == "registered-just-now"
    for aud in (None, OTHER, "registered-just-now", [], [OTHER], RESOURCE + "/", RESOURCE.upper()):
        with pytest.raises(ClientMismatch):
            await guard.verify(pool.access_token("ada", claims={**unknown, "aud": aud}))
    with pytest.raises(TokenUseMismatch):
        await guard.verify(pool.id_token("ada", claims={"aud": RESOURCE}))


@pytest.mark.parametrize("kind", ["rest", "rest-jwt", "http", "lambda"])
def test_claims_that_a_gateway_vouches_for_are_bound_too(pool: FakeUserPool, kind: Any) -> None:
    guard = guard_for(pool, user_pool={"client_ids": ANY_BOUND_CLIENT, "resource": RESOURCE})
    app = FastAPI()
    guard.install(app)

    @app.get("/me")
    async def me(user: CurrentUser) -> str:
        return user.source

    for aud, status in ((RESOURCE, 200), (OTHER, 401), (None, 401)):
        token = pool.access_token("ada", claims={"aud": aud, "client_id": "unknown"})
        assert GatewayClient(app, kind).get("/me", headers=bearer(token)).status_code == status


def test_an_app_for_any_bound_client_rejects_all_attacks(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool, user_pool={"client_ids": ANY_BOUND_CLIENT, "resource": RESOURCE}).install(app)

    @app.get("/me")
    async def me(user: CurrentUser) -> None: ...

    assert_rejects_attacks(client_of(app), "/me", pool=pool)


@pytest.mark.parametrize("resource", [5, [RESOURCE], {RESOURCE}, b"x"], ids=str)
def test_a_pool_has_one_resource(resource: Any) -> None:
    with pytest.raises(ConfigurationError, match="resource is one text") as refused:
        UserPool("eu-west-1_Abc123Xyz", client_ids="web", resource=resource)
    assert refused.value.setting == "resource"


# Mounts that are resources of their own


@pytest.mark.parametrize("own", [None, OTHER])
def test_a_token_is_good_for_the_resource_that_it_names_and_for_no_other(
    pool: FakeUserPool, own: str | None
) -> None:
    client = client_of(build(guard_for(pool, user_pool={"resource": own})))
    assert client.get("/mcp/", headers=bound(pool)).json() == "ada"
    assert client.get("/mcp/", headers=bound(pool, OTHER)).status_code == 401
    assert client.get("/mcp/", headers=bound(pool, None)).status_code == 401
    assert client.get("/me", headers=bound(pool)).status_code == (401 if own else 200)
    assert client.get("/me", headers=bound(pool, own)).status_code == 200


def test_a_caller_of_the_app_is_no_caller_of_the_mount(pool: FakeUserPool) -> None:
    """The guard of the app has identified the caller before routing, by its own rules."""
    client = client_of(build(guard_for(pool, deny_by_default=True)))
    assert client.get("/mcp/", headers=bound(pool, None)).status_code == 401
    assert client.get("/mcp/", headers=bound(pool)).json() == "ada"


def test_a_remembered_token_of_one_resource_is_refused_at_another(pool: FakeUserPool) -> None:
    guard = guard_for(pool, user_pool={"resource": OTHER})
    client = client_of(build(guard))
    mine, other = bound(pool), bound(pool, OTHER)
    for _ in range(2):
        assert client.get("/me", headers=other).status_code == 200
        assert client.get("/mcp/", headers=other).status_code == 401
        assert client.get("/mcp/", headers=mine).status_code == 200
        assert client.get("/me", headers=mine).status_code == 401
    assert (guard.status()["remembered"], guard.bound[0].status()["remembered"]) == (1, 1)


def test_other_clients_may_call_the_mount_than_the_app(pool: FakeUserPool) -> None:
    client = client_of(build(guard_for(pool), client_ids=ANY_BOUND_CLIENT))
    unknown = bound(pool, client_id="registered-just-now")
    assert client.get("/mcp/", headers=unknown).status_code == 200
    assert client.get("/me", headers=unknown).status_code == 401


def test_an_id_token_is_good_for_no_resource(pool: FakeUserPool) -> None:
    client = client_of(build(guard_for(pool, user_pool={"token_use": {"access", "id"}})))
    token = bearer(pool.id_token("ada"))
    assert client.get("/me", headers=token).status_code == 200
    assert client.get("/mcp/", headers=token).status_code == 401


def test_a_request_to_a_mount_is_one_decision_with_its_own_caller(pool: FakeUserPool) -> None:
    seen: list[Decision] = []
    client = client_of(build(guard_for(pool, deny_by_default=True, on_decision=seen.append)))
    client.get("/mcp/", headers=bound(pool))
    client.get("/mcp/", headers=bound(pool, OTHER))
    assert [(each.code, each.route) for each in seen] == [("allowed", "/mcp"), ("client_mismatch", "/mcp")]
    assert seen[0].principal is not None
    assert seen[0].principal.claim("aud") == RESOURCE


@pytest.mark.parametrize(
    "resource", ["", "my-api", "http://api.example.com/mcp", "https://a.example/x?y", None, 5, [RESOURCE]]
)
def test_a_resource_of_a_mount_is_an_address(pool: FakeUserPool, resource: Any) -> None:
    with pytest.raises(ConfigurationError, match="https address of the mounted app") as refused:
        guard_for(pool).for_resource(resource)
    assert refused.value.setting == "resource"


@pytest.mark.parametrize("semantics", ["rest", "http"])
def test_a_mount_cannot_be_bound_where_the_dialect_takes_unbound_tokens(
    pool: FakeUserPool, semantics: Any
) -> None:
    with pytest.raises(ConfigurationError, match="does not bind every token"):
        guard_for(pool, semantics=semantics).for_resource(RESOURCE)


@pytest.mark.parametrize("client_ids", ["", [], {""}, 5])
def test_clients_of_a_mount_are_some_or_any_and_never_none(pool: FakeUserPool, client_ids: Any) -> None:
    with pytest.raises(ConfigurationError, match="client_ids names"):
        guard_for(pool).for_resource(RESOURCE, client_ids=client_ids)


def test_resources_are_added_at_the_guard_of_the_app(pool: FakeUserPool) -> None:
    with pytest.raises(ConfigurationError, match="on the one you install"):
        guard_for(pool).for_resource(RESOURCE).for_resource(OTHER)


# The test kit


def test_trusting_covers_the_mounts_with_resources() -> None:
    keys = {"jwks_uri": "https://keys.example/jwks.json"}
    guard = CognitoGuard(UserPool("eu-west-1_AppPool", client_ids={"web"}, **keys), now=lambda: NOW)
    app, fake = build(guard), FakeUserPool(now=lambda: NOW)
    before = guard.bound[0].pools
    with trusting(app, fake):
        assert client_of(app).get("/mcp/", headers=bound(fake)).json() == "ada"
        assert client_of(app).get("/mcp/", headers=bound(fake, OTHER)).status_code == 401
        assert client_of(app).get("/me", headers=bearer(fake.access_token("ada"))).json() == "ada"
    assert guard.bound[0].pools == before


def test_as_user_covers_the_mounts_with_resources(pool: FakeUserPool) -> None:
    app = build(guard_for(pool))
    with as_user(app, "grace"):
        assert TestClient(app).get("/mcp/").json() == "grace"
    assert TestClient(app).get("/mcp/").status_code == 401


def test_the_scopes_of_a_mount_are_checked_by_its_own_token(pool: FakeUserPool) -> None:
    app, guard = FastAPI(), guard_for(pool)
    guard.install(app)
    app.mount("/mcp", guard.for_resource(RESOURCE).protect(server, require_scope("tools/call")))
    answer = client_of(app).get("/mcp/", headers=bound(pool))
    assert answer.headers["www-authenticate"] == (
        'Bearer error="insufficient_scope", scope="tools/call", '
        'resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/mcp"'
    )


def test_a_pool_may_be_copied_with_its_binding() -> None:
    pool = UserPool("eu-west-1_Abc123Xyz", client_ids=ANY_BOUND_CLIENT, resource=RESOURCE)
    assert replace(pool, resource=OTHER).client_ids is ANY_BOUND_CLIENT
    with pytest.raises(ConfigurationError):
        replace(pool, resource=None)
