"""Traits of callers: what meets requirements."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from fastapi_cognito_guard.policy import Requirement
from fastapi_cognito_guard.remedies import RequirementKind
from fastapi_cognito_guard.validation import escape_unprintable


class Trait(NamedTuple):
    """Trait that meets a requirement: a group, a scope, a value of a claim, and so on.

    ``kind`` is also ``"token"``, the type of token, or ``"user"``, for what a route requires besides.
    """

    kind: RequirementKind | Literal["token", "user"]
    name: str
    claim: str | None = None
    max_age: int | None = None

    @property
    def label(self) -> str:
        """The trait in words: ``group admins``."""
        return escape_unprintable(f"{self.claim or self.kind} {self.name}")


def list_traits(requirement: Requirement) -> Iterator[Trait]:
    """List the traits of which any one meets a requirement. The name of what has none is empty."""
    for each in requirement.alternatives or (requirement,):
        for name in each.any_of or ("",):
            yield Trait(each.kind, name, each.claim, each.max_age)
