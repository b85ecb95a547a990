"""A document is good for a template: the SAM transform takes it, and cfn-lint has nothing against it."""

import json
from copy import deepcopy
from typing import Any

import pytest
from cfnlint.api import lint
from fastapi import FastAPI

from example_app.api import create_app
from fastapi_cognito_guard import CognitoGuard
from tests.deploy.exporting import KINDS, POOL, RICH, USER, Document, app_with, exported, rich_app
from tests.sam import transformed

REGIONS = ["eu-west-1", "us-east-1"]
GIVEN: dict[str, Any] = {
    **RICH,
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


def template_with(document: Document, kind: str) -> Document:
    function = {"Runtime": "python3.13", "Handler": "main.handler", "CodeUri": "s3://bucket/app.zip"}
    api: Document = {
        "rest": {
            "Type": "AWS::Serverless::Api",
            "Properties": {"StageName": "prod", "DefinitionBody": document},
        },
        "http": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Body": document}},
    }
    client = {"Type": "AWS::Cognito::UserPoolClient", "Properties": {"UserPoolId": {"Ref": "UserPool"}}}
    named = {name for name in ("ClientIds", "PoolArn") if f'"Ref": "{name}"' in json.dumps(document)}
    types = {"ClientIds": "CommaDelimitedList", "PoolArn": "String"}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Parameters": {name: {"Type": types[name]} for name in named},
        "Resources": {
            "Api": api[kind],
            "App": {"Type": "AWS::Serverless::Function", "Properties": function},
            "UserPool": {"Type": "AWS::Cognito::UserPool"},
            "Client": client,
        },
    }


def found(template: Document) -> list[str]:
    """What cfn-lint has against it: errors and warnings."""
    return [f"{match.rule.id} {match.message}" for match in lint(json.dumps(template), regions=REGIONS)]


def body_in(template: Document) -> Document:
    """The document, where CloudFormation gets it."""
    body: Document = template["Resources"]["Api"]["Properties"]["Body"]
    return body


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("app", [create_app(CognitoGuard(POOL)), rich_app()], ids=["example", "rich"])
def test_a_template_takes_the_document(app: FastAPI, form: str, kind: str) -> None:
    document = exported(app, kind, **{**GIVEN, **FORMS[form]})
    template = template_with(document, kind)
    assert found(template) == []
    done = transformed(deepcopy(template))
    assert found(done) == []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert body_in(done)["paths"][path][method]["security"] == operation["security"]
    assert (
        body_in(done)["components"]["securitySchemes"].keys()
        == document["components"]["securitySchemes"].keys()
    )


@pytest.mark.parametrize("kind", KINDS)
def test_cfn_lint_looks_into_the_document(kind: str) -> None:
    """Or the test above would show nothing."""
    document = exported(app_with({"GET /me": [USER]}), kind, lambda_arn="${Nobody.Arn}")
    assert any("Nobody" in each for each in found(template_with(document, kind)))
