"""Addresses that may be trusted with keys and tokens: https, http on loopback, or http to a named host.

Named hosts are for emulators in containers. Keys and tokens can be read and replaced on the way to them, so
each is typed out, and none is taken on Lambda.
"""

import os
import re
from collections.abc import Collection, Mapping
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from fastapi_cognito_guard.errors import ConfigurationError

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST_NAME = rf"(?i:(?:{_LABEL}\.)+(?![0-9]){_LABEL})"  # a string: compiled when it is first needed
_SERVICE = r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"  # containers may have an underscore in their name
_HTTP_HOST = rf"(?=.{{1,253}}\Z)(?:{_SERVICE}\.)*(?![0-9]){_SERVICE}"
_OF_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".amazoncognito.com")
_LAMBDA_VARIABLES = ("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_RUNTIME_API")


def check_address(setting: str, address: object, *, http_hosts: frozenset[str] | None = None) -> None:
    """Raise `ConfigurationError` unless keys and tokens are safe on their way to this address.

    ``http_hosts``  hosts that may be reached over http besides loopback; None where that is no choice
    """
    parts = _split(address)
    if parts.scheme == "https" and parts.hostname:
        return
    is_named = parts.hostname in (http_hosts or frozenset())
    if parts.scheme == "http" and (is_loopback(parts.hostname) or is_named):
        return
    only = " only" if http_hosts is None else ", and for emulators in http_hosts (COGNITO_HTTP_HOSTS)"
    raise ConfigurationError(
        f"{setting} is an https address; http is for 127.0.0.1 and localhost{only}.", setting=setting
    )


def check_name_only(setting: str, address: object) -> None:
    """Raise `ConfigurationError` unless this is an address. It is only compared, so http is no risk."""
    parts = _split(address)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise ConfigurationError(f"{setting} is an https or http address.", setting=setting)


def check_http_hosts(given: object, environ: Mapping[str, str] | None = None) -> frozenset[str]:
    """Return the hosts that may be reached over http: one name, or several.

    Raises `ConfigurationError` for anything else than names of hosts, for hosts of AWS, and on Lambda.
    """
    names = (given,) if isinstance(given, str) else given
    if not isinstance(names, Collection) or not all(map(_is_http_host, names)):
        raise ConfigurationError(
            'http_hosts lists emulators by the names of their hosts: ["cognito"]. Names are in lower case, '
            "without a port or a wildcard, and none is a number or a host of AWS.",
            setting="http_hosts",
        )
    if names and is_on_lambda(os.environ if environ is None else environ):
        raise ConfigurationError(
            "http_hosts is for emulators on your machine, and not for Lambda: drop it, and use https "
            "addresses, or the keys in a file (jwks).",
            setting="http_hosts",
        )
    return frozenset(names)


def is_on_lambda(environ: Mapping[str, str]) -> bool:
    """Return True if this environment is that of a Lambda function."""
    return any(environ.get(name) for name in _LAMBDA_VARIABLES)


def build_sign_in_url(domain: object, *, http_hosts: frozenset[str] = frozenset()) -> str:
    """Return the address of a hosted-UI domain, without a trailing slash.

    Raises `ConfigurationError` unless ``domain`` is a host name, or an address (https; http on loopback and
    to ``http_hosts``) of scheme, host and port only.
    """
    text = domain if isinstance(domain, str) else ""
    address = f"https://{text}" if re.fullmatch(_HOST_NAME, text) else text.removesuffix("/")
    if not _is_origin(address, http_hosts):
        raise ConfigurationError(
            'domain is a host name, "myapp.auth.eu-west-1.amazoncognito.com", or an https address without '
            'a path; http is for 127.0.0.1 and localhost, "http://127.0.0.1:9229", and for emulators in '
            "http_hosts (COGNITO_HTTP_HOSTS).",
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


def _split(address: object) -> SplitResult:
    """Return the parts of an address, all empty for what no client can call."""
    if not isinstance(address, str) or re.search(r"[\x00-\x20\x7f-\x9f\s\\]", address):
        return urlsplit("")
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises for a port that is none
    except ValueError:  # also half a bracket
        return urlsplit("")
    return parts


def _is_http_host(name: object) -> bool:
    if not isinstance(name, str) or not re.fullmatch(_HTTP_HOST, name):
        return False
    return not f".{name}".endswith(_OF_AWS)


def _is_origin(address: str, http_hosts: frozenset[str]) -> bool:
    parts = _split(address)
    host, port = parts.hostname or "", parts.port
    shown = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{shown}" + ("" if port is None else f":{port}")
    if address.lower() != origin:  # it also has a path, a query, a user, or a blank
        return False
    if is_loopback(host) or host in http_hosts:
        return parts.scheme in {"https", "http"}
    return parts.scheme == "https" and re.fullmatch(_HOST_NAME, host) is not None
