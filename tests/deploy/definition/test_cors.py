"""Browsers at the gateway: preflights get through, and a refusal can be read."""

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from tests.deploy.exporting import KINDS, USER, Document, app_with, exported, security

ROUTES = {"GET /me": [USER], "POST /me": [USER], "GET /orders/{id}": [USER]}
RESPONSES = "x-amazon-apigateway-gateway-responses"
HEADER = "gatewayresponse.header."
SHOP = "https://shop.example"


def cors_app(routes: Any = ROUTES, **allowed: Any) -> FastAPI:
    app = app_with(routes)
    app.add_middleware(CORSMiddleware, **allowed)
    return app


def test_a_star_within_an_origin_stays_with_the_app_which_takes_it_for_itself() -> None:
    """A gateway takes ``https://*`` for every website."""
    document = exported(cors_app(allow_origins=["https://*"], allow_credentials=True))
    assert "x-amazon-apigateway-cors" not in document
    assert preflights(document)


def preflights(document: Document) -> set[str]:
    """Where ``OPTIONS`` is open."""
    return {at[8:] for at, entries in security(document).items() if at.startswith("OPTIONS ") and not entries}


def test_without_cors_nothing_is_said_but_the_challenge() -> None:
    document = exported(app_with(ROUTES), "rest")
    assert document[RESPONSES] == {
        "UNAUTHORIZED": {"statusCode": "401", "responseParameters": {f"{HEADER}WWW-Authenticate": "'Bearer'"}}
    }
    assert not preflights(document)
    http = exported(app_with(ROUTES))
    assert http.keys() == {"openapi", "info", "paths", "components"}
    assert not preflights(http)


@pytest.mark.parametrize(
    ("allowed", "headers"),
    [
        ({"allow_origins": ["*"]}, {"Access-Control-Allow-Origin": "'*'"}),
        ({"allow_origins": [SHOP]}, {"Access-Control-Allow-Origin": f"'{SHOP}'", "Vary": "'Origin'"}),
        (
            {"allow_origins": [SHOP], "allow_credentials": True},
            {
                "Access-Control-Allow-Origin": f"'{SHOP}'",
                "Vary": "'Origin'",
                "Access-Control-Allow-Credentials": "'true'",
            },
        ),
        *(
            (allowed, {"Access-Control-Allow-Origin": "method.request.header.Origin", "Vary": "'Origin'"})
            for allowed in (
                {"allow_origins": [SHOP, "https://other.example"]},
                {"allow_origins": [SHOP], "allow_origin_regex": ".*"},
                {"allow_origin_regex": ".*"},
            )
        ),
        (
            {"allow_origins": ["*"], "allow_credentials": True},
            {
                "Access-Control-Allow-Origin": "method.request.header.Origin",
                "Vary": "'Origin'",
                "Access-Control-Allow-Credentials": "'true'",
            },
        ),
    ],
    ids=[
        "all",
        "one",
        "one with credentials",
        "several",
        "one and more",
        "an expression",
        "all with credentials",
    ],
)
def test_a_rest_apis_refusals_can_be_read_by_browsers(allowed: Any, headers: dict[str, str]) -> None:
    due = {HEADER + name: value for name, value in headers.items()}
    assert exported(cors_app(**allowed), "rest")[RESPONSES] == {
        "UNAUTHORIZED": {
            "statusCode": "401",
            "responseParameters": {**due, f"{HEADER}WWW-Authenticate": "'Bearer'"},
        },
        "DEFAULT_4XX": {"responseParameters": due},
        "DEFAULT_5XX": {"responseParameters": due},
    }


def test_in_a_rest_api_preflights_are_open_on_every_path() -> None:
    document = exported(cors_app({**ROUTES, "OPTIONS /me": [USER]}, allow_origins=[SHOP]), "rest")
    assert preflights(document) == {"/me", "/orders/{id}"}
    assert "x-amazon-apigateway-cors" not in document


@pytest.mark.parametrize(
    ("allowed", "due"),
    [
        (
            {"allow_origins": [SHOP]},
            {
                "allowOrigins": [SHOP],
                "allowMethods": ["GET"],
                "allowHeaders": ["Accept", "Accept-Language", "Content-Language", "Content-Type"],
                "allowCredentials": False,
                "maxAge": 600,
            },
        ),
        (
            {
                "allow_origins": ["*"],
                "allow_methods": ["*"],
                "allow_headers": ["Authorization"],
                "expose_headers": ["X-Total"],
                "max_age": 5,
            },
            {
                "allowOrigins": ["*"],
                "allowMethods": ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
                "allowHeaders": [
                    "Accept", "Accept-Language", "Authorization", "Content-Language", "Content-Type"
                ],
                "allowCredentials": False,
                "exposeHeaders": ["X-Total"],
                "maxAge": 5,
            },
        ),
    ],
    ids=["the least", "all of it"],
)  # fmt: skip
def test_an_http_api_answers_preflights_by_itself(allowed: Any, due: Document) -> None:
    document = exported(cors_app(**allowed))
    assert document["x-amazon-apigateway-cors"] == due
    assert not preflights(document)
    assert RESPONSES not in document


def test_any_header_means_authorization_too() -> None:
    """To a browser a star does not: https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name."""
    document = exported(cors_app(allow_origins=["*"], allow_headers=["*"]))
    assert document["x-amazon-apigateway-cors"]["allowHeaders"] == ["Authorization", "*"]


@pytest.mark.parametrize(
    "allowed",
    [
        {"allow_origin_regex": "https://.*"},
        {"allow_origins": ["*"], "allow_credentials": True},
        {"allow_origins": [SHOP], "allow_credentials": True, "allow_headers": ["*"]},
    ],
    ids=["an expression", "any website with credentials", "any header with credentials"],
)
def test_what_an_http_api_cannot_say_the_app_answers(allowed: Any) -> None:
    document = exported(cors_app({**ROUTES, "OPTIONS /me": [USER]}, **allowed))
    assert "x-amazon-apigateway-cors" not in document
    assert preflights(document) == {"/", "/{proxy+}", "/me"}


def test_a_greedy_path_of_the_apps_own_takes_the_preflights() -> None:
    document = exported(cors_app({"GET /{rest:path}": [USER]}, allow_origin_regex=".*"))
    assert preflights(document) == {"/", "/{rest+}"}


@pytest.mark.parametrize("kind", KINDS)
def test_without_cors_an_apps_own_options_are_guarded(kind: str) -> None:
    document = exported(app_with({"OPTIONS /me": [USER]}), kind)
    assert security(document) == {"OPTIONS /me": [{"Cognito": []}]}


def test_methods_that_a_gateway_does_not_know_are_not_allowed_there() -> None:
    """Starlette means by its star also methods that no gateway has, and all of the import would fail."""
    document = exported(cors_app(allow_origins=["*"], allow_methods=["PUT", "QUERY", "GET"]))
    assert document["x-amazon-apigateway-cors"]["allowMethods"] == ["GET", "PUT"]
