"""What a gateway asks a Lambda authorizer: four kinds of event, read as one."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fastapi_cognito_guard.errors import ConfigurationError

Event = Mapping[str, Any]

LONGEST_ARN = 512  # characters of a resource in a policy; the gateway itself ends at 1600
_ARN = re.compile(
    r"(arn:aws[a-z-]*:execute-api:[a-z0-9-]+:[0-9]+:[A-Za-z0-9]+/[A-Za-z0-9_$-]+)/([A-Z]+|\$[a-z]+)(?:/(.*))?",
    re.DOTALL,
)


@dataclass(frozen=True, kw_only=True)
class AuthorizerRequest:
    """What ``allow`` is asked about.

    ``method``   ``"GET"``
    ``path``     with ``cached=True`` a path of the app's, as a gateway has it: ``/orders/{id}``; with
                 ``cached=False`` the path of this request: ``/orders/1``
    ``headers``  of this request, by lower-case name; empty with ``cached=True``, where the answer is kept
                 for other requests too
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)


class AuthorizerEvent(NamedTuple):
    """One question of a gateway.

    ``api``               the ARN of the API's stage: what every resource of a policy begins with
    ``arn``               of the method that was called
    ``is_rest``           whether an error called ``Unauthorized`` is a 401 there
    ``takes_simple``      whether ``{"isAuthorized": ...}`` can be its answer
    ``route_key``         ``GET /orders/{id}``, where the gateway says it
    ``identity_sources``  the values by which the answer may be kept
    """

    api: str
    arn: str
    method: str
    path: str
    is_rest: bool
    takes_simple: bool
    route_key: str | None
    identity_sources: tuple[str, ...]
    headers: tuple[tuple[bytes, bytes], ...]

    @property
    def is_websocket(self) -> bool:
        """Whether it is the handshake of a WebSocket API."""
        return self.method.startswith("$")

    def is_kept_by(self, header: bytes) -> bool:
        """Whether the answer may be kept for all who send the same header. Only payload 2.0 shows it."""
        sent = [_text(value) for name, value in self.headers if name == header]
        return not (self.takes_simple and self.identity_sources) or set(sent) <= set(self.identity_sources)

    @property
    def request(self) -> AuthorizerRequest:
        """This very request, for ``allow``."""
        headers = {_text(name): _text(value) for name, value in self.headers}
        return AuthorizerRequest(method=self.method, path=self.path, headers=headers)


def parse_event(event: object, header: bytes) -> AuthorizerEvent:
    """Read an event. ``header`` (lower case) is the one that a TOKEN authorizer's token comes from.

    Raises `ConfigurationError` for what is no event of a Lambda authorizer.
    """
    if not isinstance(event, dict):
        raise _no_event()
    version = event.get("version")
    arn = event.get("routeArn" if version == "2.0" else "methodArn")
    match = _ARN.fullmatch(arn) if isinstance(arn, str) else None
    if match is None:
        raise _no_event()
    route_key, sources = event.get("routeKey"), event.get("identitySource")
    return AuthorizerEvent(
        api=match[1],
        arn=match[0],
        method=match[2],
        path="/" + (match[3] or ""),
        is_rest=version is None,
        takes_simple=version == "2.0",
        route_key=route_key if isinstance(route_key, str) else None,
        identity_sources=tuple(map(str, sources)) if isinstance(sources, list) else (),
        headers=tuple(_headers(event, header)),
    )


def _headers(event: Event, header: bytes) -> Iterator[tuple[bytes, bytes]]:
    if event.get("type") == "TOKEN":
        yield header, _octets(event.get("authorizationToken"))
        return
    several, single = event.get("multiValueHeaders"), event.get("headers")
    if isinstance(several, dict):
        for name, values in several.items():
            yield from ((_name(name), _octets(value)) for value in _list(values))
    elif isinstance(single, dict):
        yield from ((_name(name), _octets(value)) for name, value in single.items())


def _list(values: object) -> list[object]:
    return values if isinstance(values, list) else [values]


def _name(name: object) -> bytes:
    return _octets(name).lower()


def _octets(text: object) -> bytes:
    """The bytes of a header, as Mangum gives them to an app. A token is ASCII: what is not, is refused."""
    return b"" if text is None else str(text).encode("utf-8", "surrogatepass")


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")


def _no_event() -> ConfigurationError:
    return ConfigurationError(
        "This is no event of a Lambda authorizer: attach the function to the API as its authorizer "
        "(TOKEN, or REQUEST with payload 1.0 or 2.0), and not to a route."
    )
