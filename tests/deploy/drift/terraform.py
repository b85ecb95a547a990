"""The state of Terraform for a template of CloudFormation."""

from typing import Any

from tests.deploy.drift.definitions import Document

_TERRAFORM = {
    "AWS::ApiGateway::RestApi": "aws_api_gateway_rest_api",
    "AWS::ApiGateway::Resource": "aws_api_gateway_resource",
    "AWS::ApiGateway::Method": "aws_api_gateway_method",
    "AWS::ApiGateway::Authorizer": "aws_api_gateway_authorizer",
    "AWS::ApiGatewayV2::Api": "aws_apigatewayv2_api",
    "AWS::ApiGatewayV2::Route": "aws_apigatewayv2_route",
    "AWS::ApiGatewayV2::Authorizer": "aws_apigatewayv2_authorizer",
}
_SNAKE = {
    "RestApiId": "rest_api_id",
    "ApiId": "api_id",
    "ResourceId": "resource_id",
    "ParentId": "parent_id",
    "PathPart": "path_part",
    "HttpMethod": "http_method",
    "AuthorizationType": "authorization_type",
    "AuthorizationScopes": "authorization_scopes",
    "AuthorizerId": "authorizer_id",
    "AuthorizerType": "authorizer_type",
    "AuthorizerUri": "authorizer_uri",
    "AuthorizerResultTtlInSeconds": "authorizer_result_ttl_in_seconds",
    "EnableSimpleResponses": "enable_simple_responses",
    "IdentitySource": "identity_source",
    "ProviderARNs": "provider_arns",
    "JwtConfiguration": "jwt_configuration",
    "CorsConfiguration": "cors_configuration",
    "ApiKeyRequired": "api_key_required",
    "RouteKey": "route_key",
    "ProtocolType": "protocol_type",
    "AllowOrigins": "allow_origins",
    "AllowMethods": "allow_methods",
    "AllowHeaders": "allow_headers",
    "AllowCredentials": "allow_credentials",
}


def as_state(template: Document) -> Document:
    """Return the state of an API with a resource for each one of the template."""
    made = template["Resources"].items()
    return build_state({"resources": [_build_terraform(name, each) for name, each in made]})


def build_state(root: Document) -> Document:
    """Return a state with this module."""
    return {"format_version": "1.0", "terraform_version": "1.13.0", "values": {"root_module": root}}


def _build_terraform(name: str, resource: Document) -> Document:
    kind = _TERRAFORM[resource["Type"]]
    values = {_SNAKE.get(key, key.lower()): _resolve(value) for key, value in resource["Properties"].items()}
    if kind == "aws_api_gateway_method":
        values["authorization"] = values.pop("authorization_type")
    for block in ("jwt_configuration", "cors_configuration"):
        if block in values:
            values[block] = [{_SNAKE.get(key, key.lower()): value for key, value in values[block].items()}]
    if kind == "aws_apigatewayv2_authorizer":
        values["identity_sources"] = values.pop("identity_source")
    values |= {"id": f"id-{name}", "root_resource_id": "id-root" if kind.endswith("rest_api") else None}
    return {"address": f"{kind}.{name}", "mode": "managed", "type": kind, "values": values}


def _resolve(value: Any) -> Any:
    match value:
        case {"Ref": name}:
            return f"id-{name}"
        case {"Fn::GetAtt": [_, "RootResourceId"]}:
            return "id-root"
    return value
