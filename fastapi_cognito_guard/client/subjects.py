"""Subjects of token exchange: the token that is exchanged, and what is kept for each."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Lock
from typing import Any

from starlette.requests import HTTPConnection

from fastapi_cognito_guard.client.keeper import TokenKeeper
from fastapi_cognito_guard.credentials import find_token
from fastapi_cognito_guard.errors import (
    AuthError,
    ConfigurationError,
    GatewayMismatch,
    TokenMissing,
    TokenRequestFailed,
)
from fastapi_cognito_guard.forks import reset_in_children
from fastapi_cognito_guard.principal import Principal
from fastapi_cognito_guard.request_state import STATE, RequestState, missing_user_error
from fastapi_cognito_guard.tokens.cache import hash_token
from fastapi_cognito_guard.tokens.jwt import parse

_MOST_UNDER_WAY = 100  # exchanges, each of which holds a thread

_TYPES = {use: f"urn:ietf:params:oauth:token-type:{use}_token" for use in ("access", "id")}
ACCESS_TOKEN = _TYPES["access"]
"""Identifier of access tokens (RFC 8693 section 3)."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Token of Cognito to exchange, and its ``sub``, which the new token must have too."""

    token: str = field(repr=False)
    token_type: str
    sub: str


def read_subject(token: object) -> Subject:
    """Return the subject of a bare token. Raises `TokenRequestFailed` for anything else."""
    payload = read_payload(token)
    sub, use = payload.get("sub"), payload.get("token_use")
    if (
        not isinstance(token, str)
        or not isinstance(sub, str)
        or not isinstance(use, str)
        or use not in _TYPES
    ):
        raise TokenRequestFailed(
            "The subject token is no token of Cognito: give the bare token that the guard has verified."
        )
    return Subject(token, _TYPES[use], sub)


def find_subject(connection: HTTPConnection) -> Subject:
    """Return the token of a request whose caller the guard has identified.

    Raises an `AuthError` if there is no such caller, or if the token is not the caller's: behind a gateway, a
    request could carry another one than its authorizer has read.
    """
    state = connection.scope.get(STATE)
    if not isinstance(state, RequestState):
        raise ConfigurationError(
            "There is no guard here: write guard.install(app), right after app = FastAPI()."
        )
    if state.principal is None or state.error is not None:
        missing = TokenMissing("no caller is known here: let the route take `user: CurrentUser`.")
        raise missing_user_error(missing, connection, state.guard)
    try:
        token = find_token(connection.scope, state.guard.header, state.guard.websocket_protocol)
        payload = parse(token).payload
    except AuthError:
        raise GatewayMismatch("the caller is known, and the request carries no token to exchange.") from None
    if not _is_token_of(state.principal, payload):
        raise GatewayMismatch("the token in the header is not the one of the gateway's claims.")
    return read_subject(token)


def read_payload(token: object) -> Mapping[str, Any]:
    """Return the claims of a token, of which nothing is verified here; none for what is no JWT of Cognito."""
    try:
        return parse(token).payload if isinstance(token, str) else {}
    except AuthError:
        return {}


def find_token_type(token: str) -> str:
    """Return the identifier of a token's type: an ID token's, or an access token's for any other."""
    return _TYPES["id" if read_payload(token).get("token_use") == "id" else "access"]


class SubjectKeepers:
    """Keepers of exchanged tokens, one per subject token, least recently used out first. Thread-safe.

    They stand under the SHA-256 of the subject token, which is not kept. A forked child starts without any.
    """

    def __init__(self, size: int, make_keeper: Callable[[], TokenKeeper]) -> None:
        self._size = size
        self._make_keeper = make_keeper
        self.reset()
        reset_in_children(self)

    def reset(self) -> None:
        """Forget all keepers."""
        self._lock = Lock()
        self._slots = BoundedSemaphore(_MOST_UNDER_WAY)
        self._keepers: OrderedDict[bytes, TokenKeeper] = OrderedDict()

    def __len__(self) -> int:
        return len(self._keepers)

    def find(self, subject: Subject) -> TokenKeeper:
        """Return the keeper of the token that was, or will be, exchanged for this subject."""
        digest = hash_token(subject.token)
        with self._lock:
            keeper = self._keepers.pop(digest, None) or self._make_keeper()
            self._keepers[digest] = keeper
            if len(self._keepers) > self._size:
                self._keepers.popitem(last=False)
        return keeper

    @contextmanager
    def take_slot(self) -> Iterator[None]:
        """Count one exchange under way. Raises `TokenRequestFailed` beside too many others."""
        slots = self._slots
        if not slots.acquire(blocking=False):
            raise TokenRequestFailed(
                f"{_MOST_UNDER_WAY} exchanges are under way: check the token endpoint, or try again later."
            )
        try:
            yield
        finally:
            slots.release()


def _is_token_of(principal: Principal, payload: Mapping[str, Any]) -> bool:
    """Return True if these are the claims of the caller's token: a gateway's claims name it by ``jti``."""
    if payload.get("iss") != principal.issuer or payload.get("sub") != principal.sub:
        return False
    jti = principal.claim("jti")
    return payload.get("jti") == jti and (jti is not None or principal.source == "token")
