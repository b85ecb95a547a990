"""Dependencies of routes, over HTTP and WebSockets, for callers with tokens."""

from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Security
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from fastapi_cognito_guard import (
    CognitoGuard,
    CurrentUser,
    OptionalUser,
    Principal,
    current_user,
    lambda_handler,
    require_group,
    require_scope,
)
from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.dependants import asks_for_scopes
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import NOW, bearer, build_app, client_of, guard_for, shown


@pytest.fixture
def client(pool: FakeUserPool) -> TestClient:
    return client_of(build_app(guard_for(pool)))


ACCESS = [
    #   path         scopes                                groups      status
    ("/public", None, (), 200),
    ("/me", None, (), 401),
    ("/me", [], (), 200),
    ("/scope", ["orders/read"], (), 200),
    ("/scope", ["orders/write", "openid"], (), 200),
    ("/scope", ["orders/reading", "rders/read", "orders"], (), 403),
    ("/scope", [], ["orders/read"], 403),
    ("/all-scopes", ["orders/read", "orders/write"], (), 200),
    ("/all-scopes", ["orders/read"], (), 403),
    ("/group", [], ["admins"], 200),
    ("/group", [], ["staff", "owners"], 200),
    ("/group", [], ["not-admins", "Admins"], 403),
    ("/group", ["admins"], (), 403),
    ("/claim", [], (), 403),
]


@pytest.mark.parametrize(("path", "scopes", "groups", "status"), ACCESS)
def test_requirements_decide_on_scopes_and_groups(
    client: TestClient,
    pool: FakeUserPool,
    path: str,
    scopes: list[str] | None,
    groups: list[str],
    status: int,
) -> None:
    headers = {} if scopes is None else bearer(pool.access_token(scopes=scopes, groups=groups))
    assert client.get(path, headers=headers).status_code == status


@pytest.mark.parametrize("value", ["gold", 3, "3", True, "true"])
def test_a_claim_meets_a_requirement(client: TestClient, pool: FakeUserPool, value: object) -> None:
    token = pool.access_token(claims={"custom:tier": value})
    assert client.get("/claim", headers=bearer(token)).status_code == 200


def test_a_refusal_names_the_sufficient_scopes(client: TestClient, pool: FakeUserPool) -> None:
    for path in ("/scope", "/all-scopes"):
        answer = client.get(path, headers=bearer(pool.access_token(scopes=["openid"])))
        assert answer.content == b'{"message":"Forbidden"}'
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["www-authenticate"] == (
            'Bearer error="insufficient_scope", scope="orders/read orders/write"'
        )


def test_an_optional_user_is_none_without_a_token_and_401_with_a_bad_one(
    client: TestClient, pool: FakeUserPool
) -> None:
    assert client.get("/optional").json() is None
    assert client.get("/optional", headers={"Authorization": "Bearer "}).json() is None
    assert client.get("/optional", headers=bearer(pool.access_token("ada"))).json()["username"] == "ada"
    assert client.get("/optional", headers=bearer(pool.access_token(expires_in=-1))).status_code == 401


@pytest.mark.parametrize("header", ["Basic YTpi", "ApiKey abc", "AWS4-HMAC-SHA256 Credential=x"])
def test_for_an_optional_user_credentials_of_another_scheme_are_no_token(
    client: TestClient, header: str
) -> None:
    headers = {"Authorization": header}
    assert client.get("/optional", headers=headers).json() is None
    assert client.get("/me", headers=headers).status_code == 401


@pytest.mark.parametrize("header", ["Bearer: a.b.c", "Bearer a b", "Bearer junk", "junk"])
def test_for_an_optional_user_a_broken_credential_is_refused_and_not_none(
    client: TestClient, header: str
) -> None:
    assert client.get("/optional", headers={"Authorization": header}).status_code == 401


def test_with_require_an_optional_user_without_claims_is_refused_and_not_none(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool, gateway="require"))
    assert client_of(app).get("/optional").status_code == 401
    handler = lambda_handler(app)
    assert handler(pool.event("http", None, path="/optional"), None)["statusCode"] == 401
    assert handler(pool.event("http", pool.access_token(), path="/optional"), None)["statusCode"] == 200


def test_a_websocket_is_refused_before_it_is_accepted(client: TestClient, pool: FakeUserPool) -> None:
    with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect("/ws"):
        pass
    denial: Any = refused.value
    assert (denial.status_code, denial.content) == (401, b'{"message":"Unauthorized"}')
    assert denial.headers["www-authenticate"] == "Bearer"
    with client.websocket_connect("/ws", headers=bearer(pool.access_token("ada"))) as socket:
        assert socket.receive_json()["username"] == "ada"


class CountingClock:
    """Clock that counts its readings: one per validation."""

    def __init__(self) -> None:
        self.readings = 0

    def __call__(self) -> float:
        self.readings += 1
        return NOW


def test_a_request_is_verified_once_for_all_requirements(pool: FakeUserPool) -> None:
    clock = CountingClock()
    guard = CognitoGuard(pool.user_pool(), now=clock)
    app = FastAPI(dependencies=[Depends(current_user)])
    guard.install(app)

    @app.get("/everything", dependencies=[Depends(require_scope("a")), Depends(require_group("g"))])
    async def everything(
        user: CurrentUser,
        same: OptionalUser,
        again: Annotated[Principal, Security(current_user, scopes=["a"])],
        member: Annotated[Principal, Depends(require_group("g", "h"))],
    ) -> bool:
        return user is same is again is member

    @app.get("/one")
    async def one() -> None: ...

    client = client_of(app)
    headers = bearer(pool.access_token(scopes=["a"], groups=["g"]))
    readings: list[int] = []
    for path in ("/one", "/one", "/everything"):
        answer = client.get(path, headers=headers)
        readings.append(clock.readings - sum(readings))
    assert answer.json() is True
    assert readings[1] == readings[2] > 0


def test_the_guard_of_a_mounted_app_verifies_the_token_itself(
    pool: FakeUserPool, other_pool: FakeUserPool
) -> None:
    outer = FastAPI()
    guard_for(pool, deny_by_default=True).install(outer)
    outer.mount("/inner", build_app(guard_for(other_pool)))
    client = client_of(outer)
    assert client.get("/inner/me", headers=bearer(pool.access_token())).status_code == 401
    assert client.get("/inner/public", headers=bearer(pool.access_token())).status_code == 200


def test_an_overridden_user_still_has_to_meet_the_requirements(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))
    user = Principal(
        sub="s", client_id="c", issuer="i", expires_at=0, claims={}, groups=frozenset({"admins"})
    )
    app.dependency_overrides[current_user] = lambda: user
    client = client_of(app)
    assert client.get("/me").json() == shown(user)
    assert client.get("/optional").json() == shown(user)
    assert client.get("/group").status_code == 200
    assert client.get("/scope").status_code == 403
    assert client.get("/all-scopes").status_code == 200  # FastAPI replaces the whole call with its scopes


def test_one_requirement_can_be_overridden_by_its_value(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))
    app.dependency_overrides[require_scope("orders/write", "orders/read")] = lambda: None
    token = pool.access_token(scopes=[])
    assert client_of(app).get("/scope", headers=bearer(token)).status_code == 200


def test_requirements_on_routers_and_apps_count(pool: FakeUserPool) -> None:
    app = FastAPI(dependencies=[Depends(require_group("staff"))])
    guard_for(pool).install(app)
    router = APIRouter(prefix="/r", dependencies=[Depends(require_scope("a"))])

    @router.get("/x")
    async def x() -> str:
        return "x"

    app.include_router(router)
    client = client_of(app)
    for groups, scopes, status in ((["staff"], ["a"], 200), ([], ["a"], 403), (["staff"], [], 403)):
        assert (
            client.get("/r/x", headers=bearer(pool.access_token(groups=groups, scopes=scopes))).status_code
            == status
        )


def test_an_invalid_security_scope_is_an_error_and_not_in_a_header(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool).install(app)

    @app.get("/x")
    async def x(user: Annotated[Principal, Security(current_user, scopes=['a", error="x'])]) -> None: ...

    with pytest.raises(ConfigurationError, match=r"GET /x: .*scopes=\['a\", error=\"x'\]"):
        client_of(app).get("/", headers=bearer(pool.access_token()))  # the app does not start


REST = [
    #   path          token     status
    ("/me", "id", 200),
    ("/me", "access", 401),
    ("/optional", "id", 200),
    ("/optional", "access", 401),
    ("/group", "id", 200),
    ("/group", "access", 401),
    ("/scope", "id", 401),
    ("/scope", "access", 200),
    ("/all-scopes", "id", 401),
    ("/all-scopes", "access", 200),
    ("/router/scope", "id", 401),
    ("/router/scope", "access", 200),
    ("/router/plain", "id", 200),
    ("/mounted/me", "id", 200),
    ("/mounted/scope", "access", 200),
    ("/mounted/scope", "id", 401),
    ("/foreign-security", "id", 200),
    ("/foreign-security", "access", 401),
    ("/nested-security", "id", 401),
    ("/nested-security", "access", 200),
]


def rest_app(guard: CognitoGuard) -> FastAPI:
    app = build_app(guard)
    plain, scoped = APIRouter(), APIRouter()

    @plain.get("/plain")
    async def route(user: CurrentUser) -> Any:
        return shown(user)

    @scoped.get("/scope")
    async def scoped_route(user: CurrentUser) -> Any:
        return shown(user)

    async def foreign() -> None:
        """Security dependency of another library."""

    async def nested(user: CurrentUser) -> None:
        """Pass the scopes of ``Security(nested)`` on to `current_user`, as FastAPI does."""

    @app.get("/foreign-security", dependencies=[Security(foreign, scopes=["orders/read"])])
    async def unscoped(user: CurrentUser) -> Any:
        return shown(user)

    @app.get("/nested-security", dependencies=[Security(nested, scopes=["orders/read"])])
    async def nested_route() -> None: ...

    app.include_router(plain, prefix="/router")
    app.include_router(scoped, prefix="/router", dependencies=[Depends(require_scope("orders/read"))])
    app.mount("/mounted", build_app(guard))
    return app


@pytest.mark.parametrize(("path", "use", "status"), REST)
def test_with_rest_semantics_scopes_on_a_route_select_the_token_type(
    pool: FakeUserPool, path: str, use: str, status: int
) -> None:
    client = client_of(rest_app(guard_for(pool, semantics="rest")))
    token = (
        pool.id_token(groups=["admins"])
        if use == "id"
        else pool.access_token(groups=["admins"], scopes=["orders/read", "orders/write"])
    )
    assert client.get(path, headers=bearer(token)).status_code == status


def test_with_rest_semantics_a_websocket_without_scopes_takes_an_id_token(pool: FakeUserPool) -> None:
    client = client_of(build_app(guard_for(pool, semantics="rest")))
    with client.websocket_connect("/ws", headers=bearer(pool.id_token("ada"))) as socket:
        assert socket.receive_json()["token_use"] == "id"


def test_a_request_without_a_route_requires_no_scopes() -> None:
    assert not asks_for_scopes({"type": "http"})


def test_with_http_semantics_an_id_token_passes_and_fails_a_scoped_route(pool: FakeUserPool) -> None:
    client = client_of(build_app(guard_for(pool, semantics="http")))
    assert client.get("/me", headers=bearer(pool.id_token())).json()["token_use"] == "id"
    answer = client.get("/scope", headers=bearer(pool.id_token()))
    assert (answer.status_code, answer.content) == (403, b'{"message":"Forbidden"}')
    assert answer.headers["www-authenticate"] == (
        'Bearer scope="orders/read orders/write" error="insufficient_scope" '
        'error_description="expected scopes: [orders/read orders/write]"'
    )


@pytest.mark.parametrize(("semantics", "status"), [("strict", 503), ("rest", 500), ("http", 401)])
@pytest.mark.parametrize("path", ["/me", "/optional"])
def test_while_keys_are_unavailable_every_request_is_refused(
    pool: FakeUserPool, semantics: Semantics, status: int, path: str
) -> None:
    unreachable = {"jwks_uri": "http://127.0.0.1:9/jwks.json"}
    guard = guard_for(pool, user_pool=unreachable, semantics=semantics)
    answer = client_of(build_app(guard)).get(path, headers=bearer(pool.access_token()))
    assert answer.status_code == status
    assert answer.headers.get("retry-after") == ("1" if semantics == "strict" else None)
    assert b"127.0.0.1" not in answer.content


def test_an_error_that_a_route_raises_itself_is_rendered(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))

    @app.get("/checked-in-route")
    async def checked_in_route(user: CurrentUser) -> None:
        require_group("admins").check(user)

    assert client_of(app).get("/checked-in-route", headers=bearer(pool.access_token())).status_code == 403
