"""What a definition leaves to the app, opens, or widens: said when it is made, one record each."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from fastapi_cognito_guard.deploy.definition.cors import read_cors
from fastapi_cognito_guard.deploy.definition.security import OURS, Security, is_beyond
from fastapi_cognito_guard.deploy.operations import GatewayRoutes, Operation, list_left_out
from fastapi_cognito_guard.guard import CognitoGuard

if TYPE_CHECKING:
    from fastapi import FastAPI

logger = logging.getLogger("fastapi_cognito_guard.export")

_SHOWN = 5


def log_notes(
    app: "FastAPI",
    guard: CognitoGuard,
    rules: Security,
    routes: GatewayRoutes,
    operations: Sequence[Operation],
) -> None:
    """Log them: as information, or as a warning where somebody should look."""
    for note in _information(rules, operations):
        logger.info("%s", note)
    for what in list_left_out(app):
        logger.info("%s is left out: there is nothing for it in this kind of API.", what)
    cors = read_cors(app)
    own = any(each.method == "OPTIONS" for each in operations)
    if own and cors is not None and cors.is_left_to_app(rules.kind):
        logger.info("OPTIONS is open at the gateway, for preflights: the app alone guards its own.")
    for route, path in routes.list_widened():
        logger.warning("%s becomes %s at the gateway, which takes more. The app does not.", route, path)
    for entry in routes.unused_exclusions:
        logger.warning("leave_out has %s, where there is no route: nothing is left out by it.", entry)
    for warning in _of_token_types(guard, rules, operations):
        logger.warning("%s", warning)


def _information(rules: Security, operations: Iterable[Operation]) -> Iterator[str]:
    for operation in operations:
        ask = operation.access
        if ask.iam or operation.method == "HEAD":
            continue  # IAM decides all; and HEAD is as GET
        if ask.optional:
            yield f"{operation} is open at the gateway: a token is optional there, and the app verifies it."
        elif not ask.identity:
            asks = "it" if operation.route == str(operation) else operation.route
            yield f"{operation} is open: {asks} asks for nothing."
        elif is_beyond(ask) and not rules.is_for_authorizer(ask):
            needs = " and ".join(sorted(str(need) for need in ask.requirements))
            yield f"{operation}: the gateway cannot decide all of {needs}; the app does."


def _of_token_types(guard: CognitoGuard, rules: Security, operations: Iterable[Operation]) -> Iterator[str]:
    """A REST API takes ID tokens where no scopes are asked for, and access tokens where some are."""
    unscoped = [str(each) for each in operations if rules.of(each) == [{OURS: []}]]
    if rules.kind != "rest":
        return
    if unscoped and guard.semantics == "strict" and not any("id" in pool.token_use for pool in guard.pools):
        yield (
            f"A REST API takes only ID tokens at {_listed(unscoped)}, which ask for no scopes, and the app "
            "takes only access tokens: nobody can pass both. Give catch_all=[...] with scopes of which every "
            'access token of yours has one (Cognito\'s own: "openid", "aws.cognito.signin.user.admin"); or '
            'take ID tokens there: semantics="rest", or token_use.'
        )
    if rules.catch_all and guard.semantics == "rest":
        yield (
            'With catch_all a REST API takes access tokens everywhere, and semantics="rest" ID tokens where '
            'no scopes are asked for: nobody can pass both. Write semantics="strict", or drop catch_all.'
        )


def _listed(items: Sequence[str]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more
