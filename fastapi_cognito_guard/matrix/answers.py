"""Answers to callers, computed from what a route requires: the cells of a matrix."""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from fastapi_cognito_guard.claims import Claims, ClaimsValidator, Semantics, check_token_use_as_rest
from fastapi_cognito_guard.errors import (
    AuthError,
    CallerIsIam,
    GatewayClaimsMissing,
    IamIdentityMissing,
    TokenMissing,
)
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.matrix.callers import Caller
from fastapi_cognito_guard.matrix.doors import (
    CheckRoute,
    build_authorizers_validator,
    check_as_rest,
    check_nothing,
    check_scopes,
    is_attached,
)
from fastapi_cognito_guard.matrix.routes import GuardedRoute
from fastapi_cognito_guard.matrix.tokens import build_claims, choose_pool
from fastapi_cognito_guard.matrix.words import describe_requirement, describe_requirements
from fastapi_cognito_guard.policy import Requirement, takes_scopes
from fastapi_cognito_guard.pool import ANY_CLIENT, UserPool
from fastapi_cognito_guard.principal import Principal
from fastapi_cognito_guard.responses import render

Door = Literal["standalone", "rest", "http", "lambda"]
"""How the app is reached.

``"standalone"``  directly
``"rest"``        behind a REST API with an authorizer for user pools
``"http"``        behind an HTTP API with a JWT authorizer
``"lambda"``      behind a REST API with a Lambda authorizer that verifies tokens
"""

ALLOWED = "allowed"
CHECK = "check"
_MISSING = TokenMissing("the request has no token.")
_UNVOUCHED = GatewayClaimsMissing("no authorizer has vouched for the caller.")
_MISMATCHES = ("token_use_mismatch", "client_mismatch")


class Answer(NamedTuple):
    """Answer to a caller at a route.

    ``status``  of a refusal; 200 for a request that reaches the route's function; None if a check of the
                app's own decides
    ``code``    ``"allowed"``, ``"check"`` for a check of the app's own, or the code of the refusal
    ``rule``    the requirement that decides, in words: ``group admins``; empty where it is none
    ``by``      ``"app"``, or ``"gateway"`` if its authorizer refuses
    """

    status: int | None
    code: str
    rule: str = ""
    by: Literal["app", "gateway"] = "app"

    @property
    def allowed(self) -> bool:
        """True if the request reaches the route's function."""
        return self.code == ALLOWED


class Authorizer(NamedTuple):
    """Authorizer of a door: how it verifies tokens, checks routes and refuses.

    ``semantics`` is None where the function of the authorizer verifies tokens with the app's own guard.
    """

    semantics: Semantics | None
    check: CheckRoute
    status: Callable[[AuthError], int]
    settings: Mapping[str, object] = {}


AUTHORIZERS: Mapping[Door, Authorizer] = {
    "rest": Authorizer(
        "rest",
        check_as_rest,
        lambda error: render(error, "rest").status,
        {"client_ids": ANY_CLIENT, "resource": None},
    ),
    "http": Authorizer("http", check_scopes, lambda error: render(error, "http").status),
    "lambda": Authorizer(None, check_nothing, lambda error: 401),
}


def find_answer(
    route: GuardedRoute,
    caller: Caller,
    door: Door,
    build_validator: Callable[..., ClaimsValidator] = build_authorizers_validator,
) -> Answer:
    """Return the answer to a caller, who sends the token that gets furthest, or none if that is enough.

    ``build_validator``: `build_authorizers_validator`, or a function that remembers what it returned.
    """
    without_token = _answer_nobody(route, door)
    if without_token.allowed:
        return without_token
    if caller.kind == "iam" and door != "standalone":
        return _answer_iam(route, door)
    pool = find_pool(route, caller)
    tokens = build_claims(caller, pool, now=route.guard.now())
    if not tokens:
        return without_token
    return min((_answer_token(route, each, pool, door, build_validator) for each in tokens), key=rank_answer)


def find_pool(route: GuardedRoute, caller: Caller) -> UserPool:
    """Return the pool of a caller's tokens, with the settings of the route's guard."""
    own = next((pool for pool in route.guard.pools if pool.id == caller.pool_id), None)
    return own or choose_pool(route.guard if caller.pool_id is None else route.outer, caller.pool_id)


def rank_answer(answer: Answer) -> tuple[bool, ...]:
    """Return the place of an answer among others: the one that gets furthest is first."""
    return (
        not answer.allowed,
        answer.code != CHECK,
        answer.by == "gateway",
        answer.code in _MISMATCHES,
        answer.status != 403,
    )


def _answer_nobody(route: GuardedRoute, door: Door) -> Answer:
    if door != "standalone" and is_attached(route.outer, route.info):
        return Answer(AUTHORIZERS[door].status(_MISSING), _MISSING.code, by="gateway")
    return _answer_unidentified(route)


def _answer_unidentified(route: GuardedRoute) -> Answer:
    """Return the app's answer to a request without a token, for which no gateway vouches."""
    info, guard = route.info, route.guard
    if info.guarded and info.optional and guard.gateway == "require":
        return _refuse(guard, _UNVOUCHED)
    if route.denied or (info.guarded and not info.optional):
        return _refuse(guard, _UNVOUCHED if guard.gateway == "require" else _MISSING)
    return _answer_without_user(route)


def _answer_without_user(route: GuardedRoute) -> Answer:
    """Return the answer of a route that needs no user: it may need an IAM caller."""
    if route.info.iam:
        return _refuse(route.guard, IamIdentityMissing("no gateway has vouched for an IAM caller."))
    return Answer(200, ALLOWED)


def _answer_iam(route: GuardedRoute, door: Door) -> Answer:
    """Return the answer to a caller whose signature the gateway has verified, at a route with AWS_IAM."""
    if not route.info.iam:  # its authorizer, if there is one, reads the signature as a token
        return _answer_nobody(route, door)
    if route.guard.gateway in ("ignore", "verify"):
        return _answer_unidentified(route)
    if route.info.guarded and not route.info.optional:
        return _refuse(route.guard, CallerIsIam("the route requires a user."))
    return Answer(200, ALLOWED)


def _answer_token(
    route: GuardedRoute,
    claims: Claims,
    pool: UserPool,
    door: Door,
    build_validator: Callable[..., ClaimsValidator],
) -> Answer:
    attached = door != "standalone" and is_attached(route.outer, route.info)
    if attached:
        refusal = _find_gateways_refusal(route, claims, pool, AUTHORIZERS[door], build_validator)
        if refusal is not None:
            return refusal
    if not (route.info.guarded or route.denied):
        return _answer_without_user(route)
    # The context of a Lambda authorizer says nothing to a guard that has no mapping for it.
    vouched = attached and (door != "lambda" or route.guard.lambda_context is not None)
    if route.guard.gateway == "require" and not vouched:
        return _refuse(route.guard, _UNVOUCHED)
    return _answer_claims(route, claims, pool)


def _find_gateways_refusal(
    route: GuardedRoute,
    claims: Claims,
    pool: UserPool,
    authorizer: Authorizer,
    build_validator: Callable[..., ClaimsValidator],
) -> Answer | None:
    guard = route.outer
    validator = guard.validator
    if authorizer.semantics is not None:
        validator = build_validator(guard, authorizer.semantics, **authorizer.settings)
    try:
        principal = _validate(guard, validator, claims, pool)
        authorizer.check(guard, principal, route.info)
    except AuthError as error:
        rule = _find_scope_rule(route) if error.code == "insufficient_scope" else ""
        return Answer(authorizer.status(error), error.code, rule, by="gateway")
    return None


def _find_scope_rule(route: GuardedRoute) -> str:
    return next((each.label for each in route.info.requirements_of_kind("scope")), "")


def _answer_claims(route: GuardedRoute, claims: Claims, pool: UserPool) -> Answer:
    """Return the app's answer: its guard validates the claims, then the requirements are checked."""
    guard, info = route.guard, route.info
    try:
        principal = _validate(guard, guard.validator, claims, pool)
        if guard.semantics == "rest" and info.guarded:
            check_token_use_as_rest(principal, scoped=takes_scopes(info.requirements))
    except AuthError as error:
        return _refuse(guard, error)
    return _answer_principal(route, principal)


def _answer_principal(route: GuardedRoute, principal: Principal) -> Answer:
    open_checks: list[Requirement] = []
    for requirement in route.requirements:
        try:
            requirement.check(principal, now=route.guard.now)
        except AuthError as error:
            if not requirement.list_of_kind("check"):
                return _refuse(route.guard, error, describe_requirement(requirement))
            open_checks.append(requirement)
    if route.info.iam:
        return _answer_without_user(route)
    if open_checks:
        return Answer(None, CHECK, describe_requirements(open_checks))
    return Answer(200, ALLOWED)


def _validate(guard: CognitoGuard, validator: ClaimsValidator, claims: Claims, pool: UserPool) -> Principal:
    is_tenant = guard.directory is not None and pool.issuers[0] not in validator.pools
    return validator.validate(claims, "token", guard.now(), pool if is_tenant else None)[0]


def _refuse(guard: CognitoGuard, error: AuthError, rule: str = "") -> Answer:
    return Answer(guard.refusal(error).status, error.code, rule)
