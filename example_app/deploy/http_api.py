"""An exported definition of an HTTP API as resources of CloudFormation, one for each route.

``Body`` of an ``AWS::ApiGatewayV2::Api`` would take it as it is. As resources, a change set shows which route
changes, and emulators know them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from example_app.deploy.parts import Part, resource, sub


def resources(definition: Mapping[str, Any]) -> Part:
    """The API, its authorizers, its integration, its routes and its ``$default`` stage."""
    schemes = definition["components"]["securitySchemes"]
    made: Part = {
        "Api": _resource("Api", Name=definition["info"]["title"], ProtocolType="HTTP"),
        **{name: _authorizer(name, scheme) for name, scheme in schemes.items()},
        "Integration": _integration(definition),
        **_routes(definition),
        "Stage": _resource("Stage", ApiId={"Ref": "Api"}, StageName="$default", AutoDeploy=True),
    }
    return made


def _authorizer(name: str, scheme: Mapping[str, Any]) -> Part:
    said = scheme["x-amazon-apigateway-authorizer"]
    common = {"ApiId": {"Ref": "Api"}, "Name": name, "IdentitySource": [said["identitySource"]]}
    if said["type"] == "jwt":
        jwt = {"Issuer": _issuer(scheme), "Audience": said["jwtConfiguration"]["audience"]}
        return _resource("Authorizer", **common, AuthorizerType="JWT", JwtConfiguration=jwt)
    return _resource(
        "Authorizer",
        **common,
        AuthorizerType="REQUEST",
        AuthorizerUri=said["authorizerUri"],
        AuthorizerPayloadFormatVersion=said["authorizerPayloadFormatVersion"],
        EnableSimpleResponses=said["enableSimpleResponses"],
        AuthorizerResultTtlInSeconds=said["authorizerResultTtlInSeconds"],
    )


def _issuer(scheme: Mapping[str, Any]) -> Mapping[str, str]:
    address: str = scheme["openIdConnectUrl"]["Fn::Sub"]
    return sub(address.removesuffix("/.well-known/openid-configuration"))


def _integration(definition: Mapping[str, Any]) -> Part:
    """All operations have the same."""
    said = next(_operations(definition))[2]["x-amazon-apigateway-integration"]
    return _resource(
        "Integration",
        ApiId={"Ref": "Api"},
        IntegrationType="AWS_PROXY",
        IntegrationUri=said["uri"],
        PayloadFormatVersion=said["payloadFormatVersion"],
    )


def _routes(definition: Mapping[str, Any]) -> Part:
    made: Part = {}
    for method, path, operation in _operations(definition):
        key, name = f"{method.upper()} {path}", _name(method, path)
        if name in made:
            raise ValueError(f"{key} has the name of another route, {name}: give one a name of its own.")
        made[name] = _resource(
            "Route",
            ApiId={"Ref": "Api"},
            RouteKey=key,
            Target=sub("integrations/${Integration}"),
            **_authorization(definition, operation["security"]),
        )
    return made


def _authorization(definition: Mapping[str, Any], security: list[Mapping[str, list[str]]]) -> Part:
    if not security:
        return {"AuthorizationType": "NONE"}
    ((name, scopes),) = security[0].items()
    said = definition["components"]["securitySchemes"][name]["x-amazon-apigateway-authorizer"]
    kind = "JWT" if said["type"] == "jwt" else "CUSTOM"
    return {
        "AuthorizationType": kind,
        "AuthorizerId": {"Ref": name},
        **({"AuthorizationScopes": scopes} if scopes else {}),
    }


def _operations(definition: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, item in definition["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def _name(method: str, path: str) -> str:
    """``GetOrdersId``, and for the root ``GetRoot``."""
    parts = [method, *(path.strip("/") or "root").split("/")]
    return "".join("".join(filter(str.isalnum, part)).title() for part in parts)


def _resource(kind: str, **properties: Any) -> Part:
    return resource(f"AWS::ApiGatewayV2::{kind}", **properties)
