"""A sample app, its exported definition, and the findings in changed definitions."""

import json
import re
from collections.abc import Callable
from typing import Any

from fastapi import Depends, FastAPI
from starlette.middleware.cors import CORSMiddleware

from fastapi_cognito_guard import UserPool, require_scope
from fastapi_cognito_guard.deploy.drift.compare import find_drift
from fastapi_cognito_guard.deploy.drift.document import read_document
from fastapi_cognito_guard.deploy.drift.expected import DriftOptions
from fastapi_cognito_guard.deploy.drift.findings import Finding
from tests.deploy.drift.definitions import Document
from tests.deploy.drift.documents import write
from tests.deploy.exports import (
    ADMINS,
    AUTHORIZER,
    IAM,
    OPTIONAL,
    POOL,
    READ,
    USER,
    WRITE,
    build_app,
    build_invocation_uri,
    export_document,
)

Change = Callable[[Document], object]

_ADDRESS = r"aws_\w+_authorizer\."  # of Terraform

SHOP_POOL = UserPool(POOL.id, client_ids={"4b1example", "6d3example"})
_ROUTES = {
    "GET /health": [],
    "GET /me": [USER],
    "GET /maybe": [OPTIONAL],
    "GET /reports": [IAM],
    "GET /orders": [READ],
    "POST /orders": [WRITE],
    "GET /orders/{id}": [Depends(require_scope("o/r", "o/w"))],
    "DELETE /orders/{id}": [WRITE, ADMINS],
    "GET /files/{path:path}": [READ],
}


def build_shop(*, cors: bool = True, **settings: Any) -> FastAPI:
    """Build the app."""
    app = build_app(_ROUTES, pools=[SHOP_POOL], **settings)
    if cors:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=["https://shop.example"],
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization"],
        )
    return app


def export_shop(kind: str, app: FastAPI | None = None, **options: Any) -> Document:
    """Export the app, with a scope for routes that require none."""
    return export_document(app or build_shop(), kind, catch_all=["openid"], **options)


def find_in(
    document: Document, name: str = "export", app: FastAPI | None = None, **options: Any
) -> list[Finding]:
    """Return the findings in a definition that is written in a format."""
    settings = DriftOptions(**{"catch_all": ["openid"], **options})
    return find_drift(app or build_shop(), read_document(write(document, name)), settings)


def list_short(findings: list[Finding]) -> set[str]:
    """Return findings as short texts: ``danger open-route GET /me``. Types of Terraform are left out."""
    return {f"{each.level} {each.code} {re.sub(_ADDRESS, '', each.where)}" for each in findings}


def operate(document: Document, key: str) -> Document:
    """Return an operation of a definition: ``GET /me``."""
    method, path = key.split(" ")
    found: Document = document["paths"][path][method.lower()]
    return found


def set_security(key: str, *names: str, scopes: list[str] | None = None) -> Change:
    """Replace the authorizers of an operation."""

    def change(document: Document) -> None:
        operate(document, key)["security"] = [{name: scopes or []} for name in names]
        if "api_key" in names:
            schemes = document["components"]["securitySchemes"]
            schemes["api_key"] = {"type": "apiKey", "name": "x-api-key", "in": "header"}

    return change


def remove(key: str) -> Change:
    """Remove an operation."""
    method, path = key.split(" ")
    return lambda document: document["paths"][path].pop(method.lower())


def remove_path(path: str) -> Change:
    return lambda document: document["paths"].pop(path)


def add(key: str, *names: str, scopes: list[str] | None = None, like: str = "GET /me") -> Change:
    """Add an operation with these authorizers."""
    method, path = key.split(" ")
    name = "x-amazon-apigateway-any-method" if method == "ANY" else method.lower()

    def change(document: Document) -> None:
        integration = operate(document, like)["x-amazon-apigateway-integration"]
        operation = {
            "security": [{each: scopes or []} for each in names],
            "x-amazon-apigateway-integration": integration,
        }
        document["paths"].setdefault(path, {})[name] = operation

    return change


def set_authorizer(scheme: str = "Cognito", **fields: Any) -> Change:
    """Change fields of an authorizer."""

    def change(document: Document) -> None:
        found = document["components"]["securitySchemes"][scheme]
        found["x-amazon-apigateway-authorizer"] |= fields

    return change


def set_scheme(scheme: str = "Cognito", **fields: Any) -> Change:
    """Change fields of a scheme."""
    return lambda document: document["components"]["securitySchemes"][scheme].update(fields)


def set_cors(**fields: Any) -> Change:
    """Change fields of an HTTP API's CORS settings."""
    return lambda document: document["x-amazon-apigateway-cors"].update(fields)


def add_lambda(key: str, **fields: Any) -> Change:
    """Give an operation a Lambda authorizer."""

    def change(document: Document) -> None:
        is_rest = "x-amazon-apigateway-gateway-responses" in document
        source = f"{'method' if is_rest else '$'}.request.header.Authorization".replace("$.", "$")
        authorizer = {
            "type": "request",
            "authorizerUri": build_invocation_uri(AUTHORIZER),
            "identitySource": source,
            "authorizerResultTtlInSeconds": 300,
            "enableSimpleResponses": False,
        }
        document["components"]["securitySchemes"]["Custom"] = {
            "type": "apiKey",
            "name": "Unused",
            "in": "header",
            "x-amazon-apigateway-authtype": "custom",
            "x-amazon-apigateway-authorizer": authorizer | fields,
        }
        operate(document, key)["security"] = [{"Custom": []}]

    return change


def all_of(*changes: Change) -> Change:
    def change(document: Document) -> None:
        for each in changes:
            each(document)

    return change


def open_all(document: Document) -> None:
    """Remove all authorizers, and what defines them."""
    document["components"]["securitySchemes"] = {}
    for item in document["paths"].values():
        for operation in item.values():
            operation["security"] = []


def build_small() -> FastAPI:
    """Build an app with three routes."""
    return build_app({"GET /me": [USER], "GET /orders": [READ], "GET /open": []})


def find(document: object, app: FastAPI | None = None, **options: Any) -> list[Finding]:
    """Return the findings in a document of any format."""
    content = json.dumps(document).encode()
    api = options.pop("api", None)
    settings = DriftOptions(**{"catch_all": ["openid"], **options})
    return find_drift(app or build_shop(), read_document(content, api=api), settings)
