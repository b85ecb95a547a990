"""The OpenAPI document that a gateway imports: paths, who may call them, and the function behind."""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fastapi_cognito_guard.deploy.definition.arns import Value
from fastapi_cognito_guard.deploy.definition.cors import Cors, gateway_responses
from fastapi_cognito_guard.deploy.definition.security import Document, Kind, Security
from fastapi_cognito_guard.deploy.operations import Operation
from fastapi_cognito_guard.deploy.paths import GatewayPath, format_path, is_greedy, is_variable
from fastapi_cognito_guard.errors import ConfigurationError

_LONGEST_NAME = 128  # of an HTTP API, in its model
_MOST_BYTES = 6 * 1024 * 1024  # of what a REST API imports
_EVERYTHING: GatewayPath = ("{proxy+}",)


class Gateway(NamedTuple):
    """What every operation of a document shares."""

    kind: Kind
    rules: Security
    function: Value
    cors: Cors | None


def build_document(title: str, version: str, operations: Sequence[Operation], gateway: Gateway) -> Document:
    """The document, but for its security schemes. Raises `ConfigurationError` for what cannot be said."""
    if len(title) > _LONGEST_NAME:
        raise ConfigurationError(
            f"The app's title names the API, and has more than {_LONGEST_NAME} characters: shorten it.",
            setting="title",
        )
    document: Document = {
        "openapi": "3.0.1",
        "info": {"title": title, "version": version},
        "paths": _paths(operations, gateway),
    }
    if gateway.kind == "rest":
        document["x-amazon-apigateway-gateway-responses"] = gateway_responses(gateway.cors)
    elif (said := gateway.cors and gateway.cors.for_http_api()) is not None:
        document["x-amazon-apigateway-cors"] = said
    return document


def _paths(operations: Sequence[Operation], gateway: Gateway) -> Document:
    paths: Document = {}
    for operation in operations:
        item = paths.setdefault(format_path(operation.path), {})
        item[operation.method.lower()] = _said(operation.path, gateway.rules.of(operation), gateway)
    for path in _preflights(operations, gateway):
        paths.setdefault(format_path(path), {})["options"] = _said(path, [], gateway)
    return paths


def _said(path: GatewayPath, security: list[dict[str, list[str]]], gateway: Gateway) -> Document:
    names = [segment.strip("{+}") for segment in path if is_variable(segment)]
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
    ]
    return {
        **({"parameters": parameters} if parameters else {}),
        "responses": {"200": {"description": "The app's answer"}},
        "security": security,
        "x-amazon-apigateway-integration": _integration(gateway),
    }


def _integration(gateway: Gateway) -> Document:
    said = {"type": "aws_proxy", "httpMethod": "POST", "uri": gateway.function}
    return said if gateway.kind == "rest" else {**said, "payloadFormatVersion": "2.0"}


def _preflights(operations: Sequence[Operation], gateway: Gateway) -> Iterable[GatewayPath]:
    """Where ``OPTIONS`` is open, since a preflight carries no token: the app's own CORSMiddleware answers."""
    if gateway.cors is None or not gateway.cors.is_left_to_app(gateway.kind):
        return ()
    paths = list(dict.fromkeys(operation.path for operation in operations))
    if gateway.kind == "rest":
        return paths
    # An HTTP API finds path and method together, so that one greedy path is enough.
    greedy = (path for path in paths if len(path) == 1 and is_greedy(path[0]))
    own = {operation.path for operation in operations if operation.method == "OPTIONS"}
    return dict.fromkeys([(), next(greedy, _EVERYTHING), *own])


def check_quota(document: Document, kind: Kind, quota: int) -> None:
    """Raises `ConfigurationError` for more than an API may have, and for a document too large to import."""
    if kind == "rest":
        count, what = len(_resources(document["paths"])), "resources"
    else:
        count, what = sum(map(len, document["paths"].values())), "routes"
    if count > quota:
        raise ConfigurationError(
            f"The API would have {count} {what}, and {quota} is the quota of an API. Have it raised and give "
            f"quota={count}, or put routes behind one variable: /admin/{{rest:path}}.",
            setting="quota",
        )
    if len(json.dumps(document)) > _MOST_BYTES:
        raise ConfigurationError("The document has more than the 6 MB that can be imported: split the app.")


def _resources(paths: Iterable[str]) -> set[str]:
    """A REST API has one for each segment of each path, and the root."""
    found = {"/"}
    for path in paths:
        segments = path.split("/")
        found.update("/".join(segments[:end]) for end in range(2, len(segments) + 1))
    return found
