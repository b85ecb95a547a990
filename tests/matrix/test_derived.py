"""Callers that are derived from the requirements of routes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_cognito_guard import (
    require_actor,
    require_claim,
    require_direct,
    require_group,
    require_level,
    require_pool,
    require_scope,
)
from fastapi_cognito_guard.matrix import Caller, build_matrix
from fastapi_cognito_guard.matrix.derived import derive_callers
from tests.matrix.random_routes import LEVELS, REQUIRED, build_app

USUAL = ["nobody", "any user", "machine"]


def names(*routes: list[Any], types: Any = None, iam: bool = False) -> list[str]:
    return [caller.name for caller in derive_callers(routes, types or {}, iam=iam)]


def find(name: str, *routes: list[Any], types: Any = None) -> Caller:
    return next(caller for caller in derive_callers(routes, types or {}) if caller.name == name)


def test_an_app_without_requirements_has_three_callers() -> None:
    assert names() == names([]) == USUAL
    assert names([], iam=True) == [*USUAL, "IAM caller"]


def test_each_trait_is_a_caller_once_in_a_fixed_order() -> None:
    routes = [[require_scope("b", "a")], [require_group("x")], [require_group("x") | require_scope("c")]]
    expected = [
        "nobody",
        "any user",
        "group x",
        "scope a",
        "scope b",
        "scope c",
        "machine",
        "machine with all scopes",
    ]
    assert names(*routes) == names(*reversed(routes)) == expected


def test_what_one_route_requires_together_is_one_caller() -> None:
    route = [require_group("x", "y"), require_scope("a"), require_claim("tier", "gold")]
    combined = [name for name in names(route) if "+" in name]
    assert combined == ["group x + scope a + tier gold", "group y + scope a + tier gold"]
    caller = find(combined[0], route)
    assert (caller.groups, caller.token_scopes, dict(caller.claims)) == (("x",), ("a",), {"tier": "gold"})


@pytest.mark.parametrize(
    "route",
    [
        [require_pool("a"), require_pool("b")],
        [require_actor("a"), require_actor("b")],
        [require_claim("c", "a"), require_claim("c", "b")],
        [require_level(LEVELS[0]), require_level(LEVELS[1])],
    ],
)
def test_what_no_caller_can_be_is_no_caller(route: list[Any]) -> None:
    assert not any("+" in name for name in names(route))


def test_a_route_with_many_choices_does_not_multiply_callers() -> None:
    wide = [require_group(*(f"{letter}{number}" for number in range(20))) for letter in "abc"]
    combined = [name for name in names(wide) if "+" in name]
    assert len(combined) == 20
    assert all(any(f"a{number} " in f"{name} " for name in combined) for number in range(20))


def test_a_limited_age_has_a_caller_who_is_too_old() -> None:
    caller = find(f"level {LEVELS[2]}, 301 s old", [require_level(LEVELS[2], max_age=300)])
    assert (caller.level, caller.age) == (LEVELS[2], 301)


def test_a_route_about_actors_has_a_delegated_caller() -> None:
    assert "delegated" in names([require_direct()])
    assert {"delegated", "actor agent"} <= set(names([require_actor("agent")]))


@pytest.mark.parametrize(
    ("declared", "text", "value"),
    [(None, "3", "3"), (int, "3", 3), (bool, "true", True), (bool, "false", False), (list[str], "a", ["a"])],
)
def test_a_claim_has_the_type_that_it_has_in_a_token(declared: Any, text: str, value: object) -> None:
    types = {} if declared is None else {"c": declared}
    assert find(f"c {text}", [require_claim("c", text)], types=types).claims["c"] == value


def test_cognitos_own_lists_are_lists() -> None:
    assert find("amr mfa", [require_claim("amr", "mfa")]).claims["amr"] == ["mfa"]


@given(REQUIRED)
def test_some_derived_caller_meets_any_requirements_that_a_caller_can_meet(requirements: list[Any]) -> None:
    """Without checks of the app's own, and unless two of them exclude each other."""
    kinds = [each.kind for each in requirements]
    exclusive = {"check", "direct", "any"} & set(kinds) or any(
        kinds.count(kind) > 1 for kind in ("level", "actor", "pool", "claim")
    )
    matrix = build_matrix(build_app([("user", requirements)]))
    if not exclusive:
        assert any(answer.allowed for _, _, answer in matrix.list_cells())


@given(st.lists(REQUIRED, max_size=6))
def test_names_of_callers_are_distinct_and_readable(routes: list[list[Any]]) -> None:
    found = names(*routes)
    assert len(set(found)) == len(found)
    assert all(name.isprintable() for name in found)


def test_any_names_of_groups_are_callers() -> None:
    long = [require_group(letter * 128) for letter in "abcdef"]
    assert len(names(long)) == 6 + 1 + len(USUAL)
    assert "group \\u202eevil" in names([require_group("\u202eevil")])
