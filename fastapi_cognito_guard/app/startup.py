"""Actions that run once, when an app starts."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp


def run_at_startup(app: Starlette, action: Callable[[], None]) -> None:
    """Run ``action`` when ``app`` builds its middleware stack, before its first request.

    Lambda runs no lifespan, so a lifespan handler would not do. Requests never pass through here.
    """
    app.user_middleware.append(Middleware(_run_once, action=action))


def _run_once(app: ASGIApp, action: Callable[[], None]) -> ASGIApp:
    """Stand in for a middleware class: Starlette calls it once, to wrap the app."""
    action()
    return app
