"""The app's document: what the guard adds to it, and that it adds nothing else."""

from collections.abc import Callable
from copy import deepcopy
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Security
from fastapi.openapi.utils import get_openapi
from fastapi.security import APIKeyHeader
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

Document = dict[str, Any]
DOMAIN = "auth.example.com"


def operation(app: FastAPI, path: str, method: str = "get") -> Document:
    found: Document = app.openapi()["paths"][path][method]
    return found


SECURITY: dict[str, list[Document] | None] = {
    "/public": None,
    "/me": [{"Cognito": []}],
    "/optional": [{"Cognito": []}, {}],
    "/scope": [{"Cognito": ["orders/read"]}, {"Cognito": ["orders/write"]}],
    "/all-scopes": [{"Cognito": ["orders/read", "orders/write"]}],
    "/group": [{"Cognito": []}],
    "/claim": [{"Cognito": []}],
}


@pytest.mark.parametrize("path", SECURITY)
def test_each_route_says_what_it_asks_for(pool: FakeUserPool, path: str) -> None:
    assert operation(build_app(guard_for(pool)), path).get("security") == SECURITY[path]


def test_any_of_is_alternatives_and_all_of_any_ofs_is_their_product(pool: FakeUserPool) -> None:
    app = FastAPI(dependencies=[Depends(require_scope("a", "b"))])
    guard_for(pool).install(app)
    too_many = [Depends(require_scope(*(f"{n}/{i}" for i in range(6)))) for n in range(3)]

    @app.get("/product", dependencies=[Depends(require_scope("c", "b"))])
    async def product() -> None: ...

    @app.get("/too-many", dependencies=too_many)
    async def many() -> None: ...

    choices = [entry["Cognito"] for entry in operation(app, "/product")["security"]]
    assert choices == [["a", "c"], ["a", "b"], ["b", "c"], ["b"]]
    assert operation(app, "/too-many")["security"] == [{"Cognito": []}]


def test_groups_are_an_extension_and_never_scopes(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))

    @app.get("/both", dependencies=[Depends(require_group("a", "b")), Depends(require_group("c"))])
    async def both() -> None: ...

    assert operation(app, "/group")["x-cognito-groups"] == ["admins", "owners"]
    assert operation(app, "/both")["x-cognito-groups"] == [["a", "b"], ["c"]]
    assert "x-cognito-groups" not in operation(app, "/scope")


SCHEMES: list[tuple[Document, Document, Document]] = [
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
def test_there_is_one_scheme(
    pool: FakeUserPool, pool_settings: Document, settings: Document, scheme: Document
) -> None:
    app = build_app(guard_for(pool, user_pool=pool_settings, **settings))
    (found,) = app.openapi()["components"]["securitySchemes"].items()
    found[1].pop("description", None)
    assert found == ("Cognito", scheme)


def test_of_several_pools_people_sign_in_to_the_first_with_a_domain(
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
def test_swagger_is_told_to_send_id_tokens_where_those_are_due(
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
        assert documented["schema"]["required"] == list(answer.json())


def test_the_users_own_responses_are_kept_and_the_route_is_not_touched(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool).install(app)
    own: dict[int | str, Document] = {401: {"description": "Who?"}, 409: {"description": "Taken"}}
    router = APIRouter(responses=own)

    @router.get("/mine")
    async def mine(user: CurrentUser) -> None: ...

    before = deepcopy(own)
    app.include_router(router, prefix="/v1")
    responses = operation(app, "/v1/mine")["responses"]
    assert responses["401"] == {"description": "Who?"}
    assert responses["403"]["description"] == "Forbidden"
    assert own == before


def test_other_schemes_of_a_route_are_asked_for_too(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool).install(app)

    @app.get("/", dependencies=[Security(APIKeyHeader(name="x-key")), Depends(require_scope("a", "b"))])
    async def root() -> None: ...

    assert operation(app, "/")["security"] == [
        {"APIKeyHeader": [], "Cognito": ["a"]},
        {"APIKeyHeader": [], "Cognito": ["b"]},
    ]
    assert app.openapi()["components"]["securitySchemes"].keys() == {"APIKeyHeader", "Cognito"}


def test_with_deny_by_default_all_but_public_paths_ask_for_a_token(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool, deny_by_default=True, public=["/me"]))
    assert operation(app, "/public")["security"] == [{"Cognito": []}]
    assert operation(app, "/me")["security"] == [{"Cognito": []}]
    assert operation(app, "/optional")["security"] == [{"Cognito": []}]
    app = build_app(guard_for(pool, deny_by_default=True, public=["/public", "/optional"]))
    assert "security" not in operation(app, "/public")
    assert operation(app, "/optional")["security"] == [{"Cognito": []}, {}]


def test_routes_for_iam_callers_say_so(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool).install(app)

    @app.get("/iam")
    async def iam(caller: IamCaller) -> None: ...

    assert operation(app, "/iam")["security"] == [{"sigv4": []}]
    assert app.openapi()["components"]["securitySchemes"].keys() == {"sigv4"}

    @app.get("/both", dependencies=[Depends(require_scope("a", "b"))])
    async def both(caller: IamCaller, user: OptionalUser) -> None: ...

    app.openapi_schema = None
    assert operation(app, "/both")["security"] == [
        {"Cognito": ["a"], "sigv4": []},
        {"Cognito": ["b"], "sigv4": []},
    ]


class Item(BaseModel):
    name: str


def everything(ask: Callable[[FastAPI], None]) -> Document:
    """The document of an app with parameters, bodies and responses of every kind."""
    app = FastAPI(title="Shop", dependencies=[])
    router = APIRouter(prefix="/items", tags=["items"])
    ask(app)

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

    demands = [
        Depends(require_scope("a", "b")),
        Depends(require_group("c")),
        Security(current_user, scopes=["d"]),
        Depends(member),
    ]

    def guarded(app: FastAPI) -> None:
        app.router.dependencies += demands
        guard_for(pool, user_pool={"domain": DOMAIN}).install(app)

    document, plain = everything(guarded), everything(lambda app: None)
    assert document != plain
    for methods in document["paths"].values():
        for found in methods.values():
            assert found.pop("security") == [{"Cognito": ["a", "d"]}, {"Cognito": ["b", "d"]}]
            assert found.pop("x-cognito-groups") == ["c"]
            for status in ("401", "403", "503"):
                del found["responses"][status]
    assert document["components"].pop("securitySchemes").keys() == {"Cognito"}
    assert document == plain


def test_an_app_without_guarded_routes_has_no_scheme(pool: FakeUserPool) -> None:
    assert everything(guard_for(pool).install) == everything(lambda app: None)


def recipe(app: FastAPI) -> Callable[[], Document]:
    """As FastAPI's documentation extends a document."""

    def custom() -> Document:
        if not app.openapi_schema:
            app.openapi_schema = get_openapi(title="Mine", version="1", routes=app.routes)
        return app.openapi_schema

    return custom


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_openapi_of_the_users_own_is_completed(pool: FakeUserPool, when: str) -> None:
    app = FastAPI()
    if when == "before":
        app.__dict__["openapi"] = recipe(app)
    guard_for(pool).install(app)
    if when == "after":
        app.__dict__["openapi"] = recipe(app)
    add_routes(app)
    document = client_of(app).get("/openapi.json").json()
    assert document["info"]["title"] == "Mine"
    assert document["paths"]["/me"]["get"]["security"] == [{"Cognito": []}]
    assert app.openapi() is app.openapi_schema


def test_a_document_that_builds_on_the_completed_one_is_not_completed_twice(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))
    completed = app.openapi

    def custom() -> Document:
        return {**completed(), "x-mine": True}

    app.__dict__["openapi"] = custom
    document = client_of(app).get("/openapi.json").json()
    assert document["x-mine"]
    assert document["paths"]["/scope"]["get"]["security"] == SECURITY["/scope"]


def test_the_document_is_made_once_and_again_when_routes_are_added(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))
    first = app.openapi()
    assert app.openapi() is first is app.openapi_schema

    @app.get("/later")
    async def later(user: CurrentUser) -> None: ...

    app.openapi_schema = None
    assert operation(app, "/later")["security"] == [{"Cognito": []}]


def test_a_scheme_of_that_name_of_the_users_own_is_kept(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))
    own = {"type": "openIdConnect", "openIdConnectUrl": "https://example.com"}
    document = get_openapi(title="Mine", version="1", routes=app.routes)
    document["components"] = {"securitySchemes": {"Cognito": own}}
    del document["paths"]["/group"]["get"], document["paths"]["/claim"]  # and what they left out stays out
    app.__dict__["openapi"] = lambda: document
    served = client_of(app).get("/openapi.json").json()
    assert served["components"]["securitySchemes"] == {"Cognito": own}
    assert served["paths"]["/group"] == {}
    assert "/claim" not in served["paths"]


def test_a_mounted_app_with_a_guard_of_its_own_has_its_own_document(
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


def test_websockets_and_any_method_leave_no_trace(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool).install(app)

    @app.api_route("/many", methods=["GET", "POST", "HEAD"])
    async def many(user: Annotated[Principal, Depends(current_user)]) -> None: ...

    with pytest.warns(UserWarning, match="Duplicate Operation ID"):
        paths = app.openapi()["paths"]
    assert {method: "security" in found for method, found in paths["/many"].items()} == dict.fromkeys(
        ("get", "post", "head"), True
    )
