"""Mounted apps: ASGI apps behind ``guard.protect``, and FastAPI apps that use the handlers around them."""

import sys
from types import ModuleType
from typing import Any

import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.responses import PlainTextResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from fastapi_cognito_guard import (
    CognitoGuard,
    CurrentUser,
    Decision,
    lambda_handler,
    require_claim,
    require_group,
    require_scope,
)
from fastapi_cognito_guard.app.routes import list_routes
from fastapi_cognito_guard.audit import audit
from fastapi_cognito_guard.deploy import export
from fastapi_cognito_guard.errors import AuthError, ConfigurationError, Forbidden
from fastapi_cognito_guard.testing import FakeUserPool, GatewayClient
from tests.apps import bearer, client_of, guard_for

READ = "orders/read"


async def server(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers every path and method with what it knows of its caller."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})
        return
    user, auth = scope["user"], scope["auth"]
    known = {
        "sub": user.identity,
        "name": user.display_name,
        "authenticated": user.is_authenticated,
        "groups": sorted(user.principal.groups),
        "scopes": list(auth.scopes),
    }
    await JSONResponse(known)(scope, receive, send)


def mounted(guard: CognitoGuard, *requirements: Any, inner: Any = server) -> FastAPI:
    app = FastAPI()
    guard.install(app)
    app.mount("/inner", guard.protect(inner, *requirements))
    return app


def test_only_a_caller_who_meets_all_requirements_reaches_a_protected_app(pool: FakeUserPool) -> None:
    client = client_of(mounted(guard_for(pool), require_scope(READ), require_group("admins")))
    tokens = {
        "nobody": (None, 401, "Bearer"),
        "junk": ("junk", 401, 'Bearer error="invalid_token", error_description="The token is malformed"'),
        "no scope": (
            pool.access_token("ada", groups=["admins"]),
            403,
            f'Bearer error="insufficient_scope", scope="{READ}"',
        ),
        "no group": (pool.access_token("ada", scopes=[READ]), 403, None),
    }
    for who, (token, status, challenge) in tokens.items():
        answer = client.get("/inner/x", headers=bearer(token) if token else {})
        assert (answer.status_code, answer.headers.get("www-authenticate")) == (status, challenge), who
    token = pool.access_token("ada", scopes=[READ], groups=["admins"])
    for method in ("GET", "POST", "DELETE", "OPTIONS", "MKCOL"):
        assert client.request(method, "/inner/x", headers=bearer(token)).json() == {
            "sub": pool.sub("ada"), "name": "ada", "authenticated": True,
            "groups": ["admins"], "scopes": [READ],
        }  # fmt: skip


def test_a_machine_is_named_by_its_client(pool: FakeUserPool) -> None:
    client = client_of(mounted(guard_for(pool)))
    machine = client.get("/inner/", headers=bearer(pool.machine_token())).json()
    assert machine["name"] == pool.client_id


@pytest.mark.parametrize("kind", ["rest", "http", "http-1.0", "rest-jwt"])
def test_a_protected_app_answers_alike_behind_a_gateway(pool: FakeUserPool, kind: Any) -> None:
    app = mounted(guard_for(pool), require_group("admins"))
    for groups, status in ((["admins"], 200), (["staff"], 403)):
        token = pool.access_token("ada", groups=groups, scopes=[READ])
        event = pool.event(kind, token, path="/inner/x")
        answer = lambda_handler(app)(event, None)
        alone = client_of(app).get("/inner/x", headers=bearer(token))
        assert (answer["statusCode"], answer["body"]) == (status, alone.text)


@pytest.mark.parametrize(("semantics", "scoped"), [("rest", True), ("rest", False), ("http", True)])
def test_the_dialect_of_the_guard_decides(pool: FakeUserPool, semantics: Any, scoped: bool) -> None:
    client = client_of(
        mounted(guard_for(pool, semantics=semantics), *([require_scope(READ)] if scoped else []))
    )
    statuses = {
        use: client.get("/inner/", headers=bearer(token)).status_code
        for use, token in (("access", pool.access_token(scopes=[READ])), ("id", pool.id_token()))
    }
    if semantics == "rest":
        assert statuses == ({"access": 200, "id": 401} if scoped else {"access": 401, "id": 200})
        refused = client.get("/inner/")
        assert refused.headers["x-amzn-errortype"] == "UnauthorizedException"
    else:
        assert statuses == {"access": 200, "id": 403}


def test_websockets_are_guarded_too(pool: FakeUserPool) -> None:
    client = client_of(mounted(guard_for(pool), require_group("admins")))
    with client.websocket_connect("/inner/ws", headers=bearer(pool.access_token(groups=["admins"]))):
        pass
    for headers in ({}, bearer(pool.access_token(groups=["staff"]))):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/inner/ws", headers=headers):
            pass


def test_it_is_shown_wherever_routes_are(pool: FakeUserPool) -> None:
    decisions: list[Decision] = []
    guard = guard_for(pool, on_decision=decisions.append)
    app = mounted(guard, require_scope(READ), require_group("admins"), require_claim("custom:tier", "gold"))
    (route,) = [route for route in list_routes(app) if route.path.startswith("/inner")]
    assert str(route) == "any method /inner/{rest:path}"
    assert route.guarded
    assert list(map(str, route.requirements)) == [
        f"require_scope('{READ}')", "require_group('admins')", "require_claim('custom:tier', 'gold')",
    ]  # fmt: skip
    assert audit(app) == []
    client_of(app).get("/inner/x", headers=bearer(pool.access_token(scopes=[READ])))
    assert [(decision.route, decision.code) for decision in decisions] == [("/inner", "insufficient_group")]
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:app"
    document = export(
        app, "http", lambda_arn=arn, beyond="app", leave_out=["/docs", "/docs/*", "/openapi.json"]
    )
    for method in ("get", "post", "options"):
        ((scopes,),) = (entry.values() for entry in document["paths"]["/inner/{rest+}"][method]["security"])
        assert scopes == [READ]


def test_the_played_gateway_has_an_authorizer_there(pool: FakeUserPool) -> None:
    client = GatewayClient(mounted(guard_for(pool), require_scope(READ)), "http")
    assert client.get("/inner/x").status_code == 401
    assert client.get("/inner/x", headers=bearer(pool.access_token())).status_code == 403
    assert client.get("/inner/x", headers=bearer(pool.access_token(scopes=[READ]))).status_code == 200


def test_a_caller_of_another_guard_is_not_taken_over(pool: FakeUserPool, other_pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool).install(app)
    app.mount("/other", guard_for(other_pool).protect(server))
    client = client_of(app)
    assert client.get("/other/", headers=bearer(pool.access_token("ada"))).status_code == 401
    assert client.get("/other/", headers=bearer(other_pool.access_token("ada"))).status_code == 200


def test_a_caller_that_an_outer_guard_has_identified_is_not_taken_over(
    pool: FakeUserPool, other_pool: FakeUserPool
) -> None:
    app = FastAPI()
    guard_for(pool, deny_by_default=True).install(app)  # identifies the caller before the mount does
    app.mount("/same", guard_for(pool).protect(server))
    app.mount("/other", guard_for(other_pool).protect(server))
    client = client_of(app)
    assert client.get("/same/", headers=bearer(pool.access_token("ada"))).status_code == 200
    assert client.get("/other/", headers=bearer(pool.access_token("ada"))).status_code == 401


def test_an_app_may_be_protected_without_any_app_around_it(pool: FakeUserPool) -> None:
    client = client_of(guard_for(pool).protect(server, require_scope(READ)))  # type: ignore[arg-type]  # ASGI
    assert client.get("/").status_code == 401
    assert client.get("/", headers=bearer(pool.access_token())).status_code == 403
    assert client.get("/", headers=bearer(pool.access_token(scopes=[READ]))).status_code == 200


def test_static_files_are_protected(pool: FakeUserPool, tmp_path: Any) -> None:
    (tmp_path / "report.txt").write_text("figures")
    client = client_of(
        mounted(guard_for(pool), require_group("staff"), inner=StaticFiles(directory=tmp_path))
    )
    assert client.get("/inner/report.txt").status_code == 401
    token = pool.access_token(groups=["staff"])
    assert client.get("/inner/report.txt", headers=bearer(token)).text == "figures"


@pytest.mark.parametrize(
    "wrong", [lambda: ("server",), lambda: (server, "admins"), lambda: (server, Depends)]
)
def test_anything_but_an_app_and_requirements_says_what_to_write(pool: FakeUserPool, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"guard\.protect\(asgi_app"):
        guard_for(pool).protect(*wrong())


def test_a_lifespan_passes(pool: FakeUserPool) -> None:
    started: list[str] = []

    async def lifespan_only(scope: Scope, receive: Receive, send: Send) -> None:
        started.append(scope["type"])
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    with client_of(guard_for(pool).protect(lifespan_only)):  # type: ignore[arg-type]  # ASGI
        pass
    assert started == ["lifespan"]


def test_the_mcp_sdk_gets_its_own_kind_of_user(pool: FakeUserPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK binds sessions to its own class of users only; its shape is that of mcp 2."""
    users, tokens = ModuleType("users"), ModuleType("tokens")

    class AccessToken:
        def __init__(self, **facts: Any) -> None:
            self.__dict__.update(facts)

    class AuthenticatedUser:
        def __init__(self, access_token: AccessToken) -> None:
            self.access_token = access_token

    users.AuthenticatedUser, tokens.AccessToken = AuthenticatedUser, AccessToken  # type: ignore[attr-defined]  # made here
    monkeypatch.setitem(sys.modules, "mcp.server.auth.middleware.bearer_auth", users)
    monkeypatch.setitem(sys.modules, "mcp.server.auth.provider", tokens)
    seen: list[Any] = []

    async def mcp(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["user"])
        await PlainTextResponse("")(scope, receive, send)

    app = mounted(guard_for(pool), inner=mcp)
    token = pool.access_token("ada", scopes=[READ])
    client_of(app).get("/inner/", headers=bearer(token))
    lambda_handler(app)(pool.event("http", token, path="/inner/x"), None)
    for user, text in zip(seen, (token, ""), strict=True):  # beside a gateway's claims, no token is verified
        assert isinstance(user, AuthenticatedUser)
        facts = user.access_token
        assert (facts.token, facts.client_id, facts.scopes) == (text, pool.client_id, [READ])  # type: ignore[attr-defined]  # made here
        assert (facts.subject, facts.claims["iss"]) == (pool.sub("ada"), pool.issuer)  # type: ignore[attr-defined]  # made here


@pytest.mark.parametrize("kind", [AuthError, Forbidden])
def test_a_mounted_app_falls_back_to_the_handler_of_the_app_around_it(pool: FakeUserPool, kind: Any) -> None:
    app, inner = FastAPI(), FastAPI()
    guard_for(pool).install(app)

    @app.exception_handler(kind)
    async def own(request: Request, error: AuthError) -> JSONResponse:
        return JSONResponse({"code": error.code}, status_code=418)

    @inner.get("/admins", dependencies=[Depends(require_group("admins"))])
    async def admins() -> None: ...

    app.mount("/inner", inner)
    app.mount("/raw", guard_for(pool).protect(server))
    answer = client_of(app).get("/inner/admins", headers=bearer(pool.access_token()))
    assert (answer.status_code, answer.json()) == (418, {"code": "insufficient_group"})
    assert client_of(app).get("/inner/admins").status_code == (418 if kind is AuthError else 401)


def test_a_mounted_app_keeps_a_handler_of_its_own(pool: FakeUserPool) -> None:
    app, inner = FastAPI(), FastAPI()
    guard_for(pool).install(app)

    @app.exception_handler(AuthError)
    async def outer_own(request: Request, error: AuthError) -> JSONResponse:
        return JSONResponse({}, status_code=418)

    @inner.exception_handler(AuthError)
    async def inner_own(request: Request, error: AuthError) -> JSONResponse:
        return JSONResponse({}, status_code=419)

    @inner.get("/me")
    async def me(user: CurrentUser) -> None: ...

    app.mount("/inner", inner)
    assert client_of(app).get("/inner/me").status_code == 419


@pytest.mark.parametrize("deny_by_default", [False, True])
def test_a_mounted_apps_document_and_docs_show_security(pool: FakeUserPool, deny_by_default: bool) -> None:
    app, inner, innermost = FastAPI(), FastAPI(), FastAPI()
    settings = {"deny_by_default": True, "public": ["/inner/open"]} if deny_by_default else {}
    guard = guard_for(pool, user_pool={"domain": "myapp.auth.eu-west-1.amazoncognito.com"}, **settings)
    guard.install(app)

    @inner.get("/admins", dependencies=[Depends(require_group("admins"))])
    async def admins() -> None: ...

    @inner.get("/open")
    async def unguarded() -> None: ...

    @inner.get("/closed")
    async def closed() -> None: ...

    @innermost.get("/me")
    async def me(user: CurrentUser) -> None: ...

    inner.mount("/deep", innermost)
    app.mount("/inner", inner)
    client = client_of(app)
    headers = bearer(pool.access_token()) if deny_by_default else {}
    document = client.get("/inner/openapi.json", headers=headers).json()
    found = {path: item["get"].get("security") for path, item in document["paths"].items()}
    required: list[dict[str, list[str]]] = [{"Cognito": []}]
    assert found == {
        "/admins": required, "/open": None, "/closed": required if deny_by_default else None,
    }  # fmt: skip
    assert document["components"]["securitySchemes"]["Cognito"]["type"] == "oauth2"
    deep = client.get("/inner/deep/openapi.json", headers=headers).json()
    assert deep["paths"]["/me"]["get"]["security"] == required
    assert "usePkceWithAuthorizationCodeGrant" in client.get("/inner/docs", headers=headers).text


def test_a_mounted_app_with_a_guard_of_its_own_keeps_its_own_document(
    pool: FakeUserPool, other_pool: FakeUserPool
) -> None:
    app, inner = FastAPI(), FastAPI()
    guard_for(pool, user_pool={"domain": "a.auth.eu-west-1.amazoncognito.com"}).install(app)
    guard_for(other_pool, user_pool={"domain": "b.auth.eu-west-1.amazoncognito.com"}).install(inner)

    @inner.get("/me")
    async def me(user: CurrentUser) -> None: ...

    app.mount("/inner", inner)
    document = client_of(app).get("/inner/openapi.json").json()
    flow = document["components"]["securitySchemes"]["Cognito"]["flows"]["authorizationCode"]
    assert flow["tokenUrl"].startswith("https://b.auth.")
