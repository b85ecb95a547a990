"""Cost of a guarded Lambda function behind an HTTP API, relative to Mangum alone."""

from collections.abc import Callable
from typing import Any, cast

from fastapi import FastAPI
from mangum import Mangum

from benchmarks.bursts import Rounds, interleave, make_sync_burst
from benchmarks.report import Figure
from benchmarks.routes import build_app, guarded_route, idle_route, open_route
from benchmarks.tokens import make_access_tokens
from fastapi_cognito_guard import CognitoGuard, lambda_handler
from fastapi_cognito_guard.testing import FakeUserPool

_EVENTS = 50
Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def measure(*, rounds: int, calls: int) -> tuple[list[Figure], Rounds]:
    """Measure a guarded, an idle and an open route with the same events, which carry claims."""
    pool = FakeUserPool()
    guard = CognitoGuard(pool.user_pool())
    events = [pool.event("http", token, path="/me") for token in make_access_tokens(pool, _EVENTS)]
    ours = lambda_handler(build_app(guarded_route, guard))  # also sets the event loop that Mangum needs
    took = interleave(
        {
            "guarded": make_sync_burst(_make_invoke(ours), events),
            "idle dependency": make_sync_burst(
                _make_invoke(_wrap_with_mangum(build_app(idle_route, guard))), events
            ),
            "alone": make_sync_burst(_make_invoke(_wrap_with_mangum(build_app(open_route, guard))), events),
        },
        rounds=rounds,
        calls=calls,
    )
    claims, idle = took.compute_ratio("guarded", "alone"), took.compute_ratio("idle dependency", "alone")
    figures = [
        Figure("Mangum with the gateway's claims / Mangum alone", claims, most=1.25),
        Figure("for comparison: an idle dependency / Mangum alone", idle),
    ]
    return figures, took


def _wrap_with_mangum(app: FastAPI) -> Handler:
    application: Any = app  # Mangum's type has coroutines, Starlette's awaitables
    handler: Any = Mangum(application, lifespan="off")
    return cast(Handler, handler)


def _make_invoke(handler: Handler) -> Callable[[dict[str, Any]], None]:
    """Return a function that invokes the handler, and raises `AssertionError` unless the answer is 200."""

    def invoke(event: dict[str, Any]) -> None:
        status = handler(event, None)["statusCode"]
        if status != 200:
            raise AssertionError(f"the function answered {status}")

    return invoke
