"""The caller, once a door has vouched for it."""

from copy import deepcopy
from dataclasses import FrozenInstanceError, dataclass, field
from typing import Annotated, Any, Literal, NoReturn

from fastapi_cognito_guard.errors import ConfigurationError

Source = Literal["token", "rest", "http", "lambda"]
TokenUse = Literal["id", "access"]


class NotAParameter:
    """What pydantic meets when FastAPI would read a parameter of this type out of a client's request.

    It fails where the route is defined, with advice, instead of letting the client choose the value.
    """

    def __init__(self, advice: str) -> None:
        self._advice = advice

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> NoReturn:
        raise ConfigurationError(self._advice)


_ClaimsOfADoor = Annotated[
    dict[str, Any],
    NotAParameter(
        "A Principal is never built from a request: write `user: CurrentUser` for the parameter. "
        "To return one from a route, write response_model=None, or return a model of your own."
    ),
]


class _Copied:
    """Hands out copies of what the principal holds, so that no caller changes another's view."""

    def __get__(self, principal: "Principal | None", owner: type) -> "dict[str, Any] | _Copied":
        if principal is None:
            return self
        claims: dict[str, Any] = deepcopy(principal.__dict__["claims"])
        return claims

    def __set__(self, principal: "Principal", value: object) -> NoReturn:
        raise FrozenInstanceError("cannot assign to field 'claims'")


@dataclass(frozen=True, init=False)
class Principal:
    """Who is calling. Only the two doors make one: the token's, and the gateway's.

    ``sub``         the subject; for a machine, its client id
    ``client_id``   the app client that the token was issued to
    ``issuer``      the pool
    ``expires_at``  seconds since the epoch
    ``claims``      all claims, known ones with the types that a token gives them, whichever the door;
                    each access hands out a copy of its own
    ``username``    None for a machine
    ``token_use``   ``"id"`` or ``"access"``
    ``scopes``      from access tokens (with ``semantics="http"`` from any token)
    ``groups``      ``cognito:groups``
    ``source``      which door: ``"token"``, ``"rest"``, ``"http"`` or ``"lambda"``
    """

    sub: str
    client_id: str
    issuer: str
    expires_at: float
    claims: _ClaimsOfADoor = field(repr=False, hash=False)
    username: str | None
    token_use: TokenUse
    scopes: frozenset[str]
    groups: frozenset[str]
    source: Source

    def __init_subclass__(cls) -> NoReturn:
        # Pydantic would judge a subclass by its own fields, and FastAPI build one from a request.
        raise ConfigurationError("Principal has no subclasses: wrap one in a class of your own.")

    def __init__(
        self,
        sub: str,
        client_id: str,
        issuer: str,
        expires_at: float,
        claims: _ClaimsOfADoor,
        username: str | None = None,
        token_use: TokenUse = "access",
        scopes: frozenset[str] = frozenset(),
        groups: frozenset[str] = frozenset(),
        source: Source = "token",
    ) -> None:
        # The way of frozen dataclasses, through `object.__setattr__`, costs as much as a token's base64.
        fields = self.__dict__
        fields["sub"] = sub
        fields["client_id"] = client_id
        fields["issuer"] = issuer
        fields["expires_at"] = expires_at
        fields["claims"] = claims
        fields["username"] = username
        fields["token_use"] = token_use
        fields["scopes"] = scopes
        fields["groups"] = groups
        fields["source"] = source

    def claim(self, name: str) -> Any:
        """One claim, or None. Cheaper than ``claims``, which copies all of them."""
        return deepcopy(self.__dict__["claims"].get(name))

    @property
    def is_machine(self) -> bool:
        """Whether a client acts for itself (client_credentials): an access token without a user."""
        return self.token_use == "access" and self.username is None

    @property
    def email(self) -> str | None:
        """The ``email`` claim, which ID tokens have. ``email_verified`` in ``claims`` says its worth."""
        email = self.claim("email")
        return email if isinstance(email, str) else None


# The dataclass has taken its field; its attribute becomes the copying one.
type.__setattr__(Principal, "claims", _Copied())
