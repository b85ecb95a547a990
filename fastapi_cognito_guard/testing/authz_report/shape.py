"""The routes of one app as the report lists them, and the key by which apps of the same code are one."""

import inspect
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import takewhile
from typing import TYPE_CHECKING

from fastapi_cognito_guard.app.routes import OpaqueMount, RouteInfo
from fastapi_cognito_guard.audit import is_built_in
from fastapi_cognito_guard.testing.authz_report.outcomes import RouteOutcomes, list_outcomes

if TYPE_CHECKING:
    from fastapi import FastAPI

_WEBSOCKET = "WebSocket"
_ANY_METHOD = "any method"

Place = tuple[str, str]
"""Path and method."""


class AppShape:
    """Routes of an app, with their outcomes.

    ``key``   the same for all apps with the same routes, outcomes and endpoints (module and qualified name):
              for the apps that one factory returns
    ``name``  the module or package of the endpoints, with the function that defines all of them
    """

    def __init__(self, app: "FastAPI") -> None:
        found = dict(list_outcomes(app))
        self._places: dict[tuple[RouteInfo | OpaqueMount, str], Place] = {}
        self._outcomes = found
        self._number_places()
        self.key = self._build_key()
        own = (route for route in found if isinstance(route, RouteInfo) and not is_built_in(route.endpoint))
        self.name = _name_app([_find_code(route) for route in own]) or app.title

    def list_places(self) -> Iterator[tuple[str, str, str]]:
        """Yield path, method and outcome of all that requests to the app can come to."""
        for (route, _), place in self._places.items():
            for outcome in self._outcomes[route].outcomes:
                yield (*place, outcome)

    def find(self, route: RouteInfo | OpaqueMount, method: str) -> tuple[Place, RouteOutcomes] | None:
        """Return the place of a request to ``route`` in the report, and the outcomes there."""
        place = self._places.get((route, _choose_method(route, method)))
        return None if place is None else (place, self._outcomes[route])

    def _number_places(self) -> None:
        """Give each route and method a place. Hosts, for example, may have the same: they are numbered."""
        seen: Counter[Place] = Counter()
        for route in self._outcomes:
            for method in _list_methods(route):
                path = (
                    route.path or f"({type(route.app).__name__})"
                    if isinstance(route, OpaqueMount)
                    else route.path
                )
                seen[path, method] += 1
                number = seen[path, method]
                self._places[route, method] = (path if number == 1 else f"{path} ({number})", method)

    def _build_key(self) -> str:
        rows = sorted(
            [*place, list(self._outcomes[route].outcomes), *_find_code(route)]
            for (route, _), place in self._places.items()
        )
        return sha256(json.dumps(rows).encode()).hexdigest()


def _list_methods(route: RouteInfo | OpaqueMount) -> Iterable[str]:
    if isinstance(route, OpaqueMount):
        return ["mount"]
    if route.websocket:
        return [_WEBSOCKET]
    # Starlette answers HEAD wherever there is GET.
    return sorted(route.methods - {"HEAD"}) or sorted(route.methods) or [_ANY_METHOD]


def _choose_method(route: RouteInfo | OpaqueMount, method: str) -> str:
    """Return the method under which the report has a request to a route."""
    listed = list(_list_methods(route))
    if method in listed:
        return method
    return "GET" if method == "HEAD" and "GET" in listed else listed[0]


def _served_by(route: RouteInfo | OpaqueMount) -> object:
    return route.app if isinstance(route, OpaqueMount) else route.endpoint


def _find_code(route: RouteInfo | OpaqueMount) -> tuple[str, str]:
    """Return the module and the qualified name of what serves a route."""
    served = _served_by(route)
    code = inspect.unwrap(served) if callable(served) else served
    name = getattr(code, "__qualname__", None) or type(code).__qualname__
    return str(getattr(code, "__module__", None) or ""), str(name)


def _name_app(codes: list[tuple[str, str]]) -> str:
    modules = Counter(module for module, _ in codes)
    functions = {name.rpartition(".<locals>.")[0] for _, name in codes}
    if len(modules) == len(functions) == 1:
        return ":".join([*modules, *filter(None, functions)])
    parts = zip(*(module.split(".") for module in modules), strict=False)
    shared = takewhile(lambda names: len({*names}) == 1, parts)
    return ".".join(names[0] for names in shared) or "".join(name for name, _ in modules.most_common(1))
