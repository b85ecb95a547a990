"""Functions in MiniStack's Lambda, and one API Gateway for each kind of authorizer."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

from tests.integration.bundle import build_zip
from tests.integration.ministack import REGION, EmulatedPool, make_client

ACCOUNT = "123456789012"
STAGE = "prod"
_ROLE = f"arn:aws:iam::{ACCOUNT}:role/lambda"
_RUNTIME = "python3.13"  # required, but MiniStack runs its own Python


class Route(NamedTuple):
    """Route of the API. ``scopes`` are its authorization scopes; ``open`` routes have no authorizer."""

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
    """Deployed API, with the base of its paths."""

    id: str
    base: str


@dataclass(frozen=True)
class Account:
    """Emulated AWS account of a test run. Everything is created through the services' own APIs."""

    pool: EmulatedPool
    task_root: Path

    @cached_property
    def _package(self) -> bytes:
        return build_zip(self.task_root)

    def create_authorizer(self, name: str, handler: str) -> str:
        """Create a function without bundled libraries, and return its ARN.

        MiniStack unpacks and restarts a function after each error, and each refusal by a REST API's
        authorizer is an error. A small package keeps that fast.
        """
        package = build_zip(self.task_root, "functions")
        return self.create_function(name, handler, package, PYTHONPATH=str(self.task_root))

    def create_function(
        self, name: str, handler: str, package: bytes | None = None, **environment: str
    ) -> str:
        """Create a function from the bundle with this handler, and return its ARN."""
        settings = {
            "COGNITO_USER_POOL_ID": self.pool.id,
            "COGNITO_CLIENT_IDS": f"{self.pool.web},{self.pool.machine}",
            "COGNITO_JWKS_URI": self.pool.jwks_uri,
        }
        arn: str = self.make_service("lambda").create_function(
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
        """ARN of a function that returns its event."""
        return self.create_function("echo", "functions.echo.handler")

    def create_http_api(self, function: str, kind: Authorizer, authorizer: str | None = None) -> Api:
        """Create an HTTP API with the stage ``$default``. ``authorizer`` is a Lambda authorizer's ARN."""
        service = self.make_service("apigatewayv2")
        api = service.create_api(Name=kind, ProtocolType="HTTP")["ApiId"]
        targets = {arn: self._create_http_integration(api, arn) for arn in (function, self.echo)}
        settings = self._build_http_authorizer(kind, authorizer)
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
        return Api(api, _build_base_path(api, "$default"))

    def create_function_url(self, function: str) -> Api:
        """Create a function URL without authorization."""
        url = self.make_service("lambda").create_function_url_config(FunctionName=function, AuthType="NONE")
        label = url["FunctionUrl"].split("//")[1].split(".")[0]
        return Api(label, f"/_aws/lambda-url/{label}")

    def _create_http_integration(self, api: str, function: str, payload: str = "2.0") -> str:
        integration: str = self.make_service("apigatewayv2").create_integration(
            ApiId=api,
            IntegrationType="AWS_PROXY",
            IntegrationUri=function,
            PayloadFormatVersion=payload,
        )["IntegrationId"]
        return integration

    def add_payload_1_route(self, api: Api, path: str) -> None:
        """Add an echo route whose integration is set to payload format 1.0."""
        service = self.make_service("apigatewayv2")
        authorizer = service.get_authorizers(ApiId=api.id)["Items"][0]["AuthorizerId"]
        service.create_route(
            ApiId=api.id,
            RouteKey=f"GET {path}",
            Target=f"integrations/{self._create_http_integration(api.id, self.echo, '1.0')}",
            AuthorizationType="JWT",
            AuthorizerId=authorizer,
        )

    def _build_http_authorizer(self, kind: Authorizer, authorizer: str | None) -> dict[str, Any]:
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
                "AuthorizerUri": _build_invocation_arn(authorizer),
                "AuthorizerPayloadFormatVersion": "2.0",
                "EnableSimpleResponses": True,
                "AuthorizerResultTtlInSeconds": 300,
            }
        return {}

    def create_rest_api(self, function: str, kind: Authorizer, authorizer: str | None = None) -> Api:
        """Create a REST API with the stage ``prod``."""
        service = self.make_service("apigateway")
        api = service.create_rest_api(name=kind)["id"]
        settings = self._build_rest_authorizer(kind, authorizer)
        guarded = {"authorizationType": ROUTE_TYPE[kind]}
        if settings:
            guarded["authorizerId"] = service.create_authorizer(restApiId=api, name=kind, **settings)["id"]
        resources = {"/": service.get_resources(restApiId=api)["items"][0]["id"]}
        for route in ROUTES:
            resource = self._create_resource(api, resources, route.path)
            scopes = {"authorizationScopes": list(route.scopes)} if kind == "COGNITO_USER_POOLS" else {}
            method = {"restApiId": api, "resourceId": resource, "httpMethod": route.method}
            auth = {"authorizationType": "NONE"} if route.open else {**guarded, **scopes}
            service.put_method(**method, **auth)
            service.put_integration(
                **method,
                type="AWS_PROXY",
                integrationHttpMethod="POST",
                uri=_build_invocation_arn(self.echo if route.echo else function),
            )
        service.create_deployment(restApiId=api, stageName=STAGE)
        return Api(api, _build_base_path(api, STAGE))

    def _create_resource(self, api: str, known: dict[str, str], path: str) -> str:
        if path not in known:
            parent, _, part = path.rpartition("/")
            parent_id = self._create_resource(api, known, parent or "/")
            known[path] = self.make_service("apigateway").create_resource(
                restApiId=api, parentId=parent_id, pathPart=part
            )["id"]
        return known[path]

    def _build_rest_authorizer(self, kind: Authorizer, authorizer: str | None) -> dict[str, Any]:
        source = {"type": kind, "identitySource": "method.request.header.Authorization"}
        if kind == "COGNITO_USER_POOLS":
            return {
                **source,
                "providerARNs": [f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{self.pool.id}"],
            }
        if kind == "AWS_IAM":
            return {}
        ttl = 300 if kind == "REQUEST" else 0  # with and without a cache
        return {
            **source,
            "authorizerUri": _build_invocation_arn(authorizer),
            "authorizerResultTtlInSeconds": ttl,
        }

    def make_service(self, name: str) -> Any:
        """Make a client of one of the account's services."""
        return make_client(self.pool.address, name)


def _build_base_path(api: str, stage: str) -> str:
    """Return MiniStack's path of an API. By host name, it would answer some paths of ``$default`` itself."""
    return f"/_aws/execute-api/{api}/{stage}"


def _build_invocation_arn(function: str | None) -> str:
    return f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations"
