"""Protected Resource Metadata (RFC 9728): the documents, and the challenges that point to them."""

from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from fastapi.testclient import TestClient
from starlette.applications import Starlette

from fastapi_cognito_guard import CognitoGuard, CurrentUser, require_scope
from fastapi_cognito_guard.app.resource_metadata import build_metadata_url, list_metadata_paths
from fastapi_cognito_guard.testing import FakeUserPool, Flavour, GatewayClient
from tests.apps import NOW, bearer, build_app, client_of, guard_for

RESOURCE = "https://api.example.com/shop"
URL = "https://api.example.com/.well-known/oauth-protected-resource/shop"
PATH = "/.well-known/oauth-protected-resource/shop"
BOUND: dict[str, Any] = {"user_pool": {"resource": RESOURCE}}


@pytest.mark.parametrize("deny_by_default", [True, False])
def test_the_document_names_the_pool_and_the_scopes_of_the_routes(
    pool: FakeUserPool, deny_by_default: bool
) -> None:
    app = build_app(guard_for(pool, deny_by_default=deny_by_default, **BOUND))
    answer = client_of(app).get(PATH)
    assert answer.status_code == 200
    assert answer.json() == {
        "resource": RESOURCE,
        "resource_name": "FastAPI",
        "authorization_servers": [pool.issuer],
        "scopes_supported": ["orders/read", "orders/write"],
        "bearer_methods_supported": ["header"],
    }
    assert PATH not in app.openapi()["paths"]


def test_without_scopes_the_member_is_left_out(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool, **BOUND).install(app)

    @app.get("/me")
    async def me(user: CurrentUser) -> None: ...

    assert client_of(app).get(PATH).json().keys() == {
        "resource",
        "resource_name",
        "authorization_servers",
        "bearer_methods_supported",
    }


@pytest.mark.parametrize("deny_by_default", [True, False])
def test_a_web_page_of_any_origin_reads_the_document(pool: FakeUserPool, deny_by_default: bool) -> None:
    client = client_of(build_app(guard_for(pool, deny_by_default=deny_by_default, **BOUND)))
    origin = {"Origin": "https://web.example"}
    assert client.get(PATH, headers=origin).headers["access-control-allow-origin"] == "*"
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "mcp-protocol-version"}
    answer = client.options(PATH, headers={**origin, **asked})
    assert (answer.status_code, answer.content) == (204, b"")
    allowed = {name: value for name, value in answer.headers.items() if name.startswith("access-control")}
    assert allowed == {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "GET",
        "access-control-allow-headers": "*",
    }
    assert client.post(PATH).status_code in {401, 405}


def scoped(scope: str) -> Any:
    return [Depends(require_scope(scope))]


async def endpoint() -> None: ...


async def connect(socket: WebSocket) -> None: ...


def list_scopes(app: FastAPI) -> Any:
    return client_of(app).get(PATH).json().get("scopes_supported")


def test_scopes_of_hidden_routes_routers_and_mounts_are_not_told(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard = guard_for(pool, **BOUND)
    guard.install(app)
    app.add_api_route("/shown", endpoint, dependencies=scoped("shown"))
    app.add_api_route("/substance", endpoint, dependencies=scoped("beside-a-mount"))
    app.add_api_route("/hidden", endpoint, dependencies=scoped("hidden-route"), include_in_schema=False)
    router = APIRouter(prefix="/router", dependencies=scoped("hidden-router"))
    router.add_api_route("/x", endpoint)
    app.include_router(router, include_in_schema=False)
    hidden, documented = FastAPI(openapi_url=None), FastAPI()
    for inner, scope in ((hidden, "hidden-mount"), (documented, "shown-mount")):
        inner.add_api_route("/x", endpoint, dependencies=scoped(scope))
        inner.add_api_websocket_route("/ws", connect, dependencies=scoped(f"{scope}-ws"))
    documented.add_api_route("/y", endpoint, dependencies=scoped("hidden-inside"), include_in_schema=False)
    documented.mount("/deep", hidden)
    app.mount("/docs-of-its-own", documented)
    app.mount("/sub", hidden)
    app.mount("/plain", Starlette())
    app.add_api_websocket_route("/ws", connect, dependencies=scoped("websocket"))
    app.mount("/mcp", guard.protect(Starlette(), require_scope("tools/call")))
    assert list_scopes(app) == [
        "beside-a-mount",
        "shown",
        "shown-mount",
        "shown-mount-ws",
        "tools/call",
        "websocket",
    ]


def test_an_app_without_openapi_document_tells_only_scopes_of_protected_apps(pool: FakeUserPool) -> None:
    app = FastAPI(openapi_url=None)
    guard = guard_for(pool, **BOUND)
    guard.install(app)
    app.add_api_route("/hidden", endpoint, dependencies=scoped("hidden"))
    assert list_scopes(app) is None
    app.mount("/mcp", guard.protect(Starlette(), require_scope("tools/call")))
    assert list_scopes(app) == ["tools/call"]


BELOW = "/.well-known/oauth-protected-resource"


@pytest.mark.parametrize("root_path", ["/shop", "/shop/", "", "/prod"])
def test_the_document_of_the_only_resource_is_at_the_root_form_too(
    pool: FakeUserPool, root_path: str
) -> None:
    app = build_app(guard_for(pool, deny_by_default=True, **BOUND))
    answer = TestClient(app, base_url="https://api.example.com", root_path=root_path).get(BELOW)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json()["resource"] == RESOURCE


def install_two(pool: FakeUserPool, second: str = "https://api.example.com/shop/mcp") -> FastAPI:
    """Return an app with all paths closed, and a mount that is a resource of its own."""
    app = FastAPI()
    guard = guard_for(pool, deny_by_default=True, **BOUND)
    guard.install(app)
    own = guard.for_resource(second)
    app.add_api_route("/orders", endpoint, dependencies=scoped("orders/read"))
    app.mount("/mcp", own.protect(Starlette(), require_scope("tools/call")))
    return app


@pytest.mark.parametrize(
    ("root_path", "path", "resource"),
    [
        ("", "/shop", RESOURCE),
        ("", "/shop/mcp", f"{RESOURCE}/mcp"),
        ("/shop", "", RESOURCE),
        ("/shop", "/mcp", f"{RESOURCE}/mcp"),
        ("", "", None),
        ("", "/mcp", None),
        ("/prod", "", None),
        ("/shop/mcp", "", f"{RESOURCE}/mcp"),
    ],
)
def test_of_several_resources_each_path_names_one_and_nothing_is_guessed(
    pool: FakeUserPool, root_path: str, path: str, resource: str | None
) -> None:
    client = TestClient(install_two(pool), base_url="https://api.example.com", root_path=root_path)
    answer = client.get(f"{BELOW}{path}")
    assert answer.status_code == (404 if resource is None else 200)
    assert answer.json().get("resource") == resource


def test_the_document_of_a_resource_has_only_the_scopes_of_its_own_routes(pool: FakeUserPool) -> None:
    client = client_of(install_two(pool))
    assert client.get(PATH).json()["scopes_supported"] == ["orders/read"]
    assert client.get(f"{PATH}/mcp").json()["scopes_supported"] == ["tools/call"]


def test_a_resource_that_is_the_origin_is_at_the_root_form(pool: FakeUserPool) -> None:
    client = client_of(install_two(pool, "https://api.example.com"))
    assert client.get(BELOW).json()["resource"] == "https://api.example.com"


def test_a_resource_that_is_added_before_install_has_its_document(pool: FakeUserPool) -> None:
    app, guard = FastAPI(), guard_for(pool)
    guard.for_resource(RESOURCE)
    guard.install(app)
    assert client_of(app).get(PATH).json()["resource"] == RESOURCE


def test_a_route_of_the_app_cannot_answer_in_the_place_of_a_document(pool: FakeUserPool) -> None:
    app = install_two(pool)
    app.add_api_route("/{path:path}", endpoint)
    assert client_of(app).get(BELOW).status_code == 404  # the path is public, and the route is not


@pytest.mark.parametrize(
    ("issuer", "named"), [("original", "cognito-idp"), ("updated", "issuer-cognito-idp")]
)
def test_the_document_names_the_issuer_that_the_pool_has(issuer: str, named: str) -> None:
    """A client asks it for its metadata, which name the issuer to the letter: the other one is refused."""
    fake = FakeUserPool(issuer=issuer)
    setting = {} if issuer == "original" else {"issuer": fake.issuer}
    app = build_app(CognitoGuard(fake.user_pool(resource=RESOURCE, **setting)))
    servers = client_of(app).get(PATH).json()["authorization_servers"]
    assert servers == [f"https://{named}.eu-west-1.amazonaws.com/eu-west-1_FakePool1"]


@pytest.mark.parametrize("kind", ["rest", "http"])
def test_behind_a_stage_the_document_is_where_the_resource_ends(pool: FakeUserPool, kind: Flavour) -> None:
    address = "https://a1b2c3.execute-api.eu-west-1.amazonaws.com/prod"
    app = build_app(guard_for(pool, user_pool={"resource": address}))
    url = build_metadata_url(address, "/prod")
    assert url == f"{address}{BELOW}"
    client = GatewayClient(app, kind, stage="prod")
    assert client.get(url).json()["resource"] == address


@pytest.mark.parametrize("deny_by_default", [False, True])
@pytest.mark.parametrize("stage", ["prod", None])
def test_behind_a_stage_a_challenge_names_an_address_that_answers(
    pool: FakeUserPool, stage: str | None, deny_by_default: bool
) -> None:
    address = f"https://u1r2l3.example.com{f'/{stage}' if stage else ''}"
    guard = guard_for(pool, user_pool={"resource": address}, deny_by_default=deny_by_default)
    inner = FastAPI()
    inner.get("/x")(lambda: "x")
    app = build_app(guard)
    app.mount("/inner", guard.protect(inner))
    client = TestClient(app, base_url=address, root_path=f"/{stage}" if stage else "")
    for path in ("/me", "/inner/x"):
        challenge = client.get(f"{address}{path}").headers["www-authenticate"]
        url = challenge.partition('resource_metadata="')[2].rstrip('"')
        assert url == f"{address}{BELOW}"  # a stage routes nothing above it
        assert client.get(url).json()["resource"] == address


@pytest.mark.parametrize("stage", ["", "/prod"])
def test_the_challenge_of_a_mount_names_an_address_that_answers(pool: FakeUserPool, stage: str) -> None:
    app, guard = FastAPI(), guard_for(pool)
    guard.install(app)
    address = f"https://u1r2l3.example.com{stage}/mcp"
    app.mount("/mcp", guard.for_resource(address).protect(Starlette()))
    client = TestClient(app, base_url=f"https://u1r2l3.example.com{stage}", root_path=stage)
    challenge = client.get(f"{address}/x").headers["www-authenticate"]
    url = challenge.partition('resource_metadata="')[2].rstrip('"')
    assert url == f"https://u1r2l3.example.com{stage}/.well-known/oauth-protected-resource/mcp"
    assert client.get(url).json()["resource"] == address


def test_challenges_point_to_the_document(pool: FakeUserPool) -> None:
    client = client_of(build_app(guard_for(pool, **BOUND)))
    token = pool.access_token(claims={"aud": RESOURCE})
    for path, headers, challenge in (
        ("/me", {}, f'Bearer resource_metadata="{URL}"'),
        (
            "/me",
            bearer("junk"),
            'Bearer error="invalid_token", error_description="The token is malformed", '
            f'resource_metadata="{URL}"',
        ),
        (
            "/all-scopes",
            bearer(token),
            f'Bearer error="insufficient_scope", scope="orders/read orders/write", resource_metadata="{URL}"',
        ),
        ("/group", bearer(token), None),
    ):
        assert client.get(path, headers=headers).headers.get("www-authenticate") == challenge


@pytest.mark.parametrize("semantics", ["rest", "http"])
def test_the_dialects_of_the_gateways_do_not_point_to_the_document(
    pool: FakeUserPool, semantics: str
) -> None:
    client = client_of(build_app(guard_for(pool, semantics=semantics, **BOUND)))
    assert "resource_metadata" not in client.get("/me").headers.get("www-authenticate", "")
    assert client.get(PATH).status_code == 200


def test_without_a_resource_there_is_no_document_and_no_pointer(pool: FakeUserPool) -> None:
    client = client_of(build_app(guard_for(pool)))
    assert client.get("/.well-known/oauth-protected-resource").status_code == 404
    assert client.get("/me").headers["www-authenticate"] == "Bearer"


def test_pools_with_the_same_resource_share_a_document(pool: FakeUserPool, other_pool: FakeUserPool) -> None:
    pools = [each.user_pool(resource=RESOURCE) for each in (pool, other_pool)]
    client = client_of(build_app(CognitoGuard(*pools, now=lambda: NOW)))
    assert client.get(PATH).json()["authorization_servers"] == [pool.issuer, other_pool.issuer]


def test_the_document_of_a_resource_names_only_its_own_pools(
    pool: FakeUserPool, other_pool: FakeUserPool
) -> None:
    pools = pool.user_pool(resource=RESOURCE), other_pool.user_pool(resource="https://other.example.com/x")
    client = client_of(build_app(CognitoGuard(*pools)))
    assert client.get(PATH).json()["authorization_servers"] == [pool.issuer]
    other = client.get("/.well-known/oauth-protected-resource/x").json()
    assert (other["resource"], other["authorization_servers"]) == (
        "https://other.example.com/x",
        [other_pool.issuer],
    )


def test_a_route_of_the_app_cannot_replace_the_document(pool: FakeUserPool) -> None:
    app = FastAPI(openapi_url=None)

    @app.get("/{path:path}")
    async def everything(path: str) -> str:
        return path

    guard_for(pool, **BOUND).install(app)
    assert client_of(app).get(PATH).json()["resource"] == RESOURCE


def test_a_resource_that_is_no_address_has_no_document(pool: FakeUserPool) -> None:
    assert list_metadata_paths([pool.user_pool(resource="my-api"), pool.user_pool()]) == []


def test_the_paths_are_those_of_the_resources_for_each_mount_point(pool: FakeUserPool) -> None:
    assert list_metadata_paths([pool.user_pool(resource=RESOURCE)]) == [BELOW, PATH]
    assert list_metadata_paths([pool.user_pool(resource="https://api.example.com")]) == [BELOW]
    deep = pool.user_pool(resource="https://api.example.com/prod/mcp")
    assert list_metadata_paths([deep]) == [BELOW, f"{BELOW}/mcp", f"{BELOW}/prod/mcp"]


@pytest.mark.parametrize(
    ("resource", "url"),
    [
        ("https://api.example.com", "https://api.example.com/.well-known/oauth-protected-resource"),
        ("https://api.example.com/", "https://api.example.com/.well-known/oauth-protected-resource"),
        (RESOURCE, URL),
        ("https://api.example.com:8443/a/", "https://api.example.com:8443/.well-known/oauth-protected-resource/a"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/.well-known/oauth-protected-resource"),
        ("http://api.example.com", None),
        ("my-api", None),
        ('https://api.example.com/"x', None),
        ("https://api.example.com/é", None),
        ("https://api.example.com/a?b=c", None),
        ("https://api.example.com/a#b", None),
        ("https://user@api.example.com/a", None),
        ("https://[::1", None),
        ("", None),
        (None, None),
    ],
)  # fmt: skip
def test_only_a_resource_that_is_an_address_has_metadata(resource: str | None, url: str | None) -> None:
    assert build_metadata_url(resource) == url
