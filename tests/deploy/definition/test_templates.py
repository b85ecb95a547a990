"""Documents in CloudFormation templates: the SAM transform and cfn-lint accept them."""

import json
from copy import deepcopy
from typing import Any

import pytest
from cfnlint.api import lint
from fastapi import FastAPI

from example_app.api import create_app
from fastapi_cognito_guard import CognitoGuard
from tests.deploy.exports import (
    KINDS,
    POOL,
    RICH_OPTIONS,
    USER,
    OpenApiDocument,
    build_app,
    build_rich_app,
    export_document,
)
from tests.sam import transform_template

REGIONS = ["eu-west-1", "us-east-1"]
OPTIONS: dict[str, Any] = {
    **RICH_OPTIONS,
    "user_pool_arn": "${UserPool.Arn}",
    "lambda_arn": "${App.Arn}",
    "issuer": "https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}/${UserPool}",
    "audience": {"Ref": "ClientIds"},
}
FORMS: dict[str, dict[str, Any]] = {
    "variables": {},
    "functions": {
        "user_pool_arn": {"Fn::GetAtt": ["UserPool", "Arn"]},
        "lambda_arn": {"Fn::GetAtt": ["App", "Arn"]},
        "issuer": {"Fn::GetAtt": ["UserPool", "ProviderURL"]},
        "audience": [{"Ref": "Client"}, "${Client}"],
    },
    "another stack": {"lambda_arn": {"Fn::ImportValue": "app-arn"}, "user_pool_arn": {"Ref": "PoolArn"}},
    "lambda": {"authorizer_arn": "${App.Arn}", "authorizer_for": "all"},
}


def build_template(document: OpenApiDocument, kind: str) -> OpenApiDocument:
    function = {"Runtime": "python3.13", "Handler": "main.handler", "CodeUri": "s3://bucket/app.zip"}
    api: OpenApiDocument = {
        "rest": {
            "Type": "AWS::Serverless::Api",
            "Properties": {"StageName": "prod", "DefinitionBody": document},
        },
        "http": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Body": document}},
    }
    client = {"Type": "AWS::Cognito::UserPoolClient", "Properties": {"UserPoolId": {"Ref": "UserPool"}}}
    parameters = {name for name in ("ClientIds", "PoolArn") if f'"Ref": "{name}"' in json.dumps(document)}
    types = {"ClientIds": "CommaDelimitedList", "PoolArn": "String"}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Parameters": {name: {"Type": types[name]} for name in parameters},
        "Resources": {
            "Api": api[kind],
            "App": {"Type": "AWS::Serverless::Function", "Properties": function},
            "UserPool": {"Type": "AWS::Cognito::UserPool"},
            "Client": client,
        },
    }


def lint_template(template: OpenApiDocument) -> list[str]:
    """Return the errors and warnings of cfn-lint."""
    return [f"{match.rule.id} {match.message}" for match in lint(json.dumps(template), regions=REGIONS)]


def read_body(template: OpenApiDocument) -> OpenApiDocument:
    """Return the document in a transformed template."""
    body: OpenApiDocument = template["Resources"]["Api"]["Properties"]["Body"]
    return body


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("app", [create_app(CognitoGuard(POOL)), build_rich_app()], ids=["example", "rich"])
def test_a_document_is_valid_in_a_template(app: FastAPI, form: str, kind: str) -> None:
    document = export_document(app, kind, **{**OPTIONS, **FORMS[form]})
    template = build_template(document, kind)
    assert lint_template(template) == []
    transformed = transform_template(deepcopy(template))
    assert lint_template(transformed) == []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert read_body(transformed)["paths"][path][method]["security"] == operation["security"]
    assert (
        read_body(transformed)["components"]["securitySchemes"].keys()
        == document["components"]["securitySchemes"].keys()
    )


@pytest.mark.parametrize("kind", KINDS)
def test_cfn_lint_checks_the_document(kind: str) -> None:
    """Show that the test above can fail."""
    document = export_document(build_app({"GET /me": [USER]}), kind, lambda_arn="${Missing.Arn}")
    assert any("Missing" in each for each in lint_template(build_template(document, kind)))
