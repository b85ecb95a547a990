"""Assertions for users' tests of their own apps."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from fastapi_cognito_guard.audit import list_open_routes

if TYPE_CHECKING:
    from fastapi import FastAPI


def assert_all_routes_guarded(app: "FastAPI", public: Collection[str] = ()) -> None:
    """Fail with a list of the routes that need no token and are not in ``public``.

    ``public`` holds paths as routes have them, ``/items/{id}``, or subtrees: ``/static/*``. Only this list
    counts, not what the guard or the routes themselves say. FastAPI's own pages are left out.
    """
    __tracebackhide__ = True
    ways = [way.where for way in list_open_routes(app) if not way.is_listed(public)]
    if ways:
        lines = "\n".join(f"  {way}" for way in ways)
        raise AssertionError(f"Reached without a token, and not listed as public:\n{lines}")
