"""Policies that may be kept: a gateway reuses one for every route of the API, so each speaks of them all.

A policy names paths with ``*``, which takes slashes too. So that one route's Allow is never another's, a
route that the caller may not use is denied by name wherever an allowed one's stars would take it.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from fastapi_cognito_guard.deploy.authorizer.event import LONGEST_ARN
from fastapi_cognito_guard.deploy.operations import Operation
from fastapi_cognito_guard.deploy.paths import GatewayPath, is_greedy, is_preferred, is_variable
from fastapi_cognito_guard.errors import ConfigurationError

Policy = dict[str, Any]

_LONGEST_API = 128  # characters of the part before the method; ARNs of APIs have about 75


class Grants(NamedTuple):
    """What one caller may do, of all the operations of the app.

    ``alone``  whether nobody behind the gateway decides this again
    """

    allowed: Sequence[Operation]
    denied: Sequence[Operation]
    alone: bool = False

    def policy(self, api: str) -> Policy:
        """The policy, for a stage's ARN."""
        if not self.allowed:
            return deny(f"{api}/*")
        spilt = [
            each
            for each in self.denied
            if any(_spills(allowed, each) for allowed in self.allowed if allowed.method == each.method)
        ]
        statements = [_statement("Allow", [f"{api}/{resource_of(each)}" for each in self.allowed])]
        if spilt:
            # An escape hides a denied path from the gateway, and the app reads what it stands for.
            hidden = [f"{api}/*%*"] if self.alone else []
            denied = [f"{api}/{resource_of(each)}" for each in spilt]
            statements.append(_statement("Deny", [*denied, *hidden]))
        return {"Version": "2012-10-17", "Statement": statements}


def allow(resource: str) -> Policy:
    """A policy that allows one resource."""
    return {"Version": "2012-10-17", "Statement": [_statement("Allow", [resource])]}


def deny(resource: str) -> Policy:
    """A policy that denies one resource."""
    return {"Version": "2012-10-17", "Statement": [_statement("Deny", [resource])]}


def _statement(effect: str, resources: list[str]) -> Policy:
    return {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resources}


def resource_of(operation: Operation) -> str:
    """``GET/orders/*``."""
    segments = ("*" if is_variable(segment) else segment for segment in operation.path)
    return f"{operation.method}/{'/'.join(segments)}"


def check(operations: Sequence[Operation], implies: Callable[[Operation, Operation], bool]) -> None:
    """That every caller's policy can be exact. ``implies``: whether who may do the one may do the other.

    Raises `ConfigurationError` where it cannot: a denial that one route needs would hit another, allowed
    one; or where a resource would be too long.
    """
    for operation in operations:
        if len(resource_of(operation)) > LONGEST_ARN - _LONGEST_API:
            raise ConfigurationError(
                f"{operation} is too long for a policy, whose resources have {LONGEST_ARN} characters at "
                "most. Shorten the path, or decide each request: cached=False, and a TTL of 0."
            )
    for denied, reason, victim in _clashes(operations):
        if not implies(reason, denied) and not implies(victim, denied):
            raise ConfigurationError(
                f"No policy can deny {denied} to a caller who may use {reason}, and still allow {victim}: "
                "its stars take slashes too. Give them paths that differ earlier, let them ask for the same, "
                "or decide each request: cached=False, and a TTL of 0."
            )


def _clashes(operations: Sequence[Operation]) -> Iterator[tuple[Operation, Operation, Operation]]:
    for denied in operations:
        others = [each for each in operations if each.method == denied.method and each != denied]
        victims = [each for each in others if _spills(denied, each)]
        for reason in others if victims else ():
            if _spills(reason, denied):
                yield from ((denied, reason, victim) for victim in victims)


def _spills(one: Operation, other: Operation) -> bool:
    """Whether the stars of ``one`` take a request that a gateway finds at ``other``."""
    if not _takes(one.path, other.path):
        return False
    return not (is_preferred(one.path, over=other.path) and _is_exact(one.path, other.path))


def _is_exact(one: GatewayPath, other: GatewayPath) -> bool:
    """Whether what the stars of ``one`` take of ``other``'s requests is what its own path takes."""
    if any(is_variable(segment) and not said for segment, said in zip(one, other, strict=False)):
        return False  # a star takes nothing at all, too, which a gateway's variable does not
    inner = one[:-1] if one and is_greedy(one[-1]) else one
    same_length = len(one) == len(other) and not is_greedy(other[-1])
    return same_length or not any(map(is_variable, inner))


@lru_cache(maxsize=4096)
def _takes(pattern: GatewayPath, path: GatewayPath) -> bool:
    """Whether some text fits both, where a variable of the pattern is a star: of a segment, or of more."""
    if not pattern or not path:
        return pattern == path or (not path and len(pattern) == 1 and is_variable(pattern[0]))
    if is_greedy(path[0]):
        return True
    if not is_variable(pattern[0]):
        fits = pattern[0] == path[0] or (is_variable(path[0]) and pattern[0] != "")
        return fits and _takes(pattern[1:], path[1:])
    return _takes(pattern[1:], path[1:]) or (len(path) > 1 and _takes(pattern, path[1:]))
