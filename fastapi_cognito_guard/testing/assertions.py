"""Assertions about all routes of an app."""

from collections.abc import Collection
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi_cognito_guard.audit import list_open_routes
from fastapi_cognito_guard.matrix.changes import compare
from fastapi_cognito_guard.matrix.review_file import read_snapshot
from fastapi_cognito_guard.matrix.snapshot import take_snapshot

if TYPE_CHECKING:
    from fastapi import FastAPI

_WRITE = "write it with cognito-guard matrix main:app --write authz.md"


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


def assert_matrix(app: "FastAPI", file: str | PathLike[str]) -> None:
    """Fail unless the access to all routes is that of the reviewed file, with a list of the changes.

    ``cognito-guard matrix main:app --write authz.md`` writes the file. The tokens that the guard takes are
    not compared, as tests often have a pool of their own: ``matrix --check`` does that.
    """
    __tracebackhide__ = True
    if not Path(file).is_file():
        raise AssertionError(
            f"There is no {file} here: {_WRITE}, or name it by Path(__file__).with_name(...)."
        )
    reviewed, found = read_snapshot(Path(file).read_text("utf-8")), take_snapshot(app)
    known = {name: found.guards.get(name, guard) for name, guard in reviewed.guards.items()}
    changes = compare(replace(reviewed, guards=known), found)
    if changes:
        lines = [
            f"  {each.kind} {each.where}: {each.before or '-'} -> {each.after or '-'}" for each in changes
        ]
        raise AssertionError("\n".join([f"The app differs from {file}. If that is meant, {_WRITE}.", *lines]))
