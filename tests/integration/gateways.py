"""The example app in MiniStack's Lambda, behind one API Gateway for each kind of authorizer."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

from tests.integration.bundle import zipped
from tests.integration.ministack import REGION, EmulatedPool, client_of

ACCOUNT = "123456789012"
STAGE = "prod"
_ROLE = f"arn:aws:iam::{ACCOUNT}:role/lambda"
_RUNTIME = "python3.13"  # MiniStack runs the Python that it has itself, whatever is said here


class Route(NamedTuple):
    """A route of the API; ``scopes`` are its authorization scopes, ``open`` is without an authorizer."""

    method: str
    path: str
    scopes: tuple[str, ...] = ()
    open: bool = False
    echo: bool = False

    @property
    def key(self) -> str:
        return f"{self.method} {self.path}"


ROUTES = (
    Route("GET", "/health", open=True),
    Route("GET", "/", open=True),
    Route("GET", "/me"),
    Route("GET", "/orders", scopes=("orders/read", "orders/write")),
    Route("POST", "/orders", scopes=("orders/write",)),
    Route("GET", "/orders/{id}", scopes=("orders/read", "orders/write")),
    Route("DELETE", "/orders/{id}"),
    Route("GET", "/signer"),
    Route("GET", "/event", echo=True),
    Route("GET", "/event-scoped", scopes=("orders/read", "orders/write"), echo=True),
    Route("GET", "/event-open", open=True, echo=True),
)

Authorizer = Literal["JWT", "COGNITO_USER_POOLS", "TOKEN", "REQUEST", "SIMPLE", "AWS_IAM"]
ROUTE_TYPE: Mapping[Authorizer, str] = {
    "JWT": "JWT",
    "COGNITO_USER_POOLS": "COGNITO_USER_POOLS",
    "TOKEN": "CUSTOM",
    "REQUEST": "CUSTOM",
    "SIMPLE": "CUSTOM",
    "AWS_IAM": "AWS_IAM",
}


class Api(NamedTuple):
    """A deployed API, and where its paths start."""

    id: str
    base: str


@dataclass(frozen=True)
class Account:
    """What one test run deploys. Everything is made through the services' own APIs."""

    pool: EmulatedPool
    task_root: Path

    @cached_property
    def _package(self) -> bytes:
        return zipped(self.task_root)

    def authorizer(self, name: str, handler: str) -> str:
        """A function that finds its libraries on the path: its ARN.

        MiniStack unpacks and starts a function anew after each error, and each refusal of a REST API's
        authorizer is one.
        """
        package = zipped(self.task_root, "functions")
        return self.function(name, handler, package, PYTHONPATH=str(self.task_root))

    def function(self, name: str, handler: str, package: bytes | None = None, **environment: str) -> str:
        """Upload the bundle as a function with this handler; its ARN."""
        settings = {
            "COGNITO_USER_POOL_ID": self.pool.id,
            "COGNITO_CLIENT_IDS": f"{self.pool.web},{self.pool.machine}",
            "COGNITO_JWKS_URI": self.pool.jwks_uri,
        }
        arn: str = self.service("lambda").create_function(
            FunctionName=name,
            Runtime=_RUNTIME,
            Handler=handler,
            Role=_ROLE,
            Timeout=30,
            Code={"ZipFile": package or self._package},
            Environment={"Variables": settings | environment},
        )["FunctionArn"]
        return arn

    @cached_property
    def echo(self) -> str:
        """A function that answers with its event."""
        return self.function("echo", "functions.echo.handler")

    def http_api(self, function: str, kind: Authorizer, authorizer: str | None = None) -> Api:
        """An HTTP API at its ``$default`` stage; ``authorizer`` is the Lambda authorizer's ARN."""
        service = self.service("apigatewayv2")
        api = service.create_api(Name=kind, ProtocolType="HTTP")["ApiId"]
        targets = {arn: self._http_integration(api, arn) for arn in (function, self.echo)}
        settings = self._http_authorizer(kind, authorizer)
        guarded = {"AuthorizationType": ROUTE_TYPE[kind]}
        if settings:
            guarded["AuthorizerId"] = service.create_authorizer(ApiId=api, **settings)["AuthorizerId"]
        for route in ROUTES:
            scopes = {"AuthorizationScopes": list(route.scopes)} if kind == "JWT" and route.scopes else {}
            service.create_route(
                ApiId=api,
                RouteKey=route.key,
                Target=f"integrations/{targets[self.echo if route.echo else function]}",
                **({} if route.open else {**guarded, **scopes}),
            )
        service.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
        return Api(api, _base(api, "$default"))

    def function_url(self, function: str) -> Api:
        """An address of the function's own, without authorization."""
        url = self.service("lambda").create_function_url_config(FunctionName=function, AuthType="NONE")
        label = url["FunctionUrl"].split("//")[1].split(".")[0]
        return Api(label, f"/_aws/lambda-url/{label}")

    def _http_integration(self, api: str, function: str, payload: str = "2.0") -> str:
        integration: str = self.service("apigatewayv2").create_integration(
            ApiId=api,
            IntegrationType="AWS_PROXY",
            IntegrationUri=function,
            PayloadFormatVersion=payload,
        )["IntegrationId"]
        return integration

    def add_payload_1_route(self, api: Api, path: str) -> None:
        """One more echo, whose integration asks for payload 1.0."""
        service = self.service("apigatewayv2")
        authorizer = service.get_authorizers(ApiId=api.id)["Items"][0]["AuthorizerId"]
        service.create_route(
            ApiId=api.id,
            RouteKey=f"GET {path}",
            Target=f"integrations/{self._http_integration(api.id, self.echo, '1.0')}",
            AuthorizationType="JWT",
            AuthorizerId=authorizer,
        )

    def _http_authorizer(self, kind: Authorizer, authorizer: str | None) -> dict[str, Any]:
        source = {"Name": kind, "IdentitySource": ["$request.header.Authorization"]}
        if kind == "JWT":
            issuer = f"https://cognito-idp.{REGION}.amazonaws.com/{self.pool.id}"
            audience = [self.pool.web, self.pool.machine]
            jwt = {"Issuer": issuer, "Audience": audience}
            return {**source, "AuthorizerType": "JWT", "JwtConfiguration": jwt}
        if kind == "SIMPLE":
            return {
                **source,
                "AuthorizerType": "REQUEST",
                "AuthorizerUri": _invocation(authorizer),
                "AuthorizerPayloadFormatVersion": "2.0",
                "EnableSimpleResponses": True,
                "AuthorizerResultTtlInSeconds": 300,
            }
        return {}

    def rest_api(self, function: str, kind: Authorizer, authorizer: str | None = None) -> Api:
        """A REST API at its stage ``prod``."""
        service = self.service("apigateway")
        api = service.create_rest_api(name=kind)["id"]
        settings = self._rest_authorizer(kind, authorizer)
        guarded = {"authorizationType": ROUTE_TYPE[kind]}
        if settings:
            guarded["authorizerId"] = service.create_authorizer(restApiId=api, name=kind, **settings)["id"]
        resources = {"/": service.get_resources(restApiId=api)["items"][0]["id"]}
        for route in ROUTES:
            resource = self._resource(api, resources, route.path)
            scopes = {"authorizationScopes": list(route.scopes)} if kind == "COGNITO_USER_POOLS" else {}
            method = {"restApiId": api, "resourceId": resource, "httpMethod": route.method}
            auth = {"authorizationType": "NONE"} if route.open else {**guarded, **scopes}
            service.put_method(**method, **auth)
            service.put_integration(
                **method,
                type="AWS_PROXY",
                integrationHttpMethod="POST",
                uri=_invocation(self.echo if route.echo else function),
            )
        service.create_deployment(restApiId=api, stageName=STAGE)
        return Api(api, _base(api, STAGE))

    def _resource(self, api: str, known: dict[str, str], path: str) -> str:
        if path not in known:
            parent, _, part = path.rpartition("/")
            parent_id = self._resource(api, known, parent or "/")
            known[path] = self.service("apigateway").create_resource(
                restApiId=api, parentId=parent_id, pathPart=part
            )["id"]
        return known[path]

    def _rest_authorizer(self, kind: Authorizer, authorizer: str | None) -> dict[str, Any]:
        source = {"type": kind, "identitySource": "method.request.header.Authorization"}
        if kind == "COGNITO_USER_POOLS":
            return {
                **source,
                "providerARNs": [f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{self.pool.id}"],
            }
        if kind == "AWS_IAM":
            return {}
        ttl = 300 if kind == "REQUEST" else 0  # one kept for its time, one asked each time
        return {**source, "authorizerUri": _invocation(authorizer), "authorizerResultTtlInSeconds": ttl}

    def service(self, name: str) -> Any:
        """A client of this account's service."""
        return client_of(self.pool.address, name)


def _base(api: str, stage: str) -> str:
    """MiniStack's own form. By host name, it would answer some paths of a ``$default`` stage itself."""
    return f"/_aws/execute-api/{api}/{stage}"


def _invocation(function: str | None) -> str:
    return f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations"
