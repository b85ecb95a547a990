"""JWT authorizer of a REST API: issuers, audiences and additional claims."""

import logging
from typing import Any

import pytest

from fastapi_cognito_guard import ANY_BOUND_CLIENT, ANY_CLIENT, UserPool
from fastapi_cognito_guard.guard import installed_guard
from tests.deploy.exports import (
    ADMINS,
    AUTHORIZER,
    OTHER_POOL,
    POOL,
    READ,
    USER,
    build_app,
    expect_error,
    export_document,
    list_security,
)

ME = {"GET /me": [USER], "GET /orders": [READ]}
RESOURCE = "https://api.example.com"
BOUND = UserPool(POOL.id, client_ids={"4b1example"}, resource=RESOURCE)
ISSUER = BOUND.issuers[0]


def export_jwt(pools: Any = (BOUND,), *, semantics: Any = "strict", **options: Any) -> dict[str, Any]:
    """Return the scheme of the authorizer."""
    app = build_app(ME, pools=pools, semantics=semantics)
    document = export_document(app, "rest", **{"user_pool_arn": None, "rest_authorizer": "jwt", **options})
    scheme: dict[str, Any] = document["components"]["securitySchemes"]["Cognito"]
    return scheme


def list_issuers(*args: Any, **options: Any) -> list[dict[str, Any]]:
    configuration = export_jwt(*args, **options)["x-amazon-apigateway-authorizer"]["jwtConfiguration"]
    issuers: list[dict[str, Any]] = configuration["issuers"]
    return issuers


def make_claim(name: str, value: str) -> dict[str, Any]:
    return {"claimName": name, "format": "SINGLE_STRING", "required": True, "expectedValues": [value]}


def make_pool(**settings: Any) -> UserPool:
    return UserPool(POOL.id, **{"client_ids": {"4b1example"}, **settings})


def test_the_authorizer_has_the_fields_of_the_service_model() -> None:
    assert export_jwt() == {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "jwt",
        "x-amazon-apigateway-authorizer": {
            "type": "jwt",
            "identitySource": "method.request.header.Authorization",
            "jwtConfiguration": {
                "issuers": [
                    {
                        "issuer": ISSUER,
                        "audiences": [RESOURCE],
                        "additionalClaims": [
                            make_claim("token_use", "access"), make_claim("client_id", "4b1example")
                        ],
                    }
                ],
                "defaultAlgorithms": ["RS256"],
            },
        },
    }  # fmt: skip


def test_access_tokens_need_no_catch_all() -> None:
    app = build_app({**ME, "GET /group": [ADMINS]}, pools=[BOUND])
    document = export_document(app, "rest", user_pool_arn=None, rest_authorizer="jwt")
    security = {name: found for name, found in list_security(document).items() if ".well-known" not in name}
    assert security == {
        "GET /me": [{"Cognito": []}],
        "GET /orders": [{"Cognito": ["o/r"]}],
        "GET /group": [{"Cognito": []}],
    }
    both = export_document(app, "rest", user_pool_arn=None, rest_authorizer="jwt", authorizer_arn=AUTHORIZER)
    assert list_security(both)["GET /group"] == [{"CognitoLambda": []}]


def test_the_header_is_the_guards() -> None:
    app = build_app(ME, pools=[BOUND], identity_source="X-Token")
    document = export_document(app, "rest", rest_authorizer="jwt")
    scheme = document["components"]["securitySchemes"]["Cognito"]
    assert scheme["x-amazon-apigateway-authorizer"]["identitySource"] == "method.request.header.X-Token"


ACCESS, ID = make_claim("token_use", "access"), make_claim("token_use", "id")
CLIENT = make_claim("client_id", "4b1example")


@pytest.mark.parametrize(
    ("pool", "semantics", "audiences", "claims"),
    [
        (make_pool(token_use={"id"}), "strict", ["4b1example"], [ID]),
        (make_pool(token_use={"id"}, client_ids={"b", "a"}, resource=RESOURCE), "strict",
         ["a", "b", RESOURCE], [ID]),
        (make_pool(resource=RESOURCE, client_ids={"b", "a"}), "strict", [RESOURCE], [ACCESS]),
        (make_pool(resource=RESOURCE, client_ids=ANY_CLIENT), "strict", [RESOURCE], [ACCESS]),
        (make_pool(token_use={"id", "access"}, resource=RESOURCE), "strict", ["4b1example", RESOURCE], None),
        (make_pool(resource=RESOURCE), "rest", ["4b1example", RESOURCE], None),
        (make_pool(resource=RESOURCE), "http", ["4b1example", RESOURCE], None),
    ],
    ids=["id", "id of a bound pool", "access", "any client", "both", "as rest", "as http"],
)  # fmt: skip
def test_audiences_and_claims_are_those_that_the_app_takes(
    pool: UserPool, semantics: Any, audiences: list[str], claims: Any
) -> None:
    (issuer,) = list_issuers([pool], semantics=semantics)
    assert issuer["audiences"] == audiences
    assert issuer.get("additionalClaims") == claims


def test_each_pool_is_an_issuer_with_its_own_audiences() -> None:
    other = UserPool(OTHER_POOL.id, client_ids={"5c2example"}, token_use={"id"})
    first, second = list_issuers([BOUND, other])
    assert (first["issuer"], first["audiences"]) == (ISSUER, [RESOURCE])
    assert second == {"issuer": other.issuers[0], "audiences": ["5c2example"], "additionalClaims": [ID]}


def test_issuers_can_be_chosen() -> None:
    pools = [BOUND, UserPool(OTHER_POOL.id, client_ids={"5c2example"}, resource=RESOURCE)]
    chosen = [ISSUER, BOUND.issuers[1]]
    assert [each["issuer"] for each in list_issuers(pools, issuer=chosen)] == chosen
    assert [each["issuer"] for each in list_issuers(pools, issuer=pools[1].issuers[1])] == [
        pools[1].issuers[1]
    ]


def test_issuer_and_audience_can_be_filled_in_by_cloudformation() -> None:
    issuer = "https://cognito-idp.${AWS::Region}.amazonaws.com/${UserPool}"
    (found,) = list_issuers(issuer=issuer, audience=["${Client}"])
    # The client of the deployed pool is not known: only the type of token is compared.
    assert found == {
        "issuer": {"Fn::Sub": issuer}, "audiences": [{"Fn::Sub": "${Client}"}], "additionalClaims": [ACCESS]
    }  # fmt: skip
    pools = [BOUND, UserPool(OTHER_POOL.id, client_ids={"5c2example"})]
    (unknown,) = list_issuers(pools, issuer={"Ref": "Issuer"}, audience={"Ref": "Names"})
    assert unknown == {"issuer": {"Ref": "Issuer"}, "audiences": {"Ref": "Names"}}


def refuse(pools: Any = (BOUND,), **options: Any) -> Any:
    return expect_error(build_app(ME, pools=pools), "rest", rest_authorizer="jwt", **options)


def test_access_tokens_without_an_audience_are_refused() -> None:
    """The gateway compares aud, which Cognito writes into access tokens only with resource binding."""
    error = refuse([POOL])
    assert error.setting == "rest_authorizer"
    assert 'write UserPool(..., resource="https://api.example.com")' in str(error)


@pytest.mark.parametrize(
    ("options", "setting"),
    [
        ({"issuer": [ISSUER, ISSUER]}, "issuer"),
        ({"issuer": []}, "issuer"),
        ({"issuer": [ISSUER, 7]}, "issuer"),
        ({"issuer": [f"{ISSUER}/"]}, "issuer"),
        ({"audience": ["else"]}, "audience"),
        ({"audience": ["4b1example"]}, "audience"),  # the resource is the aud of this pool's access tokens
        ({"audience": []}, "audience"),
        ({"rest_authorizer": "JWT"}, "rest_authorizer"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_right_are_refused(options: Any, setting: str) -> None:
    app = build_app(ME, pools=[BOUND])
    assert expect_error(app, "rest", **{"rest_authorizer": "jwt", **options}).setting == setting


def test_the_clients_of_access_tokens_without_aud_can_be_given_in_case_the_gateway_takes_them() -> None:
    (issuer,) = list_issuers([make_pool()], audience=["4b1example"])
    assert issuer["audiences"] == ["4b1example"]


def test_any_client_needs_an_audience_for_id_tokens() -> None:
    pool = make_pool(client_ids=ANY_CLIENT, token_use={"id"})
    assert refuse([pool]).setting == "audience"
    (issuer,) = list_issuers([pool], audience=["web"])
    assert issuer["audiences"] == ["web"]


def test_a_filled_in_issuer_of_one_of_several_pools_needs_an_audience() -> None:
    assert refuse([BOUND, OTHER_POOL], issuer="https://${Issuer}").setting == "audience"


def test_the_authorizer_is_for_rest_apis_only() -> None:
    error = expect_error(build_app(ME), "http", rest_authorizer="jwt")
    assert error.setting == "rest_authorizer"
    assert "drop it" in str(error)


@pytest.mark.parametrize(
    ("pool", "semantics", "warned"),
    [
        (BOUND, "strict", []),
        (make_pool(token_use={"id"}), "strict", []),
        (
            make_pool(token_use={"id", "access"}),
            "strict",
            [f"The gateway refuses access tokens of {POOL.id}"],
        ),
        (make_pool(), "http", [f"The gateway refuses access tokens of {POOL.id}"]),
    ],
    ids=["bound", "id", "both", "http"],
)
def test_what_no_source_shows_and_what_the_gateway_refuses_is_a_warning(
    pool: UserPool, semantics: Any, warned: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    export_jwt([pool], semantics=semantics)
    texts = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    expected = ["The JWT authorizer is written with the names of AWS's service model", *warned]
    assert [text[: len(start)] for text, start in zip(texts, expected, strict=True)] == expected


def test_an_audience_that_the_app_does_not_know_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    export_document(build_app(ME), audience=["4b1example", "web"])
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [text for text in warned if text.startswith("audience has")] == [
        "audience has web, no client and no resource of the guard: the app refuses its tokens."
    ]


@pytest.mark.parametrize(
    ("clients", "claims"),
    [
        (None, [make_claim("token_use", "access"), make_claim("client_id", "4b1example")]),
        ("5c2example", [make_claim("token_use", "access")]),
        (ANY_BOUND_CLIENT, [make_claim("token_use", "access")]),
    ],
    ids=str,
)
def test_tokens_for_mounts_with_a_resource_of_their_own_reach_the_app(clients: Any, claims: Any) -> None:
    app = build_app(ME, pools=[BOUND])
    installed_guard(app).for_resource(f"{RESOURCE}/mcp", client_ids=clients)
    document = export_document(app, "rest", user_pool_arn=None, rest_authorizer="jwt")
    scheme: dict[str, Any] = document["components"]["securitySchemes"]["Cognito"]
    (issuer,) = scheme["x-amazon-apigateway-authorizer"]["jwtConfiguration"]["issuers"]
    assert issuer["audiences"] == [RESOURCE, f"{RESOURCE}/mcp"]
    assert issuer["additionalClaims"] == claims
