"""What the guard adds to an app's OpenAPI document: who may call what, and how refusals look."""

from collections.abc import Callable, Collection, Iterator
from copy import deepcopy
from http import HTTPStatus
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

from fastapi_cognito_guard.app.routes import RouteInfo, list_routes
from fastapi_cognito_guard.app.startup import run_at_startup
from fastapi_cognito_guard.app.swagger_ui import add_docs_login, find_swagger_files
from fastapi_cognito_guard.errors import InsufficientGroup, KeysUnavailable, TokenMissing
from fastapi_cognito_guard.middleware import is_public
from fastapi_cognito_guard.pool import UserPool
from fastapi_cognito_guard.request_state import Guard
from fastapi_cognito_guard.responses import Refusal

if TYPE_CHECKING:
    from fastapi import FastAPI

Document = dict[str, Any]
Alternative = dict[str, list[str]]

SCHEME = "Cognito"
IAM = "sigv4"  # as API Gateway's own exports call it
GROUPS = "x-cognito-groups"
_MOST_ALTERNATIVES = 32
_SIGN_IN = (
    "Sign in at the user pool. Without a scope ticked, the token has all that the app client may have; "
    "an app client for a browser has no secret."
)
_SIGV4 = {
    "type": "apiKey",
    "in": "header",
    "name": "Authorization",
    "x-amazon-apigateway-authtype": "awsSigv4",
}


def publish(app: "FastAPI", guard: Guard, *, header: str) -> None:
    """Complete the app's OpenAPI document, and let people sign in on its ``/docs``.

    An ``app.openapi`` of the user's own is completed too: at once where it is set already, else when the
    app starts. Mounted apps have documents of their own.
    """

    def complete_it() -> None:
        if not isinstance(app.openapi, _Completed):
            # As assigning does, which FastAPI's documentation tells people to do.
            app.__dict__["openapi"] = _Completed(app.openapi, app, guard, header)

    complete_it()
    run_at_startup(app, complete_it)
    add_docs_login(app, _pool_to_sign_in(guard), files=find_swagger_files())


class _Completed:
    """``app.openapi``, and what the guard adds: once to each document that it makes. Caching is FastAPI's."""

    def __init__(self, openapi: Callable[[], Document], app: "FastAPI", guard: Guard, header: str) -> None:
        self._openapi = openapi
        self._app = app
        self._guard = guard
        self._header = header
        self._last: Document | None = None

    def __call__(self) -> Document:
        document = self._openapi()
        if document is not self._last:
            self._complete(document)
            self._last = document
        return document

    def _complete(self, document: Document) -> None:
        responses = _responses(self._guard)
        used: set[str] = set()
        scopes: set[str] = set()
        for demand, operation in _operations(document, self._app):
            alternatives = _alternatives(demand, denied=_is_denied(demand, self._guard))
            used.update(name for alternative in alternatives for name in alternative)
            scopes.update(*demand.scopes)
            if alternatives and not any(
                {SCHEME, IAM} & entry.keys() for entry in operation.get("security", ())
            ):
                _describe(operation, demand, alternatives, responses)
        schemes = {SCHEME: _scheme(self._guard, self._header, scopes), IAM: dict(_SIGV4)}
        if used:
            found = document.setdefault("components", {}).setdefault("securitySchemes", {})
            found.update({name: schemes[name] for name in sorted(used - found.keys())})


def _is_denied(demand: RouteInfo, guard: Guard) -> bool:
    """Whether the guard itself asks for a token there, before the route does."""
    return guard.deny_by_default and not is_public(demand.path_format, guard.public)


def _operations(document: Document, app: "FastAPI") -> Iterator[tuple[RouteInfo, Document]]:
    for demand in list_routes(app):
        if demand.in_schema and not demand.mounted:
            path = document.get("paths", {}).get(demand.path_format, {})
            for method in sorted(demand.methods):
                if method.lower() in path:
                    yield demand, path[method.lower()]


def _alternatives(demand: RouteInfo, *, denied: bool) -> list[Alternative]:
    """What a caller may bring: any of these, each with all that is in it. Nothing: nothing is asked for."""
    ways: list[Alternative] = _scope_choices(demand.scopes) if demand.guarded or denied else []
    if demand.iam:
        ways = [{**way, IAM: []} for way in ways or [{}]]
    return [*ways, {}] if demand.optional and not (denied or demand.iam) else ways


def _scope_choices(scopes: tuple[tuple[str, ...], ...]) -> list[Alternative]:
    """All of the any-ofs, as any of the all-ofs. Where those are too many to read, none is named."""
    few = scopes if prod(map(len, scopes)) <= _MOST_ALTERNATIVES else ()
    choices = dict.fromkeys(tuple(dict.fromkeys(choice)) for choice in product(*few))
    return [{SCHEME: list(choice)} for choice in choices]


def _describe(
    operation: Document, demand: RouteInfo, alternatives: list[Alternative], responses: Document
) -> None:
    # FastAPI lists the schemes of a route's dependencies as alternatives; all the same, all are asked for.
    others = operation.get("security") or [{}]
    operation["security"] = [{**other, **ours} for other in others for ours in alternatives]
    if demand.groups:
        operation[GROUPS] = list(demand.groups[0]) if len(demand.groups) == 1 else [*map(list, demand.groups)]
    for status, response in responses.items():
        operation.setdefault("responses", {}).setdefault(status, deepcopy(response))


def _responses(guard: Guard) -> Document:
    """The refusals, as the guard itself renders them."""
    responses: Document = {}
    for error in (TokenMissing(""), InsufficientGroup(""), KeysUnavailable("")):
        refusal = guard.refusal(error)
        content = {"example": dict(refusal.body), "schema": _schema(refusal)}
        response = {
            "description": HTTPStatus(refusal.status).phrase,
            "content": {"application/json": content},
        }
        responses.setdefault(str(refusal.status), response)
    return responses


def _schema(refusal: Refusal) -> Document:
    properties = {key: {"type": "null" if text is None else "string"} for key, text in refusal.body.items()}
    return {"type": "object", "required": [*properties], "properties": properties}


def _scheme(guard: Guard, header: str, scopes: Collection[str]) -> Document:
    pool = _pool_to_sign_in(guard)
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
    scheme: Document = {"type": "oauth2", "description": _SIGN_IN, "flows": {"authorizationCode": flow}}
    if _takes_id_tokens(guard, pool, scopes):
        scheme["x-tokenName"] = "id_token"  # which of the tokens Swagger UI sends
    return scheme


def _pool_to_sign_in(guard: Guard) -> UserPool | None:
    """Of several pools, the first with a domain: a document has one scheme, and Swagger UI one client."""
    return next((pool for pool in guard.pools if pool.domain is not None), None)


def _takes_id_tokens(guard: Guard, pool: UserPool, scopes: Collection[str]) -> bool:
    if guard.semantics == "rest":
        return not scopes
    return guard.semantics == "strict" and "access" not in pool.token_use
