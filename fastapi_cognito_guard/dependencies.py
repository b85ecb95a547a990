"""FastAPI dependencies: the caller, and requirements of the caller.

All are ``async def``, as a thread would cost more than a verification, and take an `HTTPConnection`, so that
they work for WebSockets too. None adds a parameter or a body to the OpenAPI document.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, Never, NoReturn, TypeVar, cast

from fastapi import Depends, Security
from fastapi.requests import HTTPConnection
from fastapi.security import SecurityScopes

from fastapi_cognito_guard import policy
from fastapi_cognito_guard.checks import build_dependency, check_function
from fastapi_cognito_guard.claims import check_token_use_as_rest
from fastapi_cognito_guard.dependants import OPTIONAL, asks_for_scopes, find_path_template, marks_caller
from fastapi_cognito_guard.errors import (
    AuthError,
    ConfigurationError,
    GatewayClaimsMissing,
    IamIdentityMissing,
    SchemeUnsupported,
    TokenMissing,
)
from fastapi_cognito_guard.gateway.iam import IamIdentity
from fastapi_cognito_guard.middleware import refusal_handlers
from fastapi_cognito_guard.misuse import NO_DECORATOR, advise_on_misuse
from fastapi_cognito_guard.policy import Requirement
from fastapi_cognito_guard.principal import NotAParameter, Principal
from fastapi_cognito_guard.request_state import STATE, RequestState, missing_user_error
from fastapi_cognito_guard.requirement_names import (
    check_actor_names,
    check_claim_values,
    check_group_names,
    check_level,
    check_pool_ids,
    check_scope_names,
)

_USER, _OPTIONAL_USER, _IAM = (
    f"Write `{parameter}` for a parameter, and Depends({function}) in a list of dependencies."
    for parameter, function in (
        ("user: CurrentUser", "current_user"),
        ("user: OptionalUser", "optional_user"),
        ("caller: IamCaller", "iam_identity"),
    )
)

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _advise_on_call(function: _Function) -> _Function:
    """Let ``current_user()`` fail with advice. FastAPI sees through the wrapper that it is async.

    The parameters are named, as passing on ``**named`` would cost a request more than all of this.
    """

    @wraps(function)
    def call(connection: object = None, security_scopes: object = None) -> Any:
        if security_scopes is None:
            raise ConfigurationError(_USER)
        return function(connection, security_scopes)

    return cast(_Function, call)


@marks_caller("user")
@_advise_on_call
async def current_user(connection: HTTPConnection, security_scopes: SecurityScopes) -> Principal:
    """Return the caller. A request without a valid token is refused: 401 (503 while keys are unavailable).

    ``Security(current_user, scopes=[...])`` requires all of the scopes, as FastAPI does everywhere.
    In tests, override this dependency: ``app.dependency_overrides[current_user]``.
    """
    state = _require_state(connection)
    guard, scopes = state.guard, security_scopes.scopes
    try:
        principal = await guard.identify(connection)
        if guard.semantics == "rest":
            check_token_use_as_rest(principal, scoped=asks_for_scopes(connection.scope))
        if scopes:
            policy.check_all_scopes(principal, [scope for scope in scopes if scope != OPTIONAL])
    except (TokenMissing, SchemeUnsupported, GatewayClaimsMissing) as error:
        if OPTIONAL in scopes and not isinstance(error, GatewayClaimsMissing):
            return None  # type: ignore[return-value]  # only for `optional_user`
        state.error = missing_user_error(error, connection, guard)
        raise state.error from None
    except AuthError as error:
        state.error = error
        raise
    state.error = None  # an earlier refusal was caught; this check succeeded
    return principal


CurrentUser = Annotated[Principal, Depends(current_user)]
"""``user: CurrentUser`` in a route: the caller, or the request is refused."""


async def optional_user(
    user: Annotated[Principal | None, Security(current_user, scopes=[OPTIONAL])],
) -> Principal | None:
    """Return the caller, or None if the request carries no token.

    Credentials of another scheme, such as ``Basic``, are not a token. A bad token is still refused.
    """
    return user


OptionalUser = Annotated[Principal | None, Depends(optional_user)]
"""``user: OptionalUser`` in a route: the caller, or None if the request carries no token."""


@marks_caller("iam")
async def iam_identity(connection: HTTPConnection) -> IamIdentity:
    """Return the caller who signed with AWS credentials, as API Gateway or a function URL reports it, or 403.

    Such a caller is not a user of a pool: it has no scopes and no groups, and `current_user` refuses it.
    """
    state = _require_state(connection)
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
"""``caller: IamCaller`` in a route: the caller who signed with AWS credentials, or the request is refused."""

for _target, _advice in (
    (current_user, _USER),
    (CurrentUser, _USER),
    (optional_user, _OPTIONAL_USER),
    (OptionalUser, _OPTIONAL_USER),
    (iam_identity, _IAM),
    (IamCaller, _IAM),
):
    advise_on_misuse(_target, _advice)


def _advise_on_decoration(function: _Function) -> _Function:
    """Let ``@require_scope("a")`` fail with advice, as `_advise_on_call` does."""

    @wraps(function)
    def call(self: object, user: object = None, connection: object = None, **results: bool) -> Any:
        if connection is None:
            raise ConfigurationError(NO_DECORATOR)
        return function(self, user, connection, **results)

    return cast(_Function, call)


class Required(Requirement):
    """`Requirement` as a FastAPI dependency. It returns the `Principal` that meets it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "__signature__", _build_signature(self.list_of_kind("check")))

    @_advise_on_decoration
    async def __call__(self, user: CurrentUser, connection: HTTPConnection, **results: bool) -> Principal:
        checks = dict(zip(results, self.list_of_kind("check"), strict=True))
        # There is no state if `current_user` is overridden and the app has no guard.
        state = connection.scope.get(STATE)
        now = state.guard.now if isinstance(state, RequestState) else None
        try:
            self.check(user, {checks[name] for name, passed in results.items() if passed}, now=now)
        except AuthError as error:
            if isinstance(state, RequestState):
                state.error = error
            raise
        return user

    @property
    def dependency(self) -> NoReturn:
        """Attribute that FastAPI reads from a ``Depends``: it fails with advice if that was forgotten."""
        raise ConfigurationError(f"Write Depends({self}): a list of dependencies holds Depends(...).")

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> NoReturn:
        raise ConfigurationError(f"Write `user: Annotated[Principal, Depends({self})]` for a parameter.")

    def __and__(self, other: object) -> NoReturn:
        raise ConfigurationError(
            f"To require both, write two dependencies: Depends({self}), Depends({other}); to require any one "
            f"of them, Depends({self} | {other})."
        )


def _forbid_uncalled(example: str) -> NotAParameter:
    return NotAParameter(f"Write Depends({example}), with the call.")


_Scope = Annotated[str, _forbid_uncalled('require_scope("orders/read")')]
_Group = Annotated[str, _forbid_uncalled('require_group("admins")')]
_Value = Annotated[str | int | bool, _forbid_uncalled('require_claim("custom:tier", "gold")')]
_Level = Annotated[str, _forbid_uncalled('require_level("urn:cognito:loa:3")')]
_Actor = Annotated[str, _forbid_uncalled('require_actor("4b1example")')]
_Nothing = Annotated[Never, _forbid_uncalled("require_direct()")]
_Pool = Annotated[str, _forbid_uncalled('require_pool("eu-west-1_Abc123Xyz")')]
_Name = Annotated[str | None, _forbid_uncalled('require(is_owner, name="owner")')]


def require_scope(*any_of: _Scope) -> Required:
    """Require any one of these scopes, as a method's authorization scopes do in API Gateway.

    To require all of several scopes, use several requirements. Raises `ConfigurationError` for no names, or
    for names that are not scopes.
    """
    return Required(kind="scope", any_of=check_scope_names(any_of))


def require_group(*any_of: _Group) -> Required:
    """Require any one of these ``cognito:groups``. Raises `ConfigurationError` for no names."""
    return Required(kind="group", any_of=check_group_names(any_of))


def require_claim(name: str, *any_of: _Value) -> Required:
    """Require that a claim has any one of these values, compared as the text that both doors deliver.

    A declared list, ``amr`` and ``cognito:roles`` match if they contain the value. Other lists, objects and
    fractions never match. Raises `ConfigurationError` for no values.
    """
    if not isinstance(name, str) or not name:
        raise ConfigurationError('Write require_claim("custom:tier", "gold", ...).')
    return Required(kind="claim", claim=name, any_of=check_claim_values(any_of))


def require_level(name: _Level, *, max_age: int | None = None) -> Required:
    """Require that the user has signed in with this authentication level or a higher one (``acr``).

    ``max_age``: the most seconds since the sign-in (``auth_time``). Else the request is refused with 401 and
    the challenge of RFC 9470, by which a client knows what to ask for at a new sign-in. The order of the
    levels is that of the pool: ``UserPool(levels=...)``.

    Raises `ConfigurationError` for what cannot be the name of a level, or an age.
    """
    return Required(kind="level", any_of=check_level(name, max_age), max_age=max_age)


def require_actor(*any_of: _Actor) -> Required:
    """Require that any one of these acts for the user: the ``sub`` in the token's ``act``, a client id.

    Only the current actor counts, and not those before it (RFC 8693 section 4.1). Raises
    `ConfigurationError` for no names.
    """
    return Required(kind="actor", any_of=check_actor_names(any_of))


def require_direct(*nothing: _Nothing) -> Required:
    """Require that nobody acts for the user: a token with an actor is refused.

    A token that was exchanged without an actor token looks like the user's own, and passes. Takes no
    arguments: raises `ConfigurationError` for any.
    """
    if nothing:
        raise ConfigurationError("Write Depends(require_direct()), without arguments.")
    return Required(kind="direct", any_of=())


def require_pool(*any_of: _Pool) -> Required:
    """Require that the caller is of any one of these pools, by id, where the guard has several.

    The app does not start with an id that none of the guard's pools has. Raises `ConfigurationError` for no
    ids.
    """
    return Required(kind="pool", any_of=check_pool_ids(any_of))


def require(check: Callable[..., bool | Awaitable[bool]], *, name: _Name = None) -> Required:
    """Require that a function of the app's own returns True, for example that the caller owns the order.

    ``check`` gets the `Principal` first. It may be async, and may have parameters of the path and
    dependencies besides: ``async def is_owner(user, order_id: str, orders: Orders) -> bool``. ``name`` stands
    for it in the document, in lists and in records; by default the function's own name.

    A gateway cannot decide it, and leaves it to the app. Raises `ConfigurationError` for anything but a
    function with a parameter.
    """
    return Required(kind="check", any_of=(check_function(check, name),), function=check)


def _build_signature(checks: Sequence[Requirement]) -> Signature:
    """Return the parameters of a requirement with checks: FastAPI runs each as a dependency."""
    own = list(signature(Required.__call__).parameters.values())[1:3]
    results = [
        Parameter(
            f"check_{index}",
            Parameter.KEYWORD_ONLY,
            annotation=Annotated[bool, Depends(build_dependency(check.function, CurrentUser))],
        )
        for index, check in enumerate(checks)
        if check.function is not None
    ]
    return Signature([*own, *results])


def _require_state(connection: HTTPConnection) -> RequestState:
    state = connection.scope.get(STATE)
    if not isinstance(state, RequestState):
        route = find_path_template(connection.scope)
        raise ConfigurationError(
            f"The route {route} has no guard: write guard.install(app), right after app = FastAPI()."
        )
    handlers, _ = connection.scope["starlette.exception_handlers"]
    if AuthError not in handlers:  # a mounted app's, which would answer a refusal with 500
        handlers.update(refusal_handlers(state.app))
    return state
