"""Form of a token exchange (RFC 8693 section 2.1), as the local pool takes it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi_cognito_guard.testing.emulator.directory import LocalClient
from fastapi_cognito_guard.testing.exchange import ExchangeRefused
from fastapi_cognito_guard.validation import NQCHAR

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
_ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
_AUDIENCE = NQCHAR + "{1,256}"


@dataclass(frozen=True, slots=True)
class ExchangeForm:
    """Tokens of an exchange that a client may make, the scopes asked for, and the audience if any."""

    subject_token: str = field(repr=False)
    actor_token: str | None = field(repr=False)
    scopes: frozenset[str]
    audience: str | None


def read_exchange_form(client: LocalClient, form: Mapping[str, str]) -> ExchangeForm:
    """Return what a client wants to exchange. Raises `ExchangeRefused`."""
    subject, actor = _read_token(form, "subject"), _read_token(form, "actor")
    if subject is None:
        raise ExchangeRefused("invalid_request", "subject_token and subject_token_type are required")
    way = "impersonation" if actor is None else "delegation"
    if way not in client.token_exchange:
        raise ExchangeRefused("unauthorized_client", f'add "{way}" to token_exchange of {client.id}')
    if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
        raise ExchangeRefused("invalid_request", "the local pool issues access tokens only")
    audience = form.get("audience")
    if audience is not None and not re.fullmatch(_AUDIENCE, audience):
        raise ExchangeRefused("invalid_target", "audience is 1 to 256 characters, without blanks and quotes")
    # Without a list, Cognito's token has the scopes of the subject token. None has more than the client.
    scopes = frozenset(form.get("scope", "").split()) or frozenset(client.scopes)
    return ExchangeForm(subject, actor, scopes, audience)


def _read_token(form: Mapping[str, str], role: str) -> str | None:
    """Return the token of a role, which comes with its type; None if there is neither."""
    token, kind = form.get(f"{role}_token"), form.get(f"{role}_token_type")
    if (token is None) != (kind is None):
        raise ExchangeRefused("invalid_request", f"{role}_token and {role}_token_type come together")
    if kind not in (None, ACCESS_TOKEN, _ID_TOKEN):
        raise ExchangeRefused("invalid_request", f"{role}_token_type is that of an access or an ID token")
    return token
