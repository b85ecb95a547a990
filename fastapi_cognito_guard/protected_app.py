"""ASGI apps behind the guard: MCP servers, GraphQL, static files and others without FastAPI routes."""

import sys
from functools import cache
from typing import Any

from starlette.authentication import AuthCredentials, BaseUser
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from fastapi_cognito_guard.claims import check_token_use_as_rest
from fastapi_cognito_guard.credentials import find_token
from fastapi_cognito_guard.errors import AuthError, ConfigurationError, GatewayClaimsMissing, TokenMissing
from fastapi_cognito_guard.mcp_verifier import build_access_token
from fastapi_cognito_guard.middleware import GuardMiddleware, answer
from fastapi_cognito_guard.policy import Requirement, takes_scopes
from fastapi_cognito_guard.principal import Principal
from fastapi_cognito_guard.request_state import STATE, Guard, RequestState, missing_user_error

_MCP_USERS = "mcp.server.auth.middleware.bearer_auth"


class AuthenticatedCaller(BaseUser):
    """The caller as Starlette's ``request.user``."""

    def __init__(self, principal: Principal) -> None:
        self.principal = principal

    @property
    def is_authenticated(self) -> bool:
        """Always True: other requests do not reach the app."""
        return True

    @property
    def display_name(self) -> str:
        """The username, or a machine's client id."""
        return self.principal.username or self.principal.client_id

    @property
    def identity(self) -> str:
        """The ``sub``."""
        return self.principal.sub


class ProtectedApp:
    """An ASGI app that only callers who meet all requirements reach, over HTTP and WebSockets.

    The app finds the caller in ``scope["user"]`` (``.principal`` is the `Principal`) and the scopes in
    ``scope["auth"]``, in Starlette's form. If the MCP SDK is loaded, the user is of the SDK's class too, to
    which the SDK binds sessions.
    """

    def __init__(self, app: ASGIApp, guard: Guard, requirements: tuple[Requirement, ...]) -> None:
        if not callable(app) or not all(isinstance(each, Requirement) for each in requirements):
            raise ConfigurationError(
                'Write guard.protect(asgi_app, require_scope("tools/call")): an ASGI app and requirements.'
            )
        for each in requirements:
            if each.list_of_kind("check"):
                raise ConfigurationError(
                    f"{each} has a check of the app's own, which only a route can run: let the app check "
                    'scope["user"].principal itself.'
                )
        self.app = app
        self.guard = guard
        self.requirements = requirements

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        state = scope.get(STATE)
        if isinstance(state, RequestState) and state.guard.root is self.guard.root:
            state.use_guard(self.guard)
            await self._serve(scope, receive, send)
        else:  # the guard is not that of the app around, if there is one
            await GuardMiddleware(self._serve, self.guard)({**scope}, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        state: RequestState = scope[STATE]
        scope["route"] = _MountedRoute()  # for the decision's record
        try:
            principal = await self._check(HTTPConnection(scope), state)
        except AuthError as error:
            state.error = error
            await answer(error, scope, receive, send)
            return
        state.error = None
        user = _build_mcp_user(principal, scope, self.guard) or AuthenticatedCaller(principal)
        auth = AuthCredentials(sorted(principal.scopes))
        await self.app({**scope, "user": user, "auth": auth}, receive, send)

    async def _check(self, connection: HTTPConnection, state: RequestState) -> Principal:
        try:
            principal = await self.guard.identify(connection)
        except (TokenMissing, GatewayClaimsMissing) as error:
            raise missing_user_error(error, connection, self.guard) from None
        state.principal = principal
        if self.guard.semantics == "rest":
            check_token_use_as_rest(principal, scoped=takes_scopes(self.requirements))
        for requirement in self.requirements:
            requirement.check(principal, now=self.guard.now)
        return principal


class _MountedRoute:
    """The route that a decision names for a mounted app: its mount."""

    path = ""


def _build_mcp_user(principal: Principal, scope: Scope, guard: Guard) -> Any:
    """Return the caller as the MCP SDK's kind of user too if the SDK is loaded, else None.

    The SDK recognises the owner of a session by its own class only. Nothing is imported here: an app that
    uses the SDK has loaded it.
    """
    users = sys.modules.get(_MCP_USERS)
    if users is None:
        return None
    access = build_access_token(principal, _read_verified_token(principal, scope, guard), guard.pools)
    return _build_user_class(users.AuthenticatedUser)(principal, access)


def _read_verified_token(principal: Principal, scope: Scope, guard: Guard) -> str:
    """Return the caller's token, or an empty text.

    A token beside a gateway's claims is not verified, so that it is not handed on as the caller's. A caller
    of a test may have none.
    """
    if principal.source != "token":
        return ""
    try:
        return find_token(scope, guard.header, guard.websocket_protocol)
    except AuthError:
        return ""


@cache
def _build_user_class(sdk: Any) -> Any:
    """Build a class of users that is both the SDK's and this package's, for apps of either kind."""

    def initialize(self: Any, principal: Principal, access: Any) -> None:
        sdk.__init__(self, access)
        AuthenticatedCaller.__init__(self, principal)

    return type("AuthenticatedMcpCaller", (AuthenticatedCaller, sdk), {"__init__": initialize})
