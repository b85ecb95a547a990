"""CloudFormation resources for an exported definition of an HTTP API, one for each route.

``Body`` of an ``AWS::ApiGatewayV2::Api`` would take the definition itself. With resources a change set shows
which routes change, and emulators support them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from example_app.deploy.parts import Part, build_resource, build_sub


def build_resources(definition: Mapping[str, Any]) -> Part:
    """Return the API, its authorizers, its integration, its routes and its ``$default`` stage."""
    schemes = definition["components"]["securitySchemes"]
    return {
        "Api": _build_api_resource("Api", Name=definition["info"]["title"], ProtocolType="HTTP"),
        **{name: _build_authorizer(name, scheme) for name, scheme in schemes.items()},
        "Integration": _build_integration(definition),
        **_build_routes(definition),
        "Stage": _build_api_resource("Stage", ApiId={"Ref": "Api"}, StageName="$default", AutoDeploy=True),
    }


def _build_authorizer(name: str, scheme: Mapping[str, Any]) -> Part:
    authorizer = scheme["x-amazon-apigateway-authorizer"]
    common = {"ApiId": {"Ref": "Api"}, "Name": name, "IdentitySource": [authorizer["identitySource"]]}
    if authorizer["type"] == "jwt":
        jwt = {"Issuer": _build_issuer(scheme), "Audience": authorizer["jwtConfiguration"]["audience"]}
        return _build_api_resource("Authorizer", **common, AuthorizerType="JWT", JwtConfiguration=jwt)
    return _build_api_resource(
        "Authorizer",
        **common,
        AuthorizerType="REQUEST",
        AuthorizerUri=authorizer["authorizerUri"],
        AuthorizerPayloadFormatVersion=authorizer["authorizerPayloadFormatVersion"],
        EnableSimpleResponses=authorizer["enableSimpleResponses"],
        AuthorizerResultTtlInSeconds=authorizer["authorizerResultTtlInSeconds"],
    )


def _build_issuer(scheme: Mapping[str, Any]) -> Mapping[str, str]:
    address: str = scheme["openIdConnectUrl"]["Fn::Sub"]
    return build_sub(address.removesuffix("/.well-known/openid-configuration"))


def _build_integration(definition: Mapping[str, Any]) -> Part:
    # All operations have the same integration.
    integration = next(_list_operations(definition))[2]["x-amazon-apigateway-integration"]
    return _build_api_resource(
        "Integration",
        ApiId={"Ref": "Api"},
        IntegrationType="AWS_PROXY",
        IntegrationUri=integration["uri"],
        PayloadFormatVersion=integration["payloadFormatVersion"],
    )


def _build_routes(definition: Mapping[str, Any]) -> Part:
    routes: Part = {}
    for method, path, operation in _list_operations(definition):
        key, name = f"{method.upper()} {path}", _build_name(method, path)
        if name in routes:
            raise ValueError(f"{key} and another route would both be the resource {name}: rename a path.")
        routes[name] = _build_api_resource(
            "Route",
            ApiId={"Ref": "Api"},
            RouteKey=key,
            Target=build_sub("integrations/${Integration}"),
            **_build_authorization(definition, operation["security"]),
        )
    return routes


def _build_authorization(definition: Mapping[str, Any], security: list[Mapping[str, list[str]]]) -> Part:
    if not security:
        return {"AuthorizationType": "NONE"}
    ((name, scopes),) = security[0].items()
    authorizer = definition["components"]["securitySchemes"][name]["x-amazon-apigateway-authorizer"]
    kind = "JWT" if authorizer["type"] == "jwt" else "CUSTOM"
    return {
        "AuthorizationType": kind,
        "AuthorizerId": {"Ref": name},
        **({"AuthorizationScopes": scopes} if scopes else {}),
    }


def _list_operations(definition: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, item in definition["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def _build_name(method: str, path: str) -> str:
    """Return the name of a route's resource: ``GetOrdersId``, and for the root ``GetRoot``."""
    parts = [method, *(path.strip("/") or "root").split("/")]
    return "".join("".join(filter(str.isalnum, part)).title() for part in parts)


def _build_api_resource(kind: str, **properties: Any) -> Part:
    return build_resource(f"AWS::ApiGatewayV2::{kind}", **properties)
