"""Parts of httpx and httpx2 that authentication needs: each library takes only its own."""

from collections.abc import AsyncGenerator, Generator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    import httpx2

    class ClientAuth(httpx.Auth, httpx2.Auth):
        """Base of authentication that clients of either library take."""

        def auth_flow(self, request: Any) -> Generator[Any, Any, None]: ...

        def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]: ...

        def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]: ...

    _libraries = (httpx, httpx2)
else:
    _libraries = (httpx,)
    if find_spec("httpx2") is not None:
        import httpx2

        _libraries = (httpx, httpx2)
    ClientAuth = type("ClientAuth", tuple(each.Auth for each in _libraries), {})

_BYTES = tuple(each.ByteStream for each in _libraries)


def is_repeatable(request: Any) -> bool:
    """Return True if a request can be sent again, as its body is no stream."""
    return isinstance(request.stream, _BYTES)
