"""Causes of failed requests, in short words that are safe to log."""

import ssl
from collections.abc import Iterator
from socket import gaierror

_WORDS: tuple[tuple[type[BaseException], str], ...] = (  # a class stands before the classes that it extends
    (gaierror, "DNS: the name of the host, or of the proxy, is not found"),
    (ssl.SSLCertVerificationError, "certificate: not trusted, or of another host; see SSL_CERT_FILE"),
    (ssl.SSLError, "TLS: no common version or cipher, or the port speaks no TLS"),
    (ConnectionRefusedError, "refused: nothing listens at the port"),
    (ConnectionResetError, "reset: the other side closed the connection"),
    (BrokenPipeError, "reset: the other side closed the connection"),
    (TimeoutError, "timeout: no answer in time"),
)
_WORDS_BY_NAME = {  # classes of httpx, which is not imported here
    "ProxyError": "proxy: it did not let the request through; see HTTPS_PROXY",
    "RemoteProtocolError": "protocol: the port speaks no HTTP, or the connection broke",
}
CLIENT_SETTINGS = "check HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR"
"""Advice for a client that cannot even be made: it reads these variables."""

LOOPBACK_ADVICE = "is it running? Start the local pool with `cognito-guard pool`."
"""Advice for an address on this machine, where an emulator has to be started first."""

_MOST = 32  # exceptions of one chain that are looked at


def describe_failure(error: BaseException) -> str:
    """Return the class of a failed request, and of its root cause if it is known: ``ConnectError, DNS: ...``.

    The text of an exception is never repeated: it may hold an address with a secret.
    """
    name = type(error).__name__
    words = next(filter(None, map(_find_words, _walk_causes(error))), None)
    return name if words is None else f"{name}, {words}"


def _find_words(error: BaseException) -> str | None:
    known = next((words for kind, words in _WORDS if isinstance(error, kind)), None)
    return known or _WORDS_BY_NAME.get(type(error).__name__)


def _walk_causes(error: BaseException) -> Iterator[BaseException]:
    """List an exception and its causes, nearest first. One that tried several addresses is a group."""
    waiting = [error]
    for _ in range(_MOST):
        if not waiting:
            return
        found = waiting.pop(0)
        yield found
        cause = found.__cause__ or found.__context__
        waiting += [cause] if cause is not None else []
        waiting += found.exceptions if isinstance(found, BaseExceptionGroup) else ()
