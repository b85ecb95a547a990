"""The network of a test: a name that only this process resolves, and proxies."""

import socket
from typing import Any

import pytest

EMULATOR = "cognito"


def resolve_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve `EMULATOR` to 127.0.0.1, as compose resolves the name of a service."""
    resolve = socket.getaddrinfo

    def find(host: Any, *args: Any, **others: Any) -> Any:
        return resolve("127.0.0.1" if host in (EMULATOR, EMULATOR.encode()) else host, *args, **others)

    monkeypatch.setattr(socket, "getaddrinfo", find)


def use_proxy(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Make this the proxy of the environment, for all addresses."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, address)
        monkeypatch.setenv(name.lower(), address)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
