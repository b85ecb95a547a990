"""Requirements in words that have one reading only."""

from collections.abc import Sequence

from fastapi_cognito_guard.policy import Requirement

ANY_CALLER = "any user or client"


def describe_requirements(requirements: Sequence[Requirement]) -> str:
    """Return all of several requirements: ``group admins and (scope a or scope b)``."""
    is_one = len(requirements) == 1
    return " and ".join(describe_requirement(each, bracket=not is_one) for each in requirements)


def describe_requirement(requirement: Requirement, *, bracket: bool = False) -> str:
    """Return one requirement. ``bracket``: in brackets if there is an "or" in it."""
    if requirement.alternatives:
        text = " or ".join(describe_requirement(each) for each in requirement.alternatives)
    else:
        text = f"check {requirement.label}" if requirement.kind == "check" else requirement.label
    has_choice = bool(requirement.alternatives) or len(requirement.any_of) > 1
    return f"({text})" if bracket and has_choice else text
