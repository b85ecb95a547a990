"""Token exchange (RFC 8693): a caller's token becomes one that is meant for another service."""

import re
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from starlette.requests import HTTPConnection

from fastapi_cognito_guard.addresses import build_sign_in_url
from fastapi_cognito_guard.client.auth import BearerAuth
from fastapi_cognito_guard.client.endpoint import TokenEndpoint, find_lifetime, is_bearer_token
from fastapi_cognito_guard.client.keeper import Issued, TokenKeeper
from fastapi_cognito_guard.client.origins import Origins
from fastapi_cognito_guard.client.sources import (
    ClientCredentials,
    TokenProvider,
    advise_on_delay,
    request_token,
)
from fastapi_cognito_guard.client.subjects import (
    ACCESS_TOKEN,
    Subject,
    SubjectKeepers,
    find_subject,
    find_token_type,
    read_payload,
    read_subject,
)
from fastapi_cognito_guard.errors import ConfigurationError, TokenRequestFailed
from fastapi_cognito_guard.settings import check_whole_number
from fastapi_cognito_guard.tokens.clock import read_time
from fastapi_cognito_guard.validation import NQCHAR

_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
_SCOPE = f"{NQCHAR}+"  # RFC 6749 section 3.3
_TARGET = NQCHAR + "{1,256}"
_ALLOW = (
    "allow the app client token exchange: ALLOW_TOKEN_EXCHANGE_DELEGATION with an actor token, "
    "ALLOW_TOKEN_EXCHANGE_IMPERSONATION without one"
)
_INVALID_TOKEN = (
    "the token of the caller or of the actor has expired, was revoked, or is none that the pool exchanges"
)
_ADVICE = {  # by RFC 6749 section 5.2 and RFC 8693 section 2.2.2
    "invalid_request": _INVALID_TOKEN,
    "invalid_grant": _INVALID_TOKEN,
    "invalid_client": "check client_id and client_secret",
    "unauthorized_client": _ALLOW,
    "unsupported_grant_type": _ALLOW,
    "invalid_scope": "the caller's token or the app client lacks the scopes: ask for others",
    "invalid_target": "the pool issues no tokens for this audience or resource",
}
_OF_A_TOKEN = ("invalid_request", "invalid_grant")


class TokenExchange:
    """Tokens of another service for the callers of this one (RFC 8693), sent with httpx or httpx2.

    ``domain``         as in `UserPool`: ``myapp.auth.eu-west-1.amazoncognito.com``
    ``client_secret``  for an app client that has one
    ``scopes``         to request. Without any, a token would keep all scopes of the caller's, so name them
    ``audience``       the service's logical name, or else:
    ``resource``       its identifier as a resource server
    ``actor``          whose token names this service as the actor: a `ClientCredentials`, or a function that
                       returns a token. Without it the new token looks as if the caller had sent it
    ``origins``        addresses of the service: ``"https://orders.example.com"``, or several; by default
                       every https address, and http on loopback
    ``timeout``        seconds that obtaining a token may take, with that of the actor
    ``http_hosts``     hosts of ``domain`` and ``origins`` that may be reached over plain http, for containers
                       on your machine. Refused on Lambda
    ``remember``       how many callers' tokens to keep
    ``now``            the clock, in seconds since the epoch

    A token is kept under the SHA-256 of the caller's token, until shortly before either expires, and
    requested once for all requests that wait for it. The caller's own token goes to the token endpoint only.

    >>> orders = TokenExchange(domain=..., client_id=..., client_secret=..., scopes=["orders/read"],
    ...                        resource="https://orders.example.com", actor=ClientCredentials(...))
    >>> await client.get("https://orders.example.com/", auth=orders.for_request(request))
    """

    def __init__(
        self,
        *,
        domain: str,
        client_id: str,
        client_secret: str | None = None,
        scopes: Collection[str],
        audience: str | None = None,
        resource: str | None = None,
        actor: ClientCredentials | TokenProvider | None = None,
        origins: Collection[str] | str = (),
        timeout: float = 10.0,
        http_hosts: Collection[str] | str = (),
        remember: int = 1024,
        now: Callable[[], float] = read_time,
    ) -> None:
        check_whole_number("remember", remember, 1)
        self._scopes = _check_scopes(scopes)
        self._target = _check_target(audience, resource)
        self._origins = Origins(origins, http_hosts)
        build_sign_in_url(domain, http_hosts=self._origins.http_hosts)
        self._endpoint = TokenEndpoint(domain, client_id, client_secret, self._origins.http_hosts)
        self._now = now
        self._actor = None if actor is None else _Actor(actor, timeout, now)
        make_keeper = partial(
            TokenKeeper, timeout=timeout, now=now, advice="check the domain, the network and the actor"
        )
        self._keepers = SubjectKeepers(remember, make_keeper)

    def __repr__(self) -> str:
        (name, value), scopes = next(iter(self._target.items())), list(self._scopes)
        endpoint = f"domain={self._endpoint.domain!r}, client_id={self._endpoint.client_id!r}"
        return f"TokenExchange({endpoint}, scopes={scopes!r}, {name}={value!r})"

    def for_request(self, connection: HTTPConnection) -> BearerAuth:
        """Return authentication on behalf of a request's caller, whom the guard has identified.

        Use it for calls within this request: ``client.get(url, auth=exchange.for_request(request))``. Raises
        an `AuthError`, which refuses the request, if it carries no token, or another one than the caller's.
        """
        return self._build_auth(find_subject(connection))

    def for_subject(self, token: str) -> BearerAuth:
        """Return authentication on behalf of the user of a bare token, which your guard has verified.

        Raises `TokenRequestFailed` for anything else than a token of Cognito.
        """
        return self._build_auth(read_subject(token))

    def _build_auth(self, subject: Subject) -> BearerAuth:
        return BearerAuth(self._keepers.find(subject), partial(self._exchange, subject), self._origins)

    async def _exchange(self, subject: Subject) -> Issued:
        """Exchange a token. It runs in a thread of its own, so that a cancelled request does not end it."""
        with self._keepers.take_slot():
            actor_token = None if self._actor is None else await self._actor.find_token()
            try:
                answer = await self._endpoint.post(self._build_form(subject, actor_token), _ADVICE)
            except TokenRequestFailed as error:
                if self._actor is not None and actor_token is not None and error.error in _OF_A_TOKEN:
                    self._actor.keeper.refuse(actor_token)
                raise
        token = _check_answer(answer, subject, self._scopes)
        lifetime = find_lifetime(answer.get("expires_in"), token, self._now())
        return Issued(token, min(lifetime, find_lifetime(None, subject.token, self._now())))

    def _build_form(self, subject: Subject, actor_token: str | None) -> dict[str, str]:
        form = {
            "grant_type": _GRANT,
            "subject_token": subject.token,
            "subject_token_type": subject.token_type,
            "requested_token_type": ACCESS_TOKEN,
            "scope": " ".join(self._scopes),
            **self._target,
        }
        if actor_token is not None:
            form |= {"actor_token": actor_token, "actor_token_type": find_token_type(actor_token)}
        return form


class _Actor:
    """Token of the actor, which all exchanges share."""

    def __init__(
        self, source: ClientCredentials | TokenProvider, timeout: float, now: Callable[[], float]
    ) -> None:
        if not isinstance(source, ClientCredentials) and not callable(source):
            raise ConfigurationError(
                "actor is a ClientCredentials(...), or a function that returns a token.", setting="actor"
            )
        self.keeper = TokenKeeper(timeout=timeout, now=now, advice=advise_on_delay(source))
        self._request = partial(request_token, source, now)

    async def find_token(self) -> str:
        return await self.keeper.wait_async(self.keeper.find(self._request))


def _check_scopes(scopes: Collection[str]) -> tuple[str, ...]:
    if isinstance(scopes, str) or not isinstance(scopes, Collection) or not scopes:
        raise ConfigurationError(
            'scopes is a list with at least one scope: scopes=["orders/read"].', setting="scopes"
        )
    for scope in scopes:
        if not isinstance(scope, str) or not re.fullmatch(_SCOPE, scope):
            raise ConfigurationError("A scope is a text without blanks and quotes.", setting="scopes")
    return tuple(scopes)


def _check_target(audience: str | None, resource: str | None) -> Mapping[str, str]:
    target = {"audience": audience, "resource": resource}
    given = {name: value for name, value in target.items() if value is not None}
    if len(given) != 1:
        raise ConfigurationError(
            'Name the service once: audience="orders", or resource="https://orders.example.com".',
            setting="audience",
        )
    for name, value in given.items():
        if not isinstance(value, str) or not re.fullmatch(_TARGET, value):
            raise ConfigurationError(
                f"{name} is a text of 1 to 256 characters, without blanks and quotes.", setting=name
            )
    return given


def _check_answer(answer: Mapping[str, Any], subject: Subject, scopes: Collection[str]) -> str:
    """Return the new token if it is what was asked for. Raises `TokenRequestFailed`."""
    token, token_type = answer.get("access_token"), answer.get("token_type")
    if not isinstance(token_type, str) or token_type.lower() != "bearer":
        raise TokenRequestFailed("The exchange gave no bearer token: check that the pool supports it.")
    if answer.get("issued_token_type") != ACCESS_TOKEN or not is_bearer_token(token):
        raise TokenRequestFailed("The exchange gave no access token: check that the pool supports it.")
    if token == subject.token:
        raise TokenRequestFailed("The exchange gave the caller's own token, which goes to no other service.")
    claims = read_payload(token)
    if claims.get("token_use") != "access" or claims.get("sub") != subject.sub:
        raise TokenRequestFailed("The exchange gave a token of another user, or no access token of Cognito.")
    scope = claims.get("scope", "")
    if not isinstance(scope, str) or not set(scope.split()) <= set(scopes):
        raise TokenRequestFailed(
            "The exchanged token has scopes that were not requested: add them to scopes if a trigger of the "
            "pool adds them."
        )
    return token
