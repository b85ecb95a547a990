"""Principals: callers whose identity is proven."""

from copy import deepcopy
from dataclasses import FrozenInstanceError, dataclass, field
from typing import Annotated, Any, Literal, NoReturn

from fastapi_cognito_guard.errors import ConfigurationError

Source = Literal["token", "rest", "http", "lambda"]
TokenUse = Literal["id", "access"]


class NotAParameter:
    """Marker for types that FastAPI must not read from a request.

    The definition of a route that would do so fails with advice, so that no client chooses the value.
    """

    def __init__(self, advice: str) -> None:
        self._advice = advice

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> NoReturn:
        raise ConfigurationError(self._advice)


_PrincipalClaims = Annotated[
    dict[str, Any],
    NotAParameter(
        "A Principal is never built from a request: write `user: CurrentUser` for the parameter. "
        "To return one from a route, write response_model=None, or return a model of your own."
    ),
]


class _CopiedClaims:
    """Descriptor that returns a copy at each access, so that no reader changes another's claims."""

    def __get__(self, principal: "Principal | None", owner: type) -> "dict[str, Any] | _CopiedClaims":
        if principal is None:
            return self
        claims: dict[str, Any] = deepcopy(principal.__dict__["claims"])
        return claims

    def __set__(self, principal: "Principal", value: object) -> NoReturn:
        raise FrozenInstanceError("cannot assign to field 'claims'")


@dataclass(frozen=True, init=False)
class Principal:
    """The caller of a request. Only verified tokens and a gateway's claims become principals.

    ``sub``         the subject; for a machine, its client id
    ``client_id``   the app client that the token was issued to
    ``issuer``      the pool
    ``expires_at``  seconds since the epoch
    ``claims``      all claims; those that Cognito defines have the types of a token at every door; each
                    access returns a new copy
    ``username``    None for a machine
    ``token_use``   ``"id"`` or ``"access"``
    ``scopes``      from access tokens (with ``semantics="http"`` from any token)
    ``groups``      ``cognito:groups``
    ``source``      the origin of the claims: ``"token"``, ``"rest"``, ``"http"`` or ``"lambda"``
    """

    sub: str
    client_id: str
    issuer: str
    expires_at: float
    claims: _PrincipalClaims = field(repr=False, hash=False)
    username: str | None
    token_use: TokenUse
    scopes: frozenset[str]
    groups: frozenset[str]
    source: Source

    def __init_subclass__(cls) -> NoReturn:
        # Pydantic would validate a subclass by its own fields, and FastAPI build one from a request.
        raise ConfigurationError("Principal has no subclasses: wrap one in a class of your own.")

    def __init__(
        self,
        sub: str,
        client_id: str,
        issuer: str,
        expires_at: float,
        claims: _PrincipalClaims,
        username: str | None = None,
        token_use: TokenUse = "access",
        scopes: frozenset[str] = frozenset(),
        groups: frozenset[str] = frozenset(),
        source: Source = "token",
    ) -> None:
        # `object.__setattr__`, which frozen dataclasses use, costs as much as decoding a token.
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
        """Return one claim, or None. Cheaper than ``claims``, which copies all of them."""
        return deepcopy(self.__dict__["claims"].get(name))

    @property
    def is_machine(self) -> bool:
        """True for an access token without a user: a client that acts for itself (client_credentials)."""
        return self.token_use == "access" and self.username is None

    @property
    def email(self) -> str | None:
        """The ``email`` claim of an ID token, or None. See ``email_verified`` in ``claims``."""
        email = self.claim("email")
        return email if isinstance(email, str) else None


# After the dataclass has read the field, a descriptor replaces the attribute.
type.__setattr__(Principal, "claims", _CopiedClaims())
