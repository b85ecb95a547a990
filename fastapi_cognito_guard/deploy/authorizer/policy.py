"""IAM policies of a Lambda authorizer.

A gateway caches a policy and reuses it for every route of the API, so a policy covers all operations of the
app. Its resources name paths with ``*``, which matches slashes, too. An operation that the caller may not
use is therefore denied by name if a star of an allowed one matches it.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from fastapi_cognito_guard.deploy.authorizer.event import MAX_ARN_LENGTH
from fastapi_cognito_guard.deploy.operations import Operation
from fastapi_cognito_guard.deploy.path_index import PrefixIndex
from fastapi_cognito_guard.deploy.paths import GatewayPath, is_greedy, is_preferred, is_variable
from fastapi_cognito_guard.errors import ConfigurationError

Policy = dict[str, Any]

_MAX_STAGE_ARN_LENGTH = 128  # characters of the part before the method; ARNs of stages have about 75


def allow_resource(resource: str) -> Policy:
    """Return a policy that allows one resource."""
    return _build_policy(_build_statement("Allow", [resource]))


def deny_resource(resource: str) -> Policy:
    """Return a policy that denies one resource."""
    return _build_policy(_build_statement("Deny", [resource]))


def allow_operations(
    stage_arn: str, allowed: Sequence[Operation], denied: Sequence[Operation], *, deny_escapes: bool
) -> Policy:
    """Return a policy that allows some operations of a stage and no others.

    ``deny_escapes``: deny percent-encoded paths if an operation has to be denied by name. Needed if the
    function behind the gateway does not check again what the authorizer has denied.
    """
    if not allowed:
        return deny_resource(f"{stage_arn}/*")
    near = _index_operations(allowed)
    statements = [_build_statement("Allow", [f"{stage_arn}/{_format_resource(each)}" for each in allowed])]
    exceptions = [
        f"{stage_arn}/{_format_resource(each)}"
        for each in denied
        if any(_matches_operation(other, each) for other in near.find_near(_find_key(each)))
    ]
    if exceptions:
        # An escape hides a denied path from the gateway, and the app decodes it.
        escapes = [f"{stage_arn}/*%*"] if deny_escapes else []
        statements.append(_build_statement("Deny", [*exceptions, *escapes]))
    return _build_policy(*statements)


def check_operations(
    operations: Sequence[Operation], implies: Callable[[Operation, Operation], bool]
) -> None:
    """Check that there is an exact policy for every caller.

    ``implies``: True if every caller who may use the first operation may use the second. Raises
    `ConfigurationError` if denying one operation would deny another one that the same caller may use, and
    if a resource would be too long.
    """
    for operation in operations:
        if len(_format_resource(operation)) > MAX_ARN_LENGTH - _MAX_STAGE_ARN_LENGTH:
            raise ConfigurationError(
                f"{operation} is too long for a policy, whose resources have {MAX_ARN_LENGTH} characters at "
                "most. Shorten the path, or decide each request: cached=False, and a TTL of 0."
            )
    for denied, reasons, victims in _find_conflicts(operations):
        reason = next((each for each in reasons if not implies(each, denied)), None)
        victim = next((each for each in victims if not implies(each, denied)), None)
        if reason is not None and victim is not None:
            raise ConfigurationError(
                f"No policy can deny {denied} to a caller who may use {reason}, and still allow {victim}: "
                "a star in its resources matches slashes, too. Give them paths that differ earlier, or the "
                "same requirements, or decide each request: cached=False, and a TTL of 0."
            )


def _find_conflicts(
    operations: Sequence[Operation],
) -> Iterator[tuple[Operation, list[Operation], list[Operation]]]:
    """Find operations that may have to be denied because of others, and whose denial hits yet others."""
    index = _index_operations(operations)
    for denied in operations:
        others = [each for each in index.find_near(_find_key(denied)) if each != denied]
        victims = [each for each in others if _matches_operation(denied, each)]
        reasons = [each for each in others if _matches_operation(each, denied)] if victims else []
        if reasons:
            yield denied, reasons, victims


def _index_operations(operations: Sequence[Operation]) -> PrefixIndex[Operation]:
    return PrefixIndex(operations, _find_key)


def _find_key(operation: Operation) -> GatewayPath:
    return operation.method, *operation.path


def _matches_operation(one: Operation, other: Operation) -> bool:
    """Return True if the resource of ``one`` matches a request that a gateway sends to ``other``."""
    if not _matches_path(one.path, other.path):
        return False
    return not (is_preferred(one.path, over=other.path) and _is_exact(one.path, other.path))


def _is_exact(one: GatewayPath, other: GatewayPath) -> bool:
    """Return True if the resource of ``one`` matches only those requests to ``other`` that its path takes."""
    if any(is_variable(segment) and not literal for segment, literal in zip(one, other, strict=False)):
        return False  # a star matches an empty text, too, and a gateway's variable does not
    inner = one[:-1] if one and is_greedy(one[-1]) else one
    same_length = len(one) == len(other) and not is_greedy(other[-1])
    return same_length or not any(map(is_variable, inner))


@lru_cache(maxsize=4096)
def _matches_path(pattern: GatewayPath, path: GatewayPath) -> bool:
    """Return True if some text matches both. A variable of the pattern is a star: one segment or more."""
    if not pattern or not path:
        return pattern == path or (not path and len(pattern) == 1 and is_variable(pattern[0]))
    if is_greedy(path[0]):
        return True
    if not is_variable(pattern[0]):
        fits = pattern[0] == path[0] or (is_variable(path[0]) and pattern[0] != "")
        return fits and _matches_path(pattern[1:], path[1:])
    return _matches_path(pattern[1:], path[1:]) or _matches_path(pattern, path[1:])


def _format_resource(operation: Operation) -> str:
    """Return the part of a resource behind the stage: ``GET/orders/*``."""
    segments = ("*" if is_variable(segment) else segment for segment in operation.path)
    return f"{operation.method}/{'/'.join(segments)}"


def _build_policy(*statements: Policy) -> Policy:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _build_statement(effect: str, resources: list[str]) -> Policy:
    return {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resources}
