"""The app as a Lambda function behind an HTTP API, beside Mangum alone."""

from collections.abc import Callable
from typing import Any, cast

from fastapi import FastAPI
from mangum import Mangum

from benchmarks.report import Figure
from benchmarks.routes import app_with, guarded_route, idle_route, open_route
from benchmarks.timing import Rounds, calling, interleave
from benchmarks.tokens import access_tokens
from fastapi_cognito_guard import CognitoGuard, lambda_handler
from fastapi_cognito_guard.testing import FakeUserPool

_EVENTS = 50
Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def measure(*, rounds: int, calls: int) -> tuple[list[Figure], Rounds]:
    """Guarded apps whose route wants the caller, or nobody: with the same events, claims and all."""
    pool = FakeUserPool()
    guard = CognitoGuard(pool.user_pool())
    events = [pool.event("http", token, path="/me") for token in access_tokens(pool, _EVENTS)]
    ours = lambda_handler(app_with(guarded_route, guard))  # sets the event loop that Mangum alone needs
    took = interleave(
        {
            "guarded": calling(_invoking(ours), events),
            "idle dependency": calling(_invoking(_mangum(app_with(idle_route, guard))), events),
            "alone": calling(_invoking(_mangum(app_with(open_route, guard))), events),
        },
        rounds=rounds,
        calls=calls,
    )
    claims, idle = took.ratio("guarded", "alone"), took.ratio("idle dependency", "alone")
    figures = [
        Figure("Mangum with the gateway's claims / Mangum alone", claims, most=1.25),
        Figure("for comparison: an idle dependency / Mangum alone", idle),
    ]
    return figures, took


def _mangum(app: FastAPI) -> Handler:
    application: Any = app  # Mangum asks for coroutines where Starlette says awaitables
    handler: Any = Mangum(application, lifespan="off")
    return cast(Handler, handler)


def _invoking(handler: Handler) -> Callable[[dict[str, Any]], None]:
    """One invocation. Raises `AssertionError` for any answer but 200."""

    def invoke(event: dict[str, Any]) -> None:
        status = handler(event, None)["statusCode"]
        if status != 200:
            raise AssertionError(f"the function answered {status}")

    return invoke
