"""What a Lambda authorizer's answer may rest on: who is calling, the app's routes, or this one request."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

from fastapi_cognito_guard.claims import check_token_use_as_rest
from fastapi_cognito_guard.deploy.authorizer import policy as grants
from fastapi_cognito_guard.deploy.authorizer.event import LONGEST_ARN, AuthorizerEvent, AuthorizerRequest
from fastapi_cognito_guard.deploy.authorizer.policy import Grants, Policy
from fastapi_cognito_guard.deploy.operations import Ask, Operation, Routes
from fastapi_cognito_guard.deploy.paths import text_of
from fastapi_cognito_guard.errors import AuthError, ConfigurationError, Forbidden
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.principal import Principal

if TYPE_CHECKING:
    from fastapi import FastAPI

Allow = Callable[[Principal, AuthorizerRequest], bool]

_VARIABLE = re.compile(r"{[^{}]*?(\+?)}")


class Judgement(Protocol):
    """How a caller who is known is judged."""

    def policy(self, asked: AuthorizerEvent, principal: Principal, *, simple: bool) -> Policy:
        """What the caller may do. Raises `Forbidden` for nothing at all."""
        ...

    def denied(self, asked: AuthorizerEvent) -> str:
        """The resource that a caller is denied who may do nothing."""
        ...


class ByCaller:
    """Whoever is known may do all that the API has: the app itself decides the rest."""

    def policy(self, asked: AuthorizerEvent, principal: Principal, *, simple: bool) -> Policy:
        """The whole stage."""
        return grants.allow(self.denied(asked))

    def denied(self, asked: AuthorizerEvent) -> str:
        """The whole stage."""
        return f"{asked.api}/*"


class ByRoutes:
    """All routes of the app that the caller may use, and no other: the answer holds for any request."""

    def __init__(self, guard: CognitoGuard, app: "FastAPI", allow: Allow | None, *, simple: bool) -> None:
        self._guard = guard
        self._allow = allow
        self._operations = Routes(app, guard, tree=False).operations()
        self._by_key = {_shape(str(each)): each for each in self._operations}
        if not simple:
            grants.check(self._operations, self._implies)

    def policy(self, asked: AuthorizerEvent, principal: Principal, *, simple: bool) -> Policy:
        """Each operation judged by itself. A simple answer is about the one that was called."""
        if asked.is_websocket:
            raise ConfigurationError(
                "The handshake of a WebSocket API is none of the app's routes: write "
                "lambda_authorizer(guard) for it, without app."
            )
        if simple:
            _judge(self._guard, self._called(asked).ask, principal)
            self._ask_too(self._called(asked), principal)
            return {}
        may = {each: self._may(each, principal) for each in self._operations}
        return Grants(
            allowed=[each for each in self._operations if may[each]],
            denied=[each for each in self._operations if not may[each]],
            alone=self._allow is not None,
        ).policy(asked.api)

    def denied(self, asked: AuthorizerEvent) -> str:
        """The whole stage."""
        return f"{asked.api}/*"

    def _called(self, asked: AuthorizerEvent) -> Operation:
        _check_route_key(asked)
        operation = self._by_key.get(_shape(asked.route_key or ""))
        if operation is None:
            raise ConfigurationError(
                f"The API's route {asked.route_key!r} is none of the app's: give the API the app's routes "
                "(export writes them), or let policies decide: simple=False."
            )
        return operation

    def _may(self, operation: Operation, principal: Principal) -> bool:
        try:
            _judge(self._guard, operation.ask, principal)
            self._ask_too(operation, principal)
        except AuthError:
            return False
        return True

    def _ask_too(self, operation: Operation, principal: Principal) -> None:
        if operation.ask.identity:
            request = AuthorizerRequest(method=operation.method, path=text_of(operation.path))
            _check_allowed(self._allow, principal, request)

    def _implies(self, one: Operation, other: Operation) -> bool:
        if one.ask.iam or not (other.ask.identity or other.ask.optional or other.ask.iam):
            return True  # the one is nobody's, or the other everybody's
        if self._allow is not None or not (one.ask.identity or one.ask.optional):
            return False
        same_token = self._guard.semantics != "rest" or bool(one.ask.of("scope")) == bool(
            other.ask.of("scope")
        )
        return not other.ask.iam and same_token and one.ask.requirements >= other.ask.requirements


class ByRequest:
    """This request and no other: for authorizers whose answers are not kept."""

    def __init__(self, guard: CognitoGuard, app: "FastAPI | None", allow: Allow | None) -> None:
        self._guard = guard
        self._routes = None if app is None else Routes(app, guard, tree=False)
        self._allow = allow

    def policy(self, asked: AuthorizerEvent, principal: Principal, *, simple: bool) -> Policy:
        """The one resource that was called."""
        if simple:
            _check_route_key(asked)
        request = asked.request
        for path in dict.fromkeys([asked.path, unquote(asked.path)]):  # the app reads what escapes stand for
            self._judge_at(asked.method, path, principal)
            _check_allowed(self._allow, principal, replace(request, path=path))
        if len(asked.arn) > LONGEST_ARN or any(wild in asked.arn for wild in "*?"):
            raise Forbidden(
                "the path cannot be the resource of a policy: it is too long, or has stars in it."
            )
        return grants.allow(asked.arn)

    def _judge_at(self, method: str, path: str, principal: Principal) -> None:
        if self._routes is None:
            return
        ask = self._routes.ask(method, path)
        if ask is None:
            raise Forbidden("no route of the app takes this request.")
        _judge(self._guard, ask, principal)

    def denied(self, asked: AuthorizerEvent) -> str:
        """What was called, as far as a policy can name it."""
        return asked.arn if len(asked.arn) <= LONGEST_ARN else f"{asked.api}/*"


def _judge(guard: CognitoGuard, ask: Ask, principal: Principal) -> None:
    if ask.iam:
        raise Forbidden("the route asks for an IAM caller: its authorization at the gateway is AWS_IAM.")
    if ask.identity or ask.optional:  # this one has given a token
        if guard.semantics == "rest":
            check_token_use_as_rest(principal, scoped=bool(ask.of("scope")))
        for requirement in ask.requirements:
            requirement.check(principal)


def _check_allowed(allow: Allow | None, principal: Principal, request: AuthorizerRequest) -> None:
    # Not by its truth: a coroutine, or a text, would be true.
    answer: Any = True if allow is None else allow(principal, request)
    if answer is not True and answer is not False:
        raise ConfigurationError(f"allow answers True or False, and not {type(answer).__name__}.")
    if answer is False:
        raise Forbidden("allow has said no.")


def _check_route_key(asked: AuthorizerEvent) -> None:
    if asked.route_key is None or asked.route_key not in asked.identity_sources:
        raise ConfigurationError(
            "A simple answer is reused for all routes of the API: add $context.routeKey to the authorizer's "
            "identity sources, or let policies decide: simple=False."
        )


def _shape(route_key: str) -> str:
    """A route key without the names of its variables."""
    return _VARIABLE.sub(r"{\1}", route_key)
