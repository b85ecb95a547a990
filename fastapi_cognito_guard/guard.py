"""The authorizer of an app: its settings, its two doors, and the way a request takes through them."""

import os
import re
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.types import Scope

from fastapi_cognito_guard import audit, openapi, settings
from fastapi_cognito_guard.claims import Judge, Semantics
from fastapi_cognito_guard.credentials import token_in
from fastapi_cognito_guard.errors import (
    AuthError,
    ConfigurationError,
    GatewayClaimsMissing,
    GatewayMismatch,
    TokenMissing,
)
from fastapi_cognito_guard.gateway.event import LambdaContext, claims_of
from fastapi_cognito_guard.gateway.iam import IamIdentity, iam_identity_of
from fastapi_cognito_guard.middleware import GuardMiddleware, refuse
from fastapi_cognito_guard.pool import KeyPolicy, UserPool, by_issuer
from fastapi_cognito_guard.principal import Principal
from fastapi_cognito_guard.responses import Refusal, RestScopeStatus, render
from fastapi_cognito_guard.tokens.clock import Clock
from fastapi_cognito_guard.tokens.fetch import Fetch
from fastapi_cognito_guard.tokens.jwt import MAX_LENGTH, check_length
from fastapi_cognito_guard.tokens.memo import Memo, Remembered, digest_of
from fastapi_cognito_guard.tokens.verifier import Verifier, keys_of

if TYPE_CHECKING:
    from fastapi import FastAPI

Gateway = Literal["trust", "require", "ignore", "verify"]

_LAMBDA_PATIENCE = 0.1  # seconds
_PRINCIPAL = "fastapi_cognito_guard.principal"
_HEADER = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"  # RFC 9110 section 5.6.2


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
        now: Callable[[], float] = time.time,
        fetch: Fetch | None = None,
    ) -> None:
        _check_choice("semantics", semantics, get_args(Semantics))
        _check_choice("gateway", gateway, get_args(Gateway))
        _check_choice("rest_scope_status", rest_scope_status, get_args(RestScopeStatus))
        _check_leeway(leeway)
        _check_whole_number("remember", remember, 0)
        _check_whole_number("max_token_length", max_token_length, 1)
        _check_public(deny_by_default, public)
        if not isinstance(identity_source, str) or not re.fullmatch(_HEADER, identity_source):
            raise ConfigurationError(
                'identity_source is the name of a header: "Authorization".', setting="identity_source"
            )
        self.pools = pools
        self.semantics: Semantics = semantics
        self.gateway: Gateway = gateway
        self.deny_by_default = deny_by_default
        self.public = frozenset(public)
        self._header = identity_source.lower().encode("ascii")
        self._lambda_context = lambda_context
        self._rest_scope_status: RestScopeStatus = rest_scope_status
        self._now = now
        issuers = by_issuer(pools)
        self._judge = Judge(pools=issuers, semantics=semantics, leeway=leeway)
        policy = keys or KeyPolicy()
        clock = Clock(wall=now)
        self._keys = {pool.id: keys_of(pool, policy, clock=clock, fetch=fetch) for pool in pools}
        by_issuer_too = {issuer: self._keys[pool.id] for issuer, pool in issuers.items()}
        self._verifier = Verifier(by_issuer_too, max_length=max_token_length)
        self._memo = Memo(remember)
        self._max_token_length = max_token_length

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """A guard of one pool from ``COGNITO_USER_POOL_ID``, ``COGNITO_CLIENT_IDS`` and optional others.

        ``environ`` is ``os.environ`` where it is not given.

        Raises `ConfigurationError` that names the variable.
        """
        environ = os.environ if environ is None else environ
        pool = settings.read(environ, settings.POOL)
        settings.require(pool, "id", "client_ids")
        try:
            return cls(UserPool(pool.pop("id"), **pool), **settings.read(environ, settings.GUARD))
        except ConfigurationError as error:
            raise settings.named(error) from None

    def install(self, app: "FastAPI") -> None:
        """Make this the guard of ``app``: call it once, before the app starts.

        The guard stands inside all other middleware, so that refusals carry CORS headers. A handler of
        your own for `AuthError` is kept. Raises `ConfigurationError` where the app has another guard.
        """
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
        openapi.publish(app, self, header=self._header.decode("ascii"))
        audit.warn_at_start(app)

    async def verify(self, token: str, *, patience: float = 0.0) -> Principal:
        """Who a bare token (without ``Bearer``) speaks of. Raises an `AuthError`.

        ``patience``: seconds that a request may wait for a refresh of stale keys. More than 0 only on
        Lambda, where nothing goes on between requests.
        """
        check_length(token, self._max_token_length)
        digest = digest_of(token) if self._memo.size and self._verifier.knows_header(token) else None
        if digest is not None and (known := self._memo.find(digest)) is not None:
            known.validity.check(self._now(), self._judge.leeway)
            return known.principal
        jwt, keys = self._verifier.read(token)
        key = keys.find(jwt.kid) or await keys.key(jwt.kid, patience=patience)
        claims = self._verifier.prove(jwt, key)
        principal, validity = self._judge.principal(claims, self._now())
        if self._memo.size:
            self._memo.keep(digest or digest_of(token), Remembered(principal, validity, keys, jwt.kid, key))
        return principal

    async def identify(self, connection: HTTPConnection) -> Principal:
        """Who is calling: by the gateway's claims, or else by the token. Judged once per request.

        Raises an `AuthError`.
        """
        scope = connection.scope
        known: tuple[object, Principal] | None = scope.get(_PRINCIPAL)
        if known is not None and known[0] is self:
            return known[1]
        claims = None
        if "aws.event" in scope and self.gateway != "ignore":
            claims = claims_of(scope["aws.event"], self._lambda_context)
        if claims is not None:
            principal, _ = self._judge.principal(claims, self._now())
            if self.gateway == "verify":
                principal = await self._verified(principal, scope)
        elif self.gateway != "require":
            principal = await self._verify_header(scope)
        else:
            raise GatewayClaimsMissing("no authorizer has vouched for the caller: attach one to the route.")
        scope[_PRINCIPAL] = (self, principal)
        return principal

    def vouched(self, event: object) -> Principal | None:
        """Who an event's authorizer vouches for, or None: for functions without a web framework.

        Also for the events of a WebSocket API. No token is looked at, whatever ``gateway`` says.
        Raises an `AuthError` for claims that are there but wrong.
        """
        claims = claims_of(event, self._lambda_context)
        return None if claims is None else self._judge.principal(claims, self._now())[0]

    def iam_identity(self, connection: HTTPConnection) -> IamIdentity | None:
        """Who signed the request with AWS credentials, or None.

        Only where events are believed: with ``gateway="verify"`` there is no token to verify it with.
        """
        if self.gateway in ("ignore", "verify"):
            return None
        return iam_identity_of(connection.scope.get("aws.event"), [pool.id for pool in self.pools])

    def refusal(self, error: AuthError) -> Refusal:
        """How a client is told, in this guard's dialect."""
        return render(error, self.semantics, rest_scope_status=self._rest_scope_status)

    async def warm_up(self) -> bool:
        """Fetch all keys ahead of the first request. False if some cannot be had; never raises for it."""
        return all([await keys.warm_up() for keys in self._keys.values()])

    def status(self) -> dict[str, Any]:
        """Facts for a readiness check: by pool id how its keys are, and how many tokens are remembered."""
        return {
            "keys": {pool: keys.status() for pool, keys in self._keys.items()},
            "remembered": len(self._memo),
        }

    async def _verified(self, vouched: Principal, scope: Scope) -> Principal:
        """The caller by the token, if it is the one that the gateway's claims speak of."""
        try:
            verified = await self._verify_header(scope)
        except TokenMissing:
            raise GatewayMismatch("the gateway's claims come without their token to verify.") from None
        _check_same_token(vouched, verified)
        return verified

    def _verify_header(self, scope: Scope) -> Awaitable[Principal]:
        token = token_in(scope["headers"], self._header)
        return self.verify(token, patience=_LAMBDA_PATIENCE if "aws.event" in scope else 0.0)


def _check_same_token(vouched: Principal, verified: Principal) -> None:
    jti = verified.claim("jti")
    if verified.sub != vouched.sub or jti is None or jti != vouched.claim("jti"):
        raise GatewayMismatch("the token in the header is not the one that the gateway's claims speak of.")


def _check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    if value not in choices:
        raise ConfigurationError(f"{name} is one of {', '.join(map(repr, choices))}.", setting=name)


def _check_leeway(leeway: object) -> None:
    if isinstance(leeway, bool) or not isinstance(leeway, int | float) or not 0 <= leeway <= 300:
        raise ConfigurationError("leeway is a number of seconds from 0 to 300.", setting="leeway")


def _check_whole_number(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigurationError(f"{name} is a whole number, {least} or more.", setting=name)


def _check_public(deny_by_default: object, public: Collection[str]) -> None:
    if isinstance(public, str) or not all(isinstance(path, str) and path.startswith("/") for path in public):
        raise ConfigurationError('public lists paths: public=["/health", "/docs/*"].')
    if public and not deny_by_default:
        raise ConfigurationError(
            "public only means something with deny_by_default=True: add that, or drop public."
        )
