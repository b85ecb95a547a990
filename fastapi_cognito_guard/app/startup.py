"""What is done when an app starts: once, after all is defined, and before its first request."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp


def run_at_startup(app: Starlette, action: Callable[[], None]) -> None:
    """Have ``action`` done when ``app`` puts its middleware together.

    The lifespan would be the place, but Lambda has none. Requests never pass through here.
    """
    app.user_middleware.append(Middleware(_Once, action=action))


def _Once(app: ASGIApp, action: Callable[[], None]) -> ASGIApp:  # noqa: N802 - stands where a class is due
    action()
    return app
