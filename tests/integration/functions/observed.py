"""Example app with a route that reports network calls and loaded libraries of its process."""

import sys
from typing import Any

from example_app.main import app, handler
from fastapi_cognito_guard import CognitoGuard

__all__ = ["handler"]

_HEAVY = ("httpx", "jose", "cryptography", "cachetools")
calls: list[str] = []


def _record_call(event: str, arguments: Any) -> None:
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        calls.append(event)


# The runtime's own client is C++ and raises no audit events.
sys.addaudithook(_record_call)


@app.get("/observed")
async def observed() -> dict[str, Any]:
    """Return network calls, loaded libraries, and the number of cached tokens."""
    guard: Any = next(entry.kwargs["guard"] for entry in app.user_middleware if "guard" in entry.kwargs)
    assert isinstance(guard, CognitoGuard)
    return {
        "network": calls,
        "loaded": [name for name in _HEAVY if name in sys.modules],
        "remembered": guard.status()["remembered"],
    }
