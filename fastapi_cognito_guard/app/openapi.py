"""Security requirements, refusals and the access in words in an app's OpenAPI document."""

from collections.abc import Callable, Collection, Iterator, Sequence
from copy import deepcopy
from http import HTTPStatus
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, cast

from fastapi_cognito_guard.app.access import add_access
from fastapi_cognito_guard.app.routes import RouteInfo, list_mounted_apps, list_routes
from fastapi_cognito_guard.app.startup import run_at_startup
from fastapi_cognito_guard.app.swagger_ui import add_docs_login, ask_for_levels, find_swagger_files
from fastapi_cognito_guard.errors import InsufficientGroup, KeysUnavailable, TokenMissing
from fastapi_cognito_guard.middleware import find_guard, is_public
from fastapi_cognito_guard.policy import LISTED_KINDS, Requirement
from fastapi_cognito_guard.pool import UserPool
from fastapi_cognito_guard.request_state import Guard
from fastapi_cognito_guard.responses import Refusal

if TYPE_CHECKING:
    from fastapi import FastAPI

OpenApiDocument = dict[str, Any]
"""An OpenAPI document, or an object in one."""

SecurityRequirement = dict[str, list[str]]
"""OpenAPI's Security Requirement Object: all of its schemes are needed, each with all of its scopes."""

_COGNITO = "Cognito"
_SIGV4 = "sigv4"  # the name in API Gateway's own exports
_GROUPS = "x-cognito-groups"
_REQUIREMENTS = "x-cognito-requirements"
_MAX_ALTERNATIVES = 32
_OAUTH2_DESCRIPTION = (
    "Sign in at the user pool. Without a scope ticked, the token has all that the app client may have; "
    "an app client for a browser has no secret."
)
_SIGV4_SCHEME = {
    "type": "apiKey",
    "in": "header",
    "name": "Authorization",
    "x-amazon-apigateway-authtype": "awsSigv4",
}


def extend_openapi(app: "FastAPI", guard: Guard, *, header: str) -> None:
    """Add the guard's security to the app's OpenAPI document, and the login to its ``/docs``.

    An ``app.openapi`` that the user replaced is extended too: at once if it was replaced before, else when
    the app starts. So are mounted apps that have no guard of their own, once they are known.
    """
    pool, files = _find_pool_with_domain(guard), find_swagger_files()

    def extend_all() -> None:
        _wrap_openapi(app, guard, header)
        ask_for_levels(app, pool, list_routes(app))
        for prefix, mounted in list_mounted_apps(app):
            is_fastapi = hasattr(mounted, "openapi")
            if is_fastapi and find_guard(mounted) is None and _wrap_openapi(mounted, guard, header, prefix):
                add_docs_login(cast("FastAPI", mounted), pool, files=files)

    _wrap_openapi(app, guard, header)
    add_docs_login(app, pool, files=files)
    run_at_startup(app, extend_all)


def _wrap_openapi(app: Any, guard: Guard, header: str, prefix: str = "") -> bool:
    """Extend one app's documents, unless it is done already. Return True if it was not."""
    if isinstance(app.openapi, _ExtendedOpenApi):
        return False
    # Assigned as FastAPI's documentation does it; mypy does not allow assigning to a method.
    app.__dict__["openapi"] = _ExtendedOpenApi(app.openapi, app, guard, header, prefix)
    return True


class _ExtendedOpenApi:
    """``app.openapi``, extended: each document that it returns is extended once. FastAPI caches it."""

    def __init__(
        self, openapi: Callable[[], OpenApiDocument], app: "FastAPI", guard: Guard, header: str, prefix: str
    ) -> None:
        self._openapi = openapi
        self._app = app
        self._guard = guard
        self._header = header
        self._prefix = prefix  # of a mounted app
        self._last: OpenApiDocument | None = None

    def __call__(self) -> OpenApiDocument:
        document = self._openapi()
        if document is not self._last:
            self._extend(document)
            self._last = document
        return document

    def _extend(self, document: OpenApiDocument) -> None:
        responses = _render_responses(self._guard)
        used: set[str] = set()
        scopes: set[str] = set()
        for route, operation in _find_operations(document, self._app):
            denied = self._is_denied_by_default(route)
            alternatives = _list_alternatives(route, denied=denied)
            used.update(name for alternative in alternatives for name in alternative)
            scopes.update(route.scope_names)
            if alternatives and not _has_own_security(operation):
                if self._guard.describe_access:
                    add_access(operation, route, self._guard, denied=denied)
                _extend_operation(operation, route, alternatives, responses)
        if used:
            schemes = {
                _COGNITO: _build_cognito_scheme(self._guard, self._header, scopes),
                _SIGV4: dict(_SIGV4_SCHEME),
            }
            found = document.setdefault("components", {}).setdefault("securitySchemes", {})
            found.update({name: schemes[name] for name in sorted(used - found.keys())})

    def _is_denied_by_default(self, route: RouteInfo) -> bool:
        """Return True if the guard requires a token there before the route does."""
        path = self._prefix + route.path_format
        return self._guard.deny_by_default and not is_public(path, self._guard.public)


def _find_operations(
    document: OpenApiDocument, app: "FastAPI"
) -> Iterator[tuple[RouteInfo, OpenApiDocument]]:
    for route in list_routes(app):
        if route.in_schema and not route.mounted:
            path = document.get("paths", {}).get(route.path_format, {})
            for method in sorted(route.methods):
                if method.lower() in path:
                    yield route, path[method.lower()]


def _has_own_security(operation: OpenApiDocument) -> bool:
    """Return True if the operation names our schemes already: it was built from an extended document."""
    return any({_COGNITO, _SIGV4} & entry.keys() for entry in operation.get("security", ()))


def _list_alternatives(route: RouteInfo, *, denied: bool) -> list[SecurityRequirement]:
    """Return the credentials that a route takes, as alternatives. No alternative: it needs none."""
    alternatives = _expand_scopes(route.requirements) if route.guarded or denied else []
    if route.iam:
        alternatives = [{**alternative, _SIGV4: []} for alternative in alternatives or [{}]]
    anonymous: list[SecurityRequirement] = [{}]
    return alternatives + anonymous if route.optional and not (denied or route.iam) else alternatives


def _expand_scopes(requirements: Sequence[Requirement]) -> list[SecurityRequirement]:
    """Turn all-of-any-of, as routes have it, into any-of-all-of, as OpenAPI has it.

    Beyond a readable number of alternatives, the scopes are left out.
    """
    choices = [found for each in requirements if (found := _list_choices(each))]
    few = choices if prod(map(len, choices)) <= _MAX_ALTERNATIVES else []
    combined = (tuple(dict.fromkeys(filter(None, choice))) for choice in product(*few))
    return [{_COGNITO: list(scopes)} for scopes in dict.fromkeys(combined)]


def _list_choices(requirement: Requirement) -> list[str]:
    """Return the scopes that meet a requirement, and an empty text if it can be met without one."""
    scopes = requirement.list_of_kind("scope")
    others = [""] if scopes and scopes != [requirement] else []
    return [*others, *(name for each in scopes for name in each.any_of)]


def _extend_operation(
    operation: OpenApiDocument,
    route: RouteInfo,
    alternatives: list[SecurityRequirement],
    responses: OpenApiDocument,
) -> None:
    operation["security"] = _join_alternatives(operation.get("security") or [], route, alternatives)
    if route.groups:
        operation[_GROUPS] = list(route.groups[0]) if len(route.groups) == 1 else [*map(list, route.groups)]
    others = [each.label for each in route.requirements if each.kind not in LISTED_KINDS]
    if others:
        operation[_REQUIREMENTS] = others
    for status, response in responses.items():
        operation.setdefault("responses", {}).setdefault(status, deepcopy(response))


def _join_alternatives(
    others: list[SecurityRequirement], route: RouteInfo, ours: list[SecurityRequirement]
) -> list[SecurityRequirement]:
    """Join our alternatives with the schemes of the route's other dependencies.

    FastAPI writes those as alternatives, but each of them is required, unless it has ``auto_error=False``.
    """
    if not others:
        return ours
    if route.others_optional and {} in ours:  # the app takes one or the other
        return [*others, *(each for each in ours if each)]
    both = [{**other, **each} for other in others for each in ours]
    return [*ours, *both] if route.others_optional else both


def _render_responses(guard: Guard) -> OpenApiDocument:
    """Return the refusals by status, rendered in the guard's dialect."""
    responses: OpenApiDocument = {}
    for error in (TokenMissing(""), InsufficientGroup(""), KeysUnavailable("")):
        refusal = guard.refusal(error)
        content = {"example": dict(refusal.body), "schema": _build_body_schema(refusal)}
        response = {
            "description": HTTPStatus(refusal.status).phrase,
            "content": {"application/json": content},
        }
        responses.setdefault(str(refusal.status), response)
    return responses


def _build_body_schema(refusal: Refusal) -> OpenApiDocument:
    properties = {key: {"type": "null" if text is None else "string"} for key, text in refusal.body.items()}
    return {"type": "object", "required": [*properties], "properties": properties}


def _build_cognito_scheme(guard: Guard, header: str, scopes: Collection[str]) -> OpenApiDocument:
    pool = _find_pool_with_domain(guard)
    if header.lower() != "authorization":
        return {"type": "apiKey", "in": "header", "name": header}
    if pool is None:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    flow = {
        "authorizationUrl": pool.authorize_url,
        "tokenUrl": pool.token_url,
        "refreshUrl": pool.token_url,
        "scopes": dict.fromkeys(sorted(scopes), ""),
    }
    scheme: OpenApiDocument = {
        "type": "oauth2",
        "description": _OAUTH2_DESCRIPTION,
        "flows": {"authorizationCode": flow},
    }
    if _takes_id_tokens(guard, pool, scopes):
        scheme["x-tokenName"] = "id_token"  # tells Swagger UI which token to send
    return scheme


def _find_pool_with_domain(guard: Guard) -> UserPool | None:
    """Return the first pool with a domain: a document has one scheme, and Swagger UI has one client."""
    return next((pool for pool in guard.pools if pool.domain is not None), None)


def _takes_id_tokens(guard: Guard, pool: UserPool, scopes: Collection[str]) -> bool:
    if guard.semantics == "rest":
        return not scopes
    return guard.semantics == "strict" and "access" not in pool.token_use
