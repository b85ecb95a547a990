"""Per-request state, and the guard as the rest of the package sees it."""

from collections.abc import Callable
from typing import Literal, Protocol

from starlette.requests import HTTPConnection
from starlette.types import Scope

from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.directory import PoolDirectory
from fastapi_cognito_guard.errors import AuthError, CallerIsIam
from fastapi_cognito_guard.gateway.iam import IamIdentity
from fastapi_cognito_guard.pool import UserPool
from fastapi_cognito_guard.principal import Principal
from fastapi_cognito_guard.responses import Refusal

GatewayMode = Literal["trust", "require", "ignore", "verify"]

STATE = "fastapi_cognito_guard"
"""The key of a request's `RequestState` in its ASGI scope."""


_SIGNED_WITH_AWS = (
    "the request is signed with AWS credentials, and the route requires a user: send a token, or let the "
    "route require an IamCaller."
)


class RequestState:
    """Per-request state: caller, refusal, and whether the decision was recorded."""

    __slots__ = ("app", "error", "guard", "kid", "outer", "principal", "recorded", "root_path", "user_arn")

    def __init__(
        self, guard: "Guard", app: object = None, root_path: str = "", outer: "RequestState | None" = None
    ) -> None:
        self.guard = guard
        self.outer = outer  # of the app around, if that has a guard, too
        self.app = app  # that has the guard
        self.root_path = root_path  # of that app: the stage, for example
        self.principal: Principal | None = None
        self.kid: str | None = None
        self.user_arn: str | None = None  # set for an IAM caller, where a route asked for one
        self.error: AuthError | None = None
        self.recorded = False

    def use_guard(self, guard: "Guard") -> None:
        """Let another guard identify the caller from here on: what the first one has found does not count."""
        if guard is not self.guard:
            self.guard, self.principal, self.kid = guard, None, None


class Guard(Protocol):
    """The guard of an app; `CognitoGuard` is the one implementation."""

    pools: tuple[UserPool, ...]
    directory: PoolDirectory | None
    semantics: Semantics
    gateway: GatewayMode
    deny_by_default: bool
    public: frozenset[str]
    header: bytes
    websocket_protocol: str | None
    describe_access: bool

    @property
    def root(self) -> "Guard":
        """The guard that this one was made of with ``for_resource``, or this one."""
        ...

    @property
    def now(self) -> Callable[[], float]:
        """The clock, in seconds since the epoch."""
        ...

    async def identify(self, connection: HTTPConnection) -> Principal:
        """Return the caller of a request. Raises an `AuthError`."""
        ...

    def iam_identity(self, connection: HTTPConnection) -> IamIdentity | None:
        """Return the caller who signed a request with AWS credentials, or None."""
        ...

    def refusal(self, error: AuthError, *, root_path: str = "") -> Refusal:
        """Return the response for an error, in the guard's dialect."""
        ...

    def record_outcome(self, state: RequestState, scope: Scope, status: int | None) -> None:
        """Record the decision of a request whose response starts, unless it was recorded before."""
        ...

    def record_refusal(self, state: RequestState, scope: Scope, error: AuthError, status: int | None) -> None:
        """Record that a request was answered with ``status`` instead of by its route."""
        ...


def missing_user_error(error: AuthError, connection: HTTPConnection, guard: Guard) -> AuthError:
    """Return the error for a request without a user: another one if it is signed with AWS credentials.

    A guest of an identity pool is nobody, and signing in would help.
    """
    caller = guard.iam_identity(connection)
    return error if caller is None or caller.is_guest else CallerIsIam(_SIGNED_WITH_AWS)
