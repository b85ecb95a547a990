"""HTTP client for one request at a time on a connection of its own."""

import asyncio
import json
from typing import Any, NamedTuple

_DEADLINE = 20.0  # seconds for one answer


class Answer(NamedTuple):
    """Status, challenge and body of an answer."""

    status: int
    challenge: str
    body: Any


class Connection:
    """Connection that is kept open between requests."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, token: str) -> Answer:
        """Send a GET with a token. Raises `OSError`, `EOFError` or `TimeoutError` if there is no answer."""
        async with asyncio.timeout(_DEADLINE):
            reader, writer = self._streams or await self._open()
            head = f"GET /me HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
            writer.write(head.encode())
            return await _read_answer(reader)

    def close(self) -> None:
        """Close the connection; the next request opens another one, perhaps to another worker."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        return self._streams


async def _read_answer(reader: asyncio.StreamReader) -> Answer:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(fields["content-length"]))
    is_json = fields.get("content-type", "").startswith("application/json")
    return Answer(
        int(first.split(" ")[1]), fields.get("www-authenticate", ""), json.loads(body) if is_json else None
    )
