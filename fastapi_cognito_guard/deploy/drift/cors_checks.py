"""Comparison of CORS: who answers preflights at the gateway, and if a browser gets the app's answer."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from starlette.middleware.cors import SAFELISTED_HEADERS

from fastapi_cognito_guard.deploy.definition.cors import Cors
from fastapi_cognito_guard.deploy.drift.deployed import DeployedApi, DeployedCors, DeployedRoute
from fastapi_cognito_guard.deploy.drift.expected import Expected
from fastapi_cognito_guard.deploy.drift.findings import Finding
from fastapi_cognito_guard.deploy.drift.values import Unknown
from fastapi_cognito_guard.deploy.operations import METHODS
from fastapi_cognito_guard.deploy.paths import GatewayPath, format_path

_WHERE = "CORS"
_SAFE_METHODS = frozenset({"get", "head", "post"})  # these and these headers need no permission
_SAFE_HEADERS = frozenset(name.lower() for name in SAFELISTED_HEADERS)


def check_cors(api: DeployedApi, expected: Expected) -> Iterator[Finding]:
    """Compare the CORS settings of the gateway with the app's CORSMiddleware."""
    if isinstance(api.cors, Unknown):
        if expected.cors is not None:
            yield Finding("undecided", "unknown", _WHERE, "The gateway's CORS settings are not known here.")
    elif api.cors is not None:
        yield from _check_answers(_WHERE, api.cors, expected)
    elif expected.cors is not None:
        for path in expected.paths:
            yield from _check_preflight(path, api, expected)


def _check_preflight(path: GatewayPath, api: DeployedApi, expected: Expected) -> Iterator[Finding]:
    """Check that preflights, which carry no token, get an answer at a path of the app."""
    routes = api.list_routes_for(path)
    if not any(expected.list_accesses(path, method) and api.choose(routes, method) for method in METHODS):
        return
    if expected.is_documentation(path):
        return
    route = api.choose(routes, "OPTIONS")
    where = f"OPTIONS {format_path(path)}"
    if route is not None and route.authorizer is not None and route.authorizer.kind == "unknown":
        yield Finding("undecided", "unknown", where, "If preflights need a token here is not known.")
    elif (reason := _find_obstacle(route)) is not None:
        text = (
            f"{reason}, and the app has a CORSMiddleware: browsers of other origins cannot call the path. "
            "Open OPTIONS there, as an exported definition does."
        )
        yield Finding("warning", "preflight", where, text)
    elif route is not None and route.answers is not None:
        yield from _check_answers(where, route.answers, expected)


def _find_obstacle(route: DeployedRoute | None) -> str | None:
    if route is None:
        return "The gateway has no route for preflights"
    if route.authorizer is not None:
        return "The gateway requires a token of preflights, which have none"
    return "The gateway requires an API key of preflights, which have none" if route.api_key is True else None


def _check_answers(where: str, given: DeployedCors, expected: Expected) -> Iterator[Finding]:
    """Compare the answers of the gateway to preflights with those that the app would give."""
    cors = expected.cors
    if cors is None:
        text = f"The gateway allows {_join(given.origins)}, and the app has no CORSMiddleware. Remove it."
        yield Finding("warning", "cors", where, text)
        return
    wanted = cors.build_http_api_cors()
    if wanted is None:
        text = (
            "The gateway answers preflights, and cannot express the settings of the app. Remove its CORS "
            "settings, and open OPTIONS, so that the app answers."
        )
        yield Finding("warning", "cors", where, text)
        return
    items = {*given.origins, *given.methods, *given.headers, given.credentials}
    if any(isinstance(item, Unknown) for item in items):
        yield Finding("undecided", "unknown", where, "The gateway's CORS settings are not known here.")
    else:
        yield from _compare(where, given, cors, wanted)


def _compare(where: str, given: DeployedCors, cors: Cors, wanted: Mapping[str, Any]) -> Iterator[Finding]:
    origins, methods, headers = (_read_names(names) for names in given[:3])
    yield from _list_lacking(where, "origins", origins, _read_names(cors.origins))
    yield from _list_lacking(where, "methods", methods, _read_names(wanted["allowMethods"]) - _SAFE_METHODS)
    yield from _list_lacking(where, "headers", headers, _read_names(wanted["allowHeaders"]) - _SAFE_HEADERS)
    wider = origins - _read_names(cors.origins)
    if wider and not cors.is_for_any_origin:
        text = f"The gateway allows the origins {_join(wider)}, and the app does not. Remove it."
        yield Finding("warning", "cors", where, text)
    if given.credentials is not cors.credentials:
        text = f"allowCredentials is {given.credentials} at the gateway, and {cors.credentials} in the app."
        yield Finding("warning", "cors", where, f"{text} Make them the same.")


def _list_lacking(where: str, what: str, given: set[str], needed: set[str]) -> Iterator[Finding]:
    # For browsers "*" never includes Authorization.
    lacking = {name for name in needed - given if "*" not in given or name == "authorization"}
    if lacking:
        text = f"The gateway does not allow the {what} {_join(lacking)}, and the app does. Add it."
        yield Finding("warning", "cors", where, text)


def _read_names(names: Iterable[object]) -> set[str]:
    return {str(name).lower() for name in names}


def _join(names: Collection[object]) -> str:
    return ", ".join(sorted(map(str, names))) or "nothing"
