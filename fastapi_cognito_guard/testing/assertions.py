"""Assertion that every route of an app needs a token or is listed as public."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from fastapi_cognito_guard.audit import list_open_routes

if TYPE_CHECKING:
    from fastapi import FastAPI


def assert_all_routes_guarded(app: "FastAPI", public: Collection[str] = ()) -> None:
    """Fail with a list of the routes that need no token and are not in ``public``.

    ``public`` holds paths as routes declare them (``/items/{id}``) or subtrees (``/static/*``). Only this
    list counts: the guard's own ``public`` setting and the routes' declarations are ignored. FastAPI's
    documentation pages are left out.
    """
    __tracebackhide__ = True
    open_routes = [route.where for route in list_open_routes(app) if not route.is_listed(public)]
    if open_routes:
        lines = "\n".join(f"  {route}" for route in open_routes)
        raise AssertionError(f"Reached without a token, and not listed as public:\n{lines}")
