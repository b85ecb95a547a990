"""OpenAPI document that a gateway imports: paths, the access to each operation, and the function behind."""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fastapi_cognito_guard.deploy.definition.arns import TemplateValue
from fastapi_cognito_guard.deploy.definition.cors import Cors, build_gateway_responses
from fastapi_cognito_guard.deploy.definition.options import ApiKind
from fastapi_cognito_guard.deploy.definition.security import (
    GatewayRules,
    OpenApiDocument,
    SecurityRequirements,
)
from fastapi_cognito_guard.deploy.operations import Operation
from fastapi_cognito_guard.deploy.paths import GatewayPath, format_path, is_greedy, is_variable
from fastapi_cognito_guard.errors import ConfigurationError

_MAX_NAME_LENGTH = 128  # of an HTTP API, in its model
_MAX_BYTES = 6 * 1024 * 1024  # of a document that a REST API imports
_ANY_PATH: GatewayPath = ("{proxy+}",)


class ApiSettings(NamedTuple):
    """Settings that all operations of a document share."""

    kind: ApiKind
    rules: GatewayRules
    function: TemplateValue
    cors: Cors | None


def build_document(
    title: str, version: str, operations: Sequence[Operation], settings: ApiSettings
) -> OpenApiDocument:
    """Return the document without its security schemes.

    Raises `ConfigurationError` for what a gateway cannot express.
    """
    if len(title) > _MAX_NAME_LENGTH:
        raise ConfigurationError(
            f"The app's title names the API, and has more than {_MAX_NAME_LENGTH} characters: shorten it.",
            setting="title",
        )
    document: OpenApiDocument = {
        "openapi": "3.0.1",
        "info": {"title": title, "version": version},
        "paths": _build_paths(operations, settings),
    }
    if settings.kind == "rest":
        document["x-amazon-apigateway-gateway-responses"] = build_gateway_responses(settings.cors)
    elif (cors := settings.cors and settings.cors.build_http_api_cors()) is not None:
        document["x-amazon-apigateway-cors"] = cors
    return document


def check_limits(document: OpenApiDocument, kind: ApiKind, quota: int) -> None:
    """Check the number of routes or resources, and the size. Raises `ConfigurationError`."""
    if kind == "rest":
        count, counted = len(_list_resources(document["paths"])), "resources"
    else:
        count, counted = sum(map(len, document["paths"].values())), "routes"
    if count > quota:
        raise ConfigurationError(
            f"The API would have {count} {counted}, and {quota} is the quota of an API. Have AWS raise it "
            f"and give quota={count}, or put routes behind one variable: /admin/{{rest:path}}.",
            setting="quota",
        )
    if len(json.dumps(document)) > _MAX_BYTES:
        raise ConfigurationError("The document has more than the 6 MB that can be imported: split the app.")


def _build_paths(operations: Sequence[Operation], settings: ApiSettings) -> OpenApiDocument:
    paths: OpenApiDocument = {}
    for operation in operations:
        security = settings.rules.build_security(operation)
        item = paths.setdefault(format_path(operation.path), {})
        item[operation.method.lower()] = _build_operation(operation.path, security, settings)
    for path in _list_preflight_paths(operations, settings):
        paths.setdefault(format_path(path), {})["options"] = _build_operation(path, [], settings)
    return paths


def _build_operation(
    path: GatewayPath, security: SecurityRequirements, settings: ApiSettings
) -> OpenApiDocument:
    names = [segment.strip("{+}") for segment in path if is_variable(segment)]
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
    ]
    return {
        **({"parameters": parameters} if parameters else {}),
        "responses": {"200": {"description": "The app's answer"}},
        "security": security,
        "x-amazon-apigateway-integration": _build_integration(settings),
    }


def _build_integration(settings: ApiSettings) -> OpenApiDocument:
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": settings.function}
    return integration if settings.kind == "rest" else {**integration, "payloadFormatVersion": "2.0"}


def _list_preflight_paths(operations: Sequence[Operation], settings: ApiSettings) -> Iterable[GatewayPath]:
    """List the paths where ``OPTIONS`` is open, so that preflights, which have no token, reach the app."""
    if settings.cors is None or not settings.cors.is_left_to_app(settings.kind):
        return ()
    paths = list(dict.fromkeys(operation.path for operation in operations))
    if settings.kind == "rest":
        return paths
    # An HTTP API matches path and method together, so that one greedy path is enough.
    greedy = (path for path in paths if len(path) == 1 and is_greedy(path[0]))
    own = {operation.path for operation in operations if operation.method == "OPTIONS"}
    return dict.fromkeys([(), next(greedy, _ANY_PATH), *own])


def _list_resources(paths: Iterable[str]) -> set[str]:
    """List the resources of a REST API: one for each segment of each path, and the root."""
    resources = {"/"}
    for path in paths:
        segments = path.split("/")
        resources.update("/".join(segments[:end]) for end in range(2, len(segments) + 1))
    return resources
