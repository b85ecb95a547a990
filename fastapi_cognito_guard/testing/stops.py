"""Requests that stop before a route's own function: all its dependencies run, and the function does not."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from fastapi import HTTPException
from fastapi.dependencies.utils import get_dependant
from fastapi.routing import iter_route_contexts
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from fastapi_cognito_guard.app.routes import Branch, OpaqueMount, find_route, read_route
from fastapi_cognito_guard.deploy.operations import describe_mount
from fastapi_cognito_guard.protected_app import ProtectedApp

if TYPE_CHECKING:
    from fastapi import FastAPI


class Stops:
    """Record of what requests reach. ``route`` is the name of the last one whose dependencies all ran."""

    def __init__(self) -> None:
        self.route: str | None = None


@contextmanager
def stopping_before_functions(app: "FastAPI") -> Iterator[Stops]:
    """Stop each request within the block before the function of its route, and before mounted apps."""
    stops = Stops()
    with ExitStack() as stack:
        for route, name in _walk(app.routes):
            stack.enter_context(_stop_route(route, name, stops))
        yield stops


def _walk(routes: Sequence[BaseRoute], prefix: str = "") -> Iterator[tuple[Any, str]]:
    """List routes and mounts, each with its name in a matrix."""
    for context in iter_route_contexts(routes):
        found = read_route(context, prefix, mounted=bool(prefix))
        if isinstance(found, Branch):
            yield from _walk(found.routes, found.path)
        else:
            route = find_route(context)
            info = describe_mount(found) if isinstance(found, OpaqueMount) else found
            yield (route if hasattr(route, "dependant") else context.original_route), str(info)


@contextmanager
def _stop_route(route: Any, name: str, stops: Stops) -> Iterator[None]:
    def note() -> None:
        stops.route = name

    dependant = getattr(route, "dependant", None)
    if dependant is None:
        inner = getattr(route, "app", None)
        owner = inner if isinstance(inner, ProtectedApp) else route
        with _replaced_app(owner, note):
            yield
        return
    last = get_dependant(path="", call=_build_last_dependency(note))
    dependant.dependencies.append(last)
    try:
        yield
    finally:
        dependant.dependencies.remove(last)


def _build_last_dependency(note: Callable[[], None]) -> Callable[[], Any]:
    async def stop() -> None:
        note()
        raise HTTPException(200)

    return stop


@contextmanager
def _replaced_app(owner: Any, note: Callable[[], None]) -> Iterator[None]:
    async def stop(scope: Scope, receive: Receive, send: Send) -> None:
        note()
        await PlainTextResponse("")(scope, receive, send)

    before, owner.app = owner.app, stop
    try:
        yield
    finally:
        owner.app = before
