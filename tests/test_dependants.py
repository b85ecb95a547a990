"""Callers and requirements, read from FastAPI's dependency trees."""

from functools import wraps
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, Security
from fastapi.routing import APIRoute

from fastapi_cognito_guard import (
    CurrentUser,
    OptionalUser,
    current_user,
    iam_identity,
    optional_user,
    require_claim,
    require_group,
    require_scope,
)
from fastapi_cognito_guard.dependants import (
    asks_for_scopes,
    find_caller,
    find_path_template,
    list_requirements,
    walk_dependants,
)
from fastapi_cognito_guard.policy import Requirement
from tests.apps import client_of


async def account(user: CurrentUser) -> str:
    return user.sub


async def unrelated() -> None: ...


def scope(*any_of: str) -> Requirement:
    return Requirement(kind="scope", any_of=any_of)


def dependant_of(*dependencies: Any) -> Any:
    """Return the dependency tree of a route with these dependencies."""
    return APIRoute("/", unrelated, dependencies=dependencies).dependant


def callers_in(dependant: Any) -> set[str]:
    return {caller for node in walk_dependants(dependant) if (caller := find_caller(node)) is not None}


@pytest.mark.parametrize(
    ("dependency", "callers"),
    [
        (Depends(current_user), {"user"}),
        (Depends(optional_user), {"user"}),
        (Depends(account), {"user"}),
        (Depends(require_scope("a")), {"user"}),
        (Depends(require_group("a")), {"user"}),
        (Depends(iam_identity), {"iam"}),
        (Depends(unrelated), set()),
    ],
    ids=["current_user", "optional_user", "chain", "scope", "group", "iam", "unrelated"],
)
def test_a_caller_is_found_by_any_chain_of_dependencies(dependency: Any, callers: set[str]) -> None:
    assert callers_in(dependant_of(dependency)) == callers


def test_a_wrapper_around_current_user_does_not_yield_the_caller() -> None:
    @wraps(current_user)
    async def lenient() -> None: ...

    assert callers_in(dependant_of(Depends(lenient))) == set()


REQUIREMENTS: dict[str, tuple[Any, list[Requirement]]] = {
    "scope": (Depends(require_scope("a", "b")), [scope("a", "b")]),
    "group": (Depends(require_group("a")), [Requirement(kind="group", any_of=("a",))]),
    "claim": (
        Depends(require_claim("tier", 1)),
        [Requirement(kind="claim", claim="tier", any_of=("1",))],
    ),
    "Security": (Security(current_user, scopes=["a", "b"]), [scope("a"), scope("b")]),
    "Security with optional_user": (Security(optional_user, scopes=["a"]), [scope("a")]),
    "Security above current_user": (Security(account, scopes=["a"]), [scope("a")]),
    "no requirement": (Depends(current_user), []),
    "optional": (Depends(optional_user), []),
    "Security of another dependency": (Security(unrelated, scopes=["a"]), []),
    "Security of an IAM caller": (Security(iam_identity, scopes=["a"]), []),
}


@pytest.mark.parametrize(("dependency", "requirements"), REQUIREMENTS.values(), ids=REQUIREMENTS)
def test_requirements_are_those_on_the_caller_and_no_others(
    dependency: Any, requirements: list[Requirement]
) -> None:
    found = list(list_requirements(dependant_of(dependency)))
    assert found == requirements
    assert {type(each) for each in found} <= {Requirement}  # without the dependency that carries them


def test_a_route_without_dependencies_has_no_requirements() -> None:
    assert list(walk_dependants(None)) == list(list_requirements(None)) == []


def app_reporting(*dependencies: Any) -> FastAPI:
    """Build an app whose routes return what is read from their request's scope."""
    app, inner, outer = FastAPI(), APIRouter(), APIRouter()

    @app.get("/plain/{name}")
    @inner.get("/included/{name}")
    async def report(request: Request, user: OptionalUser) -> list[Any]:
        return [asks_for_scopes(request.scope), find_path_template(request.scope)]

    outer.include_router(inner, prefix="/outer", dependencies=dependencies)
    app.include_router(outer, prefix="/v1")
    app.dependency_overrides[current_user] = lambda: None
    return app


@pytest.mark.parametrize(
    ("dependency", "scoped"),
    [(Security(optional_user, scopes=["a"]), True), (Depends(optional_user), False)],
    ids=["scoped", "unscoped"],
)
def test_the_dependencies_of_an_including_router_count_for_the_matched_route(
    dependency: Any, *, scoped: bool
) -> None:
    client = client_of(app_reporting(dependency))
    assert client.get("/v1/outer/included/x").json() == [scoped, "/v1/outer/included/{name}"]
    assert client.get("/plain/x").json() == [False, "/plain/{name}"]


def test_groups_and_claims_are_not_scopes() -> None:
    for requirement in (require_group("a"), require_claim("tier", 1)):
        route = APIRoute("/", unrelated, dependencies=[Depends(requirement)])
        assert not asks_for_scopes({"type": "http", "route": route})
    route = APIRoute("/", unrelated, dependencies=[Depends(require_scope("a"))])
    assert asks_for_scopes({"type": "http", "route": route})


@pytest.mark.parametrize("scope", [{"type": "http"}, {"type": "http", "route": object()}])
def test_a_request_that_matched_no_route_has_neither_scopes_nor_a_path(scope: dict[str, Any]) -> None:
    assert not asks_for_scopes(scope)
    assert find_path_template(scope) is None


def test_the_context_of_an_including_router_does_not_count_inside_a_mounted_app() -> None:
    inner, outer, app = FastAPI(), APIRouter(), FastAPI()

    @inner.get("/{name}")
    async def report(request: Request, user: OptionalUser) -> list[Any]:
        return [asks_for_scopes(request.scope), find_path_template(request.scope)]

    inner.dependency_overrides[current_user] = lambda: None
    outer.mount("/inner", inner)
    app.include_router(outer, prefix="/v1", dependencies=[Security(optional_user, scopes=["a"])])
    assert client_of(app).get("/v1/inner/x").json() == [False, "/v1/inner/{name}"]
