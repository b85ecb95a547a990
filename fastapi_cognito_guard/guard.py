"""The authorizer of an app: its settings, its two doors, and the way a request takes through them."""

import os
import time
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.types import Scope

from fastapi_cognito_guard import settings
from fastapi_cognito_guard.claims import Judge, Semantics, Vouched
from fastapi_cognito_guard.credentials import token_of
from fastapi_cognito_guard.decisions import Decisions, OnDecision, Visit
from fastapi_cognito_guard.errors import (
    AuthError,
    ConfigurationError,
    GatewayClaimsMissing,
    GatewayMismatch,
    TokenMissing,
)
from fastapi_cognito_guard.gateway.event import LambdaContext, claims_of
from fastapi_cognito_guard.gateway.iam import IamIdentity, iam_identity_of
from fastapi_cognito_guard.metadata import metadata_paths, metadata_url, publish_metadata
from fastapi_cognito_guard.middleware import VISIT, GuardMiddleware, refuse
from fastapi_cognito_guard.pool import KeyPolicy, UserPool, by_issuer
from fastapi_cognito_guard.principal import Principal
from fastapi_cognito_guard.responses import Refusal, RestScopeStatus, render
from fastapi_cognito_guard.tokens.door import TokenDoor, Waiting
from fastapi_cognito_guard.tokens.fetch import Fetch
from fastapi_cognito_guard.tokens.jwt import MAX_LENGTH
from fastapi_cognito_guard.untrusted import told

if TYPE_CHECKING:
    from fastapi import FastAPI

Gateway = Literal["trust", "require", "ignore", "verify"]

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
        gateway: Gateway = "trust",
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
        settings.check_choice("gateway", gateway, get_args(Gateway))
        settings.check_choice("rest_scope_status", rest_scope_status, get_args(RestScopeStatus))
        settings.check_leeway(leeway)
        settings.check_whole_number("remember", remember, 0)
        settings.check_whole_number("max_token_length", max_token_length, 1)
        settings.check_public(deny_by_default, public)
        settings.check_token("identity_source", identity_source, 'the name of a header: "Authorization"')
        if websocket_protocol is not None:
            settings.check_token("websocket_protocol", websocket_protocol, 'a name: "cognito-guard"')
        issuers = by_issuer(pools)
        self.pools = pools
        self.semantics: Semantics = semantics
        self.gateway: Gateway = gateway
        self.deny_by_default = deny_by_default
        self.public = frozenset(public) | metadata_paths(pools).keys()
        self._metadata_url = next(filter(None, (metadata_url(pool.resource) for pool in pools)), None)
        self._header = identity_source.lower().encode("ascii")
        self.websocket_protocol = websocket_protocol
        self._lambda_context = lambda_context
        self._rest_scope_status: RestScopeStatus = rest_scope_status
        self._now = now
        self._judge = Judge(pools=issuers, semantics=semantics, leeway=leeway)
        self._tokens = TokenDoor(
            issuers,
            self._judge,
            keys=keys or KeyPolicy(),
            fetch=fetch,
            now=now,
            remember=remember,
            max_length=max_token_length,
        )
        self.decisions = Decisions(on_decision)

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
        from fastapi_cognito_guard import audit, openapi

        own = (entry.kwargs.get("guard") for entry in app.user_middleware)
        installed = [guard for guard in own if isinstance(guard, CognitoGuard)]
        if installed:
            if installed != [self]:
                raise ConfigurationError("This app has a guard already: give several pools to one guard.")
            return
        if app.middleware_stack is not None:
            raise ConfigurationError(
                "Call guard.install(app) before the app starts, right after app = FastAPI()."
            )
        app.user_middleware.append(Middleware(GuardMiddleware, guard=self))
        handler: Any = refuse  # Starlette types handlers for requests; this one takes WebSockets too
        app.exception_handlers.setdefault(AuthError, handler)
        publish_metadata(app, self.pools)
        openapi.publish(app, self, header=self._header.decode("ascii"))
        audit.warn_at_start(app)

    async def verify(self, token: str, *, patience: float = 0.0) -> Principal:
        """Who a bare token (without ``Bearer``) speaks of. Raises an `AuthError`.

        ``patience``: seconds that a request may wait for a refresh of stale keys. More than 0 only on
        Lambda, where nothing goes on between requests.
        """
        proof = self._tokens.prove(token)
        if isinstance(proof, Waiting):
            proof = await self._tokens.wait(proof, patience=patience)
        return proof[0]

    async def identify(self, connection: HTTPConnection) -> Principal:
        """Who is calling: by the gateway's claims, or else by the token. Judged once per request.

        Raises an `AuthError`.
        """
        scope = connection.scope
        visit = scope.get(VISIT)
        if not isinstance(visit, Visit) or visit.guard is not self:
            visit = Visit(self)  # this guard is not installed here: there is no place to remember it in
        if visit.principal is None:
            claims = self._claims_in(scope)
            if claims is None:
                token = token_of(scope, self._header, self.websocket_protocol)
                proof = self._tokens.prove(token)
                if isinstance(proof, Waiting):
                    proof = await self._tokens.wait(proof, patience=_patience_in(scope))
                visit.principal, visit.kid = proof
            elif self.gateway == "verify":
                visit.principal = await self._verified(self._judged(claims), scope)
            else:
                visit.principal = self._judged(claims)
        return visit.principal

    def vouched(self, event: object) -> Principal | None:
        """Who an event's authorizer vouches for, or None: for functions without a web framework.

        Also for the events of a WebSocket API. No token is looked at, whatever ``gateway`` says.
        Raises an `AuthError` for claims that are there but wrong.
        """
        claims = claims_of(event, self._lambda_context)
        return None if claims is None else self._judged(claims)

    def iam_identity(self, connection: HTTPConnection) -> IamIdentity | None:
        """Who signed the request with AWS credentials, or None.

        Only where events are believed: with ``gateway="verify"`` there is no token to verify it with.
        """
        if self.gateway in ("ignore", "verify"):
            return None
        return iam_identity_of(connection.scope.get("aws.event"), [pool.id for pool in self.pools])

    def refusal(self, error: AuthError) -> Refusal:
        """How a client is told, in this guard's dialect."""
        return render(
            error,
            self.semantics,
            rest_scope_status=self._rest_scope_status,
            metadata_url=self._metadata_url,
        )

    async def warm_up(self) -> bool:
        """Fetch all keys ahead of the first request. False if some cannot be had; never raises for it."""
        return await self._tokens.warm_up()

    def status(self) -> dict[str, Any]:
        """Facts for a readiness check and for metrics.

        ``keys`` by pool id, how many tokens are ``remembered``, and ``decisions`` by code since the start.
        """
        return {**self._tokens.status(), "decisions": dict(self.decisions.counts)}

    def _claims_in(self, scope: Scope) -> Vouched | None:
        """What the gateway vouches for, as far as this guard wants to know."""
        claims = None
        if "aws.event" in scope and self.gateway != "ignore":
            claims = claims_of(scope["aws.event"], self._lambda_context)
        if claims is None and self.gateway == "require":
            raise GatewayClaimsMissing("no authorizer has vouched for the caller: attach one to the route.")
        return claims

    def _judged(self, claims: Vouched) -> Principal:
        try:
            return self._judge.principal(claims.values, claims.source, self._now())[0]
        except AuthError as error:
            error.about = {**told(claims.values), "source": claims.source}
            raise

    async def _verified(self, vouched: Principal, scope: Scope) -> Principal:
        """The caller by the token, if it is the one that the gateway's claims speak of."""
        try:
            token = token_of(scope, self._header, self.websocket_protocol)
        except TokenMissing:
            raise GatewayMismatch("the gateway's claims come without their token to verify.") from None
        verified = await self.verify(token, patience=_patience_in(scope))
        _check_same_token(vouched, verified)
        return verified


def _patience_in(scope: Scope) -> float:
    return _LAMBDA_PATIENCE if "aws.event" in scope else 0.0


def _check_same_token(vouched: Principal, verified: Principal) -> None:
    jti = verified.claim("jti")
    if verified.sub != vouched.sub or jti is None or jti != vouched.claim("jti"):
        raise GatewayMismatch("the token in the header is not the one that the gateway's claims speak of.")
