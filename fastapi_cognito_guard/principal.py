"""The caller, once a door has vouched for it."""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NoReturn

from fastapi_cognito_guard.errors import ConfigurationError

Source = Literal["token", "rest", "http", "lambda"]
TokenUse = Literal["id", "access"]


class _DoorsOnly:
    """What pydantic meets when FastAPI would build a `Principal` out of a client's request.

    ``user: Principal`` would be a body or query parameter: an identity that the client invents.
    """

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> NoReturn:
        raise ConfigurationError(
            "A Principal is never built from a request: write `user: CurrentUser` for the parameter. "
            "To return one from a route, write response_model=None, or return a model of your own."
        )


class _Copied:
    """Stores what it is given and hands out copies, so that no caller changes another's view."""

    def __get__(self, principal: "Principal", owner: type) -> dict[str, Any]:
        return deepcopy(principal.__dict__["claims"])

    def __set__(self, principal: "Principal", value: dict[str, Any]) -> None:
        principal.__dict__["claims"] = value


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who is calling. Only the two doors make one: the token's, and the gateway's.

    ``sub``         the subject; for a machine, its client id
    ``username``    None for a machine
    ``client_id``   the app client that the token was issued to
    ``token_use``   ``"id"`` or ``"access"``
    ``scopes``      from access tokens (with ``semantics="http"`` from any token)
    ``groups``      ``cognito:groups``
    ``issuer``      the pool
    ``expires_at``  seconds since the epoch
    ``source``      which door: ``"token"``, ``"rest"``, ``"http"`` or ``"lambda"``
    ``claims``      all claims, known ones with the types that a token gives them, whichever the door;
                    each access hands out a copy of its own
    """

    sub: str
    username: str | None = None
    client_id: str
    token_use: TokenUse = "access"
    scopes: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    issuer: str
    expires_at: float
    source: Source = "token"
    claims: Annotated[dict[str, Any], _DoorsOnly()] = field(repr=False, hash=False)

    @property
    def is_machine(self) -> bool:
        """Whether a client acts for itself (client_credentials): an access token without a user."""
        return self.token_use == "access" and self.username is None

    @property
    def email(self) -> str | None:
        """The ``email`` claim, which ID tokens have. ``email_verified`` in ``claims`` says its worth."""
        email = self.claims.get("email")
        return email if isinstance(email, str) else None


# The dataclass has taken its field; its attribute becomes the copying one.
type.__setattr__(Principal, "claims", _Copied())
