"""The templates beside the example app are of its own routes, and good for CloudFormation and SAM."""

import json
from pathlib import Path

import pytest
from cfnlint import api as cfnlint

from example_app.deploy import http_api
from example_app.deploy.__main__ import main
from example_app.deploy.templates import TEMPLATES
from tests.sam import DIRECTORY, functions_of, kept, transformed

REGIONS = ["eu-west-1"]


def test_what_is_kept_is_what_the_routes_make_today(tmp_path: Path) -> None:
    """If it is not: python -m example_app.deploy."""
    assert main(tmp_path) == 0
    made, found = (
        {path.name: path.read_text() for path in directory.glob("*.yaml")}
        for directory in (tmp_path, DIRECTORY)
    )
    assert found == made
    assert made.keys() == set(TEMPLATES)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_passes_cfn_lint(name: str) -> None:
    assert cfnlint.lint((DIRECTORY / name).read_text(), regions=REGIONS) == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_sam_makes_of_a_template_passes_cfn_lint(name: str) -> None:
    template = kept(name)
    for _, properties in functions_of(template):
        properties["CodeUri"] = "s3://code/app.zip"
    made = transformed(template) if "Transform" in template else template
    assert not any("Serverless" in resource["Type"] for resource in made["Resources"].values())
    assert cfnlint.lint(json.dumps(made), regions=REGIONS) == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_functions_run_the_python_and_the_processor_that_the_package_is_made_for(name: str) -> None:
    for _, properties in functions_of(kept(name)):
        assert (properties["Runtime"], properties["Architectures"]) == ("python3.13", ["arm64"])


def test_sam_gives_a_function_url_both_permissions_that_it_needs() -> None:
    """As docs/deploy.md says."""
    template = kept("function-url.yaml")
    for _, properties in functions_of(template):
        properties["CodeUri"] = "s3://code/app.zip"
    permissions = [
        each["Properties"]["Action"]
        for each in transformed(template)["Resources"].values()
        if each["Type"] == "AWS::Lambda::Permission"
    ]
    assert sorted(permissions) == ["lambda:InvokeFunction", "lambda:InvokeFunctionUrl"]


def test_the_pool_outlives_its_stack() -> None:
    assert kept("pool.yaml")["Resources"]["UserPool"]["DeletionPolicy"] == "Retain"


def test_the_resources_of_an_http_api_are_its_definitions_operations() -> None:
    resources = kept("http.yaml")["Resources"]
    routes = {
        each["Properties"]["RouteKey"]: each["Properties"].get("AuthorizationScopes")
        for each in resources.values()
        if each["Type"] == "AWS::ApiGatewayV2::Route"
    }
    assert routes == {
        "GET /health": None,
        "GET /": None,
        "GET /me": None,
        "GET /orders": ["orders/read", "orders/write"],
        "GET /orders/{id}": ["orders/read", "orders/write"],
        "POST /orders": ["orders/write"],
        "DELETE /orders/{id}": None,
    }
    assert resources["GetMe"]["Properties"]["AuthorizationType"] == "JWT"
    assert resources["GetHealth"]["Properties"]["AuthorizationType"] == "NONE"


def test_two_routes_whose_names_would_be_one_resource_are_refused() -> None:
    """One would silently take the other's place, and its authorizer."""
    operation = {
        "security": [],
        "x-amazon-apigateway-integration": {"uri": "", "payloadFormatVersion": "2.0"},
    }
    definition = {
        "info": {"title": "x"},
        "components": {"securitySchemes": {}},
        "paths": {"/a-b": {"get": operation}, "/ab": {"get": operation}},
    }
    with pytest.raises(ValueError, match="GET /ab"):
        http_api.resources(definition)
