"""Security and refusals in the OpenAPI document, and nothing besides."""

from collections.abc import Callable
from copy import deepcopy
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Security
from fastapi.openapi.utils import get_openapi
from fastapi.security import APIKeyHeader, HTTPBasic
from pydantic import BaseModel

from fastapi_cognito_guard import (
    CognitoGuard,
    CurrentUser,
    IamCaller,
    OptionalUser,
    Principal,
    current_user,
    require_group,
    require_scope,
)
from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import add_routes, build_app, client_of, guard_for

Object = dict[str, Any]
DOMAIN = "auth.example.com"


def operation(app: FastAPI, path: str, method: str = "get") -> Object:
    found: Object = app.openapi()["paths"][path][method]
    return found


SECURITY: dict[str, list[Object] | None] = {
    "/public": None,
    "/me": [{"Cognito": []}],
    "/optional": [{"Cognito": []}, {}],
    "/scope": [{"Cognito": ["orders/read"]}, {"Cognito": ["orders/write"]}],
    "/all-scopes": [{"Cognito": ["orders/read", "orders/write"]}],
    "/group": [{"Cognito": []}],
    "/claim": [{"Cognito": []}],
}


@pytest.mark.parametrize("path", SECURITY)
def test_each_operation_states_the_security_of_its_route(pool: FakeUserPool, path: str) -> None:
    assert operation(build_app(guard_for(pool)), path).get("security") == SECURITY[path]


def test_several_any_of_requirements_become_the_product_of_their_alternatives(pool: FakeUserPool) -> None:
    app = FastAPI(dependencies=[Depends(require_scope("a", "b"))])
    guard_for(pool).install(app)

    @app.get("/product", dependencies=[Depends(require_scope("c", "b"))])
    async def product() -> None: ...

    choices = [entry["Cognito"] for entry in operation(app, "/product")["security"]]
    assert choices == [["a", "c"], ["a", "b"], ["b", "c"], ["b"]]


@pytest.mark.parametrize(("per_requirement", "written"), [((4, 8), 32), ((3, 11), 1), ((6, 6, 6), 1)])
def test_more_than_32_alternatives_are_not_written(
    pool: FakeUserPool, per_requirement: tuple[int, ...], written: int
) -> None:
    app = FastAPI()
    guard_for(pool).install(app)
    requirements = [
        Depends(require_scope(*(f"{number}/{index}" for index in range(count))))
        for number, count in enumerate(per_requirement)
    ]

    @app.get("/", dependencies=requirements)
    async def root() -> None: ...

    alternatives = operation(app, "/")["security"]
    assert len(alternatives) == written
    assert (alternatives == [{"Cognito": []}]) is (written == 1)


def test_groups_are_written_as_an_extension_and_never_as_scopes(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))

    @app.get("/both", dependencies=[Depends(require_group("a", "b")), Depends(require_group("c"))])
    async def both() -> None: ...

    assert operation(app, "/group")["x-cognito-groups"] == ["admins", "owners"]
    assert operation(app, "/both")["x-cognito-groups"] == [["a", "b"], ["c"]]
    assert "x-cognito-groups" not in operation(app, "/scope")


SCHEMES: list[tuple[Object, Object, Object]] = [
    ({}, {}, {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}),
    ({}, {"identity_source": "X-Token"}, {"type": "apiKey", "in": "header", "name": "x-token"}),
    (
        {"domain": DOMAIN},
        {},
        {
            "type": "oauth2",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": f"https://{DOMAIN}/oauth2/authorize",
                    "tokenUrl": f"https://{DOMAIN}/oauth2/token",
                    "refreshUrl": f"https://{DOMAIN}/oauth2/token",
                    "scopes": {"orders/read": "", "orders/write": ""},
                }
            },
        },
    ),
]


@pytest.mark.parametrize(("pool_settings", "settings", "scheme"), SCHEMES, ids=["bearer", "header", "oauth2"])
def test_the_document_has_one_scheme(
    pool: FakeUserPool, pool_settings: Object, settings: Object, scheme: Object
) -> None:
    app = build_app(guard_for(pool, user_pool=pool_settings, **settings))
    (found,) = app.openapi()["components"]["securitySchemes"].items()
    found[1].pop("description", None)
    assert found == ("Cognito", scheme)


def test_of_several_pools_the_first_with_a_domain_is_the_one_to_sign_in_to(
    pool: FakeUserPool, other_pool: FakeUserPool
) -> None:
    guard = CognitoGuard(pool.user_pool(), other_pool.user_pool(domain=DOMAIN))
    schemes = build_app(guard).openapi()["components"]["securitySchemes"]
    assert DOMAIN in schemes["Cognito"]["flows"]["authorizationCode"]["tokenUrl"]


@pytest.mark.parametrize(
    ("token_use", "semantics", "scoped", "sent"),
    [
        ({"access"}, "strict", False, None),
        ({"id"}, "strict", False, "id_token"),
        ({"id", "access"}, "strict", False, None),
        ({"access"}, "rest", False, "id_token"),
        ({"access"}, "rest", True, None),
        ({"id"}, "http", False, None),
    ],
)
def test_swagger_sends_the_id_token_where_the_guard_takes_no_access_token(
    pool: FakeUserPool, token_use: set[str], semantics: Semantics, scoped: bool, sent: str | None
) -> None:
    app = FastAPI()
    guard_for(pool, user_pool={"domain": DOMAIN, "token_use": token_use}, semantics=semantics).install(app)

    @app.get("/", dependencies=[Depends(require_scope("a"))] if scoped else [])
    async def root(user: CurrentUser) -> None: ...

    assert app.openapi()["components"]["securitySchemes"]["Cognito"].get("x-tokenName") == sent


@pytest.mark.parametrize(
    ("semantics", "statuses"),
    [("strict", ["401", "403", "503"]), ("rest", ["401", "403", "500"]), ("http", ["401", "403"])],
)
def test_the_documented_refusals_are_those_of_the_dialect(
    pool: FakeUserPool, semantics: Semantics, statuses: list[str]
) -> None:
    unreachable = {"jwks_uri": "http://127.0.0.1:9/jwks.json"}
    app = build_app(guard_for(pool, semantics=semantics, user_pool=unreachable))
    responses = operation(app, "/me")["responses"]
    assert list(responses) == ["200", *statuses]
    assert list(operation(app, "/public")["responses"]) == ["200"]
    missing = client_of(app).get("/me")
    failed = client_of(app).get("/me", headers={"Authorization": f"Bearer {pool.access_token()}"})
    for answer in (missing, failed):
        documented = responses[str(answer.status_code)]["content"]["application/json"]
        assert documented["example"] == answer.json()
        kinds = {name: "null" if value is None else "string" for name, value in answer.json().items()}
        assert documented["schema"] == {
            "type": "object",
            "required": list(kinds),
            "properties": {name: {"type": kind} for name, kind in kinds.items()},
        }


def test_declared_responses_are_kept_and_the_route_is_not_changed(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool).install(app)
    own: dict[int | str, Object] = {401: {"description": "Who?"}, 409: {"description": "Taken"}}
    router = APIRouter(responses=own)

    @router.get("/mine")
    async def mine(user: CurrentUser) -> None: ...

    before = deepcopy(own)
    app.include_router(router, prefix="/v1")
    responses = operation(app, "/v1/mine")["responses"]
    assert responses["401"] == {"description": "Who?"}
    assert responses["403"]["description"] == "Forbidden"
    assert own == before


def test_other_schemes_of_a_route_are_required_as_well(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool).install(app)

    @app.get("/", dependencies=[Security(APIKeyHeader(name="x-key")), Depends(require_scope("a", "b"))])
    async def root() -> None: ...

    assert operation(app, "/")["security"] == [
        {"APIKeyHeader": [], "Cognito": ["a"]},
        {"APIKeyHeader": [], "Cognito": ["b"]},
    ]
    assert app.openapi()["components"]["securitySchemes"].keys() == {"APIKeyHeader", "Cognito"}


KEY = APIKeyHeader(name="x-key", auto_error=False)


@pytest.mark.parametrize("scheme", [KEY, HTTPBasic(auto_error=False)], ids=["APIKeyHeader", "HTTPBasic"])
def test_another_scheme_or_a_user_are_alternatives_where_both_may_be_missing(
    pool: FakeUserPool, scheme: Any
) -> None:
    app = FastAPI()
    guard_for(pool).install(app)
    name = type(scheme).__name__

    @app.get("/either", dependencies=[Security(scheme)])
    async def either(user: OptionalUser) -> None: ...

    @app.get("/user", dependencies=[Security(scheme)])
    async def user(user: CurrentUser) -> None: ...

    assert operation(app, "/either")["security"] == [{name: []}, {"Cognito": []}]
    assert operation(app, "/user")["security"] == [{"Cognito": []}, {name: [], "Cognito": []}]


def test_a_required_key_beside_an_optional_user_is_in_each_alternative(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool).install(app)

    @app.get("/", dependencies=[Security(APIKeyHeader(name="x-key"))])
    async def root(user: OptionalUser) -> None: ...

    assert operation(app, "/")["security"] == [{"APIKeyHeader": [], "Cognito": []}, {"APIKeyHeader": []}]


def test_with_deny_by_default_a_key_alone_is_no_alternative(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool, deny_by_default=True).install(app)

    @app.get("/", dependencies=[Security(KEY)])
    async def root(user: OptionalUser) -> None: ...

    assert operation(app, "/")["security"] == [{"Cognito": []}, {"APIKeyHeader": [], "Cognito": []}]


def test_with_deny_by_default_all_but_public_paths_require_a_token(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool, deny_by_default=True, public=["/me"]))
    assert operation(app, "/public")["security"] == [{"Cognito": []}]
    assert operation(app, "/me")["security"] == [{"Cognito": []}]
    assert operation(app, "/optional")["security"] == [{"Cognito": []}]
    app = build_app(guard_for(pool, deny_by_default=True, public=["/public", "/optional"]))
    assert "security" not in operation(app, "/public")
    assert operation(app, "/optional")["security"] == [{"Cognito": []}, {}]


def test_routes_for_iam_callers_require_signature_version_4(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool).install(app)

    @app.get("/iam")
    async def iam(caller: IamCaller) -> None: ...

    assert operation(app, "/iam")["security"] == [{"sigv4": []}]
    assert app.openapi()["components"]["securitySchemes"] == {
        "sigv4": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "x-amazon-apigateway-authtype": "awsSigv4",
        }
    }

    @app.get("/both", dependencies=[Depends(require_scope("a", "b"))])
    async def both(caller: IamCaller, user: OptionalUser) -> None: ...

    @app.get("/optional")
    async def optional(caller: IamCaller, user: OptionalUser) -> None: ...

    app.openapi_schema = None
    assert operation(app, "/both")["security"] == [
        {"Cognito": ["a"], "sigv4": []},
        {"Cognito": ["b"], "sigv4": []},
    ]
    assert operation(app, "/optional")["security"] == [{"Cognito": [], "sigv4": []}]


class Item(BaseModel):
    name: str


def build_document(prepare: Callable[[FastAPI], None]) -> Object:
    """Build the document of an app with parameters, bodies and responses of every kind."""
    app = FastAPI(title="Shop", dependencies=[])
    router = APIRouter(prefix="/items", tags=["items"])
    prepare(app)

    @router.put("/{id}", responses={404: {"description": "Gone"}})
    async def put(id: int, item: Item, dry: bool = False) -> Item:
        raise AssertionError

    app.include_router(router)

    @app.post("/hidden", include_in_schema=False)
    async def hidden() -> None: ...

    @app.get("/plain")
    async def plain(q: str | None = None) -> list[str]:
        raise AssertionError

    return app.openapi()


def test_without_its_own_additions_the_document_is_that_of_an_app_without_a_guard(pool: FakeUserPool) -> None:
    async def member(user: CurrentUser) -> Principal:
        return user

    dependencies = [
        Depends(require_scope("a", "b")),
        Depends(require_group("c")),
        Security(current_user, scopes=["d"]),
        Depends(member),
    ]

    def guarded(app: FastAPI) -> None:
        app.router.dependencies += dependencies
        guard_for(pool, user_pool={"domain": DOMAIN}).install(app)

    document, plain = build_document(guarded), build_document(lambda app: None)
    assert document != plain
    for methods in document["paths"].values():
        for found in methods.values():
            assert found.pop("security") == [{"Cognito": ["a", "d"]}, {"Cognito": ["b", "d"]}]
            assert found.pop("x-cognito-groups") == ["c"]
            assert found.pop("description").startswith("**Access**: ")
            for status in ("401", "403", "503"):
                del found["responses"][status]
    assert document["components"].pop("securitySchemes").keys() == {"Cognito"}
    assert document == plain


def test_an_app_without_guarded_routes_has_no_scheme(pool: FakeUserPool) -> None:
    assert build_document(guard_for(pool).install) == build_document(lambda app: None)


def extend_as_documented(app: FastAPI) -> Callable[[], Object]:
    """Return an ``app.openapi`` as FastAPI's documentation extends it."""

    def custom() -> Object:
        if not app.openapi_schema:
            app.openapi_schema = get_openapi(title="Mine", version="1", routes=app.routes)
        return app.openapi_schema

    return custom


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_openapi_function_of_the_users_own_is_extended(pool: FakeUserPool, when: str) -> None:
    app = FastAPI()
    if when == "before":
        app.__dict__["openapi"] = extend_as_documented(app)
    guard_for(pool).install(app)
    if when == "after":
        app.__dict__["openapi"] = extend_as_documented(app)
    add_routes(app)
    document = client_of(app).get("/openapi.json").json()
    assert document["info"]["title"] == "Mine"
    assert document["paths"]["/me"]["get"]["security"] == [{"Cognito": []}]
    assert app.openapi() is app.openapi_schema


def test_a_document_that_is_built_from_the_extended_one_is_not_extended_again(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))
    extended = app.openapi

    def custom() -> Object:
        return {**extended(), "x-mine": True}

    app.__dict__["openapi"] = custom
    document = client_of(app).get("/openapi.json").json()
    assert document["x-mine"]
    assert document["paths"]["/scope"]["get"]["security"] == SECURITY["/scope"]


def test_the_document_is_built_once_and_rebuilt_after_a_reset(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))
    first = app.openapi()
    assert app.openapi() is first is app.openapi_schema

    @app.get("/later")
    async def later(user: CurrentUser) -> None: ...

    app.openapi_schema = None
    assert operation(app, "/later")["security"] == [{"Cognito": []}]


def test_a_scheme_with_our_name_and_removed_operations_are_kept_as_the_user_has_them(
    pool: FakeUserPool,
) -> None:
    app = build_app(guard_for(pool))
    own = {"type": "openIdConnect", "openIdConnectUrl": "https://example.com"}
    document = get_openapi(title="Mine", version="1", routes=app.routes)
    document["components"] = {"securitySchemes": {"Cognito": own}}
    del document["paths"]["/group"]["get"], document["paths"]["/claim"]  # and removed operations stay removed
    app.__dict__["openapi"] = lambda: document
    served = client_of(app).get("/openapi.json").json()
    assert served["components"]["securitySchemes"] == {"Cognito": own}
    assert served["paths"]["/group"] == {}
    assert "/claim" not in served["paths"]


def test_a_mounted_app_with_its_own_guard_has_its_own_document(
    pool: FakeUserPool, other_pool: FakeUserPool
) -> None:
    inner = build_app(CognitoGuard(other_pool.user_pool(domain="inner.example.com")))
    app = build_app(CognitoGuard(pool.user_pool(domain="outer.example.com")))
    app.mount("/inner", inner)
    for path, domain in (("", "outer"), ("/inner", "inner")):
        document = client_of(app).get(f"{path}/openapi.json").json()
        flow = document["components"]["securitySchemes"]["Cognito"]["flows"]["authorizationCode"]
        assert flow["tokenUrl"] == f"https://{domain}.example.com/oauth2/token"
        assert document["paths"]["/scope"]["get"]["security"] == SECURITY["/scope"]


def test_hidden_and_mounted_routes_are_not_taken_for_an_operation_of_the_same_path(
    pool: FakeUserPool,
) -> None:
    app, inner = FastAPI(), FastAPI()
    guard_for(pool).install(app)

    @app.get("/hidden", include_in_schema=False)
    @inner.get("/me")
    async def guarded(user: CurrentUser) -> None: ...

    @app.get("/hidden")
    @app.get("/inner/me")
    async def opened() -> None: ...

    app.mount("/inner", inner)
    assert "security" not in operation(app, "/hidden")
    assert "security" not in operation(app, "/inner/me")


def test_a_document_without_paths_is_left_as_it_is(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))
    app.__dict__["openapi"] = lambda: {"openapi": "3.1.0", "webhooks": {}}
    assert client_of(app).get("/openapi.json").json() == {"openapi": "3.1.0", "webhooks": {}}


def test_every_method_of_a_route_has_its_security(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool).install(app)

    @app.api_route("/many", methods=["GET", "POST", "HEAD"])
    async def many(user: Annotated[Principal, Depends(current_user)]) -> None: ...

    with pytest.warns(UserWarning, match="Duplicate Operation ID"):
        paths = app.openapi()["paths"]
    assert {method: "security" in found for method, found in paths["/many"].items()} == dict.fromkeys(
        ("get", "post", "head"), True
    )
