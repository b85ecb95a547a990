"""Security schemes of a document, and all forms of ARNs."""

from typing import Any

import pytest

from fastapi_cognito_guard.errors import ConfigurationError
from tests.deploy.exports import (
    ADMINS,
    AUTHORIZER,
    FUNCTION,
    IAM,
    KINDS,
    POOL_ARN,
    READ,
    USER,
    OpenApiDocument,
    build_app,
    build_invocation_uri,
    expect_error,
    export_document,
)

ME = {"GET /me": [USER]}
SUBSTITUTED = [
    ("${App.Arn}", {"Fn::Sub": "${App.Arn}"}),
    ({"Fn::Sub": "${App.Arn}"}, {"Fn::Sub": "${App.Arn}"}),
    ({"Fn::GetAtt": ["App", "Arn"]}, {"Fn::Sub": "${App.Arn}"}),
    ({"Ref": "AppArn"}, {"Fn::Sub": "${AppArn}"}),
    (
        "arn:aws:lambda:${AWS::Region}:1:function:app",
        {"Fn::Sub": "arn:aws:lambda:${AWS::Region}:1:function:app"},
    ),
]
OTHER_FUNCTIONS: list[dict[str, Any]] = [
    {"Fn::ImportValue": "app-arn"},
    {"Fn::Sub": ["${Name}", {"Name": "x"}]},
    {"Fn::If": ["Here", "a", "b"]},
]


def read_schemes(document: OpenApiDocument) -> OpenApiDocument:
    found: OpenApiDocument = document["components"]["securitySchemes"]
    return found


def read_uri(document: OpenApiDocument) -> Any:
    return document["paths"]["/me"]["get"]["x-amazon-apigateway-integration"]["uri"]


@pytest.mark.parametrize("kind", KINDS)
def test_only_schemes_that_operations_name_are_declared(kind: str) -> None:
    assert read_schemes(export_document(build_app({"GET /": []}), kind, user_pool_arn=None)) == {}
    assert [*read_schemes(export_document(build_app({"GET /": [IAM]}), kind, user_pool_arn=None))] == [
        "sigv4"
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_an_authorizer_without_operations_is_not_declared(kind: str) -> None:
    document = export_document(build_app(ME), kind, authorizer_arn=AUTHORIZER)
    assert [*read_schemes(document)] == ["Cognito"]


def test_the_iam_scheme_is_sigv4() -> None:
    assert read_schemes(export_document(build_app({"GET /": [IAM]})))["sigv4"] == {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "awsSigv4",
    }


def test_a_rest_apis_cognito_authorizer_names_the_pool_by_its_arn() -> None:
    assert read_schemes(export_document(build_app(ME), "rest"))["Cognito"] == {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "cognito_user_pools",
        "x-amazon-apigateway-authorizer": {"type": "cognito_user_pools", "providerARNs": [POOL_ARN]},
    }


def test_a_lambda_authorizer_of_a_rest_api_is_of_type_token() -> None:
    scheme = read_schemes(export_document(build_app({"GET /": [ADMINS]}), "rest", authorizer_arn=AUTHORIZER))[
        "CognitoLambda"
    ]
    assert scheme["x-amazon-apigateway-authtype"] == "custom"
    assert scheme["x-amazon-apigateway-authorizer"] == {
        "type": "token",
        "authorizerUri": build_invocation_uri(AUTHORIZER),
        "authorizerResultTtlInSeconds": 300,
    }


def test_a_lambda_authorizer_of_an_http_api_is_of_type_request_and_returns_policies() -> None:
    scheme = read_schemes(export_document(build_app({"GET /": [ADMINS]}), authorizer_arn=AUTHORIZER))[
        "CognitoLambda"
    ]
    assert scheme["x-amazon-apigateway-authorizer"] == {
        "type": "request",
        "authorizerUri": build_invocation_uri(AUTHORIZER),
        "authorizerResultTtlInSeconds": 300,
        "identitySource": "$request.header.Authorization",
        "authorizerPayloadFormatVersion": "2.0",
        "enableSimpleResponses": False,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_token_is_in_the_guards_header(kind: str) -> None:
    app = build_app({**ME, "GET /group": [ADMINS]}, identity_source="x-id-token")
    for scheme in read_schemes(export_document(app, kind, authorizer_arn=AUTHORIZER)).values():
        authorizer = scheme["x-amazon-apigateway-authorizer"]
        if kind == "rest":
            assert scheme["name"] == "X-Id-Token"
        else:
            assert authorizer["identitySource"] == "$request.header.X-Id-Token"


@pytest.mark.parametrize(("value", "expected"), SUBSTITUTED, ids=str)
def test_cloudformation_functions_are_substituted_into_the_uri(value: Any, expected: Any) -> None:
    arn = expected["Fn::Sub"]
    uri = (
        "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
        f"{arn}/invocations"
    )
    assert read_uri(export_document(build_app(ME), lambda_arn=value)) == {"Fn::Sub": uri}


@pytest.mark.parametrize("value", OTHER_FUNCTIONS, ids=str)
def test_any_other_cloudformation_function_is_a_variable_of_the_uri(value: dict[str, Any]) -> None:
    uri = read_uri(export_document(build_app(ME), lambda_arn=value))
    template, variables = uri["Fn::Sub"]
    assert template.endswith(":lambda:path/2015-03-31/functions/${Value}/invocations")
    assert variables == {"Value": value}


@pytest.mark.parametrize("arn", [f"{FUNCTION}:live", f"{FUNCTION}:$LATEST", f"{FUNCTION}:7"])
def test_the_arn_of_an_alias_or_a_version_is_accepted(arn: str) -> None:
    assert read_uri(export_document(build_app(ME), lambda_arn=arn)) == build_invocation_uri(arn)


def test_the_partition_is_that_of_the_function() -> None:
    arn = "arn:aws-cn:lambda:cn-north-1:123456789012:function:app"
    assert read_uri(export_document(build_app(ME), lambda_arn=arn)).startswith(
        "arn:aws-cn:apigateway:cn-north-1:lambda:"
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (POOL_ARN, POOL_ARN),
        ("${UserPool.Arn}", {"Fn::Sub": "${UserPool.Arn}"}),
        *(
            (value, value)
            for value in [{"Fn::GetAtt": ["UserPool", "Arn"]}, {"Ref": "PoolArn"}, *OTHER_FUNCTIONS]
        ),
    ],
    ids=str,
)
def test_the_arn_of_the_pool_is_written_unchanged(value: Any, expected: Any) -> None:
    scheme = read_schemes(export_document(build_app(ME), "rest", user_pool_arn=value))["Cognito"]
    assert scheme["x-amazon-apigateway-authorizer"]["providerARNs"] == [expected]


@pytest.mark.parametrize(
    "value",
    ["", "app", POOL_ARN, f"{FUNCTION}:a:b", FUNCTION + "\n", 7, [FUNCTION], {"App": "Arn"}, {},
     {"Ref": "A", "Fn::Sub": "B"}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("setting", ["lambda_arn", "authorizer_arn"])
def test_an_invalid_function_arn_is_refused(setting: str, value: Any) -> None:
    error = expect_error(build_app(ME), **{setting: value})
    assert error.setting == setting
    assert str(error).startswith(f"{setting} is not right: write the ARN of the function, arn:aws:lambda:")


def test_lambda_arn_is_required() -> None:
    error = expect_error(build_app(ME), lambda_arn=None)
    assert error.setting == "lambda_arn"
    assert str(error).startswith("lambda_arn is missing: write the ARN of the function")


@pytest.mark.parametrize("value", [None, []], ids=str)
def test_a_rest_api_needs_the_arn_of_the_pool(value: Any) -> None:
    error = expect_error(build_app({"GET /": [READ]}), "rest", user_pool_arn=value)
    assert error.setting == "user_pool_arn"
    assert "user_pool_arn is missing" in str(error)
    assert '"${UserPool.Arn}"' in str(error)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", ["", "eu-west-1_Abc123Xyz", FUNCTION, [POOL_ARN, 7], {"a": 1}, 7], ids=str)
def test_an_invalid_pool_arn_is_refused(value: Any, kind: str) -> None:
    error = expect_error(build_app(ME), kind, user_pool_arn=value)
    assert error.setting == "user_pool_arn"
    assert "user_pool_arn is the ARN of the user pool, arn:aws:cognito-idp:" in str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_a_pool_that_the_guard_does_not_trust_is_refused(kind: str) -> None:
    """The gateway would accept tokens that the app refuses."""
    other = POOL_ARN.replace("Abc123Xyz", "Stranger")
    error = expect_error(build_app(ME), kind, user_pool_arn=[POOL_ARN, other])
    assert isinstance(error, ConfigurationError)
    assert error.setting == "user_pool_arn"
    assert "names the pool eu-west-1_Stranger, and the guard trusts eu-west-1_Abc123Xyz" in str(error)
