"""Events of Lambda authorizers, events of the function behind, and an app with a few routes."""

from collections.abc import Mapping
from typing import Any

from fastapi import Depends, FastAPI

from fastapi_cognito_guard import (
    CognitoGuard,
    CurrentUser,
    require_group,
    require_scope,
)
from fastapi_cognito_guard.testing import FakeUserPool, gateway_event
from tests.apps import NOW

STAGE_ARN = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod"
POOL = FakeUserPool(now=lambda: NOW)
KINDS = ["token", "request", "http-1.0", "http-2.0"]


def make_event(
    kind: str, token: str | None, method: str = "GET", path: str = "/me", **more: Any
) -> dict[str, Any]:
    """Return the event of an authorizer of this kind."""
    arn = f"{STAGE_ARN}/{method}{path}"
    value = f"Bearer {token}" if token else ""
    if kind == "token":
        return {"type": "TOKEN", "authorizationToken": value, "methodArn": arn, **more}
    headers = {"host": "example.com", **({"Authorization": value} if value else {})}
    event = {"type": "REQUEST", "headers": headers, "path": path, "httpMethod": method}
    if kind == "request":
        several = {name: [text] for name, text in headers.items()}
        return {**event, "multiValueHeaders": several, "methodArn": arn, **more}
    if kind == "http-1.0":
        return {**event, "version": "1.0", "methodArn": arn, "identitySource": value, **more}
    key = f"{method} {path}"
    sources = [value, key]
    return {"version": "2.0", "type": "REQUEST", "routeArn": arn, "routeKey": key, "identitySource": sources,
            "headers": {name.lower(): text for name, text in headers.items()}, **more}  # fmt: skip


def make_backend_event(kind: str, response: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the event of the function behind, for a request that this authorizer response allows."""
    rest = kind in ("token", "request")
    event = gateway_event("rest" if rest else "http" if kind == "http-2.0" else "http-1.0", path=path)
    context = response["context"]
    if kind == "http-2.0":
        event["requestContext"]["authorizer"] = {"lambda": context}
    else:
        flat = {"principalId": response["principalId"], **context, "integrationLatency": 12}
        event["requestContext"]["authorizer"] = flat
    return event


def build_get_app(guard: CognitoGuard, routes: Mapping[str, Any]) -> FastAPI:
    """Build an app of GET routes from paths and their dependencies; None is a route without any."""
    app = FastAPI(openapi_url=None)
    guard.install(app)
    for path, dependency in routes.items():
        app.get(path, dependencies=[Depends(dependency)] if dependency else [])(lambda: None)
    return app


def build_orders_app(guard: CognitoGuard) -> FastAPI:
    """Build an app with open, user, scope and group routes, some of whose paths overlap."""
    app = FastAPI(openapi_url=None)
    guard.install(app)

    @app.get("/open")
    async def open_to_all() -> None: ...

    @app.get("/me")
    async def me(user: CurrentUser) -> None: ...

    @app.get("/orders/{id}", dependencies=[Depends(require_scope("o/r", "o/w"))])
    async def order(id: str) -> None: ...

    @app.get("/orders/{id}/secret", dependencies=[Depends(require_group("admins"))])
    async def secret(id: str) -> None: ...

    @app.get("/orders/latest", dependencies=[Depends(require_group("admins"))])
    async def never_reached() -> None: ...

    @app.delete(
        "/orders/{id}", dependencies=[Depends(require_scope("o/w")), Depends(require_group("admins"))]
    )
    async def delete(id: str) -> None: ...

    return app
