"""Events of Lambda authorizers, parsed: REST TOKEN and REQUEST, HTTP payload 1.0 and 2.0."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.validation import escape_for_log

Event = Mapping[str, Any]

MAX_ARN_LENGTH = 512  # characters of a resource in a policy; the gateway itself ends at 1600
_NAME = r"[A-Za-z0-9_.*-]+"  # emulators invent account and API; events for tests have a star for a stage
_ARN = re.compile(
    rf"(arn:aws[a-z-]*:execute-api:{_NAME}:{_NAME}:{_NAME}/[A-Za-z0-9_$*-]+)/([A-Z]+|\$[a-z]+)(?:/(.*))?",
    re.DOTALL,
)
_LITERAL_STAR = "${*}"  # IAM's spelling of the character: a star of its own matches slashes, too


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

    ``stage_arn``         ARN of the API's stage, without wildcards: the prefix of every resource of a policy
    ``method_arn``        ARN of the request's method and path
    ``is_rest``           True if an error called ``Unauthorized`` makes a 401
    ``accepts_simple``    True if the response may be ``{"isAuthorized": ...}``
    ``route_key``         ``GET /orders/{id}``, if the event has it
    ``identity_sources``  values that are the key of a cached response, if the event lists them
    ``sent``              other texts of the client's: its query and its cookies
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
    sent: tuple[str, ...] = ()

    @property
    def is_websocket(self) -> bool:
        """True for the handshake of a WebSocket API."""
        return self.method.startswith("$")

    @property
    def subprotocols(self) -> list[str]:
        """Subprotocols that a WebSocket client offers: a browser's only place for a token."""
        if not self.is_websocket:
            return []
        offers = (_decode(value) for name, value in self.headers if name == b"sec-websocket-protocol")
        return [name for offer in offers for each in offer.split(",") if (name := each.strip())]

    def is_cached_by(self, header: bytes) -> bool:
        """Return False if the header is known not to be part of the key of a cached response."""
        # Only payload 2.0 lists the identity sources. Without any, the gateway caches nothing.
        return not self.identity_sources or set(self._list_values(header)) <= set(self.identity_sources)

    def is_ambiguous(self, header: bytes) -> bool:
        """Return True if an identity source with the header's value may be another text of the client's."""
        return bool(self.identity_sources) and any(
            self.is_sent(value, besides=header) for value in self._list_values(header)
        )

    def is_sent(self, value: str, *, besides: bytes = b"") -> bool:
        """Return True if the client itself sent the value, in another place than the header ``besides``."""
        headers = (_decode(text) for name, text in self.headers if name != besides)
        return value != "" and any(_has_value(text, value) for text in (*headers, *self.sent))

    def _list_values(self, header: bytes) -> list[str]:
        return [_decode(value) for name, value in self.headers if name == header]

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
        raise _make_event_error("it is no JSON object")
    version = event.get("version")
    name = "routeArn" if version == "2.0" else "methodArn"
    arn = event.get(name)
    match = _ARN.fullmatch(arn) if isinstance(arn, str) else None
    if match is None:
        given = f"'{escape_for_log(arn)}'" if isinstance(arn, str) else "missing"
        raise _make_event_error(f"its {name} is {given}")
    route_key, sources = event.get("routeKey"), event.get("identitySource")
    stage_arn = match[1].replace("*", _LITERAL_STAR)
    return AuthorizerEvent(
        stage_arn=stage_arn,
        method_arn=stage_arn + match[0][len(match[1]) :],
        method=match[2],
        path="/" + (match[3] or ""),
        is_rest=version is None,
        accepts_simple=version == "2.0",
        route_key=route_key if isinstance(route_key, str) else None,
        identity_sources=tuple(map(str, sources)) if isinstance(sources, list) else (),
        headers=tuple(_read_headers(event, header)),
        sent=tuple(_read_other_texts(event)),
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


def _read_other_texts(event: Event) -> Iterator[str]:
    """Read the query and the cookies of payload 2.0, the only one that lists its identity sources."""
    query, cookies = event.get("queryStringParameters"), event.get("cookies")
    yield from (value for _, value in parse_qsl(str(event.get("rawQueryString") or "")))
    yield from (str(value) for value in (query.values() if isinstance(query, dict) else ()))
    yield from (str(cookie) for cookie in (cookies if isinstance(cookies, list) else ()))


def _has_value(text: str, value: str) -> bool:
    """Return True if the text is the value, or a list of several, joined by the gateway, that has it."""
    joined, wanted = (",".join(part.strip() for part in each.split(",")) for each in (text, value))
    return f",{wanted}," in f",{joined},"


def _make_list(values: object) -> list[object]:
    return values if isinstance(values, list) else [values]


def _encode(text: object) -> bytes:
    """Return the bytes of a header, as Mangum passes them to an app."""
    # Any text has to pass here. A token is ASCII: parsing the credentials refuses all other bytes.
    return b"" if text is None else str(text).encode("utf-8", "surrogatepass")


def _decode(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")


def _make_event_error(reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"This is not the event of a Lambda authorizer, because {reason}: attach the function to the API as "
        "its authorizer (TOKEN, or REQUEST with payload 1.0 or 2.0), and not to a route. The ARN is "
        "arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH."
    )
