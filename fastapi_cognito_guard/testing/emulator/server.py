"""The local pool over HTTP, at Cognito's own paths: keys, discovery, sign-in, tokens, who somebody is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from anyio import to_thread
from starlette.applications import Starlette
from starlette.datastructures import URL
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from fastapi_cognito_guard.errors import AuthError
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.testing.emulator.directory import Directory
from fastapi_cognito_guard.testing.emulator.forms import basic_of, form_of, single
from fastapi_cognito_guard.testing.emulator.oauth import (
    AuthorizationServer,
    NowhereToReturn,
    OAuthError,
    Parameters,
    WayBack,
)
from fastapi_cognito_guard.testing.emulator.sign_in_page import refusal_page, sign_in_page
from fastapi_cognito_guard.testing.pool import FakeUserPool

_NOT_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}  # RFC 6749 section 5.1
_PAGE_HEADERS = {
    "Cache-Control": "no-store",
    # No form-action: browsers hold it against the redirect that answers the form, too.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_CARRIED = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge",
    "code_challenge_method",
)  # fmt: skip


@dataclass(frozen=True)
class HostedPool:
    """What answers for ``pool`` at ``address``. ``about`` is the front page."""

    pool: FakeUserPool
    directory: Directory
    address: str
    about: str
    server: AuthorizationServer
    now: Callable[[], float]

    def app(self) -> Starlette:
        """The whole of it."""
        well_known = f"/{self.pool.id}/.well-known"
        routes = [
            Route("/", self.front),
            Route(f"{well_known}/jwks.json", self.jwks),
            Route(f"{well_known}/openid-configuration", self.discovery),
            Route("/oauth2/authorize", self.authorize),
            Route("/login", self.authorize, methods=["GET"]),
            Route("/login", self.login, methods=["POST"]),
            Route("/oauth2/token", self.token, methods=["POST"]),
            Route("/oauth2/revoke", self.revoke, methods=["POST"]),
            Route("/oauth2/userInfo", self.user_info, methods=["GET", "POST"]),
            Route("/logout", self.logout),
        ]
        middleware = [
            # A page of the web cannot reach it under a name of its own that leads to loopback.
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"]),
            # As at Cognito, X-Requested-With is none of the headers that a page may send.
            Middleware(
                CORSMiddleware,
                allow_origins=["*"],
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "Content-Type"],
            ),
        ]
        handlers = {NowhereToReturn: _refuse_person, OAuthError: _refuse_client}
        return Starlette(routes=routes, middleware=middleware, exception_handlers=handlers)

    async def front(self, request: Request) -> Response:
        """Whoever opens the address in a browser learns what it is."""
        return PlainTextResponse(self.about)

    async def jwks(self, request: Request) -> Response:
        """The keys, or the fault that stands in for them."""
        answer = await to_thread.run_sync(self.pool.published.answer, abandon_on_cancel=True)
        return Response(answer.body, answer.status, media_type="application/json")

    async def discovery(self, request: Request) -> Response:
        """OpenID Connect Discovery 1.0."""
        endpoints = {
            "authorization_endpoint": "/oauth2/authorize",
            "token_endpoint": "/oauth2/token",
            "userinfo_endpoint": "/oauth2/userInfo",
            "revocation_endpoint": "/oauth2/revoke",
            "end_session_endpoint": "/logout",
            "jwks_uri": f"/{self.pool.id}/.well-known/jwks.json",
        }
        return JSONResponse(
            {
                "issuer": self.pool.issuer,
                **{name: f"{self.address}{path}" for name, path in endpoints.items()},
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "scopes_supported": sorted({s for client in self.directory.clients for s in client.scopes}),
            }
        )

    async def authorize(self, request: Request) -> Response:
        """The form, for a request that can be answered."""
        asked = single(request.query_params.multi_items())
        way_back = self.server.way_back(asked)
        try:
            self.server.vet(way_back, asked)
        except OAuthError as refusal:
            return _back(way_back, refusal)
        return self._form(way_back, asked)

    async def login(self, request: Request) -> Response:
        """Back to the client with a code, or to the form."""
        asked = await form_of(request)
        way_back = self.server.way_back(asked)
        try:
            authorization = self.server.vet(way_back, asked)
        except OAuthError as refusal:
            return _back(way_back, refusal)
        user = self.server.authenticate(asked.get("username", ""), asked.get("password", ""))
        if user is None:
            return self._form(way_back, asked, alarm="Incorrect username or password.")
        return _back(way_back, {"code": self.server.code(authorization, user)})

    async def token(self, request: Request) -> Response:
        """RFC 6749 section 3.2."""
        return JSONResponse(self.server.tokens(await form_of(request), basic_of(request)), headers=_NOT_KEPT)

    async def revoke(self, request: Request) -> Response:
        """RFC 7009."""
        self.server.revoke(await form_of(request), basic_of(request))
        return Response(headers=_NOT_KEPT)

    async def user_info(self, request: Request) -> Response:
        """OpenID Connect Core section 5.3: what is known of whoever the access token is of."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        clients = {client.id for client in self.directory.clients}
        guard = CognitoGuard(self.pool.user_pool(client_ids=clients), now=self.now)
        try:
            principal = await guard.verify(token if scheme.lower() == "bearer" else "")
        except AuthError as refusal:
            return _refuse_bearer(401, "invalid_token", refusal.description)
        if "openid" not in principal.scopes:
            return _refuse_bearer(403, "insufficient_scope", "The token lacks the scope openid")
        return JSONResponse(self._facts(principal.sub, principal.username or ""), headers=_NOT_KEPT)

    async def logout(self, request: Request) -> Response:
        """Nothing to forget: the form asks each time. Leads to where the client wants people to go."""
        asked = single(request.query_params.multi_items())
        client = self.directory.client(asked.get("client_id", ""))
        if client is not None and asked.get("logout_uri") in client.logout_urls:
            return RedirectResponse(asked["logout_uri"], 302, headers=_NOT_KEPT)
        if "redirect_uri" in asked:
            self.server.way_back(asked)
            return RedirectResponse(f"/oauth2/authorize?{urlencode(asked)}", 302, headers=_NOT_KEPT)
        raise NowhereToReturn(
            "The client_id is none of the pool's, or the logout_uri none of its logout_urls."
        )

    def _form(self, way_back: WayBack, asked: Parameters, *, alarm: str | None = None) -> Response:
        page = sign_in_page(
            client=way_back.client.id,
            users=self.directory.users,
            chosen=asked.get("username") or asked.get("login_hint"),
            carried={name: asked[name] for name in _CARRIED if name in asked},
            alarm=alarm,
        )
        return HTMLResponse(page, 400 if alarm else 200, headers=_PAGE_HEADERS)

    def _facts(self, sub: str, username: str) -> dict[str, str]:
        """All of it text, as Cognito's answers are."""
        user = self.directory.user(username)
        email = (user and user.email) or f"{username}@example.com"
        facts = {"sub": sub, "username": username, "email": email, "email_verified": "true"}
        return facts | {name: str(value) for name, value in (user.claims if user else {}).items()}


def _back(way_back: WayBack, answer: OAuthError | Mapping[str, str]) -> Response:
    """Back to the client, with a code or with what is wrong."""
    if isinstance(answer, OAuthError):
        answer = {"error": answer.code, "error_description": answer.description}
    said: dict[str, Any] = {**answer, "state": way_back.state or ""}
    url = URL(way_back.redirect_uri).include_query_params(**{k: v for k, v in said.items() if v})
    return RedirectResponse(str(url), 303, headers=_NOT_KEPT)


def _refuse_person(request: Request, refusal: Exception) -> Response:
    return HTMLResponse(refusal_page(str(refusal)), 400, headers=_PAGE_HEADERS)


def _refuse_client(request: Request, refusal: Exception) -> Response:
    """Cognito answers 400 to whatever is wrong."""
    body = {"error": str(refusal), "error_description": getattr(refusal, "description", "")}
    return JSONResponse({name: text for name, text in body.items() if text}, 400, headers=_NOT_KEPT)


def _refuse_bearer(status: int, error: str, description: str) -> Response:
    challenge = f'Bearer error="{error}", error_description="{description}"'
    return JSONResponse(
        {"error": error, "error_description": description}, status, headers={"WWW-Authenticate": challenge}
    )
