"""The authorizers that a document declares, and ARNs in every form that they may have."""

from typing import Any

import pytest

from fastapi_cognito_guard.errors import ConfigurationError
from tests.deploy.exporting import (
    ADMINS,
    AUTHORIZER,
    FUNCTION,
    IAM,
    KINDS,
    POOL_ARN,
    READ,
    USER,
    Document,
    app_with,
    exported,
    invoked,
    refused,
)

ME = {"GET /me": [USER]}
FUNCTIONS = [
    ("${App.Arn}", {"Fn::Sub": "${App.Arn}"}),
    ({"Fn::Sub": "${App.Arn}"}, {"Fn::Sub": "${App.Arn}"}),
    ({"Fn::GetAtt": ["App", "Arn"]}, {"Fn::Sub": "${App.Arn}"}),
    ({"Ref": "AppArn"}, {"Fn::Sub": "${AppArn}"}),
    (
        "arn:aws:lambda:${AWS::Region}:1:function:app",
        {"Fn::Sub": "arn:aws:lambda:${AWS::Region}:1:function:app"},
    ),
]
VALUES: list[dict[str, Any]] = [
    {"Fn::ImportValue": "app-arn"},
    {"Fn::Sub": ["${Name}", {"Name": "x"}]},
    {"Fn::If": ["Here", "a", "b"]},
]


def schemes(document: Document) -> Document:
    found: Document = document["components"]["securitySchemes"]
    return found


def uri(document: Document) -> Any:
    return document["paths"]["/me"]["get"]["x-amazon-apigateway-integration"]["uri"]


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_operations_name_is_declared(kind: str) -> None:
    assert schemes(exported(app_with({"GET /": []}), kind, user_pool_arn=None)) == {}
    assert [*schemes(exported(app_with({"GET /": [IAM]}), kind, user_pool_arn=None))] == ["sigv4"]


def test_iam_is_declared_as_the_gateway_calls_it() -> None:
    assert schemes(exported(app_with({"GET /": [IAM]})))["sigv4"] == {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "awsSigv4",
    }


def test_a_rest_api_knows_the_pool_by_its_arn() -> None:
    assert schemes(exported(app_with(ME), "rest"))["Cognito"] == {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "cognito_user_pools",
        "x-amazon-apigateway-authorizer": {"type": "cognito_user_pools", "providerARNs": [POOL_ARN]},
    }


def test_a_lambda_authorizer_of_a_rest_api_gets_the_token() -> None:
    scheme = schemes(exported(app_with({"GET /": [ADMINS]}), "rest", authorizer_arn=AUTHORIZER))[
        "CognitoLambda"
    ]
    assert scheme["x-amazon-apigateway-authtype"] == "custom"
    assert scheme["x-amazon-apigateway-authorizer"] == {
        "type": "token",
        "authorizerUri": invoked(AUTHORIZER),
        "authorizerResultTtlInSeconds": 300,
    }


def test_a_lambda_authorizer_of_an_http_api_gets_the_request_and_answers_with_policies() -> None:
    scheme = schemes(exported(app_with({"GET /": [ADMINS]}), authorizer_arn=AUTHORIZER))["CognitoLambda"]
    assert scheme["x-amazon-apigateway-authorizer"] == {
        "type": "request",
        "authorizerUri": invoked(AUTHORIZER),
        "authorizerResultTtlInSeconds": 300,
        "identitySource": "$request.header.Authorization",
        "authorizerPayloadFormatVersion": "2.0",
        "enableSimpleResponses": False,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_token_is_where_the_guard_looks_for_it(kind: str) -> None:
    app = app_with({**ME, "GET /group": [ADMINS]}, identity_source="x-id-token")
    for scheme in schemes(exported(app, kind, authorizer_arn=AUTHORIZER)).values():
        authorizer = scheme["x-amazon-apigateway-authorizer"]
        if kind == "rest":
            assert scheme["name"] == "X-Id-Token"
        else:
            assert authorizer["identitySource"] == "$request.header.X-Id-Token"


@pytest.mark.parametrize(("given", "arn"), FUNCTIONS, ids=str)
def test_functions_of_cloudformation_are_filled_into_the_uri(given: Any, arn: Any) -> None:
    said = arn["Fn::Sub"]
    due = (
        "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
        f"{said}/invocations"
    )
    assert uri(exported(app_with(ME), lambda_arn=given)) == {"Fn::Sub": due}


@pytest.mark.parametrize("given", VALUES, ids=str)
def test_any_other_function_is_a_variable_of_the_uri(given: dict[str, Any]) -> None:
    said = uri(exported(app_with(ME), lambda_arn=given))
    template, variables = said["Fn::Sub"]
    assert template.endswith(":lambda:path/2015-03-31/functions/${Value}/invocations")
    assert variables == {"Value": given}


@pytest.mark.parametrize("arn", [f"{FUNCTION}:live", f"{FUNCTION}:$LATEST", f"{FUNCTION}:7"])
def test_an_alias_or_a_version_of_the_function_may_be_named(arn: str) -> None:
    assert uri(exported(app_with(ME), lambda_arn=arn)) == invoked(arn)


def test_the_partition_is_the_functions() -> None:
    arn = "arn:aws-cn:lambda:cn-north-1:123456789012:function:app"
    assert uri(exported(app_with(ME), lambda_arn=arn)).startswith("arn:aws-cn:apigateway:cn-north-1:lambda:")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (POOL_ARN, POOL_ARN),
        ("${UserPool.Arn}", {"Fn::Sub": "${UserPool.Arn}"}),
        *((given, given) for given in [{"Fn::GetAtt": ["UserPool", "Arn"]}, {"Ref": "PoolArn"}, *VALUES]),
    ],
    ids=str,
)
def test_the_arn_of_the_pool_is_written_as_it_is(given: Any, said: Any) -> None:
    scheme = schemes(exported(app_with(ME), "rest", user_pool_arn=given))["Cognito"]
    assert scheme["x-amazon-apigateway-authorizer"]["providerARNs"] == [said]


@pytest.mark.parametrize(
    "given",
    ["", "app", POOL_ARN, f"{FUNCTION}:a:b", FUNCTION + "\n", 7, [FUNCTION], {"App": "Arn"}, {},
     {"Ref": "A", "Fn::Sub": "B"}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("setting", ["lambda_arn", "authorizer_arn"])
def test_what_is_no_functions_arn_is_refused(setting: str, given: Any) -> None:
    error = refused(app_with(ME), **{setting: given})
    assert error.setting == setting
    assert str(error).startswith(f"{setting} is not right: write the ARN of the function, arn:aws:lambda:")


def test_a_function_must_be_named() -> None:
    error = refused(app_with(ME), lambda_arn=None)
    assert error.setting == "lambda_arn"
    assert str(error).startswith("lambda_arn is missing: write the ARN of the function")


@pytest.mark.parametrize("given", [None, []], ids=str)
def test_a_rest_api_needs_the_arn_of_the_pool(given: Any) -> None:
    error = refused(app_with({"GET /": [READ]}), "rest", user_pool_arn=given)
    assert error.setting == "user_pool_arn"
    assert "user_pool_arn is missing" in str(error)
    assert '"${UserPool.Arn}"' in str(error)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("given", ["", "eu-west-1_Abc123Xyz", FUNCTION, [POOL_ARN, 7], {"a": 1}, 7], ids=str)
def test_what_is_no_pools_arn_is_refused(given: Any, kind: str) -> None:
    error = refused(app_with(ME), kind, user_pool_arn=given)
    assert error.setting == "user_pool_arn"
    assert "user_pool_arn is the ARN of the user pool, arn:aws:cognito-idp:" in str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_a_pool_that_the_guard_does_not_trust_is_refused(kind: str) -> None:
    """The gateway would let in whom the app, which believes the gateway, has never heard of."""
    stranger = POOL_ARN.replace("Abc123Xyz", "Stranger")
    error = refused(app_with(ME), kind, user_pool_arn=[POOL_ARN, stranger])
    assert isinstance(error, ConfigurationError)
    assert error.setting == "user_pool_arn"
    assert "names the pool eu-west-1_Stranger, and the guard trusts eu-west-1_Abc123Xyz" in str(error)
