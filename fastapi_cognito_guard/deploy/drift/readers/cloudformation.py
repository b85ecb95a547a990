"""Reader of CloudFormation templates, before or after their transforms."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi_cognito_guard.deploy.drift.deployed import DeployedApi
from fastapi_cognito_guard.deploy.drift.readers.resources import Kind, Resource, build_apis
from fastapi_cognito_guard.deploy.drift.readers.sam import SERVERLESS, read_sam
from fastapi_cognito_guard.deploy.drift.values import (
    Unknown,
    describe,
    read_list,
    read_mapping,
    simplify_names,
)

_KINDS: Mapping[str, Kind] = {
    "AWS::ApiGateway::RestApi": "rest",
    "AWS::ApiGateway::Resource": "resource",
    "AWS::ApiGateway::Method": "method",
    "AWS::ApiGateway::Authorizer": "authorizer",
    "AWS::ApiGatewayV2::Api": "http",
    "AWS::ApiGatewayV2::Route": "route",
    "AWS::ApiGatewayV2::Authorizer": "http_authorizer",
}
_PARENTS = {"resource": "parentid", "method": "resourceid"}


def is_template(document: Mapping[str, Any]) -> bool:
    """Return True for a template."""
    resources = read_mapping(document.get("Resources"))
    return any("Type" in read_mapping(each) for each in resources.values())


def read_template(document: Mapping[str, Any]) -> list[DeployedApi]:
    """Return the APIs of a template."""
    resources = read_mapping(document.get("Resources"))
    types = {name: str(read_mapping(each).get("Type")) for name, each in resources.items()}
    plain = [_read_resource(name, read_mapping(resources[name]), _KINDS[types[name]])
             for name in resources if types[name] in _KINDS]  # fmt: skip
    is_sam = any(each.startswith(SERVERLESS) for each in types.values())
    return [*build_apis(plain), *(read_sam(document) if is_sam else ())]


def _read_resource(name: str, given: Mapping[str, Any], kind: Kind) -> Resource:
    fields = simplify_names(given.get("Properties"))
    if "Condition" in given:
        fields["condition"] = given["Condition"]
    if kind in ("method", "route"):
        fields.setdefault("authorizationtype", "NONE")
    if kind == "method":
        fields["integration"] = _read_integration(fields.get("integration"))
    owner = fields.get("restapiid" if kind in ("resource", "method", "authorizer") else "apiid")
    return Resource(
        id=name,
        name=name,
        kind=kind,
        fields=fields,
        api=name if kind in ("rest", "http") else _link(owner),
        parent=_link(fields.get(_PARENTS.get(kind, ""))),
        authorizer=_link(fields.get("authorizerid")),
    )


def _link(value: object) -> str | Unknown:
    """Return the name of the resource that a value refers to."""
    if isinstance(value, str):
        return value
    match dict(read_mapping(value)):
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return name
        case {"Fn::GetAtt": str(text)}:
            return text.partition(".")[0]
        case {"Fn::Sub": str(text)} if text.startswith("${") and text.endswith("}"):
            return text[2:-1].partition(".")[0]
    return Unknown(describe(value))


def _read_integration(given: object) -> Mapping[str, Any]:
    """Return an integration of a method in the form that OpenAPI has."""
    fields = simplify_names(given)
    return {
        "type": fields.get("type"),
        "responses": dict(_list_responses(fields.get("integrationresponses"))),
    }


def _list_responses(given: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for index, each in enumerate(read_list(given)):
        yield str(index), {"responseParameters": read_mapping(each).get("ResponseParameters")}
