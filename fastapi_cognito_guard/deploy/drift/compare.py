"""Comparison of a deployed API with an app: each path and method, the authorizers, and CORS."""

from collections.abc import Collection, Iterator
from functools import partial
from typing import TYPE_CHECKING

from fastapi_cognito_guard.deploy.drift.authorizer_checks import check_authorizer
from fastapi_cognito_guard.deploy.drift.cors_checks import check_cors
from fastapi_cognito_guard.deploy.drift.deployed import DeployedApi, DeployedRoute, intersect_paths
from fastapi_cognito_guard.deploy.drift.expected import DriftOptions, Expected
from fastapi_cognito_guard.deploy.drift.findings import Finding, sort_findings
from fastapi_cognito_guard.deploy.drift.routes import Place, check_route
from fastapi_cognito_guard.deploy.operations import METHODS, Access
from fastapi_cognito_guard.deploy.paths import GatewayPath, format_path
from fastapi_cognito_guard.middleware import is_public

if TYPE_CHECKING:
    from fastapi import FastAPI


def find_drift(app: "FastAPI", api: DeployedApi, options: DriftOptions | None = None) -> list[Finding]:
    """Return the differences between a deployed API and what the app requires, dangers first.

    Raises `ConfigurationError` for an app whose paths no gateway can have.
    """
    expected = Expected(app, api, options or DriftOptions())
    found = [Finding("undecided", "gap", api.name, f"{gap}.") for gap in api.gaps]
    places, missing, used = _list_places(api, expected)
    found += [*missing, *_check_places(places, api, expected)]
    for authorizer in dict.fromkeys(each.authorizer for each in api.routes if each in used):
        if authorizer is not None:
            found += check_authorizer(authorizer, api, expected)
    found += check_cors(api, expected)
    found += _list_extra(api, expected, used)
    return sort_findings(found)


def _list_places(
    api: DeployedApi, expected: Expected
) -> tuple[list[Place], list[Finding], set[DeployedRoute]]:
    """Return the paths and methods that the app takes, those that no route takes, and the routes that do.

    A route whose requests all go to other routes is one of these, too, and has no place.
    """
    places: list[Place] = []
    missing: list[Finding] = []
    used: set[DeployedRoute] = set()
    paths = expected.paths
    known = frozenset(paths)
    for path in paths:
        routes = api.list_routes_for(path)
        for method in METHODS:
            accesses = expected.list_accesses(path, method)
            route = api.choose(routes, method)
            if route is not None:
                elsewhere = partial(_is_elsewhere, path, method, route, api, known)
                here = expected.list_accesses(path, method, elsewhere)
                used |= {route} if accesses else set()
                places += [Place(path, method, route, access) for access in here]
            elif accesses:
                missing += _describe_missing(path, method, routes, api, expected)
    return places, missing, used


def _is_elsewhere(
    path: GatewayPath,
    method: str,
    route: DeployedRoute,
    api: DeployedApi,
    known: Collection[GatewayPath],
    other: GatewayPath,
) -> bool:
    """Return True if the requests that match ``path`` and ``other`` go to another route than ``route``.

    They have a path of their own then, and are compared there.
    """
    both = intersect_paths(path, other)
    if both is None or both not in known:
        return False
    return api.choose(api.list_routes_for(both), method) is not route


def _check_places(places: list[Place], api: DeployedApi, expected: Expected) -> Iterator[Finding]:
    judged: set[tuple[DeployedRoute, Access]] = set()
    seen: set[tuple[GatewayPath, str, str]] = set()
    for place in sorted(places, key=lambda each: not expected.is_own(each.path, each.method)):
        is_part = not expected.is_own(place.path, place.method) and (place.route, place.access) in judged
        if is_part or (place.method == "OPTIONS" and _is_for_preflights(api, expected)):
            continue
        judged.add((place.route, place.access))
        for finding in check_route(place, api, expected):
            key = (place.path, finding.code, finding.text)
            if place.method != "HEAD" or key not in seen:  # HEAD is like GET
                yield finding
            seen.add(key)


def _is_for_preflights(api: DeployedApi, expected: Expected) -> bool:
    """Return True if OPTIONS has to be open, because preflights without a token come to the app."""
    return expected.cors is not None and (api.cors is None or expected.cors.is_left_to_app(api.kind))


def _describe_missing(
    path: GatewayPath, method: str, routes: list[DeployedRoute], api: DeployedApi, expected: Expected
) -> Iterator[Finding]:
    where = f"{method} {format_path(path)}"
    is_shadowed = api.kind == "rest" and routes
    if not is_shadowed and not expected.is_own(path, method):
        return  # a part of a route of the app, which is reported itself
    if method == "HEAD" and expected.list_accesses(path, "GET"):
        return
    if method == "OPTIONS" and expected.cors is not None:
        return  # reported as a preflight
    if expected.is_documentation(path):
        yield Finding("note", "missing-route", where, "The gateway has no route for this page.")
        return
    yield Finding(
        "warning",
        "missing-route",
        where,
        "The gateway has no route for it, so that nobody reaches it. Export and import the definition again, "
        "or leave the path out with --leave-out.",
    )


def _list_extra(api: DeployedApi, expected: Expected, used: set[DeployedRoute]) -> Iterator[Finding]:
    for route in api.routes:
        if route in used or route.path is None or route.is_catch_all:
            continue
        if is_public(format_path(route.path), expected.options.leave_out):
            continue
        if route.method == "OPTIONS" and (expected.cors is not None or route.answers is not None):
            continue
        yield Finding(
            "warning",
            "extra-route",
            str(route),
            "The app has no such route. Remove it at the gateway, or, if something else answers there, leave "
            "the path out with --leave-out.",
        )
