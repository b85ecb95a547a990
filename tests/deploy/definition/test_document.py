"""Documents of `export`: valid OpenAPI, with the access rule and the function of each operation."""

from copy import deepcopy
from typing import Any

import pytest
from fastapi import FastAPI
from openapi_spec_validator import OpenAPIV30SpecValidator, validate

from example_app.api import create_app
from fastapi_cognito_guard import CognitoGuard, UserPool
from tests.deploy.exports import (
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
    RICH_OPTIONS,
    USER,
    WRITE,
    OpenApiDocument,
    build_app,
    build_invocation_uri,
    build_rich_app,
    export_document,
    list_security,
)


def to_plain_openapi(document: OpenApiDocument) -> OpenApiDocument:
    """Rewrite ``{rest+}``, which is API Gateway's own: in OpenAPI the ``+`` is part of the name."""
    document = deepcopy(document)
    document["paths"] = {path.replace("+}", "}"): item for path, item in document["paths"].items()}
    return document


def list_paths(app: FastAPI, kind: str = "http", **options: Any) -> list[str]:
    return sorted(export_document(app, kind, **options)["paths"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "more", [{}, {"authorizer_arn": AUTHORIZER, "authorizer_for": "all"}], ids=["", "lambda"]
)
@pytest.mark.parametrize("app", [create_app(CognitoGuard(POOL)), build_rich_app()], ids=["example", "rich"])
def test_the_document_is_valid_openapi(app: FastAPI, kind: str, more: dict[str, Any]) -> None:
    document = export_document(app, kind, **RICH_OPTIONS, **more)
    assert document["openapi"] == "3.0.1"
    validate(to_plain_openapi(document), cls=OpenAPIV30SpecValidator)


@pytest.mark.parametrize("kind", KINDS)
def test_every_operation_has_its_security_and_invokes_the_function(kind: str) -> None:
    document = export_document(build_rich_app(), kind, **RICH_OPTIONS)
    assert "security" not in document
    expected = {"type": "aws_proxy", "httpMethod": "POST", "uri": build_invocation_uri(FUNCTION)}
    if kind == "http":
        expected["payloadFormatVersion"] = "2.0"
    for item in document["paths"].values():
        for operation in item.values():
            assert isinstance(operation["security"], list)
            assert operation["x-amazon-apigateway-integration"] == expected


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_requirement_has_its_security(kind: str) -> None:
    app = build_app(
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
    assert list_security(export_document(app, kind)) == {
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
def test_catch_all_scopes_apply_to_routes_without_scopes(kind: str) -> None:
    app = build_app({"GET /open": [], "GET /user": [USER], "GET /scope": [READ], "GET /iam": [IAM]})
    for scopes in (["b", "a"], ("b", "a")):
        assert list_security(export_document(app, kind, catch_all=scopes)) == {
            "GET /open": [],
            "GET /user": [{"Cognito": ["b", "a"]}],
            "GET /scope": [{"Cognito": ["o/r"]}],
            "GET /iam": [{"sigv4": []}],
        }


def test_a_set_gives_the_same_document_each_time() -> None:
    names = {f"scope-{number}" for number in range(9)}
    app = build_app({"GET /": [USER]}, pools=[UserPool(POOL.id, client_ids=names)])
    document = export_document(app, catch_all=names, audience=names)
    assert list_security(document)["GET /"] == [{"Cognito": sorted(names)}]
    authorizer = document["components"]["securitySchemes"]["Cognito"]["x-amazon-apigateway-authorizer"]
    assert authorizer["jwtConfiguration"]["audience"] == sorted(names)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("authorizer_for", "expected"),
    [
        ("beyond", {"user": "Cognito", "scope": "Cognito", "group": "CognitoLambda", "all": "CognitoLambda"}),
        ("all", dict.fromkeys(["user", "scope", "group", "all"], "CognitoLambda")),
    ],
    ids=["beyond", "all"],
)
def test_a_lambda_authorizer_gets_its_operations(
    authorizer_for: str, expected: dict[str, str], kind: str
) -> None:
    routes = {
        "user": [USER],
        "scope": [READ],
        "group": [ADMINS],
        "all": [READ, WRITE],
        "open": [],
        "iam": [IAM],
    }
    app = build_app({f"GET /{name}": dependencies for name, dependencies in routes.items()})
    document = export_document(app, kind, authorizer_arn=AUTHORIZER, authorizer_for=authorizer_for)
    found = {path[5:]: [*entry] for path, entries in list_security(document).items() for entry in entries}
    assert found == {**{name: [scheme] for name, scheme in expected.items()}, "iam": ["sigv4"]}
    assert document["components"]["securitySchemes"].keys() == {*expected.values(), "sigv4"}


def test_a_gateway_checks_one_list_of_scopes_if_the_rest_is_left_to_the_app() -> None:
    app = build_app({"GET /both": [WRITE, READ], "GET /groups": [ADMINS, GOLD]})
    assert list_security(export_document(app, beyond="app")) == {
        "GET /both": [{"Cognito": ["o/r"]}],
        "GET /groups": [{"Cognito": []}],
    }


@pytest.mark.parametrize("kind", KINDS)
def test_paths_and_variables_are_in_the_gateways_form(kind: str) -> None:
    app = build_rich_app()
    document = export_document(app, kind, **RICH_OPTIONS)
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


@pytest.mark.parametrize("name", ["x", "index", "id_2"])
def test_a_parameter_has_the_name_of_its_variable(name: str) -> None:
    path = f"/a/{{{name}}}"
    operation = export_document(build_app({f"GET {path}": [USER]}))["paths"][path]["get"]
    assert [parameter["name"] for parameter in operation["parameters"]] == [name]


def test_an_operation_without_variables_has_no_parameters() -> None:
    assert "parameters" not in export_document(build_app({"GET /me": [USER]}))["paths"]["/me"]["get"]


def test_a_variable_has_one_name_in_all_paths_through_it() -> None:
    app = build_app({"GET /{a}/x": [], "POST /{b}/x": [], "GET /{b}/{a}": [], "GET /{c}/{d}/{e:path}": []})
    assert list_paths(app, "rest") == ["/{a}/x", "/{a}/{a_2}", "/{a}/{a_2}/{e+}"]


def test_a_greedy_route_at_the_root_has_two_paths() -> None:
    app = build_app({"GET /{rest:path}": [USER]})
    assert list_paths(app) == ["/", "/{rest+}"]
    assert list_paths(app, leave_out=["/"]) == ["/{rest+}"]


def test_a_rest_api_drops_a_trailing_slash() -> None:
    app = build_app({"GET /a/": [USER]})
    assert (list_paths(app, "rest"), list_paths(app, "http")) == (["/a"], ["/a/"])


def test_an_opaque_mount_takes_every_method() -> None:
    async def hidden(scope: Any, receive: Any, send: Any) -> None: ...

    app = build_app({})
    app.mount("/hidden", hidden)
    assert export_document(app)["paths"]["/hidden/{rest+}"].keys() == {
        "get", "head", "post", "put", "patch", "delete", "options"
    }  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_route_hidden_by_another_is_ignored(kind: str) -> None:
    """A gateway prefers ``/a``; the app takes its first matching route."""
    document = export_document(build_app({"GET /{x}": [READ], "GET /a": []}), kind)
    assert list_security(document) == {
        "GET /{x}": [{"Cognito": ["o/r"]}],
        "GET /a": [{"Cognito": ["o/r"]}],
    }


@pytest.mark.parametrize("kind", KINDS)
def test_paths_that_are_left_out_are_not_in_the_document(kind: str) -> None:
    app = build_app(
        {"GET /é": [], "GET /docs/{page:int}": [], "GET /docs": [], "GET /me": [USER]},
        deny_by_default=True,
        public=["/é", "/docs/*"],
    )
    assert list_paths(app, kind, leave_out=["/é", "/docs/*"]) == ["/docs", "/me"]


def test_a_public_path_within_a_guarded_route_has_a_path_of_its_own() -> None:
    app = build_app({"GET /{path:path}": []}, deny_by_default=True, public=["/health", "/docs/*"])
    found = list_security(export_document(app))
    assert {path for path, entries in found.items() if entries} == {"GET /", "GET /{path+}"}
    assert {path for path, entries in found.items() if not entries} == {"GET /docs/{path+}", "GET /health"}
    found.pop("GET /docs/{path+}")
    assert list_security(export_document(app, leave_out=["/docs/*"])) == found


def test_an_app_without_routes_has_an_empty_document() -> None:
    document = export_document(build_app({}))
    assert (document["info"], document["paths"]) == ({"title": "Shop", "version": "0.1.0"}, {})
    assert document["components"] == {"securitySchemes": {}}


def test_a_rest_api_may_trust_several_pools() -> None:
    arns = [POOL_ARN, POOL_ARN.replace(POOL.id, OTHER_POOL.id), "${OtherPool.Arn}"]
    document = export_document(
        build_app({"GET /": [USER]}, pools=[POOL, OTHER_POOL]), "rest", user_pool_arn=arns
    )
    authorizer = document["components"]["securitySchemes"]["Cognito"]["x-amazon-apigateway-authorizer"]
    assert authorizer == {
        "type": "cognito_user_pools",
        "providerARNs": [*arns[:2], {"Fn::Sub": "${OtherPool.Arn}"}],
    }
