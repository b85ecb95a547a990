"""Documents about one deployed API in each format that is read, from an exported definition."""

import json
from collections.abc import Callable
from typing import Any

from tests.deploy.drift.definitions import Document, list_authorizers, list_operations
from tests.deploy.drift.terraform import as_state, build_state

_DISCOVERY = "/.well-known/openid-configuration"


def as_exported(definition: Document) -> Document:
    """Return what ``get-export`` or ``export-api`` writes where it differs from an imported definition."""
    document: Document = json.loads(json.dumps(definition))
    if "x-amazon-apigateway-gateway-responses" in definition:
        return document
    for _, scheme, authorizer in list_authorizers(document):
        if authorizer["type"] == "jwt":
            authorizer["jwtConfiguration"]["issuer"] = scheme.pop("openIdConnectUrl").removesuffix(_DISCOVERY)
            scheme |= {"type": "oauth2", "flows": {}}
    return {**document, "x-amazon-apigateway-importexport-version": "1.0"}


def as_swagger(definition: Document) -> Document:
    """Return the Swagger 2.0 document of a REST API."""
    document: Document = json.loads(json.dumps(definition))
    schemes = document.pop("components")["securitySchemes"]
    return {"swagger": "2.0", **document, "securityDefinitions": schemes}


def as_cloudformation_body(definition: Document) -> Document:
    """Return a template whose API has the definition as its body."""
    kind = "AWS::ApiGateway::RestApi" if _is_rest(definition) else "AWS::ApiGatewayV2::Api"
    return {"Resources": {"Api": {"Type": kind, "Properties": {"Body": definition}}}}


def as_cloudformation(definition: Document) -> Document:
    """Return a template with a resource for each part."""
    build = _build_rest_resources if _is_rest(definition) else _build_http_resources
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": build(definition)}


def as_sam_body(definition: Document) -> Document:
    """Return a SAM template whose API has the definition."""
    kind = "AWS::Serverless::Api" if _is_rest(definition) else "AWS::Serverless::HttpApi"
    api = {"Type": kind, "Properties": {"DefinitionBody": definition}}
    return {"Transform": "AWS::Serverless-2016-10-31", "Resources": {"Api": api}}


def as_sam_events(definition: Document) -> Document:
    """Return a SAM template whose routes are events of a function."""
    is_rest = _is_rest(definition)
    auth = {
        "Authorizers": {name: _build_sam_authorizer(*rest) for name, *rest in list_authorizers(definition)}
    }
    api: Document = {"Auth": auth}
    if "x-amazon-apigateway-cors" in definition:
        api["CorsConfiguration"] = _capitalize(definition["x-amazon-apigateway-cors"])
    events = {}
    for index, each in enumerate(list_operations(definition)):
        properties: Document = {"RestApiId" if is_rest else "ApiId": {"Ref": "Api"}}
        if each.path != "/$default":
            properties |= {"Path": each.path, "Method": each.method.lower()}
        name = {"sigv4": "AWS_IAM", None: "NONE"}.get(each.scheme, each.scheme)
        properties["Auth"] = {"Authorizer": name, "AuthorizationScopes": each.scopes}
        if each.api_key:
            properties["Auth"]["ApiKeyRequired"] = True
        events[f"Event{index}"] = {"Type": "Api" if is_rest else "HttpApi", "Properties": properties}
    kind = "AWS::Serverless::Api" if is_rest else "AWS::Serverless::HttpApi"
    function = {"Type": "AWS::Serverless::Function", "Properties": {"Events": events}}
    return {"Resources": {"Api": {"Type": kind, "Properties": api}, "Function": function}}


def as_terraform_body(definition: Document) -> Document:
    """Return the state of an API with a body."""
    kind = "aws_api_gateway_rest_api" if _is_rest(definition) else "aws_apigatewayv2_api"
    values = {"id": "a1", "body": json.dumps(definition)}
    module = {"resources": [{"address": f"{kind}.api", "mode": "managed", "type": kind, "values": values}]}
    return build_state({"child_modules": [module]})


def as_terraform(definition: Document) -> Document:
    """Return the state of an API with a resource for each part."""
    return as_state(as_cloudformation(definition))


REST_FORMATS: dict[str, Callable[[Document], Document]] = {
    "export": as_exported,
    "swagger": as_swagger,
    "CloudFormation body": as_cloudformation_body,
    "CloudFormation": as_cloudformation,
    "SAM body": as_sam_body,
    "SAM events": as_sam_events,
    "Terraform body": as_terraform_body,
    "Terraform": as_terraform,
}
HTTP_FORMATS = {name: build for name, build in REST_FORMATS.items() if name != "swagger"}
FORMATS = [("rest", name) for name in REST_FORMATS] + [("http", name) for name in HTTP_FORMATS]


def write(definition: Document, name: str) -> bytes:
    """Return the document of this format."""
    return json.dumps(REST_FORMATS[name](definition)).encode()


def _is_rest(definition: Document) -> bool:
    return "x-amazon-apigateway-gateway-responses" in definition


def _capitalize(fields: Document) -> Document:
    return {name[:1].upper() + name[1:]: value for name, value in fields.items()}


def _build_http_resources(definition: Document) -> Document:
    properties: Document = {"ProtocolType": "HTTP"}
    if "x-amazon-apigateway-cors" in definition:
        properties["CorsConfiguration"] = _capitalize(definition["x-amazon-apigateway-cors"])
    resources: Document = {"Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": properties}}
    for name, scheme, given in list_authorizers(definition):
        fields = {
            "AuthorizerType": given["type"].upper(),
            "IdentitySource": given["identitySource"].split(", "),
        }
        if given["type"] == "jwt":
            issuer = scheme["openIdConnectUrl"].removesuffix(_DISCOVERY)
            fields["JwtConfiguration"] = {"Issuer": issuer, "Audience": given["jwtConfiguration"]["audience"]}
        else:
            fields["AuthorizerUri"] = given["authorizerUri"]
            fields["EnableSimpleResponses"] = given["enableSimpleResponses"]
            fields["AuthorizerResultTtlInSeconds"] = given["authorizerResultTtlInSeconds"]
        resources[name] = {
            "Type": "AWS::ApiGatewayV2::Authorizer",
            "Properties": {"ApiId": {"Ref": "Api"}, **fields},
        }
    for index, each in enumerate(list_operations(definition)):
        kinds = {None: "NONE", "sigv4": "AWS_IAM", "Cognito": "JWT"}
        properties = {"ApiId": {"Ref": "Api"}, "RouteKey": each.key}
        properties["AuthorizationType"] = kinds.get(each.scheme, "CUSTOM")
        if each.scheme not in (None, "sigv4"):
            properties["AuthorizerId"] = {"Ref": each.scheme}
        if each.scopes:
            properties["AuthorizationScopes"] = each.scopes
        resources[f"Route{index}"] = {"Type": "AWS::ApiGatewayV2::Route", "Properties": properties}
    return resources


def _build_rest_resources(definition: Document) -> Document:
    resources: Document = {"Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {}}}
    api = {"RestApiId": {"Ref": "Api"}}
    for name, scheme, given in list_authorizers(definition):
        source = given.get("identitySource", f"method.request.header.{scheme['name']}")
        fields = {"Type": given["type"].upper(), "IdentitySource": source, **_capitalize(given), **api}
        resources[name] = {
            "Type": "AWS::ApiGateway::Authorizer",
            "Properties": fields | {"Type": given["type"].upper()},
        }
    places: dict[str, Any] = {"": {"Fn::GetAtt": ["Api", "RootResourceId"]}}
    for index, each in enumerate(list_operations(definition)):
        kinds = {None: "NONE", "sigv4": "AWS_IAM", "Cognito": "COGNITO_USER_POOLS"}
        resources[f"Method{index}"] = {
            "Type": "AWS::ApiGateway::Method",
            "Properties": {
                **api,
                "ResourceId": _find_place(each.path.rstrip("/"), places, resources),
                "HttpMethod": each.method,
                "AuthorizationType": kinds.get(each.scheme, "CUSTOM"),
                **({"AuthorizerId": {"Ref": each.scheme}} if each.scheme not in (None, "sigv4") else {}),
                "AuthorizationScopes": each.scopes,
                "ApiKeyRequired": each.api_key,
                "Integration": _build_integration(each.integration),
            },
        }
    return resources


def _build_integration(given: Document) -> Document:
    parameters = [each["responseParameters"] for each in given.get("responses", {}).values()]
    return {
        "Type": given.get("type", "aws_proxy").upper(),
        "IntegrationResponses": [{"StatusCode": "200", "ResponseParameters": each} for each in parameters],
    }


def _find_place(path: str, places: Document, resources: Document) -> Any:
    if path not in places:
        parent, _, part = path.rpartition("/")
        properties = {"RestApiId": {"Ref": "Api"}, "ParentId": _find_place(parent, places, resources)}
        name = f"Resource{len(places)}"
        resources[name] = {
            "Type": "AWS::ApiGateway::Resource",
            "Properties": {**properties, "PathPart": part},
        }
        places[path] = {"Ref": name}
    return places[path]


def _build_sam_authorizer(scheme: Document, given: Document) -> Document:
    source = str(given.get("identitySource", scheme.get("name")))
    if given["type"] == "cognito_user_pools":
        return {"UserPoolArn": given["providerARNs"], "Identity": {"Header": scheme["name"]}}
    if given["type"] == "jwt":
        issuer = scheme["openIdConnectUrl"].removesuffix(_DISCOVERY)
        jwt = {"issuer": issuer, "audience": given["jwtConfiguration"]["audience"]}
        return {"JwtConfiguration": jwt, "IdentitySource": source}
    identity: Document = {"ReauthorizeEvery": given["authorizerResultTtlInSeconds"]}
    parts = source.split(", ")
    identity["Headers"] = [part.rpartition(".")[2] for part in parts if "header" in part or "." not in part]
    identity["Context"] = [part.rpartition(".")[2] for part in parts if "context." in part]
    function = given["authorizerUri"].partition("/functions/")[2].removesuffix("/invocations")
    simple = given.get("enableSimpleResponses")
    return {"FunctionArn": function, "EnableSimpleResponses": simple, "Identity": identity}
