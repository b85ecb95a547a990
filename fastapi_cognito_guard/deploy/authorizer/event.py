"""Events of Lambda authorizers, parsed: REST TOKEN and REQUEST, HTTP payload 1.0 and 2.0."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fastapi_cognito_guard.errors import ConfigurationError

Event = Mapping[str, Any]

MAX_ARN_LENGTH = 512  # characters of a resource in a policy; the gateway itself ends at 1600
_ARN = re.compile(
    r"(arn:aws[a-z-]*:execute-api:[a-z0-9-]+:[0-9]+:[A-Za-z0-9]+/[A-Za-z0-9_$-]+)/([A-Z]+|\$[a-z]+)(?:/(.*))?",
    re.DOTALL,
)


@dataclass(frozen=True, kw_only=True)
class AuthorizerRequest:
    """Request that ``allow`` decides on.

    ``method``   ``"GET"``
    ``path``     with ``cached=True`` a path of the app as a gateway writes it: ``/orders/{id}``; with
                 ``cached=False`` the path of this request: ``/orders/1``
    ``headers``  of this request, by lower-case name; empty with ``cached=True``, because the response is
                 reused for other requests
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)


class AuthorizerEvent(NamedTuple):
    """Event of a Lambda authorizer.

    ``stage_arn``         ARN of the API's stage: the prefix of every resource of a policy
    ``method_arn``        ARN of the request's method and path
    ``is_rest``           True if an error called ``Unauthorized`` makes a 401
    ``accepts_simple``    True if the response may be ``{"isAuthorized": ...}``
    ``route_key``         ``GET /orders/{id}``, if the event has it
    ``identity_sources``  values that are the key of a cached response, if the event lists them
    """

    stage_arn: str
    method_arn: str
    method: str
    path: str
    is_rest: bool
    accepts_simple: bool
    route_key: str | None
    identity_sources: tuple[str, ...]
    headers: tuple[tuple[bytes, bytes], ...]

    @property
    def is_websocket(self) -> bool:
        """True for the handshake of a WebSocket API."""
        return self.method.startswith("$")

    def is_cached_by(self, header: bytes) -> bool:
        """Return False if the header is known not to be part of the key of a cached response."""
        # Only payload 2.0 lists the identity sources. Without any, the gateway caches nothing.
        sent = [_decode(value) for name, value in self.headers if name == header]
        return not self.identity_sources or set(sent) <= set(self.identity_sources)

    @property
    def request(self) -> AuthorizerRequest:
        """Request that ``allow`` gets."""
        headers = {_decode(name): _decode(value) for name, value in self.headers}
        return AuthorizerRequest(method=self.method, path=self.path, headers=headers)


def parse_event(event: object, header: bytes) -> AuthorizerEvent:
    """Parse an event. ``header`` (lower case) is the one from which a TOKEN authorizer's token comes.

    Raises `ConfigurationError` if it is not the event of a Lambda authorizer.
    """
    if not isinstance(event, dict):
        raise _make_event_error()
    version = event.get("version")
    arn = event.get("routeArn" if version == "2.0" else "methodArn")
    match = _ARN.fullmatch(arn) if isinstance(arn, str) else None
    if match is None:
        raise _make_event_error()
    route_key, sources = event.get("routeKey"), event.get("identitySource")
    return AuthorizerEvent(
        stage_arn=match[1],
        method_arn=match[0],
        method=match[2],
        path="/" + (match[3] or ""),
        is_rest=version is None,
        accepts_simple=version == "2.0",
        route_key=route_key if isinstance(route_key, str) else None,
        identity_sources=tuple(map(str, sources)) if isinstance(sources, list) else (),
        headers=tuple(_read_headers(event, header)),
    )


def _read_headers(event: Event, header: bytes) -> Iterator[tuple[bytes, bytes]]:
    if event.get("type") == "TOKEN":
        yield header, _encode(event.get("authorizationToken"))
        return
    several, single = event.get("multiValueHeaders"), event.get("headers")
    if isinstance(several, dict):
        for name, values in several.items():
            yield from ((_encode(name).lower(), _encode(value)) for value in _make_list(values))
    elif isinstance(single, dict):
        yield from ((_encode(name).lower(), _encode(value)) for name, value in single.items())


def _make_list(values: object) -> list[object]:
    return values if isinstance(values, list) else [values]


def _encode(text: object) -> bytes:
    """Return the bytes of a header, as Mangum passes them to an app."""
    # Any text has to pass here. A token is ASCII: parsing the credentials refuses all other bytes.
    return b"" if text is None else str(text).encode("utf-8", "surrogatepass")


def _decode(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")


def _make_event_error() -> ConfigurationError:
    return ConfigurationError(
        "This is not the event of a Lambda authorizer: attach the function to the API as its authorizer "
        "(TOKEN, or REQUEST with payload 1.0 or 2.0), and not to a route."
    )
