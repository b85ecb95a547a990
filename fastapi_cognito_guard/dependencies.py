"""What routes ask for: the caller, and what the caller must have.

Everything is ``async def`` (a thread costs more than a verification) and takes an `HTTPConnection`, so
that WebSockets work. Nothing adds a parameter or a body to the API's document.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection
from fastapi.security import SecurityScopes

from fastapi_cognito_guard import policy
from fastapi_cognito_guard.claims import check_token_use_as_rest
from fastapi_cognito_guard.errors import AuthError, ConfigurationError, TokenMissing
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.middleware import GUARD, refuse
from fastapi_cognito_guard.policy import Requirement
from fastapi_cognito_guard.principal import Principal
from fastapi_cognito_guard.routes import is_scoped


async def current_user(connection: HTTPConnection, security_scopes: SecurityScopes) -> Principal:
    """The caller. A request without a good token is refused: 401 (503 while the keys cannot be had).

    ``Security(current_user, scopes=[...])`` asks for all of the scopes, as FastAPI does everywhere.
    In tests, override this one: ``app.dependency_overrides[current_user]``.
    """
    guard = _guard_of(connection)
    principal = await guard.identify(connection)
    if guard.semantics == "rest":
        check_token_use_as_rest(principal, scoped=is_scoped(connection.scope))
    policy.check_all_scopes(principal, security_scopes.scopes)
    return principal


CurrentUser = Annotated[Principal, Depends(current_user)]
"""``user: CurrentUser`` in a route: the caller, or the request is refused."""


async def optional_user(connection: HTTPConnection, security_scopes: SecurityScopes) -> Principal | None:
    """The caller, or None where the request carries no token. A bad token is still refused."""
    try:
        return await current_user(connection, security_scopes)
    except TokenMissing:
        return None


OptionalUser = Annotated[Principal | None, Depends(optional_user)]
"""``user: OptionalUser`` in a route: the caller, or None where the request carries no token."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Required(Requirement):
    """A `Requirement` that FastAPI can depend on; it yields the `Principal` that met it."""

    async def __call__(self, user: CurrentUser) -> Principal:
        self.check(user)
        return user


def require_scope(*any_of: str) -> Required:
    """Any one of these scopes, whole and exact, as a method's authorization scopes work in API Gateway.

    All of several: state several. Raises `ConfigurationError` for no names, or ones that are no scopes.
    """
    return Required(kind="scope", any_of=policy.scope_names(any_of))


def require_group(*any_of: str) -> Required:
    """Any one of these ``cognito:groups``. Raises `ConfigurationError` for no names."""
    return Required(kind="group", any_of=policy.group_names(any_of))


def require_claim(name: str, *any_of: str | int | bool) -> Required:
    """The claim has any one of these values, compared as the text that both doors deliver.

    Lists, objects and fractions never match. Raises `ConfigurationError` for no values.
    """
    if not isinstance(name, str) or not name:
        raise ConfigurationError('Write require_claim("custom:tier", "gold", ...).')
    return Required(kind="claim", claim=name, any_of=policy.claim_values(any_of))


def _guard_of(connection: HTTPConnection) -> CognitoGuard:
    guard = connection.scope.get(GUARD)
    if not isinstance(guard, CognitoGuard):
        raise ConfigurationError(
            "This route has no guard: write guard.install(app), right after app = FastAPI()."
        )
    # A mounted app looks for handlers of its own, and would answer a refusal with 500.
    handlers, _ = connection.scope["starlette.exception_handlers"]
    handlers.setdefault(AuthError, refuse)
    return guard
