"""Origins that tokens may be sent to: https, http on loopback, or http to hosts that are named."""

from collections.abc import Collection

import httpx

from fastapi_cognito_guard.addresses import is_loopback
from fastapi_cognito_guard.errors import ConfigurationError


def parse_origins(origins: Collection[str] | str, http_hosts: frozenset[str]) -> frozenset[str]:
    """Return the origins of a setting. Raises `ConfigurationError` for a host over http that none lists."""
    given = (origins,) if isinstance(origins, str) else origins
    found = frozenset(_parse_origin(origin, http_hosts) for origin in given)
    if http_hosts and not found:
        raise ConfigurationError(
            'http_hosts needs origins, which say where tokens go: origins=["http://orders:8000"].',
            setting="http_hosts",
        )
    return found


def find_origin(url: httpx.URL, http_hosts: frozenset[str]) -> str:
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
    return find_origin(url, http_hosts)
