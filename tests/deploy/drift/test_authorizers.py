"""Authorizers of a gateway: audiences, further claims, the place of the token, and caches of decisions."""

import copy
from typing import Any

import pytest

from fastapi_cognito_guard import ANY_BOUND_CLIENT, ANY_CLIENT, UserPool
from tests.deploy.drift.definitions import Document
from tests.deploy.drift.shop import add_lambda, export_shop, find_in, list_short, set_authorizer
from tests.deploy.exports import AUTHORIZER, POOL, READ, USER, build_app, export_document

ME = {"GET /me": [USER], "GET /orders": [READ]}
RESOURCE = "https://api.example.com"


@pytest.mark.parametrize(
    ("pool", "audience", "found"),
    [
        (UserPool(POOL.id, client_ids=ANY_CLIENT), ["x"], set()),
        (UserPool(POOL.id, client_ids=ANY_CLIENT), [], set()),
        (UserPool(POOL.id, client_ids="a", resource=RESOURCE), [RESOURCE], set()),
        (UserPool(POOL.id, client_ids="a", resource=RESOURCE), ["a", RESOURCE], set()),
        (UserPool(POOL.id, client_ids="a", resource=RESOURCE), ["a"], {"warning missing-audience"}),
        (UserPool(POOL.id, client_ids=ANY_BOUND_CLIENT, resource=RESOURCE), [RESOURCE], set()),
        (
            UserPool(POOL.id, client_ids=ANY_BOUND_CLIENT, resource=RESOURCE),
            ["a", RESOURCE],
            {"danger other-audience"},
        ),
        (
            UserPool(POOL.id, client_ids="a", resource=RESOURCE, token_use={"access", "id"}),
            [RESOURCE],
            {"warning missing-audience"},
        ),
    ],
    ids=range(8),
)
def test_the_audience_is_what_tokens_for_the_guard_have(
    pool: UserPool, audience: list[str], found: set[str]
) -> None:
    document = export_document(build_app(ME), "http", catch_all=["openid"])
    set_authorizer(jwtConfiguration={"audience": audience})(document)
    app = build_app(ME, pools=[pool])
    short = list_short(find_in(document, app=app, leave_out=["/.well-known/*"]))
    assert short == {f"{each} authorizer Cognito" for each in found}


BOUND = UserPool(POOL.id, client_ids="a", resource=RESOURCE)


def set_issuer(**fields: Any) -> Any:
    """Change the only issuer of a REST API's JWT authorizer."""

    def change(document: Document) -> None:
        authorizer = document["components"]["securitySchemes"]["Cognito"]["x-amazon-apigateway-authorizer"]
        authorizer["jwtConfiguration"]["issuers"][0].update(fields)

    return change


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda document: None, set()),
        (set_issuer(additionalClaims=[]), set()),
        (set_issuer(issuer="https://else.example"), {"danger other-issuer", "warning missing-pool"}),
        (set_issuer(audiences=["else"]), {"danger other-audience", "warning missing-audience"}),
        (set_issuer(audiences=None), {"danger other-audience"}),
        (
            set_issuer(additionalClaims=[{"claimName": "token_use", "expectedValues": ["id"]}]),
            {"warning narrower-claims"},
        ),
        (
            set_issuer(additionalClaims=[{"claimName": "tier", "expectedValues": ["gold"]}]),
            {"warning narrower-claims"},
        ),
        (
            set_issuer(additionalClaims=[{"claimName": "client_id", "expectedValues": [{"Ref": "A"}]}]),
            {"undecided unknown"},
        ),
        (
            set_authorizer(identitySource="method.request.querystring.token"),
            {"warning identity-source"},
        ),
    ],
    ids=range(9),
)
def test_the_jwt_authorizer_of_a_rest_api(change: Any, found: set[str]) -> None:
    app = build_app(ME, pools=[BOUND])
    document = copy.deepcopy(export_document(app, "rest", rest_authorizer="jwt"))
    change(document)
    for name in ("export", "swagger", "CloudFormation body", "SAM body", "Terraform body"):
        short = list_short(find_in(document, name, app=app, catch_all=[]))
        assert short == {f"{each} authorizer Cognito" for each in found}


def test_the_guard_may_read_the_token_in_another_header() -> None:
    app = build_app(ME, identity_source="X-Token")
    for kind in ("rest", "http"):
        document = export_document(app, kind, catch_all=["openid"])
        assert find_in(document, app=app) == []
        assert list_short(find_in(document, app=build_app(ME))) == {
            "warning identity-source authorizer Cognito"
        }


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, set()),
        ({"authorizerResultTtlInSeconds": 3600}, {"note long-cache"}),
        ({"identitySource": "method.request.header.X", "authorizerResultTtlInSeconds": 0},
         {"warning identity-source"}),
        ({"identitySource": "method.request.header.X"}, {"warning identity-source", "danger shared-cache"}),
        ({"identitySource": "method.request.header.X", "authorizerResultTtlInSeconds": {"Ref": "A"}},
         {"warning identity-source", "undecided unknown"}),
        ({"identitySource": "method.request.header.X", "authorizerResultTtlInSeconds": None},
         {"warning identity-source", "danger shared-cache"}),
        ({"identitySource": {"Ref": "A"}}, {"undecided unknown"}),
        ({"identitySource": "method.request.header.AUTHORIZATION, context.path"}, set()),
    ],
    ids=range(8),
)  # fmt: skip
def test_the_cache_of_a_lambda_authorizer_at_a_rest_api(fields: Any, found: set[str]) -> None:
    document = export_shop("rest")
    add_lambda("GET /me", **fields)(document)
    short = list_short(find_in(document, authorizer_arns=[AUTHORIZER]))
    assert short == {f"{each} authorizer Custom" for each in found}


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"enableSimpleResponses": True, "authorizerResultTtlInSeconds": 0}, set()),
        ({"enableSimpleResponses": True}, {"danger shared-cache"}),
        ({"enableSimpleResponses": True, "authorizerResultTtlInSeconds": None}, {"undecided unknown"}),
        ({"enableSimpleResponses": {"Ref": "A"}}, {"undecided unknown"}),
        ({"enableSimpleResponses": True,
          "identitySource": "$request.header.Authorization, $context.routeKey"}, set()),
        ({"identitySource": "$context.routeKey"}, {"danger shared-cache", "warning identity-source"}),
    ],
    ids=range(6),
)  # fmt: skip
def test_the_cache_of_a_lambda_authorizer_at_an_http_api(fields: Any, found: set[str]) -> None:
    document = export_shop("http")
    add_lambda("GET /me", **fields)(document)
    short = list_short(find_in(document, authorizer_arns=[AUTHORIZER]))
    assert short == {f"{each} authorizer Custom" for each in found}


def test_the_cache_of_a_cognito_authorizer_may_outlive_a_token() -> None:
    document = export_shop("rest")
    set_authorizer(authorizerResultTtlInSeconds=3600)(document)
    assert list_short(find_in(document)) == {"note long-cache authorizer Cognito"}
