"""Access to a route, in words for the developers of its clients."""

from collections.abc import Mapping
from typing import Any, Literal

from fastapi_cognito_guard.app.routes import RouteInfo
from fastapi_cognito_guard.policy import Requirement, takes_scopes
from fastapi_cognito_guard.remedies import RequirementKind
from fastapi_cognito_guard.request_state import Guard

_IAM = "a caller who signs the request with AWS credentials (IAM)"
_ANY_CALLER = "a signed-in user or a client"
_OTHERS = " Other credentials that it asks for are not described here."
_OF_USERS: tuple[RequirementKind, ...] = ("group", "level")  # a machine has neither
_PHRASES: Mapping[RequirementKind, str] = {
    "scope": "with scope {names}",
    "group": "in group {names}",
    "claim": "with {names} in the claim {claim}",
    "level": "with level {names} or higher{age}",
    "actor": "with {names} acting for them",
    "direct": "with nobody acting for them",
    "pool": "of user pool {names}",
    "check": "passing the app's own check {names}",
}


def add_access(operation: dict[str, Any], route: RouteInfo, guard: Guard, *, denied: bool) -> None:
    """Append who may call a guarded route to the description of its operation, unless it is there.

    The arguments are those of `describe_access`. The operation must not have the guard's security yet.
    """
    paragraph = describe_access(route, guard, denied=denied, others=bool(operation.get("security")))
    description = operation.get("description")
    if not description:
        operation["description"] = paragraph
    elif not description.endswith(paragraph):
        operation["description"] = f"{description}\n\n{paragraph}"


def describe_access(route: RouteInfo, guard: Guard, *, denied: bool = False, others: bool = False) -> str:
    """Return who may call a guarded route, as one paragraph of Markdown.

    ``denied``: the guard requires a token there before the route does. ``others``: the route asks for
    credentials besides that are not the guard's.
    """
    callers = _describe_callers(route, guard)
    if route.optional and (route.iam or not denied):
        # Where the route asks for other credentials, not anybody may call it.
        first = f"{_IAM}; " if route.iam else "" if others else "anybody; "
        sent = "" if callers == _ANY_CALLER else f". If one is sent: {callers}"
        text = f"{first}a token is optional{sent}"
    elif route.iam:
        text = f"{_IAM} and sends a token of {callers}" if route.guarded else _IAM
    else:
        text = callers
    return f"**Access**: {text}.{_OTHERS if others else ''}"


def _describe_callers(route: RouteInfo, guard: Guard) -> str:
    """Return the users and clients that meet all requirements of a route."""
    token = _name_token(route, guard)
    conditions = [] if token is None else [f"with an {token} token"]
    conditions += map(_describe_requirement, route.requirements)
    only_users = token == "ID" or any(_is_of_users(each) for each in route.requirements)
    if not conditions:
        return _ANY_CALLER
    # "either ..., or ..." has commas itself.
    between = "; and " if any(each.alternatives for each in route.requirements) else ", and "
    # The comma makes the conditions those of users and clients alike.
    callers = "a signed-in user " if only_users else f"{_ANY_CALLER}, "
    return callers + between.join(conditions)


def _is_of_users(requirement: Requirement) -> bool:
    """Return True if only users can meet a requirement, and no machine."""
    return all(each.kind in _OF_USERS for each in requirement.alternatives or (requirement,))


def _name_token(route: RouteInfo, guard: Guard) -> Literal["ID", "access"] | None:
    """Return the type of token that a route takes, or None where any that the guard takes will do.

    None also where the guard takes access tokens only, as is usual.
    """
    scoped = takes_scopes(route.requirements)
    if guard.semantics == "rest":
        # Before the route, `deny_by_default` takes both types.
        return None if scoped is None or not route.guarded else "access" if scoped else "ID"
    if guard.semantics == "http":
        return None
    uses = {use for pool in guard.pools for use in pool.token_use}
    if uses == {"id"} and guard.directory is None:
        return "ID"
    return "access" if scoped and uses != {"access"} else None


def _describe_requirement(requirement: Requirement) -> str:
    if requirement.alternatives:
        return "either " + ", or ".join(map(_describe_requirement, requirement.alternatives))
    age = "" if requirement.max_age is None else f" from a sign-in at most {requirement.max_age} s ago"
    return _PHRASES[requirement.kind].format(
        names=" or ".join(map(_write_code, requirement.any_of)),
        claim=_write_code(requirement.claim or ""),
        age=age,
    )


def _write_code(name: str) -> str:
    """Return a name as code in Markdown. No character of it can end the code, the line or begin a tag."""
    shown = name if name and name == name.strip() else f'"{name}"'
    letters = (
        each if each.isprintable() and each not in "`<>" else f"\\u{{{ord(each):x}}}" for each in shown
    )
    return f"`{''.join(letters)}`"
