"""The guard of an app: its settings, and the two doors through which callers are identified."""

import os
from collections.abc import Awaitable, Callable, Collection, Mapping
from copy import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Self, get_args

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Scope

from fastapi_cognito_guard import settings
from fastapi_cognito_guard.app.resource_metadata import MetadataDocuments, build_metadata_url
from fastapi_cognito_guard.claim_types import ClaimTypes, check_claim_types
from fastapi_cognito_guard.claims import (
    ClaimsValidator,
    GatewayClaims,
    Semantics,
    check_binds,
    check_clients_bound,
)
from fastapi_cognito_guard.credentials import find_token
from fastapi_cognito_guard.decisions import Decisions, OnDecision
from fastapi_cognito_guard.directory import FindPool, PoolDirectory, build_directory
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
from fastapi_cognito_guard.misuse import NO_GUARD, NotADependency
from fastapi_cognito_guard.policy import Requirement
from fastapi_cognito_guard.pool import AnyClient, KeyPolicy, UserPool, index_by_issuer
from fastapi_cognito_guard.principal import Principal
from fastapi_cognito_guard.request_state import STATE, GatewayMode, RequestState
from fastapi_cognito_guard.responses import Refusal, RestScopeStatus, render
from fastapi_cognito_guard.revocation.check import Revocation, RevokedCheck, build_revocation
from fastapi_cognito_guard.tokens.cache import VerifiedToken
from fastapi_cognito_guard.tokens.clock import read_time
from fastapi_cognito_guard.tokens.fetch import Fetch
from fastapi_cognito_guard.tokens.jwt import MAX_LENGTH
from fastapi_cognito_guard.tokens.verifier import TokenVerifier
from fastapi_cognito_guard.validation import loggable_claims

if TYPE_CHECKING:
    from fastapi import FastAPI

    from fastapi_cognito_guard.mcp_verifier import McpTokenVerifier
    from fastapi_cognito_guard.protected_app import ProtectedApp

_LAMBDA_PATIENCE = 0.1  # seconds that a request may wait for a refresh of stale keys


class CognitoGuard(NotADependency):
    """The authorizer of your API.

    ``fixed_pools``        the pools that are known now; a token chooses among them by ``iss``
    ``pools``              a function that finds the pools of tenants while the app runs: it gets an issuer,
                           and returns its `UserPool` or None; or a ``PoolDirectory`` with more settings
    ``semantics``          the rules and the form of refusals: ``"strict"`` (RFC 6750), ``"rest"`` or
                           ``"http"``
    ``gateway``            how to treat the claims of an API Gateway authorizer in the event:
                           ``"trust"`` them if present, else verify the token; ``"require"`` them;
                           ``"ignore"`` them; or ``"verify"`` the token too, and both must agree
    ``leeway``             seconds of clock skew to allow, 0 to 300
    ``deny_by_default``    refuse every path that is not ``public``, before routing
    ``public``             open paths: exact, or a subtree ending in ``/*``
    ``identity_source``    the header that carries the token
    ``lambda_context``     maps the context of your own Lambda authorizer to claims; without it, such a
                           context identifies nobody
    ``claim_types``        types of your own claims, which are the same at every door then:
                           ``{"is_admin": bool, "roles": list[str], "level": int, "plan": dict}``
    ``rest_scope_status``  the status of ``semantics="rest"`` for a missing scope: 401 or 403
    ``keys``               how the pools' keys are kept
    ``remember``           how many verified tokens to keep, so that they are not verified again; 0 for none.
                           A token counts once for each 2,048 characters that it begins (about 4 KiB of
                           memory, and 40 KiB if its claims are many small lists)
    ``max_token_length``   in characters; a longer token is refused unread
    ``revoked``            an async function that gets the `Principal`, and returns True if its token was
                           revoked; or a ``Revocation`` with more settings. It is asked about each caller,
                           once a request, before requirements are checked
    ``on_decision``        called with each `Decision`; it must be quick, and its exceptions are only logged
    ``websocket_protocol`` a subprotocol name of your choice; a WebSocket may then send its token after it
                           in the list of subprotocols, because browsers cannot set headers
    ``describe_access``    say in words who may call a route, at the end of its description in the OpenAPI
                           document; False leaves descriptions as they are
    ``now``, ``fetch``     the clock (seconds since the epoch), and the function that fetches key documents

    Raises `ConfigurationError` for a setting that cannot be right.
    """

    def __init__(
        self,
        *fixed_pools: Annotated[UserPool, NO_GUARD],
        pools: PoolDirectory | FindPool | None = None,
        semantics: Semantics = "strict",
        gateway: GatewayMode = "trust",
        leeway: float = 0,
        deny_by_default: bool = False,
        public: Collection[str] = (),
        identity_source: str = "Authorization",
        lambda_context: LambdaContext | None = None,
        claim_types: ClaimTypes | None = None,
        rest_scope_status: RestScopeStatus = 401,
        keys: KeyPolicy | None = None,
        remember: int = 1024,
        max_token_length: int = MAX_LENGTH,
        revoked: RevokedCheck | Revocation | None = None,
        on_decision: OnDecision | None = None,
        websocket_protocol: str | None = None,
        describe_access: bool = True,
        now: Callable[[], float] = read_time,
        fetch: Fetch | None = None,
    ) -> None:
        settings.check_choice("semantics", semantics, get_args(Semantics))
        settings.check_choice("gateway", gateway, get_args(GatewayMode))
        settings.check_choice("rest_scope_status", rest_scope_status, get_args(RestScopeStatus))
        settings.check_choice("describe_access", describe_access, (True, False))
        settings.check_leeway(leeway)
        settings.check_whole_number("remember", remember, 0)
        settings.check_whole_number("max_token_length", max_token_length, 1)
        settings.check_public(deny_by_default, public)
        settings.check_token("identity_source", identity_source, 'the name of a header: "Authorization"')
        if websocket_protocol is not None:
            settings.check_token("websocket_protocol", websocket_protocol, 'a name: "cognito-guard"')
        issuers = index_by_issuer(fixed_pools)
        self.directory = build_directory(pools)
        if self.directory is None and not issuers:
            raise ConfigurationError('Write CognitoGuard(UserPool("eu-west-1_Abc123Xyz", client_ids={...})).')
        for pool in fixed_pools:
            check_clients_bound(pool, semantics)
        self.root = self
        self.pools = fixed_pools
        self.semantics: Semantics = semantics
        self.gateway: GatewayMode = gateway
        self.deny_by_default = deny_by_default
        self._bound: list[Self] = []
        self._documents = MetadataDocuments(self)
        self.public = frozenset(public) | self._documents.paths
        self.header = identity_source.lower().encode("ascii")
        self.websocket_protocol = websocket_protocol
        self.describe_access = describe_access
        self.lambda_context = lambda_context
        self._rest_scope_status: RestScopeStatus = rest_scope_status
        self.now = now
        self.validator = ClaimsValidator(
            pools=issuers, semantics=semantics, leeway=leeway, claim_types=check_claim_types(claim_types)
        )
        self.verifier = TokenVerifier(
            issuers,
            self.validator,
            keys=keys or KeyPolicy(),
            fetch=fetch,
            now=now,
            remember=remember,
            max_length=max_token_length,
            directory=self.directory,
        )
        self.revocation = build_revocation(revoked)
        self._decisions = Decisions(on_decision)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **others: Any) -> Self:
        """Build a guard of one pool from ``COGNITO_USER_POOL_ID``, ``COGNITO_CLIENT_IDS`` and others.

        ``environ`` is ``os.environ`` by default. ``others`` are arguments of `CognitoGuard`, and win over
        the environment.

        Raises `ConfigurationError` that names the variable.
        """
        environ = os.environ if environ is None else environ
        pool = settings.read_environment(environ, settings.POOL)
        settings.require_settings(pool, environ, "id", "client_ids")
        try:
            given = settings.read_environment(environ, settings.GUARD) | others
            return cls(UserPool(pool.pop("id"), **pool), **given)
        except ConfigurationError as error:
            raise (error if error.setting in others else settings.name_variable(error)) from None

    def install(self, app: "FastAPI") -> None:
        """Make this the guard of ``app``. Call it once, before the app starts.

        The guard stands inside all other middleware, so that refusals carry CORS headers. Your own
        handler for `AuthError` is kept. Raises `ConfigurationError` if the app has another guard.
        """
        # Imported here: a guard without an app, such as a Lambda authorizer's, needs none of it.
        from fastapi_cognito_guard import audit
        from fastapi_cognito_guard.app import openapi
        from fastapi_cognito_guard.app.preflight import answers_preflight

        if not isinstance(app, Starlette) or not hasattr(app, "openapi"):
            raise ConfigurationError(
                f"guard.install(app) takes the FastAPI app, and this is of the type {type(app).__name__}: "
                "install it in the app around a router, or mount another ASGI app: "
                "app.mount(path, guard.protect(asgi_app))."
            )
        installed = find_guard(app)
        if installed is not None:
            if installed is not self:
                raise ConfigurationError("This app has a guard already: give several pools to one guard.")
            return
        if app.middleware_stack is not None:
            raise ConfigurationError(
                "Call guard.install(app) before the app starts, right after app = FastAPI()."
            )
        app.user_middleware.append(
            Middleware(GuardMiddleware, guard=self, answers_preflight=partial(answers_preflight, app))
        )
        handler: Any = refuse  # Starlette types handlers for requests; this one takes WebSockets too
        app.exception_handlers.setdefault(AuthError, handler)
        self._documents.serve(app)
        openapi.extend_openapi(app, self, header=self.header.decode("ascii"))
        audit.warn_at_startup(app)

    def protect(self, app: ASGIApp, *requirements: Requirement) -> "ProtectedApp":
        """Return an ASGI app that only callers who meet all requirements reach, to be mounted.

        For apps without FastAPI routes, such as MCP servers, which find the caller in ``scope["user"]``:

            app.mount("/mcp", guard.protect(mcp_app, require_scope("tools/call")))

        Raises `ConfigurationError` for anything else than an ASGI app and requirements.
        """
        from fastapi_cognito_guard.protected_app import ProtectedApp

        return ProtectedApp(app, self, requirements)

    def for_resource(
        self, resource: str, *, client_ids: Collection[str] | str | AnyClient | None = None
    ) -> Self:
        """Return a guard for another resource of the same app, such as an MCP server in it.

        It takes only access tokens that name ``resource`` in ``aud``, and shares keys and settings with this
        guard. ``client_ids`` replaces the app clients; `ANY_BOUND_CLIENT` is one choice. The app of this
        guard publishes the metadata of the resource, with the scopes of what the new guard protects:

            mcp = guard.for_resource("https://api.example.com/mcp", client_ids=ANY_BOUND_CLIENT)
            app.mount("/mcp", mcp.protect(mcp_app, require_scope("tools/call")))

        Raises `ConfigurationError` for a resource that is no address, and unless the dialect is ``"strict"``.
        """
        if self.root is not self:
            raise ConfigurationError(
                "This guard is for a resource already: write guard.for_resource(...) on the one you install."
            )
        if self.directory is not None:
            raise ConfigurationError(
                "for_resource() publishes the pools of its resource, and those of a directory are not known: "
                "give such a guard fixed pools only.",
                setting="pools",
            )
        check_binds(self.semantics, "resource")
        if build_metadata_url(resource) is None:
            raise ConfigurationError(
                'resource is the https address of the mounted app: "https://api.example.com/mcp".',
                setting="resource",
            )
        settings: dict[str, Any] = {"resource": resource, "token_use": "access"}
        settings |= {} if client_ids is None else {"client_ids": client_ids}
        return self._bind(tuple(replace(pool, **settings) for pool in self.pools))

    def _bind(self, pools: tuple[UserPool, ...]) -> Self:
        other = copy(self)
        other.pools = pools
        other.validator = self.validator.with_pools(index_by_issuer(pools))
        other.verifier = self.verifier.with_validator(other.validator, remember=self.verifier.cache.size)
        self._bound.append(other)
        self._documents.add(pools)
        self.public |= self._documents.paths
        return other

    @property
    def bound(self) -> tuple[Self, ...]:
        """The guards that `for_resource` has made of this one."""
        return tuple(self._bound)

    def token_verifier(self) -> "McpTokenVerifier":
        """Return a token verifier for ``MCPServer(token_verifier=...)`` of the MCP SDK, and for FastMCP.

        Only for servers that do not stand behind `protect`, which has more: requirements, this guard's
        refusals with the challenge for each, and decisions.
        """
        from fastapi_cognito_guard.mcp_verifier import McpTokenVerifier

        return McpTokenVerifier(self)

    async def verify(self, token: str, *, patience: float = 0.0) -> Principal:
        """Return the principal of a bare token (without ``Bearer``). Raises an `AuthError`.

        ``patience``: seconds to wait for a refresh of stale keys that this call starts. More than 0 only
        on Lambda, where nothing runs between requests.
        """
        principal = (await self.verifier.verify(token, patience=patience)).principal
        if self.revocation is not None:
            await self.revocation.refuse_revoked(principal)
        return principal

    async def identify(self, connection: HTTPConnection) -> Principal:
        """Return the caller of a request: by the gateway's claims, else by the token.

        The result is kept for the rest of the request. Raises an `AuthError`.
        """
        scope = connection.scope
        state = scope.get(STATE)
        if not isinstance(state, RequestState) or state.guard is not self:
            state = RequestState(self)  # this guard is not the app's: its results are not kept
        if state.principal is None:
            claims = self._read_claims(scope)
            if claims is None:
                verified = await self._verify_request(scope)
                principal, state.kid = verified.principal, verified.kid
            else:
                principal = self._validate(claims, await self._find_tenant_pool(claims))
                if self.gateway == "verify":
                    principal = await self._verify_same(principal, scope)
            if self.revocation is not None:
                await self.revocation.refuse_revoked(principal)
            state.principal = principal
        return state.principal

    def vouched(self, event: object) -> Principal | None:
        """Return the principal that an event's authorizer vouches for, or None.

        For functions without a web framework, and for events of a WebSocket API. No token is read,
        whatever ``gateway`` says. Raises an `AuthError` for claims that are present but wrong.

        Raises `ConfigurationError` for a guard with ``revoked`` or a directory of pools, which only
        `identify_event` can ask.
        """
        for name, asked in (("revoked", self.revocation), ("pools", self.directory)):
            if asked is not None:
                raise ConfigurationError(
                    f"vouched() cannot ask the guard's {name}=: write await guard.identify_event(event).",
                    setting=name,
                )
        claims = read_claims(event, self.lambda_context, self.validator.claim_types)
        return None if claims is None else self._validate(claims)

    async def identify_event(self, event: object) -> Principal | None:
        """Return what `vouched` returns, and ask ``pools`` and ``revoked``. Raises an `AuthError`."""
        claims = read_claims(event, self.lambda_context, self.validator.claim_types)
        if claims is None:
            return None
        principal = self._validate(claims, await self._find_tenant_pool(claims))
        if self.revocation is not None:
            await self.revocation.refuse_revoked(principal)
        return principal

    def iam_identity(self, connection: HTTPConnection) -> IamIdentity | None:
        """Return the caller who signed the request with AWS credentials, or None.

        Always None with ``gateway="ignore"``, and with ``"verify"``, as there is no token to verify.
        """
        if self.gateway in ("ignore", "verify"):
            return None
        return read_iam_identity(connection.scope.get("aws.event"), [pool.id for pool in self.pools])

    def refusal(self, error: AuthError, *, root_path: str = "") -> Refusal:
        """Return the response for an error, in this guard's dialect.

        ``root_path`` of the request's scope: the mount point of the app, such as a stage, is part of the
        address in ``resource_metadata``.
        """
        urls = (build_metadata_url(pool.resource, root_path) for pool in self.pools)
        return render(
            error,
            self.semantics,
            rest_scope_status=self._rest_scope_status,
            metadata_url=next((url for url in urls if url is not None), None),
        )

    def record_outcome(self, state: RequestState, scope: Scope, status: int | None) -> None:
        """Record the decision of a request whose response starts, unless it was recorded before."""
        self._decisions.record_outcome(state, scope, status)

    def record_refusal(self, state: RequestState, scope: Scope, error: AuthError, status: int | None) -> None:
        """Record that a request was answered with ``status`` instead of by its route."""
        self._decisions.record_refusal(state, scope, error, status)

    async def warm_up(self) -> bool:
        """Fetch all keys ahead of the first request. Return False if some are not available; never raises."""
        return await self.verifier.warm_up()

    def status(self) -> dict[str, Any]:
        """Return facts for a readiness check and for metrics.

        ``keys`` by pool id, the number of ``remembered`` tokens, and ``decisions`` by code since the start.
        """
        return {**self.verifier.status(), "decisions": dict(self._decisions.counts)}

    def _read_claims(self, scope: Scope) -> GatewayClaims | None:
        """Return the claims that the gateway vouches for, as far as ``gateway`` wants them."""
        claims = None
        if "aws.event" in scope and self.gateway != "ignore":
            claims = read_claims(scope["aws.event"], self.lambda_context, self.validator.claim_types)
        if claims is None and self.gateway == "require":
            raise GatewayClaimsMissing("no authorizer has vouched for the caller: attach one to the route.")
        return claims

    async def _find_tenant_pool(self, claims: GatewayClaims) -> UserPool | None:
        """Return the pool of the claims if it is one of the directory. Raises an `AuthError` if it is not."""
        tenants, issuer = self.verifier.tenants, claims.values.get("iss")
        if tenants is None or (isinstance(issuer, str) and issuer in self.validator.pools):
            return None
        try:
            return (await tenants.get(claims.values))[0]
        except AuthError as error:
            raise _describe(error, claims) from None

    def _validate(self, claims: GatewayClaims, pool: UserPool | None = None) -> Principal:
        try:
            return self.validator.validate(claims.values, claims.source, self.now(), pool)[0]
        except AuthError as error:
            raise _describe(error, claims) from None

    def _verify_request(self, scope: Scope) -> Awaitable[VerifiedToken]:
        token = find_token(scope, self.header, self.websocket_protocol)
        patience = _LAMBDA_PATIENCE if "aws.event" in scope else 0.0
        return self.verifier.verify(token, patience=patience)

    async def _verify_same(self, vouched: Principal, scope: Scope) -> Principal:
        """Return the principal of the request's token if it is the token of the gateway's claims."""
        try:
            verified = (await self._verify_request(scope)).principal
        except TokenMissing:
            raise GatewayMismatch("the gateway's claims come without their token to verify.") from None
        jti = verified.claim("jti")
        if verified.sub != vouched.sub or jti is None or jti != vouched.claim("jti"):
            raise GatewayMismatch("the token in the header is not the one of the gateway's claims.")
        return verified


def _describe(error: AuthError, claims: GatewayClaims) -> AuthError:
    """Add the facts of refused claims to the error."""
    error.about = {**loggable_claims(claims.values), "source": claims.source}
    return error


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
