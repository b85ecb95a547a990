"""Fetch a key document over HTTPS: one short, bounded GET. Imports httpx when it is first used."""

import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from importlib import import_module
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from fastapi_cognito_guard.network_errors import CLIENT_SETTINGS

if TYPE_CHECKING:
    import httpx

Fetch = Callable[[str], Awaitable[bytes | str | Mapping[str, Any]]]
"""Returns the key document at an address, parsed or not, or raises.

It runs in an event loop of its own, so it must not use objects of another loop (a shared async client).
"""

_MAX_BODY = 64 * 1024  # bytes
_COMMAND_LINE = "httpx._main"


class FetchFailed(Exception):
    """The key server's answer is not a key document. ``retry_after`` is in seconds, 0 if it named none."""

    def __init__(self, reason: str, *, retry_after: float = 0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


def import_http_client() -> None:
    """Import httpx ahead of the first fetch, but not its command line, which would import click and rich.

    httpx has a fallback for an installation without them, and that is what ``httpx.main`` is then.
    """
    if "httpx" in sys.modules:
        return
    sys.modules[_COMMAND_LINE] = cast(ModuleType, None)  # makes its import fail
    try:
        import_module("httpx")
    finally:
        del sys.modules[_COMMAND_LINE]


async def fetch_over_https(address: str) -> bytes:
    """GET a body of at most 64 KiB, without redirects or decompression. The caller sets the deadline.

    No client is kept: between two fetches lie minutes, and on Lambda a freeze.
    """
    body = b""
    async with (
        _make_client(address) as client,
        client.stream("GET", address, headers={"accept-encoding": "identity"}) as response,
    ):
        if response.status_code != 200:
            raise FetchFailed(
                f"it answered {response.status_code}",
                retry_after=_parse_retry_after(response.headers.get("retry-after")),
            )
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > _MAX_BODY:
                raise FetchFailed("its answer is longer than 64 KiB")
    return body


def _make_client(address: str) -> "httpx.AsyncClient":
    """Make a client with the proxies and authorities of the environment. Raises `FetchFailed`."""
    import httpx

    # Plain http is for loopback and named emulators: a proxy cannot reach them, and must not answer for them.
    is_https = urlsplit(address).scheme == "https"
    try:
        context = _build_trusting_context() if is_https else SSLContext(PROTOCOL_TLS_CLIENT)  # trusts nobody
        return httpx.AsyncClient(
            verify=context, follow_redirects=False, timeout=httpx.Timeout(None), trust_env=is_https
        )
    except Exception as error:
        # Its text is not repeated: it may hold the proxy's password.
        reason = f"no client can be made ({type(error).__name__}): {CLIENT_SETTINGS}"
        raise FetchFailed(reason) from None


def _parse_retry_after(text: str | None) -> float:
    """Return the seconds of RFC 9110 section 10.2.3; 0 for a date or anything else."""
    return float(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 6 else 0


@cache
def _build_trusting_context() -> SSLContext:
    """Build a context with the authorities of the environment, once: that costs more than a fetch."""
    import httpx

    return httpx.create_ssl_context()
