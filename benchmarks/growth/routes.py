"""Cost by the number of routes: what happens at the start of an app, and what its tools compute."""

import json
from collections.abc import Callable, Iterator
from functools import cache

from fastapi import Depends, FastAPI

from benchmarks.growth.curves import Curve, Prepare, measure_curve
from fastapi_cognito_guard import CognitoGuard, require_group, require_scope
from fastapi_cognito_guard.audit import audit
from fastapi_cognito_guard.deploy.authorizer.handler import lambda_authorizer
from fastapi_cognito_guard.deploy.drift.compare import find_drift
from fastapi_cognito_guard.deploy.drift.document import read_document
from fastapi_cognito_guard.deploy.export import export
from fastapi_cognito_guard.matrix.table import build_matrix
from fastapi_cognito_guard.testing import FakeUserPool

SIZES = (10, 30, 100, 300, 1000, 3000)
DRIFT_SIZES = (10, 30, 100, 300, 900)
"""A document of more than 1,000 routes is refused."""
_ALTERNATIVES = 5  # scopes and groups, so that the callers of a matrix do not grow with its routes
_ARN = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_FakePool1"
_LAMBDA = "arn:aws:lambda:eu-west-1:123456789012:function:orders"
_pool = FakeUserPool()


def measure() -> Iterator[Curve]:
    """Measure everything that reads the routes of an app."""
    yield measure_curve("routes: FastAPI's own OpenAPI document, for comparison", SIZES, _document, most=None)
    for title, prepare in _ROOMS.items():
        yield measure_curve(f"routes: {title}", SIZES, prepare)
    yield measure_curve("routes: drift", DRIFT_SIZES, _drift)


def build_app(size: int, *, guard: CognitoGuard | None = None) -> FastAPI:
    """Build an app with so many routes: each second one has a variable."""
    app = FastAPI(title="Growth")

    async def serve() -> None:
        """Serve a route."""

    for number in range(size):
        name = f"{number // 2 % _ALTERNATIVES}"
        needed = require_scope(f"orders/{name}") if number % 2 else require_group(f"group-{name}")
        path = f"/part{number // 20}/item{number}" + ("/{id}" if number % 2 else "")
        app.get(path, dependencies=[Depends(needed)])(serve)
    if guard is not None:
        guard.install(app)
    return app


@cache
def _build_guarded(size: int) -> FastAPI:
    return build_app(size, guard=CognitoGuard(_pool.user_pool()))


def _document(size: int) -> Callable[[], object]:
    app = build_app(size)

    def build() -> None:
        app.openapi_schema = None
        app.openapi()

    return build


def _guarded_document(size: int) -> Callable[[], object]:
    app = _build_guarded(size)

    def build() -> None:
        app.openapi_schema = None
        app.openapi()

    return build


def _install(size: int) -> Callable[[], object]:
    """Install a guard in an app and start it, which audits it. An app starts once."""
    app = build_app(size)
    before = list(app.user_middleware)

    def install() -> None:
        app.user_middleware[:], app.middleware_stack = before, None
        CognitoGuard(_pool.user_pool()).install(app)
        app.middleware_stack = app.build_middleware_stack()

    return install


def _audit(size: int) -> Callable[[], object]:
    app = _build_guarded(size)
    return lambda: audit(app)


def _matrix(size: int) -> Callable[[], object]:
    app = _build_guarded(size)
    return lambda: build_matrix(app)


def _matrix_behind_rest(size: int) -> Callable[[], object]:
    app = _build_guarded(size)
    return lambda: build_matrix(app, door="rest")


def _export_rest(size: int) -> Callable[[], object]:
    app = _build_guarded(size)
    return lambda: export(app, "rest", user_pool_arn=_ARN, lambda_arn=_LAMBDA, beyond="app", quota=10**6)


def _export_http(size: int) -> Callable[[], object]:
    app = _build_guarded(size)
    return lambda: export(app, "http", lambda_arn=_LAMBDA, beyond="app", quota=10**6)


def _drift(size: int) -> Callable[[], object]:
    app = _build_guarded(size)
    document = export(app, "http", lambda_arn=_LAMBDA, beyond="app", quota=10**6)
    api = read_document(json.dumps(document).encode())
    return lambda: find_drift(app, api)


def _authorizer(size: int) -> Callable[[], object]:
    app = _build_guarded(size)
    guard = CognitoGuard(_pool.user_pool())
    return lambda: lambda_authorizer(guard, app=app)


def _make_decide(*, cached: bool) -> Prepare:
    def prepare(size: int) -> Callable[[], object]:
        app = _build_guarded(size)
        handler = lambda_authorizer(CognitoGuard(_pool.user_pool()), app=app, cached=cached)
        token = _pool.access_token(scopes=["orders/0"], groups=["group-0"])
        event = {
            "type": "TOKEN",
            "methodArn": "arn:aws:execute-api:eu-west-1:123456789012:abc/live/GET/part0/item0",
            "authorizationToken": f"Bearer {token}",
        }
        return lambda: handler(event, None)

    return prepare


_ROOMS: dict[str, Prepare] = {
    "install and start": _install,
    "audit": _audit,
    "OpenAPI document": _guarded_document,
    "matrix": _matrix,
    "matrix behind a REST API": _matrix_behind_rest,
    "export to a REST API": _export_rest,
    "export to an HTTP API": _export_http,
    "making an authorizer": _authorizer,
    "policy of an authorizer": _make_decide(cached=True),
    "decision on one request": _make_decide(cached=False),
}
