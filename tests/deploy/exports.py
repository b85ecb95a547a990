"""Sample apps, and calls of `export` on them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Security
from starlette.middleware.cors import CORSMiddleware
from starlette.staticfiles import StaticFiles

from fastapi_cognito_guard import (
    CognitoGuard,
    UserPool,
    current_user,
    iam_identity,
    optional_user,
    require_claim,
    require_group,
    require_scope,
)
from fastapi_cognito_guard.deploy import export
from fastapi_cognito_guard.errors import ConfigurationError

OpenApiDocument = dict[str, Any]

KINDS: tuple[Any, ...] = ("rest", "http")
POOL = UserPool("eu-west-1_Abc123Xyz", client_ids={"4b1example"})
OTHER_POOL = UserPool("eu-west-1_Other", client_ids={"5c2example"})
ISSUER, OTHER_ISSUER = POOL.issuers[0], OTHER_POOL.issuers[0]
POOL_ARN = f"arn:aws:cognito-idp:eu-west-1:123456789012:userpool/{POOL.id}"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:app"
AUTHORIZER = "arn:aws:lambda:eu-west-1:123456789012:function:authorizer"

USER = Depends(current_user)
OPTIONAL = Depends(optional_user)
IAM = Depends(iam_identity)
READ = Depends(require_scope("o/r"))
WRITE = Depends(require_scope("o/w"))
ADMINS = Depends(require_group("admins"))
OWNERS = Depends(require_group("owners"))
GOLD = Depends(require_claim("tier", "gold"))

_RICH_ROUTES = {
    "GET /": [],
    "GET /maybe": [OPTIONAL],
    "GET /me": [USER],
    "HEAD /me": [USER],
    "OPTIONS /me": [USER],
    "GET /reports": [IAM],
    "GET /orders/{id:int}": [Depends(require_scope("o/r", "o/w"))],
    "PUT /orders/{number}": [Security(current_user, scopes=["o/w"])],
    "DELETE /orders/{id}": [WRITE, ADMINS, GOLD],
    "GET /orders/{id}/lines/{id_2}": [READ],
    "GET /invoices/{id}.pdf": [READ],
    "GET /files/{path:path}": [ADMINS],
}
RICH_OPTIONS = {"issuer": ISSUER, "catch_all": ["openid"]}
"""Options for `build_rich_app`: the issuer of one pool for an HTTP API, scopes for a REST API."""


def build_app(
    routes: Mapping[str, Sequence[Any]], *, pools: Sequence[UserPool] = (POOL,), **settings: Any
) -> FastAPI:
    """Build an app with a guard and these routes: ``{"GET /me": [USER]}``."""
    app = FastAPI(title="Shop", openapi_url=None)
    CognitoGuard(*pools, **settings).install(app)
    for route, dependencies in routes.items():
        add_route(app, route, *dependencies)
    return app


def build_rich_app() -> FastAPI:
    """Build an app with all that `export` reads: two pools, CORS, mounts, a router, routes of every kind."""
    app = build_app(_RICH_ROUTES, pools=[POOL, OTHER_POOL])
    inner = FastAPI(openapi_url=None)
    add_route(inner, "POST /jobs/{job}", USER)
    app.mount("/inner", inner)
    app.mount("/static", StaticFiles(directory="."))
    router = APIRouter(prefix="/v2", dependencies=[READ])
    add_route(router, "PATCH /things/{id}", ADMINS)
    app.include_router(router)
    app.add_middleware(CORSMiddleware, allow_origins=["https://shop.example"], allow_credentials=True)
    return app


def add_route(app: Any, route: str, *dependencies: Any) -> None:
    """Add a route to an app or a router: ``add_route(app, "GET /me", USER)``."""
    method, path = route.split(" ")
    app.add_api_route(path, _endpoint, methods=[method], dependencies=list(dependencies))


def export_document(app: FastAPI, kind: Any = "http", **options: Any) -> OpenApiDocument:
    """Export an app, by default for the pool and the function of these tests."""
    return export(app, kind, **{"user_pool_arn": POOL_ARN, "lambda_arn": FUNCTION, **options})


def expect_error(app: FastAPI, kind: Any = "http", **options: Any) -> ConfigurationError:
    """Return the error of an export that must fail."""
    with pytest.raises(ConfigurationError) as caught:
        export_document(app, kind, **options)
    return caught.value


def list_security(document: OpenApiDocument) -> dict[str, list[dict[str, list[str]]]]:
    """Return the ``security`` of each operation: ``{"GET /me": [{"Cognito": []}]}``."""
    return {
        f"{method.upper()} {path}": operation["security"]
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def build_invocation_uri(function: str) -> str:
    """Return the URI by which a gateway invokes a function."""
    return f"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{function}/invocations"


async def _endpoint() -> None: ...
