"""Addresses that may be trusted with keys and tokens: https, or http on loopback."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi_cognito_guard.errors import ConfigurationError

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST_NAME = rf"(?i:(?:{_LABEL}\.)+(?![0-9]){_LABEL})"  # a string: compiled when it is first needed


def check_address(setting: str, address: object) -> None:
    """Raise `ConfigurationError` unless this is an https address, or an http address on loopback."""
    try:
        parts = urlsplit(address) if isinstance(address, str) else urlsplit("")
    except ValueError:  # half a bracket
        parts = urlsplit("")
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and is_loopback(parts.hostname):
        return
    raise ConfigurationError(
        f"{setting} is an https address; http is for 127.0.0.1 and localhost only.", setting=setting
    )


def build_sign_in_url(domain: object) -> str:
    """Return the address of a hosted-UI domain, without a trailing slash.

    Raises `ConfigurationError` unless ``domain`` is a host name, or an address (https; http on loopback) of
    scheme, host and port only.
    """
    text = domain if isinstance(domain, str) else ""
    address = f"https://{text}" if re.fullmatch(_HOST_NAME, text) else text.removesuffix("/")
    if not _is_origin(address):
        raise ConfigurationError(
            'domain is a host name, "myapp.auth.eu-west-1.amazoncognito.com", or an https address without '
            'a path; http is for 127.0.0.1 and localhost only: "http://127.0.0.1:9229".',
            setting="domain",
        )
    return address


def is_loopback(host: str | None) -> bool:
    """Return True if requests to this host stay on the machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False


def _is_origin(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    shown = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{shown}" + ("" if port is None else f":{port}")
    if address.lower() != origin:  # it also has a path, a query, a user, or a blank
        return False
    if is_loopback(host):
        return parts.scheme in {"https", "http"}
    return parts.scheme == "https" and re.fullmatch(_HOST_NAME, host) is not None
