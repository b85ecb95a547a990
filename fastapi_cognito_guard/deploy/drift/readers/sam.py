"""Reader of SAM templates before their transform: APIs with ``Auth``, and functions with events."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi_cognito_guard.deploy.definition.options import ApiKind
from fastapi_cognito_guard.deploy.drift.authorizers import IAM, find_kind, make_unknown, read_authorizer
from fastapi_cognito_guard.deploy.drift.deployed import (
    ANY,
    Authorizer,
    DeployedApi,
    DeployedCors,
    DeployedRoute,
    parse_route_path,
)
from fastapi_cognito_guard.deploy.drift.readers.cors import read_http_cors, read_mock_cors
from fastapi_cognito_guard.deploy.drift.readers.openapi import is_openapi, read_openapi
from fastapi_cognito_guard.deploy.drift.values import (
    Value,
    describe,
    is_true,
    read_list,
    read_mapping,
    read_values,
)
from fastapi_cognito_guard.deploy.operations import METHODS

SERVERLESS = "AWS::Serverless::"
_KINDS: Mapping[str, ApiKind] = {"Api": "rest", "HttpApi": "http"}
_IMPLICIT: Mapping[ApiKind, str] = {"rest": "ServerlessRestApi", "http": "ServerlessHttpApi"}
_SOURCES = ("Headers", "QueryStrings", "Context", "StageVariables")
_SPELLINGS: Mapping[ApiKind, tuple[str, ...]] = {
    "rest": ("method.request.header.", "method.request.querystring.", "context.", "stageVariables."),
    "http": ("$request.header.", "$request.querystring.", "$context.", "$stageVariables."),
}


def read_sam(document: Mapping[str, Any]) -> list[DeployedApi]:
    """Return the APIs of a template that SAM would make."""
    resources = {name: read_mapping(each) for name, each in read_mapping(document.get("Resources")).items()}
    globals_ = read_mapping(document.get("Globals"))
    apis: dict[tuple[str, ApiKind], _SamApi] = {}
    for name, resource in resources.items():
        kind = _KINDS.get(str(resource.get("Type")).removeprefix(SERVERLESS))
        if kind is not None:
            common = read_mapping(globals_.get("Api" if kind == "rest" else "HttpApi"))
            apis[name, kind] = _SamApi(name, kind, _merge(common, read_mapping(resource.get("Properties"))))
    for event in _list_events(resources):
        kind = _KINDS[str(event["Type"])]
        properties = read_mapping(event.get("Properties"))
        name = _find_api(properties.get("RestApiId" if kind == "rest" else "ApiId"), kind)
        if (name, kind) not in apis:
            common = read_mapping(globals_.get("Api" if kind == "rest" else "HttpApi"))
            apis[name, kind] = _SamApi(name, kind, common if name == _IMPLICIT[kind] else {})
        apis[name, kind].add_event(properties)
    return [each.build() for each in apis.values()]


def _merge(common: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    auth = {**read_mapping(common.get("Auth")), **read_mapping(own.get("Auth"))}
    return {**common, **own, "Auth": auth}


def _list_events(resources: Mapping[str, Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for resource in resources.values():
        if resource.get("Type") == SERVERLESS + "Function":
            events = read_mapping(read_mapping(resource.get("Properties")).get("Events")).values()
            yield from (each for each in map(read_mapping, events) if str(each.get("Type")) in _KINDS)


def _find_api(reference: object, kind: ApiKind) -> str:
    if reference is None:
        return _IMPLICIT[kind]
    name = read_mapping(reference).get("Ref", reference)
    return describe(name)


class _SamApi:
    """An API of SAM: its properties, and the events that add routes to it."""

    def __init__(self, name: str, kind: ApiKind, properties: Mapping[str, Any]) -> None:
        self._name, self._kind, self._properties = name, kind, properties
        self._auth = read_mapping(properties.get("Auth"))
        self._given = read_mapping(self._auth.get("Authorizers"))
        self._routes: list[DeployedRoute] = []
        self._gaps: list[str] = []

    def add_event(self, event: Mapping[str, Any]) -> None:
        """Add the route of a function's event. One of an HTTP API without a path is ``$default``."""
        path, method = event.get("Path"), event.get("Method", ANY)
        auth = read_mapping(event.get("Auth"))
        is_default = path is None and self._kind == "http"
        name = method.upper() if isinstance(method, str) else None
        if name not in (*METHODS, ANY) or not (is_default or str(path).startswith("/")):
            self._gaps.append(f"the event with the path {describe(path)} cannot be read")
            return
        chosen = auth.get("Authorizer", self._auth.get("DefaultAuthorizer"))
        authorizer = self._find_authorizer(chosen)
        keyed = auth.get("ApiKeyRequired", self._auth.get("ApiKeyRequired"))
        self._routes.append(
            DeployedRoute(
                path=None if is_default else parse_route_path(str(path), keep_slash=self._kind == "http"),
                method=ANY if is_default else name,
                authorizer=authorizer,
                scopes=self._read_scopes(auth, chosen) if authorizer else (),
                api_key=is_true(keyed),
            )
        )

    def build(self) -> DeployedApi:
        """Return the API with the routes of its definition, of the events, and for preflights."""
        defined = self._read_definition()
        cors = self._properties.get("CorsConfiguration" if self._kind == "http" else "Cors")
        routes = [*(defined.routes if defined else ()), *self._routes]
        is_rest = self._kind == "rest"
        return DeployedApi(
            name=self._name,
            kind=self._kind,
            routes=(*routes, *(self._add_preflights(routes, cors) if is_rest and cors else ())),
            cors=(None if is_rest else read_http_cors(cors)) or (defined.cors if defined else None),
            gaps=(*self._gaps, *(defined.gaps if defined else ())),
            declares=bool(self._given) or (defined is not None and defined.declares),
        )

    def _read_definition(self) -> DeployedApi | None:
        body = self._properties.get("DefinitionBody")
        if not isinstance(body, Mapping) or not is_openapi(body):
            if body is not None or "DefinitionUri" in self._properties:
                self._gaps.append(
                    f"the definition of {describe(self._name)} is not in this document: give the definition, "
                    "or the template after its transforms"
                )
            return None
        defined = read_openapi(body, self._kind)
        if "DefaultAuthorizer" in self._auth and any(each.authorizer is None for each in defined.routes):
            self._gaps.append(
                "SAM adds the DefaultAuthorizer to routes of the DefinitionBody: give the template after its "
                "transforms"
            )
        return defined

    def _find_authorizer(self, name: object) -> Authorizer | None:
        if name is None or name == "NONE":
            return None
        if find_kind(name) == "iam":
            return IAM
        if not isinstance(name, str) or name not in self._given:
            return make_unknown("authorizer", f"the authorizer {describe(name)} is not in this document")
        return self._read_authorizer(name, read_mapping(self._given[name]))

    def _read_authorizer(self, name: str, given: Mapping[str, Any]) -> Authorizer:
        identity = read_mapping(given.get("Identity"))
        sources = given.get("IdentitySource", self._list_sources(identity))
        fields: dict[str, Any] = {"identitySource": sources}
        fields["authorizerResultTtlInSeconds"] = identity.get("ReauthorizeEvery")
        if "UserPoolArn" in given:
            fields |= {"type": "cognito_user_pools", "providerArns": given["UserPoolArn"]}
        elif "JwtConfiguration" in given:
            fields |= {"type": "jwt", "jwtConfiguration": given["JwtConfiguration"]}
        elif "FunctionArn" in given:
            simple = given.get("EnableSimpleResponses")
            fields |= {
                "type": "request",
                "authorizerUri": given["FunctionArn"],
                "enableSimpleResponses": simple,
            }
        return read_authorizer(name, fields, self._kind)

    def _list_sources(self, identity: Mapping[str, Any]) -> list[Any]:
        spellings = dict(zip(_SOURCES, _SPELLINGS[self._kind], strict=True))
        listed = [
            spellings[name] + each if isinstance(each, str) else each
            for name in _SOURCES
            for each in read_list(identity.get(name))
        ]
        header = identity.get("Header", "Authorization")
        return listed or [spellings["Headers"] + header if isinstance(header, str) else header]

    def _read_scopes(self, auth: Mapping[str, Any], chosen: object) -> tuple[Value, ...]:
        own = auth.get("AuthorizationScopes")
        if own is None and isinstance(chosen, str):
            own = read_mapping(self._given.get(chosen)).get("AuthorizationScopes")
        return read_values(own) or ()

    def _add_preflights(self, routes: list[DeployedRoute], cors: object) -> Iterator[DeployedRoute]:
        """Add the methods that SAM makes for preflights, which answer without the app."""
        closed = self._auth.get("AddDefaultAuthorizerToCorsPreflight", True)
        default = self._auth.get("DefaultAuthorizer") if is_true(closed) is not False else None
        taken = {each.path for each in routes if each.method in ("OPTIONS", ANY)}
        for path in dict.fromkeys(each.path for each in routes if each.path not in taken):
            authorizer = self._find_authorizer(default)
            yield DeployedRoute(path=path, method="OPTIONS", authorizer=authorizer, answers=_read_cors(cors))


def _read_cors(cors: object) -> DeployedCors | None:
    fields = read_mapping(cors) or {"AllowOrigin": cors}
    names = {"origin": "AllowOrigin", "methods": "AllowMethods", "headers": "AllowHeaders"}
    parameters = {f"method.response.header.Access-Control-Allow-{name}": fields.get(key)
                  for name, key in names.items() if key in fields}  # fmt: skip
    return read_mock_cors({"type": "mock", "responses": {"default": {"responseParameters": parameters}}})
