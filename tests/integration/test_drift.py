"""What MiniStack exports of a REST API is compared with the app that it was made from.

MiniStack exports Lambda authorizers, and leaves out those of other kinds and IAM, which AWS exports. It has
no export of HTTP APIs.
"""

import json
from typing import Any

import pytest

from fastapi_cognito_guard.deploy.drift.compare import find_drift
from fastapi_cognito_guard.deploy.drift.document import read_document
from fastapi_cognito_guard.deploy.drift.expected import DriftOptions
from tests.deploy.drift.documents import as_cloudformation_body
from tests.deploy.drift.shop import build_shop, export_shop, list_short
from tests.deploy.exports import AUTHORIZER
from tests.integration.ministack import make_client

pytestmark = pytest.mark.ministack

OPTIONS = DriftOptions(catch_all=["openid"], leave_out=["/reports"], authorizer_arns=[AUTHORIZER])
UNNAMED = OPTIONS._replace(authorizer_arns=())


@pytest.fixture(scope="module")
def service(ministack_address: str) -> Any:
    return make_client(ministack_address, "apigateway")


@pytest.fixture(scope="module")
def api(service: Any, ministack_address: str) -> str:
    """Create a stack with the definition of the app, and return the id of the API."""
    stacks = make_client(ministack_address, "cloudformation")
    definition = export_shop(
        "rest", authorizer_arn=AUTHORIZER, authorizer_for="all", leave_out=OPTIONS.leave_out
    )
    template = as_cloudformation_body(definition)
    template["Outputs"] = {"Id": {"Value": {"Ref": "Api"}}}
    stacks.create_stack(StackName="drift", TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName="drift", WaiterConfig={"Delay": 1})
    outputs = stacks.describe_stacks(StackName="drift")["Stacks"][0]["Outputs"]
    return str(outputs[0]["OutputValue"])


def export(service: Any, api: str, kind: str) -> bytes:
    """Deploy the API, and return its export."""
    service.create_deployment(restApiId=api, stageName="prod")
    answer = service.get_export(
        restApiId=api, stageName="prod", exportType=kind, parameters={"extensions": "apigateway"}
    )
    body: bytes = answer["body"].read()
    return body


@pytest.mark.parametrize("kind", ["oas30", "swagger"])
def test_an_export_is_compared_with_the_app(service: Any, api: str, kind: str) -> None:
    deployed = read_document(export(service, api, kind))
    assert find_drift(build_shop(), deployed, OPTIONS) == []


def test_without_the_arn_of_the_authorizer_its_decisions_are_undecided(service: Any, api: str) -> None:
    found = find_drift(build_shop(), read_document(export(service, api, "oas30")), UNNAMED)
    assert {each.code for each in found} == {"lambda-authorizer"}
    assert "undecided lambda-authorizer DELETE /orders/{id}" in list_short(found)


def test_what_was_changed_by_hand_is_found(service: Any, api: str) -> None:
    resources = {
        each["path"]: each["id"] for each in service.get_resources(restApiId=api, limit=500)["items"]
    }
    place = {"restApiId": api, "resourceId": resources["/orders"], "httpMethod": "POST"}
    service.update_method(
        **place, patchOperations=[{"op": "replace", "path": "/authorizationType", "value": "NONE"}]
    )
    service.delete_method(restApiId=api, resourceId=resources["/me"], httpMethod="GET")
    found = find_drift(build_shop(), read_document(export(service, api, "oas30")), OPTIONS)
    assert list_short(found) == {"danger open-route POST /orders", "warning missing-route GET /me"}
