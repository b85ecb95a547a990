"""What `export` writes: a valid document, whose operations all say who may call them."""

from copy import deepcopy
from typing import Any

import pytest
from fastapi import FastAPI
from openapi_spec_validator import OpenAPIV30SpecValidator, validate

from example_app.api import create_app
from fastapi_cognito_guard import CognitoGuard
from tests.deploy.exporting import (
    ADMINS,
    AUTHORIZER,
    FUNCTION,
    GOLD,
    IAM,
    KINDS,
    OPTIONAL,
    OTHER_POOL,
    POOL,
    POOL_ARN,
    READ,
    RICH,
    USER,
    WRITE,
    Document,
    app_with,
    exported,
    invoked,
    rich_app,
    security,
)


def in_plain_openapi(document: Document) -> Document:
    """``{rest+}`` is API Gateway's own; in OpenAPI's words the variable would be called ``rest+``."""
    document = deepcopy(document)
    document["paths"] = {path.replace("+}", "}"): item for path, item in document["paths"].items()}
    return document


def paths(app: FastAPI, kind: str = "http", **given: Any) -> list[str]:
    return sorted(exported(app, kind, **given)["paths"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "more", [{}, {"authorizer_arn": AUTHORIZER, "authorizer_for": "all"}], ids=["", "lambda"]
)
@pytest.mark.parametrize("app", [create_app(CognitoGuard(POOL)), rich_app()], ids=["example", "rich"])
def test_the_document_is_valid_openapi(app: FastAPI, kind: str, more: dict[str, Any]) -> None:
    document = exported(app, kind, **RICH, **more)
    assert document["openapi"] == "3.0.1"
    validate(in_plain_openapi(document), cls=OpenAPIV30SpecValidator)


@pytest.mark.parametrize("kind", KINDS)
def test_every_operation_says_who_may_call_it_and_calls_the_function(kind: str) -> None:
    document = exported(rich_app(), kind, **RICH)
    assert "security" not in document
    due = {"type": "aws_proxy", "httpMethod": "POST", "uri": invoked(FUNCTION)}
    if kind == "http":
        due["payloadFormatVersion"] = "2.0"
    for item in document["paths"].values():
        for operation in item.values():
            assert isinstance(operation["security"], list)
            assert operation["x-amazon-apigateway-integration"] == due


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_demand_has_its_security(kind: str) -> None:
    app = app_with(
        {
            "GET /open": [],
            "GET /maybe": [OPTIONAL],
            "GET /user": [USER],
            "GET /scope": [READ],
            "GET /group": [ADMINS],
            "GET /claim": [GOLD],
            "GET /both": [WRITE, ADMINS],
            "GET /iam": [IAM],
        }
    )
    assert security(exported(app, kind)) == {
        "GET /open": [],
        "GET /maybe": [],
        "GET /user": [{"Cognito": []}],
        "GET /scope": [{"Cognito": ["o/r"]}],
        "GET /group": [{"Cognito": []}],
        "GET /claim": [{"Cognito": []}],
        "GET /both": [{"Cognito": ["o/w"]}],
        "GET /iam": [{"sigv4": []}],
    }


@pytest.mark.parametrize("kind", KINDS)
def test_scopes_for_all_are_for_routes_that_ask_for_none(kind: str) -> None:
    app = app_with({"GET /open": [], "GET /user": [USER], "GET /scope": [READ], "GET /iam": [IAM]})
    for given in (["b", "a"], ("b", "a")):
        assert security(exported(app, kind, catch_all=given)) == {
            "GET /open": [],
            "GET /user": [{"Cognito": ["b", "a"]}],
            "GET /scope": [{"Cognito": ["o/r"]}],
            "GET /iam": [{"sigv4": []}],
        }


def test_a_set_gives_the_same_document_each_time() -> None:
    names = {f"scope-{number}" for number in range(9)}
    document = exported(app_with({"GET /": [USER]}), catch_all=names, audience=names)
    assert security(document)["GET /"] == [{"Cognito": sorted(names)}]
    authorizer = document["components"]["securitySchemes"]["Cognito"]["x-amazon-apigateway-authorizer"]
    assert authorizer["jwtConfiguration"]["audience"] == sorted(names)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("authorizer_for", "due"),
    [
        ("beyond", {"user": "Cognito", "scope": "Cognito", "group": "CognitoLambda", "all": "CognitoLambda"}),
        ("all", dict.fromkeys(["user", "scope", "group", "all"], "CognitoLambda")),
    ],
    ids=["what is beyond", "all"],
)
def test_a_lambda_authorizer_decides(authorizer_for: str, due: dict[str, str], kind: str) -> None:
    routes = {
        "user": [USER],
        "scope": [READ],
        "group": [ADMINS],
        "all": [READ, WRITE],
        "open": [],
        "iam": [IAM],
    }
    app = app_with({f"GET /{name}": demand for name, demand in routes.items()})
    document = exported(app, kind, authorizer_arn=AUTHORIZER, authorizer_for=authorizer_for)
    found = {path[5:]: [*entry] for path, entries in security(document).items() for entry in entries}
    assert found == {**{name: [scheme] for name, scheme in due.items()}, "iam": ["sigv4"]}
    assert document["components"]["securitySchemes"].keys() == {*due.values(), "sigv4"}


def test_left_to_the_app_a_gateway_asks_for_one_list_of_scopes() -> None:
    app = app_with({"GET /both": [WRITE, READ], "GET /groups": [ADMINS, GOLD]})
    assert security(exported(app, beyond="app")) == {
        "GET /both": [{"Cognito": ["o/r"]}],
        "GET /groups": [{"Cognito": []}],
    }


@pytest.mark.parametrize("kind", KINDS)
def test_paths_and_their_variables_are_a_gateways(kind: str) -> None:
    app = rich_app()
    document = exported(app, kind, **RICH)
    assert document["paths"].keys() - {"/{proxy+}"} == {
        "/",
        "/maybe",
        "/me",
        "/reports",
        "/orders/{id}",
        "/orders/{id}/lines/{id_2}",
        "/invoices/{id}",
        "/files/{path+}",
        "/inner/jobs/{job}",
        "/static/{rest+}",
        "/v2/things/{id}",
    }
    lines = document["paths"]["/orders/{id}/lines/{id_2}"]["get"]
    assert [parameter["name"] for parameter in lines["parameters"]] == ["id", "id_2"]
    (greedy,) = document["paths"]["/files/{path+}"]["get"]["parameters"]
    assert greedy == {"name": "path", "in": "path", "required": True, "schema": {"type": "string"}}
    assert document["paths"]["/orders/{id}"].keys() >= {"get", "put", "delete"}
    assert document["paths"]["/static/{rest+}"].keys() - {"options"} == {"get", "head"}


def test_a_variable_has_one_name_in_all_paths_through_it() -> None:
    app = app_with({"GET /{a}/x": [], "POST /{b}/x": [], "GET /{b}/{a}": [], "GET /{c}/{d}/{e:path}": []})
    assert paths(app, "rest") == ["/{a}/x", "/{a}/{a_2}", "/{a}/{a_2}/{e+}"]


def test_the_root_is_apart_from_the_rest() -> None:
    app = app_with({"GET /{rest:path}": [USER]})
    assert paths(app) == ["/", "/{rest+}"]
    assert paths(app, leave_out=["/"]) == ["/{rest+}"]


def test_a_rest_api_sees_no_slash_at_the_end() -> None:
    app = app_with({"GET /a/": [USER]})
    assert (paths(app, "rest"), paths(app, "http")) == (["/a"], ["/a/"])


def test_a_mount_that_shows_nothing_takes_every_method() -> None:
    async def hidden(scope: Any, receive: Any, send: Any) -> None: ...

    app = app_with({})
    app.mount("/hidden", hidden)
    assert exported(app)["paths"]["/hidden/{rest+}"].keys() == {
        "get", "head", "post", "put", "patch", "delete", "options"
    }  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_route_that_another_hides_counts_for_nothing(kind: str) -> None:
    """A gateway prefers ``/a``; an app takes what comes first."""
    document = exported(app_with({"GET /{x}": [READ], "GET /a": []}), kind)
    assert security(document) == {
        "GET /{x}": [{"Cognito": ["o/r"]}],
        "GET /a": [{"Cognito": ["o/r"]}],
    }


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_left_out_is_not_known_to_the_gateway(kind: str) -> None:
    app = app_with(
        {"GET /é": [], "GET /docs/{page:int}": [], "GET /docs": [], "GET /me": [USER]},
        deny_by_default=True,
        public=["/é", "/docs/*"],
    )
    assert paths(app, kind, leave_out=["/é", "/docs/*"]) == ["/docs", "/me"]


def test_what_is_public_among_the_guarded_has_a_path_of_its_own() -> None:
    app = app_with({"GET /{path:path}": []}, deny_by_default=True, public=["/health", "/docs/*"])
    found = security(exported(app))
    assert {path for path, entries in found.items() if entries} == {"GET /", "GET /{path+}"}
    assert {path for path, entries in found.items() if not entries} == {"GET /docs/{path+}", "GET /health"}
    found.pop("GET /docs/{path+}")
    assert security(exported(app, leave_out=["/docs/*"])) == found


def test_an_app_without_routes_has_an_empty_document() -> None:
    document = exported(app_with({}))
    assert (document["info"], document["paths"]) == ({"title": "Shop", "version": "0.1.0"}, {})
    assert document["components"] == {"securitySchemes": {}}


def test_a_rest_api_may_trust_several_pools() -> None:
    arns = [POOL_ARN, POOL_ARN.replace(POOL.id, OTHER_POOL.id), "${OtherPool.Arn}"]
    document = exported(app_with({"GET /": [USER]}, pools=[POOL, OTHER_POOL]), "rest", user_pool_arn=arns)
    authorizer = document["components"]["securitySchemes"]["Cognito"]["x-amazon-apigateway-authorizer"]
    assert authorizer == {
        "type": "cognito_user_pools",
        "providerARNs": [*arns[:2], {"Fn::Sub": "${OtherPool.Arn}"}],
    }
