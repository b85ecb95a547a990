"""APIs from single resources: routes, methods and authorizers of CloudFormation or Terraform."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from fastapi_cognito_guard.deploy.definition.options import ApiKind
from fastapi_cognito_guard.deploy.drift.authorizers import IAM, find_kind, make_unknown, read_authorizer
from fastapi_cognito_guard.deploy.drift.deployed import (
    ANY,
    Authorizer,
    DeployedApi,
    DeployedRoute,
    parse_route_path,
)
from fastapi_cognito_guard.deploy.drift.readers.cors import read_http_cors, read_mock_cors
from fastapi_cognito_guard.deploy.drift.readers.openapi import is_openapi, read_openapi
from fastapi_cognito_guard.deploy.drift.values import Unknown, describe, is_true, read_values
from fastapi_cognito_guard.deploy.operations import METHODS

Kind = Literal["rest", "resource", "method", "authorizer", "http", "route", "http_authorizer"]
DEFAULT_ROUTE = "$default"
_MOST_PARENTS = 50


class Resource(NamedTuple):
    """A resource with its fields in one spelling. References are ids of other resources, or unknown.

    ``name``    by which people know it
    ``kind``    ``"rest"`` and ``"http"`` are the APIs themselves
    ``api``     id of its API
    ``parent``  of a resource in a REST API's tree, and of a method
    """

    id: str
    name: str
    kind: Kind
    fields: Mapping[str, Any]
    api: str | Unknown
    parent: str | Unknown = Unknown("none")
    authorizer: str | Unknown = Unknown("none")


def build_apis(resources: Sequence[Resource]) -> list[DeployedApi]:
    """Return the REST and HTTP APIs that these resources make."""
    grouped: dict[object, list[Resource]] = {}
    for each in resources:
        grouped.setdefault(each.api, []).append(each)
    known = {each.id: each.kind for each in resources if each.kind in ("rest", "http")}
    apis = [
        _Assembly(each, grouped.get(each.id, ())).build()
        for each in resources
        if each.kind in ("rest", "http") and not _is_websocket(each)
    ]
    strays = [api for api in grouped if api not in known]
    for api in strays:
        kind: ApiKind = "http" if any(each.kind == "route" for each in grouped[api]) else "rest"
        stand_in = Resource(str(api), str(api), kind, {}, str(api))
        apis.append(_Assembly(stand_in, grouped[api]).build())
    return apis


def _is_websocket(api: Resource) -> bool:
    return str(api.fields.get("protocoltype")).upper() == "WEBSOCKET"


class _Assembly:
    """One API and its parts."""

    def __init__(self, api: Resource, parts: Iterable[Resource]) -> None:
        self._api = api
        self._kind: ApiKind = "rest" if api.kind == "rest" else "http"
        self._parts = list(parts)
        self._tree = {each.id: each for each in self._parts if each.kind == "resource"}
        self._authorizers = {
            each.id: read_authorizer(each.name, each.fields, self._kind)
            for each in self._parts
            if each.kind in ("authorizer", "http_authorizer")
        }
        self.gaps = [
            f"{describe(each.name)} has a Condition, and is compared as if it were deployed"
            for each in (api, *self._parts)
            if "condition" in each.fields
        ]

    def build(self) -> DeployedApi:
        """Return the API with the routes of its definition and those of its own resources."""
        defined = self._read_body()
        routes = [*(defined.routes if defined else ()), *self._list_routes()]
        cors = read_http_cors(self._api.fields.get("corsconfiguration"))
        return DeployedApi(
            name=self._api.id,
            kind=self._kind,
            routes=tuple(routes),
            cors=cors or (defined.cors if defined else None),
            gaps=(*self.gaps, *(defined.gaps if defined else ())),
            declares=bool(self._authorizers) or (defined is not None and defined.declares),
        )

    def _read_body(self) -> DeployedApi | None:
        body = self._api.fields.get("body")
        if isinstance(body, Mapping) and is_openapi(body):
            return read_openapi(body, self._kind)
        if body or self._api.fields.get("bodys3location"):
            self.gaps.append(
                f"the definition of {describe(self._api.id)} is not in this document: give the definition, "
                "or the template after its transforms"
            )
        return None

    def _list_routes(self) -> Iterator[DeployedRoute]:
        if self._api.fields.get("target"):  # quick create
            yield from self._read_key(self._api.fields.get("routekey") or DEFAULT_ROUTE, {}, None)
        for each in self._parts:
            if each.kind == "route":
                yield from self._read_key(
                    each.fields.get("routekey"), each.fields, self._find_authorizer(each)
                )
            elif each.kind == "method":
                yield from self._read_method(each)

    def _read_key(
        self, key: object, fields: Mapping[str, Any], authorizer: Authorizer | None
    ) -> Iterator[DeployedRoute]:
        """Read a route by its key: ``GET /orders/{id}``, ``ANY /{proxy+}`` or ``$default``."""
        method, _, path = str(key).partition(" ")
        if key == DEFAULT_ROUTE:
            method = ANY
        elif not isinstance(key, str) or method not in (*METHODS, ANY) or not path.startswith("/"):
            self.gaps.append(f"the route key {describe(key)} cannot be read")
            return
        yield DeployedRoute(
            path=None if key == DEFAULT_ROUTE else parse_route_path(path, keep_slash=True),
            method=method,
            authorizer=authorizer,
            scopes=read_values(fields.get("authorizationscopes")) or (),
            api_key=is_true(fields.get("apikeyrequired")),
        )

    def _read_method(self, method: Resource) -> Iterator[DeployedRoute]:
        name, path = method.fields.get("httpmethod"), self._find_path(method.parent)
        if not isinstance(name, str) or name.upper() not in (*METHODS, ANY) or path is None:
            self.gaps.append(f"the method or the path of {describe(method.name)} is not known here")
            return
        yield DeployedRoute(
            path=parse_route_path(path, keep_slash=False),
            method=name.upper(),
            authorizer=self._find_authorizer(method),
            scopes=read_values(method.fields.get("authorizationscopes")) or (),
            api_key=is_true(method.fields.get("apikeyrequired")),
            answers=read_mock_cors(method.fields.get("integration")),
        )

    def _find_path(self, place: str | Unknown) -> str | None:
        """Return the path of a place in the tree, by its parents up to the API itself."""
        parts: list[str] = []
        for _ in range(_MOST_PARENTS):
            if place == self._api.id:
                return "/" + "/".join(reversed(parts))
            resource = self._tree.get(place) if isinstance(place, str) else None
            part = None if resource is None else resource.fields.get("pathpart")
            if resource is None or not isinstance(part, str):
                return None
            parts.append(part)
            place = resource.parent
        return None

    def _find_authorizer(self, route: Resource) -> Authorizer | None:
        kind = route.fields.get("authorizationtype", route.fields.get("authorization"))
        if isinstance(kind, str) and kind.upper() == "NONE":
            return None
        if find_kind(kind) == "iam":
            return IAM
        if not isinstance(kind, str):
            return make_unknown("authorizer", "its type of authorization is not known here")
        found = self._authorizers.get(route.authorizer) if isinstance(route.authorizer, str) else None
        return found or make_unknown("authorizer", f"its {describe(kind)} authorizer is not in this document")
