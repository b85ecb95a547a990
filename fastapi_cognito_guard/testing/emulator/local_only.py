"""Filter of requests to the local pool: its own host names, and the web pages of its clients."""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from fastapi_cognito_guard.testing.emulator.directory import LocalClient

_HOSTS = ("127.0.0.1", "localhost")
_PORTS = {"http": 80, "https": 443}


class LocalOnly:
    """Middleware that refuses other hosts (400) and web pages of other origins (403).

    A browser sends any page's requests to a loopback address. The secrets of the pool are public, so that
    each of these pages could have tokens.
    """

    def __init__(self, app: ASGIApp, origins: Collection[str], clients: Collection[LocalClient] = ()) -> None:
        self._app = app
        self._clients = clients
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._check(Headers(scope=scope)) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _check(self, headers: Headers) -> PlainTextResponse | None:
        hosts = headers.getlist("host")
        # DNS rebinding: no web page may reach the pool under a host name of its own.
        if len(hosts) != 1 or not _is_local(hosts[0]):
            return PlainTextResponse("The local pool has the hosts 127.0.0.1 and localhost only.", 400)
        if not all(map(self._is_known, headers.getlist("origin"))):
            return PlainTextResponse(
                "This origin is none of the pool's clients: add a callback URL with it to a client.", 403
            )
        return None

    def _is_known(self, origin: str) -> bool:
        return origin in self._origins or any(client.has_origin(origin) for client in self._clients)


def list_origins(address: str, clients: Collection[LocalClient]) -> list[str]:
    """Return the web origins of the callback URLs, and the pool's own."""
    pages = [url for client in clients for url in client.callback_urls]
    own = [f"http://{host}:{urlsplit(address).port}" for host in _HOSTS]
    return sorted({*own, *filter(None, map(_read_origin, pages))})


def _read_origin(url: str) -> str | None:
    """Return the origin of a web address as browsers write it (RFC 6454 section 6.1); None for others."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host:
        return None
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}" + ("" if port in (None, _PORTS[parts.scheme]) else f":{port}")


def _is_local(host: str) -> bool:
    """Return True for one of the pool's own names, with or without a port."""
    name, colon, port = host.partition(":")
    return name.lower() in _HOSTS and (not colon or (port.isascii() and port.isdigit()))
