"""Actors: who acts for the subject of a token (RFC 8693 section 4.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi_cognito_guard.errors import ClaimInvalid, ConfigurationError
from fastapi_cognito_guard.principal import NotAParameter

_MAX_CHAIN = 8
_MAX_LENGTH = 256  # characters of a name


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Party that acts for the subject of a token, such as a service that exchanged the user's token.

    ``sub``        the actor's subject; a machine's is its client id
    ``client_id``  the actor's app client, if the token names it
    ``issuer``     the issuer of ``sub``, if the token names it; by default the token's own
    ``prior``      the party for whom this actor acted before, if any. For records only: RFC 8693 section 4.1
                   says that it must not be considered in access control
    """

    sub: Annotated[str, NotAParameter("An Actor is never built from a request: read it from `user.actor`.")]
    client_id: str | None = None
    issuer: str | None = None
    prior: "Actor | None" = None

    def __init_subclass__(cls) -> None:
        raise ConfigurationError("Actor has no subclasses: wrap one in a class of your own.")

    @property
    def chain(self) -> tuple["Actor", ...]:
        """The current actor and all prior ones, in this order."""
        return (self, *(self.prior.chain if self.prior is not None else ()))


def parse_actor(value: object, depth: int = 1) -> Actor:
    """Return the actor of the claim ``act``. Raises `ClaimInvalid` for anything that does not name one.

    An actor that cannot be read must never look like none.
    """
    if not isinstance(value, dict) or depth > _MAX_CHAIN:
        raise _actor_error()
    names = {name: _read_name(value, name) for name in ("sub", "client_id", "iss")}
    if names["sub"] is None:
        raise _actor_error()
    return Actor(
        sub=names["sub"],
        client_id=names["client_id"],
        issuer=names["iss"],
        prior=parse_actor(value["act"], depth + 1) if "act" in value else None,
    )


def _read_name(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    if name in values and not (isinstance(value, str) and 0 < len(value) <= _MAX_LENGTH):
        raise _actor_error()
    return value


def _actor_error() -> ClaimInvalid:
    return ClaimInvalid(
        "the claim act names no actor (an object with sub) as this gateway or token writes it: read it from "
        'the token, gateway="verify" or "ignore", or check the trigger that sets it.'
    )
