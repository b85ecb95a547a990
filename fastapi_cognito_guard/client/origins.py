"""Origins that tokens may be sent to: https, http on loopback, or http to hosts that are named."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import httpx

from fastapi_cognito_guard.addresses import check_http_hosts, is_loopback
from fastapi_cognito_guard.errors import ConfigurationError

if TYPE_CHECKING:
    import httpx2


class Origins:
    """Origins of a setting; none is every https address, and http on loopback.

    Raises `ConfigurationError` for a host over http that ``http_hosts`` does not list.
    """

    def __init__(self, origins: Collection[str] | str, http_hosts: Collection[str] | str) -> None:
        self.http_hosts = check_http_hosts(http_hosts)
        given = (origins,) if isinstance(origins, str) else origins
        self._allowed = frozenset(_parse_origin(origin, self.http_hosts) for origin in given)
        if self.http_hosts and not self._allowed:
            raise ConfigurationError(
                'http_hosts needs origins, which say where tokens go: origins=["http://orders:8000"].',
                setting="http_hosts",
            )

    def check(self, url: "httpx.URL | httpx2.URL") -> None:
        """Raise `ConfigurationError` if a token could be read on its way, or by another party."""
        origin = _find_origin(url, self.http_hosts)
        if self._allowed and origin not in self._allowed:
            raise ConfigurationError(
                f"These tokens are not for {origin}. Add it to origins, or send the request with auth=None.",
                setting="origins",
            )


def _find_origin(url: "httpx.URL | httpx2.URL", http_hosts: frozenset[str]) -> str:
    """Return scheme, host and port. Raises `ConfigurationError` unless the connection is safe."""
    is_https = url.scheme == "https" and url.host
    is_near = url.scheme == "http" and (is_loopback(url.host) or url.host in http_hosts)
    if not is_https and not is_near:
        raise ConfigurationError(
            "Tokens are sent over https, or over http to 127.0.0.1, localhost and http_hosts: write https."
        )
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _parse_origin(origin: str, http_hosts: frozenset[str]) -> str:
    try:
        url = httpx.URL(origin)
    except (TypeError, httpx.InvalidURL):
        url = httpx.URL("https:///not-an-address")
    if url.raw_path != b"/":
        raise ConfigurationError(
            'An origin is scheme, host and port: "https://api.example.com".', setting="origins"
        )
    return _find_origin(url, http_hosts)
