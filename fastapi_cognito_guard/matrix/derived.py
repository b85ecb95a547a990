"""The callers that the routes of an app tell apart."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any

from fastapi_cognito_guard.claim_types import COGNITO_LISTS, ClaimTypes
from fastapi_cognito_guard.matrix.callers import Caller
from fastapi_cognito_guard.matrix.traits import Trait, list_traits
from fastapi_cognito_guard.policy import Requirement
from fastapi_cognito_guard.principal import USER_ADMIN
from fastapi_cognito_guard.remedies import RequirementKind

ANOTHER_CLIENT = "another-client"

_MOST_COMBINATIONS = 64  # of one route
_KINDS = ("group", "scope", "claim", "level", "actor", "pool")


def derive_callers(
    routes: Iterable[Sequence[Requirement]], types: ClaimTypes, *, iam: bool = False
) -> tuple[Caller, ...]:
    """Return nobody, any user, one caller for each trait and combination that a route requires, and machines.

    ``routes`` are the requirements of each. A caller with a scope has no other scope. Delegated callers are
    there if a route asks for an actor or for none, and with ``iam`` an IAM caller.
    """
    requirements = list(routes)
    combinations = dict.fromkeys(each for route in requirements for each in _list_combinations(route))
    traits = dict.fromkeys(trait for route in requirements for each in route for trait in _list_traits(each))
    single = sorted(traits, key=_sort_key)
    callers = [Caller(name="nobody", kind="nobody"), Caller(name="any user")]
    callers += [_build_caller([trait], types) for trait in single]
    callers += _list_too_old(single)
    if any(_has_kind(route, "actor", "direct") for route in requirements):
        callers.append(Caller(name="delegated", actor=ANOTHER_CLIENT))
    callers += [_build_caller(each, types) for each in combinations]
    callers += _list_machines(single)
    if iam:
        callers.append(Caller(name="IAM caller", kind="iam"))
    return tuple({caller.name: caller for caller in callers}.values())


def _sort_key(trait: Trait) -> tuple[object, ...]:
    return _KINDS.index(trait.kind), trait.claim or "", trait.name, trait.max_age or 0


def _list_traits(requirement: Requirement) -> list[Trait]:
    """List the traits that a caller can be given: not the result of a check."""
    return [trait for trait in list_traits(requirement) if trait.kind in _KINDS]


def _list_combinations(requirements: Sequence[Requirement]) -> Iterator[tuple[Trait, ...]]:
    """Return the sets of several traits of which each meets all requirements of a route."""
    choices = [found for each in requirements if (found := _list_traits(each))]
    number = 1
    for choice in choices:
        number *= len(choice)
    if number > _MOST_COMBINATIONS:  # so many that each trait is shown once, with the others' first
        longest = max(map(len, choices))
        chosen: Iterable[tuple[Trait, ...]] = (
            tuple(choice[min(index, len(choice) - 1)] for choice in choices) for index in range(longest)
        )
    else:
        chosen = product(*choices)
    for traits in chosen:
        distinct = tuple(sorted(set(traits), key=_sort_key))
        if len(distinct) > 1 and _can_be_one(distinct):
            yield distinct


def _can_be_one(traits: Sequence[Trait]) -> bool:
    """Return False for two pools, actors or levels, or two values of one claim: no caller has both."""
    single = [(each.kind, each.claim) for each in traits if each.kind in ("pool", "actor", "claim", "level")]
    return len(single) == len(set(single))


def _build_caller(traits: Sequence[Trait], types: ClaimTypes) -> Caller:
    named: dict[str, list[Trait]] = {kind: [] for kind in _KINDS}
    for trait in traits:
        named[trait.kind].append(trait)
    scopes = tuple(each.name for each in named["scope"])
    first = {kind: next((each.name for each in found), None) for kind, found in named.items()}
    return Caller(
        name=" + ".join(each.label for each in traits),
        groups=tuple(each.name for each in named["group"]),
        scopes=scopes or (USER_ADMIN,),
        claims={str(each.claim): _build_value(each, types) for each in named["claim"]},
        level=first["level"],
        actor=first["actor"],
        pool_id=first["pool"],
    )


def _build_value(trait: Trait, types: ClaimTypes) -> Any:
    """Return the value of a claim, in the type that it has in a token."""
    declared = types.get(str(trait.claim), str)
    if trait.claim in COGNITO_LISTS or declared == list[str]:
        return [trait.name]
    if declared is bool or trait.claim in ("email_verified", "phone_number_verified"):
        return trait.name == "true"
    return declared(trait.name) if declared in (int, float) and trait.name.isdecimal() else trait.name


def _list_too_old(traits: Iterable[Trait]) -> Iterator[Caller]:
    """Return a caller for each age of a sign-in that a route limits, who is one second older."""
    for trait in traits:
        if trait.max_age is not None:
            age = trait.max_age + 1
            yield Caller(name=f"{trait.label}, {age} s old", level=trait.name, age=age)


def _list_machines(traits: Iterable[Trait]) -> Iterator[Caller]:
    scopes = tuple(trait.name for trait in traits if trait.kind == "scope")
    yield Caller(name="machine", kind="machine")
    if scopes:
        yield Caller(name="machine with all scopes", kind="machine", scopes=scopes)


def _has_kind(requirements: Iterable[Requirement], *kinds: RequirementKind) -> bool:
    return any(each.list_of_kind(kind) for each in requirements for kind in kinds)
