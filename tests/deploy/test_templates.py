"""Templates of the example app: current, and accepted by cfn-lint and SAM."""

import json
from pathlib import Path

import pytest
from cfnlint import api as cfnlint

from example_app.deploy import http_api
from example_app.deploy.__main__ import main
from example_app.deploy.templates import TEMPLATES
from tests.sam import DIRECTORY, list_functions, load_template, transform_template

REGIONS = ["eu-west-1"]


def test_the_templates_are_those_of_the_routes_today(tmp_path: Path) -> None:
    """If this fails, run: python -m example_app.deploy."""
    assert main(tmp_path) == 0
    written, committed = (
        {path.name: path.read_text() for path in directory.glob("*.yaml")}
        for directory in (tmp_path, DIRECTORY)
    )
    assert committed == written
    assert written.keys() == set(TEMPLATES)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_passes_cfn_lint(name: str) -> None:
    assert cfnlint.lint((DIRECTORY / name).read_text(), regions=REGIONS) == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_transformed_by_sam_passes_cfn_lint(name: str) -> None:
    template = load_template(name)
    for _, properties in list_functions(template):
        properties["CodeUri"] = "s3://code/app.zip"
    transformed = transform_template(template) if "Transform" in template else template
    assert not any("Serverless" in resource["Type"] for resource in transformed["Resources"].values())
    assert cfnlint.lint(json.dumps(transformed), regions=REGIONS) == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_functions_run_on_the_python_and_the_processor_of_the_package(name: str) -> None:
    for _, properties in list_functions(load_template(name)):
        assert (properties["Runtime"], properties["Architectures"]) == ("python3.13", ["arm64"])


def test_sam_adds_both_permissions_for_a_function_url() -> None:
    """Documented in docs/deploy.md."""
    template = load_template("function-url.yaml")
    for _, properties in list_functions(template):
        properties["CodeUri"] = "s3://code/app.zip"
    actions = [
        each["Properties"]["Action"]
        for each in transform_template(template)["Resources"].values()
        if each["Type"] == "AWS::Lambda::Permission"
    ]
    assert sorted(actions) == ["lambda:InvokeFunction", "lambda:InvokeFunctionUrl"]


def test_the_pool_is_kept_if_its_stack_is_deleted() -> None:
    assert load_template("pool.yaml")["Resources"]["UserPool"]["DeletionPolicy"] == "Retain"


def test_an_http_api_has_one_route_resource_per_operation() -> None:
    resources = load_template("http.yaml")["Resources"]
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


def test_two_routes_with_one_resource_name_are_refused() -> None:
    """Otherwise one would silently replace the other, and its authorizer."""
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
        http_api.build_resources(definition)
