"""Notes on an export: operations that are open or left to the app, and settings that need a look."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from fastapi_cognito_guard.deploy.definition.cors import read_cors
from fastapi_cognito_guard.deploy.definition.security import COGNITO_SCHEME, GatewayRules, is_decidable
from fastapi_cognito_guard.deploy.operations import GatewayRoutes, Operation, list_left_out
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.policy import Requirement, takes_scopes

if TYPE_CHECKING:
    from fastapi import FastAPI

logger = logging.getLogger("fastapi_cognito_guard.export")

_MAX_LISTED = 5


def log_notes(
    app: "FastAPI",
    guard: CognitoGuard,
    rules: GatewayRules,
    routes: GatewayRoutes,
    operations: Sequence[Operation],
) -> None:
    """Log each note: for information, or as a warning if it may be a mistake."""
    for note in _list_undecided(rules, operations):
        logger.info("%s", note)
    for route in list_left_out(app):
        logger.info("%s is left out: a REST or HTTP API cannot have it.", route)
    cors = read_cors(app)
    own_options = any(each.method == "OPTIONS" for each in operations)
    if own_options and cors is not None and cors.is_left_to_app(rules.kind):
        logger.info("OPTIONS is open at the gateway, for preflights: the app alone guards its own routes.")
    for name, path in routes.list_widened():
        logger.warning("%s becomes %s at the gateway, which takes more paths than the app.", name, path)
    for entry in routes.unused_exclusions:
        logger.warning("leave_out has %s, which matches no route: check its spelling.", entry)
    for warning in _list_token_type_conflicts(guard, rules, operations):
        logger.warning("%s", warning)


def _list_undecided(rules: GatewayRules, operations: Iterable[Operation]) -> Iterator[str]:
    """List the operations that the gateway leaves open, or decides only in part."""
    for operation in operations:
        access = operation.access
        if access.iam or operation.method == "HEAD":
            continue  # IAM decides all, and HEAD is like GET
        if access.optional:
            yield f"{operation} is open at the gateway: a token is optional there, and the app verifies it."
        elif not access.identity:
            route = "it" if operation.route == str(operation) else operation.route
            yield f"{operation} is open: {route} asks for nothing."
        elif rules.is_for_lambda(access) and access.requirements != access.decidable:
            requirements = _join_all(access.requirements - access.decidable)
            yield f"{operation}: the Lambda authorizer cannot decide {requirements}; the app does."
        elif not is_decidable(access) and not rules.is_for_lambda(access):
            requirements = _join_all(access.requirements)
            yield f"{operation}: the gateway cannot decide all of {requirements}; the app does."


def _list_token_type_conflicts(
    guard: CognitoGuard, rules: GatewayRules, operations: Iterable[Operation]
) -> Iterator[str]:
    """List the cases in which a REST API and the app take different types of token.

    A REST API takes ID tokens on operations without scopes, and access tokens on those with scopes.
    """
    if not rules.is_for_user_pools:
        return
    unscoped = [str(each) for each in operations if _takes_id_tokens(rules, each)]
    for_machines = [
        str(each)
        for each in operations
        if _takes_id_tokens(rules, each) and takes_scopes(each.access.requirements) is None
    ]
    if for_machines:
        yield (
            f"A REST API takes only ID tokens at {join_first(for_machines)}, where the app also takes "
            "scopes, which only access tokens have: no machine passes. Name scopes with catch_all."
        )
    if unscoped and guard.semantics == "strict" and not any("id" in pool.token_use for pool in guard.pools):
        yield (
            f"A REST API takes only ID tokens at {join_first(unscoped)}, which require no scopes, and the "
            "app takes only access tokens: no token passes both. Give catch_all=[...] with scopes of which "
            'each access token has at least one (Cognito\'s own: "openid", "aws.cognito.signin.user.admin"); '
            'or take ID tokens there: semantics="rest", or token_use.'
        )
    if rules.catch_all and guard.semantics == "rest":
        yield (
            "With catch_all a REST API takes access tokens on every operation, and with "
            'semantics="rest" the app takes ID tokens on routes without scopes: no token passes both. '
            'Write semantics="strict", or drop catch_all.'
        )


def _takes_id_tokens(rules: GatewayRules, operation: Operation) -> bool:
    return rules.build_security(operation) == [{COGNITO_SCHEME: []}]


def _join_all(requirements: Iterable[Requirement]) -> str:
    return " and ".join(sorted(map(str, requirements)))


def join_first(items: Sequence[str]) -> str:
    """Return the first items as text, and the number of the others."""
    more = f" and {len(items) - _MAX_LISTED} more" if len(items) > _MAX_LISTED else ""
    return ", ".join(items[:_MAX_LISTED]) + more
