"""The authorizer of an app: its settings, its two doors, and the way a request takes through them."""

import os
import time
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Self, get_args

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.types import Scope

from fastapi_cognito_guard import settings
from fastapi_cognito_guard.app.resource_metadata import (
    add_metadata_routes,
    build_metadata_url,
    list_metadata_paths,
)
from fastapi_cognito_guard.claims import ClaimsValidator, GatewayClaims, Semantics
from fastapi_cognito_guard.credentials import find_token
from fastapi_cognito_guard.decisions import Decisions, OnDecision
from fastapi_cognito_guard.errors import (
    AuthError,
    ConfigurationError,
    GatewayClaimsMissing,
    GatewayMismatch,
    TokenMissing,
)
from fastapi_cognito_guard.gateway.event import LambdaContext, read_claims
from fastapi_cognito_guard.gateway.iam import IamIdentity, read_iam_identity
from fastapi_cognito_guard.middleware import GuardMiddleware, find_guard, refuse
from fastapi_cognito_guard.pool import KeyPolicy, UserPool, index_by_issuer
from fastapi_cognito_guard.principal import Principal
from fastapi_cognito_guard.request_state import STATE, GatewayMode, RequestState
from fastapi_cognito_guard.responses import Refusal, RestScopeStatus, render
from fastapi_cognito_guard.tokens.door import TokenDoor, Waiting
from fastapi_cognito_guard.tokens.fetch import Fetch
from fastapi_cognito_guard.tokens.jwt import MAX_LENGTH
from fastapi_cognito_guard.validation import told

if TYPE_CHECKING:
    from fastapi import FastAPI

_LAMBDA_PATIENCE = 0.1  # seconds


class CognitoGuard:
    """The authorizer of your API.

    ``pools``              one or more; a token chooses among them by ``iss``
    ``semantics``          ``"strict"`` (RFC 6750), ``"rest"`` or ``"http"``: which rules and answers
    ``gateway``            what an API Gateway authorizer's claims in the event are worth:
                           ``"trust"`` them where present, else verify the token; ``"require"`` them;
                           ``"ignore"`` them; or ``"verify"`` the token too: both must agree
    ``leeway``             seconds of clock skew to allow, 0 to 300
    ``deny_by_default``    refuse every path that is not ``public``, before routing
    ``public``             open paths: exact, or a subtree ending in ``/*``
    ``identity_source``    the header that carries the token
    ``lambda_context``     maps your own Lambda authorizer's context to claims; without it, such a
                           context is no identity
    ``rest_scope_status``  what ``semantics="rest"`` answers when a scope is missing: 401 or 403
    ``keys``               how the pools' keys are kept
    ``remember``           how many good tokens to remember, so that they are not proven again (about
                           4 KiB each); 0 for none
    ``max_token_length``   in characters; a longer token is refused unread
    ``on_decision``        called with each `Decision`; it must be quick, and what it raises is only logged
    ``websocket_protocol`` a name of your choice; a WebSocket may then carry its token after it, in the list
                           of subprotocols, because browsers cannot set headers
    ``now``, ``fetch``     the clock (seconds since the epoch), and what gets a key document

    Raises `ConfigurationError` for a setting that cannot be right.
    """

    def __init__(
        self,
        *pools: UserPool,
        semantics: Semantics = "strict",
        gateway: GatewayMode = "trust",
        leeway: float = 0,
        deny_by_default: bool = False,
        public: Collection[str] = (),
        identity_source: str = "Authorization",
        lambda_context: LambdaContext | None = None,
        rest_scope_status: RestScopeStatus = 401,
        keys: KeyPolicy | None = None,
        remember: int = 1024,
        max_token_length: int = MAX_LENGTH,
        on_decision: OnDecision | None = None,
        websocket_protocol: str | None = None,
        now: Callable[[], float] = time.time,
        fetch: Fetch | None = None,
    ) -> None:
        settings.check_choice("semantics", semantics, get_args(Semantics))
        settings.check_choice("gateway", gateway, get_args(GatewayMode))
        settings.check_choice("rest_scope_status", rest_scope_status, get_args(RestScopeStatus))
        settings.check_leeway(leeway)
        settings.check_whole_number("remember", remember, 0)
        settings.check_whole_number("max_token_length", max_token_length, 1)
        settings.check_public(deny_by_default, public)
        settings.check_token("identity_source", identity_source, 'the name of a header: "Authorization"')
        if websocket_protocol is not None:
            settings.check_token("websocket_protocol", websocket_protocol, 'a name: "cognito-guard"')
        issuers = index_by_issuer(pools)
        self.pools = pools
        self.semantics: Semantics = semantics
        self.gateway: GatewayMode = gateway
        self.deny_by_default = deny_by_default
        self.public = frozenset(public) | list_metadata_paths(pools).keys()
        self._metadata_url = next(filter(None, (build_metadata_url(pool.resource) for pool in pools)), None)
        self.header = identity_source.lower().encode("ascii")
        self.websocket_protocol = websocket_protocol
        self._lambda_context = lambda_context
        self._rest_scope_status: RestScopeStatus = rest_scope_status
        self.now = now
        self.validator = ClaimsValidator(pools=issuers, semantics=semantics, leeway=leeway)
        self.verifier = TokenDoor(
            issuers,
            self.validator,
            keys=keys or KeyPolicy(),
            fetch=fetch,
            now=now,
            remember=remember,
            max_length=max_token_length,
        )
        self._decisions = Decisions(on_decision)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **others: Any) -> Self:
        """A guard of one pool from ``COGNITO_USER_POOL_ID``, ``COGNITO_CLIENT_IDS`` and optional others.

        ``environ`` is ``os.environ`` where it is not given; ``others`` are arguments of `CognitoGuard`, and
        stand instead of the environment's.

        Raises `ConfigurationError` that names the variable.
        """
        environ = os.environ if environ is None else environ
        pool = settings.read(environ, settings.POOL)
        settings.require(pool, "id", "client_ids")
        try:
            return cls(UserPool(pool.pop("id"), **pool), **settings.read(environ, settings.GUARD) | others)
        except ConfigurationError as error:
            raise (error if error.setting in others else settings.named(error)) from None

    def install(self, app: "FastAPI") -> None:
        """Make this the guard of ``app``: call it once, before the app starts.

        The guard stands inside all other middleware, so that refusals carry CORS headers. A handler of
        your own for `AuthError` is kept. Raises `ConfigurationError` where the app has another guard.
        """
        # Only here: a guard without an app, such as a Lambda authorizer's, has no document.
        from fastapi_cognito_guard import audit
        from fastapi_cognito_guard.app import openapi

        installed = find_guard(app)
        if installed is not None:
            if installed is not self:
                raise ConfigurationError("This app has a guard already: give several pools to one guard.")
            return
        if app.middleware_stack is not None:
            raise ConfigurationError(
                "Call guard.install(app) before the app starts, right after app = FastAPI()."
            )
        app.user_middleware.append(Middleware(GuardMiddleware, guard=self))
        handler: Any = refuse  # Starlette types handlers for requests; this one takes WebSockets too
        app.exception_handlers.setdefault(AuthError, handler)
        add_metadata_routes(app, self.pools)
        openapi.extend_openapi(app, self, header=self.header.decode("ascii"))
        audit.warn_at_startup(app)

    async def verify(self, token: str, *, patience: float = 0.0) -> Principal:
        """Who a bare token (without ``Bearer``) speaks of. Raises an `AuthError`.

        ``patience``: seconds that a request may wait for a refresh of stale keys. More than 0 only on
        Lambda, where nothing goes on between requests.
        """
        proof = self.verifier.prove(token)
        if isinstance(proof, Waiting):
            proof = await self.verifier.wait(proof, patience=patience)
        return proof[0]

    async def identify(self, connection: HTTPConnection) -> Principal:
        """Who is calling: by the gateway's claims, or else by the token. Judged once per request.

        Raises an `AuthError`.
        """
        scope = connection.scope
        state = scope.get(STATE)
        if not isinstance(state, RequestState) or state.guard is not self:
            state = RequestState(
                self
            )  # this guard is not installed here: there is no place to remember it in
        if state.principal is None:
            claims = self._claims_in(scope)
            if claims is None:
                token = find_token(scope, self.header, self.websocket_protocol)
                proof = self.verifier.prove(token)
                if isinstance(proof, Waiting):
                    proof = await self.verifier.wait(proof, patience=_patience_in(scope))
                state.principal, state.kid = proof
            elif self.gateway == "verify":
                state.principal = await self._verified(self._judged(claims), scope)
            else:
                state.principal = self._judged(claims)
        return state.principal

    def vouched(self, event: object) -> Principal | None:
        """Who an event's authorizer vouches for, or None: for functions without a web framework.

        Also for the events of a WebSocket API. No token is looked at, whatever ``gateway`` says.
        Raises an `AuthError` for claims that are there but wrong.
        """
        claims = read_claims(event, self._lambda_context)
        return None if claims is None else self._judged(claims)

    def iam_identity(self, connection: HTTPConnection) -> IamIdentity | None:
        """Who signed the request with AWS credentials, or None.

        Only where events are believed: with ``gateway="verify"`` there is no token to verify it with.
        """
        if self.gateway in ("ignore", "verify"):
            return None
        return read_iam_identity(connection.scope.get("aws.event"), [pool.id for pool in self.pools])

    def refusal(self, error: AuthError) -> Refusal:
        """How a client is told, in this guard's dialect."""
        return render(
            error,
            self.semantics,
            rest_scope_status=self._rest_scope_status,
            metadata_url=self._metadata_url,
        )

    def record_outcome(self, state: RequestState, scope: Scope) -> None:
        """Record the decision of a request that has ended, unless it was recorded before."""
        self._decisions.record_outcome(state, scope)

    def record_refusal(self, state: RequestState, scope: Scope, error: AuthError, status: int | None) -> None:
        """Record that a request was answered with ``status`` instead of by its route."""
        self._decisions.record_refusal(state, scope, error, status)

    async def warm_up(self) -> bool:
        """Fetch all keys ahead of the first request. False if some cannot be had; never raises for it."""
        return await self.verifier.warm_up()

    def status(self) -> dict[str, Any]:
        """Facts for a readiness check and for metrics.

        ``keys`` by pool id, how many tokens are ``remembered``, and ``decisions`` by code since the start.
        """
        return {**self.verifier.status(), "decisions": dict(self._decisions.counts)}

    def _claims_in(self, scope: Scope) -> GatewayClaims | None:
        """What the gateway vouches for, as far as this guard wants to know."""
        claims = None
        if "aws.event" in scope and self.gateway != "ignore":
            claims = read_claims(scope["aws.event"], self._lambda_context)
        if claims is None and self.gateway == "require":
            raise GatewayClaimsMissing("no authorizer has vouched for the caller: attach one to the route.")
        return claims

    def _judged(self, claims: GatewayClaims) -> Principal:
        try:
            return self.validator.principal(claims.values, claims.source, self.now())[0]
        except AuthError as error:
            error.about = {**told(claims.values), "source": claims.source}
            raise

    async def _verified(self, vouched: Principal, scope: Scope) -> Principal:
        """The caller by the token, if it is the one that the gateway's claims speak of."""
        try:
            token = find_token(scope, self.header, self.websocket_protocol)
        except TokenMissing:
            raise GatewayMismatch("the gateway's claims come without their token to verify.") from None
        verified = await self.verify(token, patience=_patience_in(scope))
        _check_same_token(vouched, verified)
        return verified


def installed_guard(app: Starlette) -> CognitoGuard:
    """Return the guard that is installed in ``app``. Raises `ConfigurationError` where there is none."""
    if not isinstance(app, Starlette):
        raise ConfigurationError(f"Give the app itself: this is of the type {type(app).__name__}.")
    guard = find_guard(app)
    if not isinstance(guard, CognitoGuard):
        raise ConfigurationError(
            "This app has no guard: write guard.install(app), right after app = FastAPI()."
        )
    return guard


def _patience_in(scope: Scope) -> float:
    return _LAMBDA_PATIENCE if "aws.event" in scope else 0.0


def _check_same_token(vouched: Principal, verified: Principal) -> None:
    jti = verified.claim("jti")
    if verified.sub != vouched.sub or jti is None or jti != vouched.claim("jti"):
        raise GatewayMismatch("the token in the header is not the one that the gateway's claims speak of.")
