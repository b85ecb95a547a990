"""For users' tests: that no route stands open by mistake."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from fastapi_cognito_guard.audit import list_open_routes

if TYPE_CHECKING:
    from fastapi import FastAPI


def assert_all_routes_guarded(app: "FastAPI", public: Collection[str] = ()) -> None:
    """Fail with the list of what can be reached without a token and is not in ``public``.

    ``public`` holds paths as routes have them, ``/items/{id}``, or subtrees: ``/static/*``. Only this list
    counts, not what the guard or the routes themselves say. FastAPI's own pages are left out.
    """
    __tracebackhide__ = True
    ways = [way.where for way in list_open_routes(app) if not way.is_listed(public)]
    if ways:
        lines = "\n".join(f"  {way}" for way in ways)
        raise AssertionError(f"Reached without a token, and not listed as public:\n{lines}")
