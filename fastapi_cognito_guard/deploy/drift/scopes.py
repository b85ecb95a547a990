"""Comparison of scopes and of types of token, for a route whose authorizer reads tokens."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from fastapi_cognito_guard.deploy.drift.deployed import DeployedRoute
from fastapi_cognito_guard.deploy.drift.expected import Expected
from fastapi_cognito_guard.deploy.drift.findings import Code, Level
from fastapi_cognito_guard.deploy.drift.values import Unknown
from fastapi_cognito_guard.deploy.operations import Access
from fastapi_cognito_guard.policy import takes_scopes


class Difference(NamedTuple):
    """A finding that has no place yet."""

    level: Level
    code: Code
    text: str


def check_scopes(access: Access, route: DeployedRoute, catch_all: Collection[str]) -> Iterator[Difference]:
    """Compare the scopes of a route, any one of which is enough at a gateway, with those of the app."""
    given = set(route.scopes)
    if any(isinstance(scope, Unknown) for scope in given):
        yield Difference("undecided", "unknown", "The scopes of the gateway's route are not known here.")
        return
    required = [set(names) for names in access.names_of_kind("scope")] or [{*catch_all}]
    if given in required:
        return
    nearest = max(required, key=lambda names: (len(names & given), -len(names)))
    if not nearest:
        text = (
            f"The gateway passes only tokens with {_join(given)}, and the app requires no scope. Remove the "
            "scopes at the gateway, or, if they are meant, name them with --catch-all."
        )
        yield Difference("warning", "narrower-scopes", text)
    elif not given:
        text = (
            f"The gateway requires no scope, and {_name_side(access)} {_join(nearest)}. Add the scopes at "
            "the gateway: export the definition again."
        )
        yield Difference("danger", "wider-scopes", text)
    else:
        yield from _compare_names(given, nearest)


def _compare_names(given: Collection[object], required: set[str]) -> Iterator[Difference]:
    if wider := {*given} - required:
        yield Difference(
            "danger",
            "wider-scopes",
            f"The gateway also passes tokens with {_join(wider)}, and the app requires {_join(required)}. "
            "Remove what the app does not name: export the definition again.",
        )
    if narrower := required - {*given}:
        yield Difference(
            "warning",
            "narrower-scopes",
            f"The gateway refuses tokens with {_join(narrower)}, which the app takes. Add it at the gateway: "
            "export the definition again.",
        )


def check_token_type(access: Access, route: DeployedRoute, expected: Expected) -> Iterator[Difference]:
    """Compare the type of token that a REST API's Cognito authorizer takes with those of the app."""
    if route.authorizer is None or route.authorizer.kind != "cognito" or expected.guard.directory is not None:
        return
    taken = "access" if route.scopes else "id"
    if taken in _list_types(access, expected):
        return
    advice = (
        "Add scopes at the gateway (--catch-all of export), or let the app take ID tokens (token_use)."
        if taken == "id"
        else "Remove the scopes at the gateway, or let the app take access tokens."
    )
    yield Difference(
        "warning",
        "token-type",
        f"A REST API takes {'access' if route.scopes else 'ID'} tokens on a route "
        f"{'with' if route.scopes else 'without'} scopes, and the app does not, so that nobody passes both. "
        f"{advice}",
    )


def _list_types(access: Access, expected: Expected) -> set[str]:
    """Return the types of token that may pass the app."""
    scoped = takes_scopes(access.requirements)
    if expected.guard.semantics == "http":
        return {"access", "id"}
    if expected.guard.semantics == "rest":
        return {"access"} if scoped else {"id"} if scoped is False else {"access", "id"}
    return {use for pool in expected.pools for use in pool.token_use} & (
        {"access"} if scoped else {"access", "id"}
    )


def _name_side(access: Access) -> str:
    return "the app requires" if access.names_of_kind("scope") else "--catch-all names"


def _join(names: Collection[object]) -> str:
    return " or ".join(sorted(map(str, names)))
