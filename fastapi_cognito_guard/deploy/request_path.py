"""Path of a request as the client sent it, as far as the event still shows it.

REST APIs, function URLs and load balancers leave the path escaped. HTTP APIs decode it, and there nobody can
tell which characters were escaped.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

_SAFE = "/!$&'()*+,;=:@"  # RFC 3986 section 3.3, besides letters, digits and -._~


def read_request_path(event: Mapping[str, Any], decoded: str) -> tuple[str, bytes]:
    """Return the path without escapes and the escaped one, which ASGI calls ``raw_path``.

    ``decoded`` is Mangum's path. Where the gateway has decoded already, Mangum has decoded once more.
    """
    sent = _find_path(event)
    if not sent:
        return decoded, _escape(decoded)
    if _is_decoded(event):
        return sent, _escape(sent)
    return decoded, _escape(sent, also="%")


def _find_path(event: Mapping[str, Any]) -> str | None:
    """Return the path that Mangum has decoded; None for an event whose path it leaves as it is."""
    if event.get("version") != "2.0":
        path = event.get("path")
        return path if isinstance(path, str) else None
    context = event.get("requestContext")
    http = context.get("http") if isinstance(context, dict) else None
    path = http.get("path") if isinstance(http, dict) else None
    return path if isinstance(path, str) else None


def _is_decoded(event: Mapping[str, Any]) -> bool:
    """Return True for the event of an HTTP API."""
    context = event.get("requestContext")
    domain = context.get("domainName") if isinstance(context, dict) else None
    return "version" in event and ".lambda-url." not in str(domain)


def _escape(path: str, *, also: str = "") -> bytes:
    return quote(path, safe=_SAFE + also, errors="replace").encode("ascii")
