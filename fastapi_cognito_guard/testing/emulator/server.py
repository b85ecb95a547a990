"""HTTP endpoints of the local pool, at Cognito's paths: keys, discovery, sign-in, tokens, user info."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from anyio import to_thread
from starlette.applications import Starlette
from starlette.datastructures import URL
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from fastapi_cognito_guard.errors import AuthError
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.principal import COGNITO_LEVELS
from fastapi_cognito_guard.testing.emulator.directory import Directory
from fastapi_cognito_guard.testing.emulator.errors import OAuthError
from fastapi_cognito_guard.testing.emulator.forms import (
    parse_parameters,
    read_basic_credentials,
    read_form,
    read_json,
)
from fastapi_cognito_guard.testing.emulator.local_only import LocalOnly, list_origins
from fastapi_cognito_guard.testing.emulator.oauth import (
    AuthorizationServer,
    InvalidRedirect,
    Parameters,
    RedirectTarget,
)
from fastapi_cognito_guard.testing.emulator.sign_in_page import render_refusal_page, render_sign_in_page
from fastapi_cognito_guard.testing.pool import FakeUserPool

_CLIENT_AUTHENTICATION = ("client_secret_basic", "client_secret_post", "none")
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}  # RFC 6749 section 5.1
_PAGE_HEADERS = {
    "Cache-Control": "no-store",
    # No form-action: browsers apply it to the redirect that answers the form, too.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "frame-ancestors 'none'",
    # Not no-referrer: browsers would send the form with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_REQUEST_FIELDS = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge",
    "code_challenge_method", "resource", "acr_values", "max_age",
)  # fmt: skip


@dataclass(frozen=True)
class HostedUI:
    """Endpoints of ``pool`` at ``address``. ``about`` is the text of the front page."""

    pool: FakeUserPool
    directory: Directory
    address: str
    about: str
    server: AuthorizationServer
    now: Callable[[], float]

    def build_app(self) -> Starlette:
        """Build the app with all endpoints."""
        well_known = f"/{self.pool.id}/.well-known"
        routes = [
            Route("/", self.serve_front_page),
            Route(f"{well_known}/jwks.json", self.serve_keys),
            Route(f"{well_known}/openid-configuration", self.serve_discovery),
            Route("/oauth2/authorize", self.authorize),
            Route("/login", self.authorize, methods=["GET"]),
            Route("/login", self.sign_in, methods=["POST"]),
            Route("/oauth2/token", self.issue_tokens, methods=["POST"]),
            Route("/oauth2/revoke", self.revoke_token, methods=["POST"]),
            Route("/oauth2/userInfo", self.serve_user_info, methods=["GET", "POST"]),
            Route("/logout", self.sign_out),
            # Cognito answers 400 where it serves no metadata: RFC 8414's, for example.
            Route("/.well-known/{rest:path}", _refuse_metadata),
            Route(f"{well_known}/{{rest:path}}", _refuse_metadata),
        ]
        if self.directory.registration_scopes is not None:
            routes.append(Route("/oauth2/register", self.register_client, methods=["POST"]))
        handlers = {InvalidRedirect: _render_refusal_page, OAuthError: _render_oauth_error}
        return Starlette(routes=routes, middleware=self._build_middleware(), exception_handlers=handlers)

    def _build_middleware(self) -> list[Middleware]:
        origins = list_origins(self.address, self.directory.clients)
        # As at Cognito, a page may not send X-Requested-With.
        cors = Middleware(
            CORSMiddleware,
            allow_origin_regex=".*",  # LocalOnly has refused origins that are not the clients'
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
        )
        return [Middleware(LocalOnly, origins=origins, clients=self.directory.clients), cors]

    async def serve_front_page(self, request: Request) -> Response:
        """Describe the pool to a browser."""
        return PlainTextResponse(self.about)

    async def serve_keys(self, request: Request) -> Response:
        """Serve the key document, or the fault that replaces it."""
        answer = await to_thread.run_sync(self.pool.published.answer, abandon_on_cancel=True)
        return Response(answer.body, answer.status, media_type="application/json")

    async def serve_discovery(self, request: Request) -> Response:
        """Serve the metadata of OpenID Connect Discovery 1.0."""
        endpoints = {
            "authorization_endpoint": "/oauth2/authorize",
            "token_endpoint": "/oauth2/token",
            "userinfo_endpoint": "/oauth2/userInfo",
            "revocation_endpoint": "/oauth2/revoke",
            "end_session_endpoint": "/logout",
            "jwks_uri": f"/{self.pool.id}/.well-known/jwks.json",
        }
        if self.directory.registration_scopes is not None:
            endpoints["registration_endpoint"] = "/oauth2/register"
        return JSONResponse(
            {
                "issuer": self.pool.issuer,
                **{name: f"{self.address}{path}" for name, path in endpoints.items()},
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": _CLIENT_AUTHENTICATION,
                "revocation_endpoint_auth_methods_supported": _CLIENT_AUTHENTICATION,
                "acr_values_supported": COGNITO_LEVELS,
                "scopes_supported": sorted({s for client in self.directory.clients for s in client.scopes}),
            }
        )

    async def authorize(self, request: Request) -> Response:
        """Serve the sign-in form for a valid authorization request."""
        parameters = parse_parameters(request.query_params.multi_items())
        target = self.server.find_target(parameters)
        try:
            self.server.validate(target, parameters)
        except OAuthError as error:
            return _redirect_error(target, error)
        return self._render_form(target, parameters)

    async def sign_in(self, request: Request) -> Response:
        """Redirect to the client with a code, or serve the form again after a wrong password."""
        form = await read_form(request)
        target = self.server.find_target(form)
        try:
            authorization = self.server.validate(target, form)
        except OAuthError as error:
            return _redirect_error(target, error)
        user = self.server.authenticate(form.get("username", ""), form.get("password", ""))
        if user is None:
            return self._render_form(target, form, alert="Incorrect username or password.")
        return _redirect(target, code=self.server.issue_code(authorization, user))

    async def issue_tokens(self, request: Request) -> Response:
        """Answer at the token endpoint (RFC 6749 section 3.2)."""
        form, basic = await read_form(request), read_basic_credentials(request)
        return JSONResponse(self.server.issue_tokens(form, basic), headers=_NO_STORE)

    async def revoke_token(self, request: Request) -> Response:
        """Answer at the revocation endpoint (RFC 7009)."""
        self.server.revoke_token(await read_form(request), read_basic_credentials(request))
        return Response(headers=_NO_STORE)

    async def register_client(self, request: Request) -> Response:
        """Answer at the registration endpoint (RFC 7591 section 3)."""
        answer = self.server.registrations.register(await read_json(request))
        return JSONResponse(answer, 201, headers=_NO_STORE)

    async def serve_user_info(self, request: Request) -> Response:
        """Serve the claims about the user of an access token (OpenID Connect Core section 5.3)."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        clients = {client.id for client in self.directory.clients} | self.server.registrations.clients.keys()
        guard = CognitoGuard(self.pool.user_pool(client_ids=clients), now=self.now)
        try:
            principal = await guard.verify(token if scheme.lower() == "bearer" else "")
        except AuthError as error:
            return _render_bearer_error(401, "invalid_token", error.description)
        if "openid" not in principal.scopes:
            return _render_bearer_error(403, "insufficient_scope", "The token lacks the scope openid")
        return JSONResponse(self._build_user_info(principal.sub, principal.username or ""), headers=_NO_STORE)

    async def sign_out(self, request: Request) -> Response:
        """Redirect to the client's logout URI, or to a new sign-in. There is no session to end."""
        parameters = parse_parameters(request.query_params.multi_items())
        client = self.server.find_client(parameters.get("client_id", ""))
        if client is not None and parameters.get("logout_uri") in client.logout_urls:
            return RedirectResponse(parameters["logout_uri"], 302, headers=_NO_STORE)
        if "redirect_uri" in parameters:
            self.server.find_target(parameters)
            return RedirectResponse(f"/oauth2/authorize?{urlencode(parameters)}", 302, headers=_NO_STORE)
        raise InvalidRedirect(
            "The client_id is none of the pool's, or the logout_uri none of its logout_urls."
        )

    def _render_form(
        self, target: RedirectTarget, parameters: Parameters, *, alert: str | None = None
    ) -> Response:
        page = render_sign_in_page(
            client=target.client.id,
            users=self.directory.users,
            chosen=parameters.get("username") or parameters.get("login_hint"),
            hidden={name: parameters[name] for name in _REQUEST_FIELDS if name in parameters},
            alert=alert,
        )
        return HTMLResponse(page, 400 if alert else 200, headers=_PAGE_HEADERS)

    def _build_user_info(self, sub: str, username: str) -> dict[str, str]:
        """Build the claims about a user. All values are text, as in Cognito's answers."""
        user = self.directory.user(username)
        email = (user and user.email) or f"{username}@example.com"
        claims = {"sub": sub, "username": username, "email": email, "email_verified": "true"}
        return claims | {name: str(value) for name, value in (user.claims if user else {}).items()}


def _redirect_error(target: RedirectTarget, error: OAuthError) -> Response:
    return _redirect(target, error=error.code, error_description=error.description)


def _redirect(target: RedirectTarget, **answer: str) -> Response:
    """Redirect to the client with an answer and the client's ``state``."""
    query = {**answer, "state": target.state or ""}
    url = URL(target.redirect_uri).include_query_params(**{k: v for k, v in query.items() if v})
    return RedirectResponse(str(url), 303, headers=_NO_STORE)


async def _refuse_metadata(request: Request) -> Response:
    return PlainTextResponse("The metadata of this pool are in its openid-configuration.", 400)


def _render_refusal_page(request: Request, error: Exception) -> Response:
    return HTMLResponse(render_refusal_page(str(error)), 400, headers=_PAGE_HEADERS)


def _render_oauth_error(request: Request, error: Exception) -> Response:
    """Render an error as JSON. The status is 400 for all of them, as at Cognito."""
    body = {"error": str(error), "error_description": getattr(error, "description", "")}
    return JSONResponse({name: text for name, text in body.items() if text}, 400, headers=_NO_STORE)


def _render_bearer_error(status: int, error: str, description: str) -> Response:
    challenge = f'Bearer error="{error}", error_description="{description}"'
    return JSONResponse(
        {"error": error, "error_description": description}, status, headers={"WWW-Authenticate": challenge}
    )
