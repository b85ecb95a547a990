"""The same deployed gateway means something else to another guard: its door, dialect, pools and clients."""

from typing import Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from starlette.middleware.cors import CORSMiddleware

from fastapi_cognito_guard import (
    CognitoGuard,
    UserPool,
    require_group,
    require_scope,
)
from tests.deploy.drift.definitions import Document
from tests.deploy.drift.documents import FORMATS
from tests.deploy.drift.shop import (
    add,
    build_shop,
    export_shop,
    find_in,
    list_short,
    open_all,
    set_security,
)
from tests.deploy.exports import (
    IAM,
    OTHER_POOL,
    POOL,
    READ,
    USER,
    WRITE,
    add_route,
    build_app,
    export_document,
)

ME = {"GET /me": [USER], "GET /orders": [READ]}
RESOURCE = "https://api.example.com"


def build_proxy(kind: str, *names: str) -> Document:
    """Return the definition of a gateway with one route for everything."""
    document = export_document(build_app(ME), kind, catch_all=["openid"])
    add("ANY /{proxy+}", *names)(document)
    for path in ("/me", "/orders"):
        document["paths"].pop(path)
    document["components"]["securitySchemes"] = {}
    return document


@pytest.mark.parametrize(("kind", "name"), FORMATS)
def test_the_only_guarded_route_is_missed_while_its_authorizer_is_still_defined(kind: str, name: str) -> None:
    app = build_app({"GET /me": [USER], "GET /health": []})
    document = export_document(app, kind, catch_all=["openid"])
    set_security("GET /me")(document)
    assert list_short(find_in(document, name, app=app)) == {"danger open-route GET /me"}


@pytest.mark.parametrize("kind", ["rest", "http"])
@pytest.mark.parametrize("gateway", ["trust", "ignore", "verify"])
def test_a_gateway_without_authorizers_leaves_all_to_an_app_that_verifies_tokens(
    kind: str, gateway: Any
) -> None:
    app = build_app(ME, gateway=gateway)
    found = find_in(build_proxy(kind), app=app)
    assert list_short(found) == {"note left-to-app ANY /{proxy+}"}
    assert TestClient(app).get("/me").status_code == 401


@pytest.mark.parametrize("kind", ["rest", "http"])
def test_it_leaves_nothing_to_an_app_that_takes_only_claims_of_a_gateway(kind: str) -> None:
    found = find_in(build_proxy(kind), app=build_app(ME, gateway="require"), left_to_app=["/*"])
    assert list_short(found) == {"danger open-route GET /me", "danger open-route GET /orders"}


def test_nor_the_callers_whom_only_iam_can_check() -> None:
    document = export_document(build_app({"GET /reports": [IAM]}), "http")
    open_all(document)
    found = find_in(document, app=build_app({"GET /reports": [IAM]}), left_to_app=["/*"])
    assert list_short(found) == {"danger open-route GET /reports"}
    assert "it refuses everybody" in found[0].text


def test_what_is_meant_to_be_left_to_the_app_is_named_and_the_rest_is_found() -> None:
    document = export_shop("http")
    set_security("GET /me")(document)
    set_security("POST /orders")(document)
    found = find_in(document, left_to_app=["/me"])
    assert list_short(found) == {"danger open-route POST /orders", "note left-to-app GET /me"}


def test_what_is_left_out_is_not_compared() -> None:
    document = export_shop("http")
    set_security("GET /me")(document)
    document["paths"].pop("/maybe")
    add("GET /else/x")(document)
    assert find_in(document, leave_out=["/me", "/maybe", "/else/*"]) == []


def test_scopes_for_all_routes_that_are_not_named_are_narrower() -> None:
    found = find_in(export_shop("http"), catch_all=[])
    assert list_short(found) == {"warning narrower-scopes GET /me"}
    assert "--catch-all" in found[0].text


def test_a_guard_that_denies_by_default_closes_what_the_gateway_opens() -> None:
    app = build_shop(deny_by_default=True, public=["/maybe"])
    found = find_in(export_shop("http"), app=app)
    assert list_short(found) == {"danger open-route GET /health"}


@pytest.mark.parametrize(
    ("semantics", "uses", "scopes", "fits"),
    [
        ("strict", {"access"}, [], False),
        ("strict", {"id"}, [], True),
        ("strict", {"id"}, ["openid"], False),
        ("strict", {"id", "access"}, [], True),
        ("rest", {"access"}, [], True),
        ("rest", {"access"}, ["openid"], False),
        ("http", {"access"}, [], True),
        ("http", {"access"}, ["openid"], True),
    ],
)
def test_a_rest_api_takes_one_type_of_token_on_each_route(
    semantics: Any, uses: Any, scopes: list[str], fits: bool
) -> None:
    app = build_app({"GET /me": [USER]}, pools=[UserPool(POOL.id, client_ids="a", token_use=uses)],
                    semantics=semantics)  # fmt: skip
    document = export_document(app, "rest", catch_all=scopes)
    assert list_short(find_in(document, app=app, catch_all=scopes)) == (
        set() if fits else {"warning token-type GET /me"}
    )


def test_alternatives_of_scopes_and_groups_need_no_scope_at_the_gateway() -> None:
    app = build_app({"GET /either": [Depends(require_scope("o/r") | require_group("a"))]})
    assert find_in(export_document(app), app=app, catch_all=[]) == []


def test_of_several_lists_of_scopes_a_gateway_may_check_any() -> None:
    app = build_app({"GET /both": [READ, WRITE]})
    document = export_document(app, beyond="app")
    for scopes, found in (
        (["o/r"], set()),
        (["o/w"], set()),
        (["o/r", "o/w"], {"danger wider-scopes GET /both"}),
    ):
        set_security("GET /both", "Cognito", scopes=scopes)(document)
        assert list_short(find_in(document, app=app, catch_all=[])) == found


def test_a_guard_of_several_pools_and_an_authorizer_of_one() -> None:
    app = build_app(ME, pools=[POOL, OTHER_POOL])
    document = export_document(app, "rest", catch_all=["openid"])
    assert list_short(find_in(document, app=app)) == {"warning missing-pool authorizer Cognito"}


def build_tenants() -> FastAPI:
    async def find_pool(issuer: str) -> UserPool | None:
        return None

    app = FastAPI(openapi_url=None)
    CognitoGuard(pools=find_pool).install(app)
    for route, dependencies in ME.items():
        add_route(app, route, *dependencies)
    return app


def test_what_a_directory_would_trust_is_undecided() -> None:
    document = export_document(build_app(ME), "rest", catch_all=["openid"])
    app = build_tenants()
    assert list_short(find_in(document, app=app)) == {"undecided unknown authorizer Cognito"}
    document = export_document(build_app(ME), "http", catch_all=["openid"])
    assert list_short(find_in(document, app=app)) == {"undecided unknown authorizer Cognito"}


def test_a_regular_expression_for_origins_leaves_preflights_to_the_app() -> None:
    app = build_shop(cors=False)
    app.add_middleware(CORSMiddleware, allow_origin_regex=r"https://.*\.shop\.example")
    document = export_shop("http", app)
    assert find_in(document, app=app) == []
    document["paths"]["/{proxy+}"].pop("options")
    assert {each.code for each in find_in(document, app=app)} == {"preflight"}
    with_cors = export_shop("http")
    assert "warning cors CORS" in list_short(find_in(with_cors, app=app))


def test_the_text_names_the_route_of_the_gateway_that_takes_the_request() -> None:
    document = build_proxy("http")
    found = find_in(document, app=build_app(ME, gateway="require"))
    assert all(each.text.startswith("ANY /{proxy+} takes it. ") for each in found)


@pytest.mark.parametrize("kind", ["rest", "http"])
def test_a_route_that_takes_only_some_requests_of_a_route_of_the_app_is_compared_for_these(kind: str) -> None:
    app = build_app({"GET /a/{x}": [USER]})
    document = export_document(app, kind, catch_all=["openid"])
    add("GET /{y}/b", like="GET /a/{x}")(document)
    add("ANY /{proxy+}", "Cognito", scopes=["openid"], like="GET /a/{x}")(document)
    document["paths"].pop("/a/{x}")
    found = find_in(document, app=app)
    assert list_short(found) == {"danger open-route GET /a/b"}
    assert found[0].text.startswith("GET /{y}/b takes it. ")
