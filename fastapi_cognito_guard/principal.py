"""Principals: callers whose identity is proven."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import FrozenInstanceError, dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

from fastapi_cognito_guard.claim_models import Model, read_model
from fastapi_cognito_guard.claim_types import (
    COGNITO_LISTS,
    COGNITO_OBJECTS,
    COGNITO_TYPED,
    ClaimTypes,
    describe_type,
)
from fastapi_cognito_guard.errors import ConfigurationError

if TYPE_CHECKING:
    from fastapi_cognito_guard.actor import Actor

COGNITO_LEVELS = tuple(f"urn:cognito:loa:{level}" for level in (1, 2, 3, 4))
"""Cognito's default names of its four authentication levels, the lowest first."""

USER_ADMIN = "aws.cognito.signin.user.admin"
"""The only scope of a sign-in through Cognito's API. Sign-ins through the hosted UI have others."""

Source = Literal["token", "rest", "http", "lambda"]
TokenUse = Literal["id", "access"]

_TEXT_SOURCES = ("rest", "http")  # gateways that may write any claim as text


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


class _ReadableClaims(dict[str, Any]):
    """Claims of which some need a declaration before they can be read: reading those raises advice."""

    def __init__(self, values: Mapping[str, Any], advice: Mapping[str, str]) -> None:
        super().__init__(values)
        self._advice = advice

    def __missing__(self, name: str) -> NoReturn:
        self._check(name)
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        self._check(name)
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._check(name)
        return super().get(name, default)

    def _check(self, name: object) -> None:
        if name in self._advice:
            raise ConfigurationError(self._advice[str(name)], setting="claim_types")


class _CopiedClaims:
    """Descriptor that returns a copy at each access, so that no reader changes another's claims."""

    def __get__(self, principal: "Principal | None", owner: type) -> "dict[str, Any] | _CopiedClaims":
        if principal is None:
            return self
        claims: dict[str, Any] = principal.__dict__["claims"]
        advice = {
            name: text
            for name, value in claims.items()
            if (text := _advise(principal, name, value)) is not None
        }
        readable = deepcopy({name: value for name, value in claims.items() if name not in advice})
        return _ReadableClaims(readable, advice) if advice else readable

    def __set__(self, principal: "Principal", value: object) -> NoReturn:
        raise FrozenInstanceError("cannot assign to field 'claims'")


def _advise(principal: "Principal", name: str, value: object) -> str | None:
    """Return advice if a claim cannot be read alike at every door, else None.

    An app's own claim that is not text in a token is text behind most gateways, and only its declaration
    gives it its type back.
    """
    if isinstance(value, str):
        if name not in COGNITO_OBJECTS or principal.source not in _TEXT_SOURCES:
            return None
        return (
            f"This gateway writes the claim {name} in a form that cannot be parsed. Read it from the token: "
            'CognitoGuard(..., gateway="verify") or gateway="ignore".'
        )
    if value is None or name in COGNITO_TYPED or name in principal.claim_types:
        return None
    kind = describe_type(value)
    return (
        f"The claim {name} is not text, and gateways deliver it as text. Declare its type, so that it is the "
        f'same at every door: CognitoGuard(..., claim_types={{"{name}": {kind}}}).'
    )


@dataclass(frozen=True, init=False)
class Principal:
    """The caller of a request. Only verified tokens and a gateway's claims become principals.

    ``sub``         the subject; for a machine, its client id
    ``client_id``   the app client that the token was issued to
    ``issuer``      the token's ``iss``, one of those of its pool
    ``pool_id``     the pool: the id that the guard has for the issuer
    ``expires_at``  seconds since the epoch
    ``claims``      all claims; those that Cognito defines, and those of ``claim_types``, have their types at
                    every door; each access returns a new copy. Reading another claim that is not text
                    raises `ConfigurationError`: declare it in ``CognitoGuard(claim_types=...)``
    ``username``    None for a machine
    ``token_use``   ``"id"`` or ``"access"``
    ``scopes``      from access tokens (with ``semantics="http"`` from any token)
    ``groups``      ``cognito:groups``
    ``actor``       who acts for the user, by a token that was exchanged with an actor token; None for nobody.
                    A token that was exchanged without one looks like the user's own
    ``levels``      the names of the pool's authentication levels, the lowest first
    ``claim_types`` the types that the guard declares for the app's own claims
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
    claim_types: ClaimTypes = field(repr=False, compare=False)
    actor: "Actor | None"
    levels: tuple[str, ...] = field(repr=False, compare=False)
    pool_id: str

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
        claim_types: ClaimTypes = MappingProxyType({}),
        actor: "Actor | None" = None,
        levels: tuple[str, ...] = COGNITO_LEVELS,
        pool_id: str = "",
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
        fields["claim_types"] = claim_types
        fields["actor"] = actor
        fields["levels"] = levels
        fields["pool_id"] = pool_id

    def claim(self, name: str) -> Any:
        """Return one claim, or None. Cheaper than ``claims``, which copies all of them.

        Raises `ConfigurationError` for a claim that must be declared first: see ``claims``.
        """
        value = self.__dict__["claims"].get(name)
        if isinstance(value, str) and name not in COGNITO_OBJECTS:
            return value
        advice = _advise(self, name, value)
        if advice is not None:
            raise ConfigurationError(advice, setting="claim_types")
        return deepcopy(value)

    def claims_as(self, model: type[Model]) -> Model:
        """Return the claims as a pydantic model, read by its fields' names or aliases.

        Claims that do not fit are refused: 401 ``claim_invalid``. Raises `ConfigurationError` if a field
        reads a claim that must be declared first: see ``claims``.
        """
        return read_model(model, self.claims)

    @property
    def is_machine(self) -> bool:
        """True for an access token without a user: a client that acts for itself (client_credentials)."""
        return self.token_use == "access" and self.username is None

    @property
    def level(self) -> str | None:
        """The authentication level reached at sign-in (``acr``); None if the pool has no such level."""
        acr = self.__dict__["claims"].get("acr")
        return acr if isinstance(acr, str) and acr in self.__dict__["levels"] else None

    @property
    def email(self) -> str | None:
        """The ``email`` claim, or None. See ``email_verified`` in ``claims``.

        None with access tokens, which guards take by default: Cognito writes attributes into ID tokens only,
        unless a pre-token-generation trigger of the pool adds the claim.
        """
        email = self.__dict__["claims"].get("email")
        return email if isinstance(email, str) else None


# After the dataclass has read the field, a descriptor replaces the attribute.
type.__setattr__(Principal, "claims", _CopiedClaims())


def copy_all_claims(principal: Principal) -> dict[str, Any]:
    """Return all claims of a principal, declared or not, for another guard to read."""
    claims: dict[str, Any] = deepcopy(principal.__dict__["claims"])
    return claims


def list_claim_texts(principal: Principal, name: str) -> frozenset[str]:
    """Return a claim as text, which is the same at every door; of a list with a known type, each item."""
    value = principal.__dict__["claims"].get(name)
    if isinstance(value, list) and (name in COGNITO_LISTS or name in principal.__dict__["claim_types"]):
        return frozenset(value)
    return as_claim_text(value)


def as_claim_text(value: object) -> frozenset[str]:
    """Return a value as gateways write it: text as it is, whole numbers in digits, ``true`` or ``false``.

    Other values have no text that is the same at every gateway.
    """
    if isinstance(value, bool):
        return frozenset({"true" if value else "false"})
    if isinstance(value, str | int):
        return frozenset({str(value)})
    return frozenset()
