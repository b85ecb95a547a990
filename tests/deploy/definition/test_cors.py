"""CORS of a definition: preflights pass, and browsers can read refusals."""

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from tests.deploy.exports import KINDS, USER, OpenApiDocument, build_app, export_document, list_security

ROUTES = {"GET /me": [USER], "POST /me": [USER], "GET /orders/{id}": [USER]}
RESPONSES = "x-amazon-apigateway-gateway-responses"
HEADER = "gatewayresponse.header."
SHOP = "https://shop.example"
ODD_ORIGINS = [f"{SHOP}/", f"{SHOP}/a", "shop.example", "null", "", f"{SHOP}?a", "https://Shop.example",
               f"{SHOP} https://b.example", "https://it's.example"]  # fmt: skip
"""What browsers never send, or no API takes: the whole import would fail."""


def build_cors_app(routes: Any = ROUTES, **allowed: Any) -> FastAPI:
    app = build_app(routes)
    app.add_middleware(CORSMiddleware, **allowed)
    return app


def test_an_origin_with_a_star_in_it_is_left_to_the_app() -> None:
    """The app takes ``https://*`` literally, a gateway for every website."""
    document = export_document(build_cors_app(allow_origins=["https://*"], allow_credentials=True))
    assert "x-amazon-apigateway-cors" not in document
    assert list_open_options(document)


def list_open_options(document: OpenApiDocument) -> set[str]:
    """Return the paths where ``OPTIONS`` is open."""
    return {
        name[8:]
        for name, entries in list_security(document).items()
        if name.startswith("OPTIONS ") and not entries
    }


def test_without_cors_there_is_only_the_challenge() -> None:
    document = export_document(build_app(ROUTES), "rest")
    assert document[RESPONSES] == {
        "UNAUTHORIZED": {"statusCode": "401", "responseParameters": {f"{HEADER}WWW-Authenticate": "'Bearer'"}}
    }
    assert not list_open_options(document)
    http = export_document(build_app(ROUTES))
    assert http.keys() == {"openapi", "info", "paths", "components"}
    assert not list_open_options(http)


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
        "any origin",
        "one origin",
        "one with credentials",
        "several",
        "one and a regex",
        "a regex",
        "any with credentials",
    ],
)
def test_browsers_can_read_the_refusals_of_a_rest_api(allowed: Any, headers: dict[str, str]) -> None:
    expected = {HEADER + name: value for name, value in headers.items()}
    assert export_document(build_cors_app(**allowed), "rest")[RESPONSES] == {
        "UNAUTHORIZED": {
            "statusCode": "401",
            "responseParameters": {**expected, f"{HEADER}WWW-Authenticate": "'Bearer'"},
        },
        "DEFAULT_4XX": {"responseParameters": expected},
        "DEFAULT_5XX": {"responseParameters": expected},
    }


def test_a_rest_api_opens_options_on_every_path() -> None:
    document = export_document(
        build_cors_app({**ROUTES, "OPTIONS /me": [USER]}, allow_origins=[SHOP]), "rest"
    )
    assert list_open_options(document) == {"/me", "/orders/{id}"}
    assert "x-amazon-apigateway-cors" not in document


@pytest.mark.parametrize(
    ("allowed", "expected"),
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
        (
            {"allow_origins": [SHOP], "allow_credentials": True},
            {
                "allowOrigins": [SHOP],
                "allowMethods": ["GET"],
                "allowHeaders": ["Accept", "Accept-Language", "Content-Language", "Content-Type"],
                "allowCredentials": True,
                "maxAge": 600,
            },
        ),
    ],
    ids=["defaults", "all settings", "credentials"],
)  # fmt: skip
def test_an_http_api_answers_preflights_itself(allowed: Any, expected: OpenApiDocument) -> None:
    document = export_document(build_cors_app(**allowed))
    assert document["x-amazon-apigateway-cors"] == expected
    assert not list_open_options(document)
    assert RESPONSES not in document


def test_any_header_includes_authorization() -> None:
    """For a browser a star does not include it: https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name."""
    document = export_document(build_cors_app(allow_origins=["*"], allow_headers=["*"]))
    assert document["x-amazon-apigateway-cors"]["allowHeaders"] == ["Authorization", "*"]


@pytest.mark.parametrize(
    "allowed",
    [
        {"allow_origin_regex": "https://.*"},
        {"allow_origins": ["*"], "allow_credentials": True},
        {"allow_origins": [SHOP], "allow_credentials": True, "allow_headers": ["*"]},
        *({"allow_origins": [SHOP, origin]} for origin in ODD_ORIGINS),
        {"allow_origins": [SHOP], "allow_headers": ["X-One, X-Two"]},
        {"allow_origins": [SHOP], "expose_headers": ["X One"]},
    ],
    ids=str,
)
def test_preflights_that_an_http_api_cannot_answer_reach_the_app(allowed: Any) -> None:
    document = export_document(build_cors_app({**ROUTES, "OPTIONS /me": [USER]}, **allowed))
    assert "x-amazon-apigateway-cors" not in document
    assert list_open_options(document) == {"/", "/{proxy+}", "/me"}


def test_a_greedy_path_of_the_apps_own_takes_the_list_open_options() -> None:
    document = export_document(
        build_cors_app({"GET /": [USER], "GET /{rest:path}": [USER]}, allow_origin_regex=".*")
    )
    assert list_open_options(document) == {"/", "/{rest+}"}


@pytest.mark.parametrize("kind", KINDS)
def test_without_cors_options_routes_of_the_app_stay_guarded(kind: str) -> None:
    document = export_document(build_app({"OPTIONS /me": [USER]}), kind)
    assert list_security(document) == {"OPTIONS /me": [{"Cognito": []}]}


@pytest.mark.parametrize("origin", [SHOP, "http://127.0.0.1:8000", "https://[::1]", "capacitor://localhost"])
def test_an_origin_of_scheme_and_host_is_answered_by_the_gateway(origin: str) -> None:
    document = export_document(build_cors_app(allow_origins=[origin]))
    assert document["x-amazon-apigateway-cors"]["allowOrigins"] == [origin]


@pytest.mark.parametrize(
    ("given", "expected"),
    [(0, 0), (-1, -1), (-600, -1), (86_400, 86_400), (86_401, 86_400), (10**9, 86_400), (600.5, 600)],
)
def test_max_age_is_within_the_bounds_of_an_http_api(
    given: int, expected: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "fastapi_cognito_guard.export")
    document = export_document(build_cors_app(allow_origins=[SHOP], max_age=given))
    assert document["x-amazon-apigateway-cors"]["maxAge"] == expected
    notes = [record.getMessage() for record in caplog.records if "max_age" in record.getMessage()]
    text = f"max_age={given} of the CORSMiddleware becomes {expected}: an HTTP API takes -1 to 86400 seconds."
    assert notes == ([text] if given != expected else [])


def test_an_origin_cannot_leave_its_quotes_in_the_refusals_of_a_rest_api() -> None:
    document = export_document(build_cors_app(allow_origins=["https://it's.example"]), "rest")
    headers = document[RESPONSES]["UNAUTHORIZED"]["responseParameters"]
    assert headers[f"{HEADER}Access-Control-Allow-Origin"] == "method.request.header.Origin"


def test_methods_that_no_gateway_knows_are_not_exported() -> None:
    """With an unknown method the whole import would fail."""
    document = export_document(build_cors_app(allow_origins=["*"], allow_methods=["PUT", "QUERY", "GET"]))
    assert document["x-amazon-apigateway-cors"]["allowMethods"] == ["GET", "PUT"]
