"""What routes ask for: the caller, and what the caller must have.

Everything is ``async def`` (a thread costs more than a verification) and takes an `HTTPConnection`, so
that WebSockets work. Nothing adds a parameter or a body to the API's document.
"""

from typing import Annotated, NoReturn

from fastapi import Depends, Security
from fastapi.requests import HTTPConnection
from fastapi.security import SecurityScopes

from fastapi_cognito_guard import policy
from fastapi_cognito_guard.claims import check_token_use_as_rest
from fastapi_cognito_guard.dependants import OPTIONAL, asks_for_scopes, marks_caller
from fastapi_cognito_guard.errors import (
    AuthError,
    CallerIsIam,
    ConfigurationError,
    GatewayClaimsMissing,
    IamIdentityMissing,
    TokenMissing,
)
from fastapi_cognito_guard.gateway.iam import IamIdentity
from fastapi_cognito_guard.middleware import refuse
from fastapi_cognito_guard.policy import Requirement
from fastapi_cognito_guard.principal import NotAParameter, Principal
from fastapi_cognito_guard.request_state import STATE, RequestState


@marks_caller("user")
async def current_user(connection: HTTPConnection, security_scopes: SecurityScopes) -> Principal:
    """The caller. A request without a good token is refused: 401 (503 while the keys cannot be had).

    ``Security(current_user, scopes=[...])`` asks for all of the scopes, as FastAPI does everywhere.
    In tests, override this one: ``app.dependency_overrides[current_user]``.
    """
    state = _state_of(connection)
    guard, scopes = state.guard, security_scopes.scopes
    try:
        principal = await guard.identify(connection)
        if guard.semantics == "rest":
            check_token_use_as_rest(principal, scoped=asks_for_scopes(connection.scope))
        if scopes:
            policy.check_all_scopes(principal, [scope for scope in scopes if scope != OPTIONAL])
    except (TokenMissing, GatewayClaimsMissing) as error:
        if OPTIONAL in scopes and isinstance(error, TokenMissing):
            return None  # type: ignore[return-value]  # to `optional_user`, and to nobody else
        state.error = error if guard.iam_identity(connection) is None else CallerIsIam(_SIGNED)
        raise state.error from None
    except AuthError as error:
        state.error = error
        raise
    state.error = None  # whoever was asked before: somebody has caught that refusal
    return principal


_SIGNED = (
    "the request is signed with AWS credentials, and the route asks for a user: send a token, or let the "
    "route ask for IamCaller."
)
CurrentUser = Annotated[Principal, Depends(current_user)]
"""``user: CurrentUser`` in a route: the caller, or the request is refused."""


async def optional_user(
    user: Annotated[Principal | None, Security(current_user, scopes=[OPTIONAL])],
) -> Principal | None:
    """The caller, or None where the request carries no token. A bad token is still refused."""
    return user


OptionalUser = Annotated[Principal | None, Depends(optional_user)]
"""``user: OptionalUser`` in a route: the caller, or None where the request carries no token."""


@marks_caller("iam")
async def iam_identity(connection: HTTPConnection) -> IamIdentity:
    """Who signed the request with AWS credentials, by API Gateway's or a function URL's word, or 403.

    Such a caller is no user of a pool: it has no scopes and no groups, and `current_user` refuses it.
    """
    state = _state_of(connection)
    caller = state.guard.iam_identity(connection)
    if caller is None:
        state.error = IamIdentityMissing(
            "no gateway has vouched for an IAM caller: set the route's authorization to AWS_IAM there "
            '(gateway="ignore" and "verify" believe none).'
        )
        raise state.error
    state.error, state.user_arn = None, caller.user_arn
    return caller


IamCaller = Annotated[IamIdentity, Depends(iam_identity)]
"""``caller: IamCaller`` in a route: who signed the request with AWS credentials, or it is refused."""


class Required(Requirement):
    """A `Requirement` that FastAPI can depend on; it yields the `Principal` that met it."""

    async def __call__(self, user: CurrentUser, connection: HTTPConnection) -> Principal:
        try:
            self.check(user)
        except AuthError as error:
            state = connection.scope.get(
                STATE
            )  # none where `current_user` is overridden and no guard is there
            if isinstance(state, RequestState):
                state.error = error
            raise
        return user

    @property
    def dependency(self) -> NoReturn:
        """What FastAPI looks for when this stands where a ``Depends`` is due."""
        raise ConfigurationError(f"Write Depends({self}): a list of dependencies holds Depends(...).")


_Name = Annotated[str, NotAParameter('Write Depends(require_scope("orders/read")), with the call.')]
_Group = Annotated[str, NotAParameter('Write Depends(require_group("admins")), with the call.')]
_Value = Annotated[
    str | int | bool, NotAParameter('Write Depends(require_claim("custom:tier", "gold")), with the call.')
]


def require_scope(*any_of: _Name) -> Required:
    """Any one of these scopes, whole and exact, as a method's authorization scopes work in API Gateway.

    All of several: state several. Raises `ConfigurationError` for no names, or ones that are no scopes.
    """
    return Required(kind="scope", any_of=policy.scope_names(any_of))


def require_group(*any_of: _Group) -> Required:
    """Any one of these ``cognito:groups``. Raises `ConfigurationError` for no names."""
    return Required(kind="group", any_of=policy.group_names(any_of))


def require_claim(name: str, *any_of: _Value) -> Required:
    """The claim has any one of these values, compared as the text that both doors deliver.

    Lists, objects and fractions never match. Raises `ConfigurationError` for no values.
    """
    if not isinstance(name, str) or not name:
        raise ConfigurationError('Write require_claim("custom:tier", "gold", ...).')
    return Required(kind="claim", claim=name, any_of=policy.claim_values(any_of))


def _state_of(connection: HTTPConnection) -> RequestState:
    state = connection.scope.get(STATE)
    if not isinstance(state, RequestState):
        raise ConfigurationError(
            "This route has no guard: write guard.install(app), right after app = FastAPI()."
        )
    # A mounted app looks for handlers of its own, and would answer a refusal with 500.
    handlers, _ = connection.scope["starlette.exception_handlers"]
    handlers.setdefault(AuthError, refuse)
    return state
