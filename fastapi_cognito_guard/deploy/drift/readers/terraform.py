"""Reader of ``terraform show -json``: a state, or a plan."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi_cognito_guard.deploy.drift.deployed import DeployedApi
from fastapi_cognito_guard.deploy.drift.readers.resources import Kind, Resource, build_apis
from fastapi_cognito_guard.deploy.drift.values import (
    Unknown,
    describe,
    parse_json,
    read_list,
    read_mapping,
    simplify_names,
)
from fastapi_cognito_guard.errors import ConfigurationError

_KINDS: Mapping[str, Kind] = {
    "aws_api_gateway_rest_api": "rest",
    "aws_api_gateway_resource": "resource",
    "aws_api_gateway_method": "method",
    "aws_api_gateway_authorizer": "authorizer",
    "aws_apigatewayv2_api": "http",
    "aws_apigatewayv2_route": "route",
    "aws_apigatewayv2_authorizer": "http_authorizer",
}
_PARENTS = {"resource": "parentid", "method": "resourceid"}
_INTEGRATION = "aws_api_gateway_integration"


def is_terraform(document: Mapping[str, Any]) -> bool:
    """Return True for what ``terraform show -json`` prints, and for a state file, which is refused later."""
    return "terraform_version" in document or "format_version" in document


def read_terraform(document: Mapping[str, Any]) -> list[DeployedApi]:
    """Return the APIs of a state or a plan. Raises `ConfigurationError` for a state file."""
    values = document.get("values") or document.get("planned_values")
    if not isinstance(values, Mapping):
        raise ConfigurationError(
            "The document of Terraform has no values: give the output of terraform show -json, which needs a "
            "state or a plan."
        )
    found = [each for each in _walk_modules(values.get("root_module")) if each.get("mode") != "data"]
    integrations = _list_integrations(found)
    names, roots = _find_names(found)
    return build_apis([
        _read_resource(each, _KINDS[str(each.get("type"))], names, roots, integrations)
        for each in found
        if str(each.get("type")) in _KINDS
    ])  # fmt: skip


def _walk_modules(root: object) -> Iterator[Mapping[str, Any]]:
    modules = [read_mapping(root)]
    while modules:
        module = modules.pop()
        yield from (read_mapping(each) for each in read_list(module.get("resources")))
        modules += [read_mapping(each) for each in read_list(module.get("child_modules"))]


def _find_names(found: list[Mapping[str, Any]]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the addresses of APIs by their ids, and of REST APIs by the ids of their root resources."""
    names: dict[str, str] = {}
    roots: dict[str, str] = {}
    for each in found:
        values = read_mapping(each.get("values"))
        address, identifier, root = (each.get("address"), values.get("id"), values.get("root_resource_id"))
        if _KINDS.get(str(each.get("type"))) in ("rest", "http") and isinstance(address, str):
            names |= {identifier: address} if isinstance(identifier, str) else {}
            roots |= {root: address} if isinstance(root, str) else {}
    return names, roots


def _list_integrations(found: list[Mapping[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the integrations of REST APIs by resource and method, in the form that OpenAPI has."""
    listed: dict[tuple[str, str], dict[str, Any]] = {}
    for each in found:
        if not str(each.get("type")).startswith(_INTEGRATION):
            continue
        values = read_mapping(each.get("values"))
        key = str(values.get("resource_id")), str(values.get("http_method"))
        integration = listed.setdefault(key, {"type": None, "responses": {}})
        if each.get("type") == _INTEGRATION:
            integration["type"] = values.get("type")
        else:
            parameters = {"responseParameters": values.get("response_parameters")}
            integration["responses"][str(values.get("status_code"))] = parameters
    return listed


def _read_resource(
    given: Mapping[str, Any],
    kind: Kind,
    names: Mapping[str, str],
    roots: Mapping[str, str],
    integrations: Mapping[tuple[str, str], Mapping[str, Any]],
) -> Resource:
    fields = simplify_names(given.get("values"))
    address = given.get("address") if isinstance(given.get("address"), str) else "a resource"
    identifier = fields.get("id")
    is_api = kind in ("rest", "http")
    if isinstance(fields.get("body"), str) and fields["body"]:
        fields["body"] = _parse_body(address, fields["body"])
    if kind == "method":
        key = str(fields.get("resourceid")), str(fields.get("httpmethod"))
        fields["integration"] = integrations.get(key, {})
    owner = _link(fields.get("restapiid", fields.get("apiid")), names)
    return Resource(
        id=str(address) if is_api or not isinstance(identifier, str) else identifier,
        name=str(address),
        kind=kind,
        fields=fields,
        api=str(address) if is_api else owner,
        parent=_link(fields.get(_PARENTS.get(kind, "")), roots),
        authorizer=_link(fields.get("authorizerid"), {}),
    )


def _parse_body(address: object, body: str) -> object:
    try:
        return parse_json(body)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"The body of {describe(address)}: {error} Write it with jsonencode()."
        ) from None


def _link(value: object, names: Mapping[str, str]) -> str | Unknown:
    return names.get(value, value) if isinstance(value, str) else Unknown(describe(value))
