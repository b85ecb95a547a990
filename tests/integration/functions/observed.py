"""The example app, with a route that tells what the process has done so far."""

import sys
from typing import Any

from example_app.main import app, handler
from fastapi_cognito_guard import CognitoGuard

__all__ = ["handler"]

_HEAVY = ("httpx", "jose", "cryptography", "cachetools")
calls: list[str] = []


def _watch(event: str, arguments: Any) -> None:
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        calls.append(event)


# Set before the first request; the runtime's own client is C++ and raises no audit events.
sys.addaudithook(_watch)


@app.get("/observed")
async def observed() -> dict[str, Any]:
    """Uses of the network, loaded libraries, and the guard's memory."""
    guard: Any = next(entry.kwargs["guard"] for entry in app.user_middleware if "guard" in entry.kwargs)
    assert isinstance(guard, CognitoGuard)
    return {
        "network": calls,
        "loaded": [name for name in _HEAVY if name in sys.modules],
        "remembered": guard.status()["remembered"],
    }
