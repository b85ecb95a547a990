"""Causes of failed requests: real ones on loopback, and chains that libraries build."""

import asyncio
import socket
import ssl
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from fastapi_cognito_guard.network_errors import describe_failure
from tests.network import make_server_context
from tests.servers import Answer, fault_server, hang, reset, response

pytestmark = pytest.mark.anyio


async def describe_request(address: str, seconds: float = 5) -> str:
    async with httpx.AsyncClient(trust_env=False, timeout=seconds) as client:
        with pytest.raises(httpx.HTTPError) as failed:
            await client.get(address)
    return describe_failure(failed.value)


async def test_a_port_without_a_server_is_refused() -> None:
    for host in ("127.0.0.1", "localhost"):  # localhost may be two addresses, whose failures are a group
        assert (
            await describe_request(f"http://{host}:9/")
            == "ConnectError, refused: nothing listens at the port"
        )


async def test_a_name_without_an_address_is_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_nothing(*args: object, **others: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", find_nothing)
    assert (await describe_request("https://no-such.example/")).startswith("ConnectError, DNS: ")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (reset, "ReadError, reset: "),
        (hang, "ReadTimeout, timeout: "),
        (b"SSH-2.0-OpenSSH\r\n", "RemoteProtocolError, protocol: "),
    ],
)
async def test_a_server_that_does_not_answer_is_named_by_what_it_did(answer: Answer, words: str) -> None:
    with fault_server(answer) as server:
        assert (await describe_request(server.address, seconds=1.5)).startswith(words)


async def test_a_port_that_speaks_no_tls_is_named() -> None:
    with fault_server(response({})) as server:
        text = await describe_request(server.address.replace("http:", "https:"))
    assert text.startswith("ConnectError, TLS: ")


async def test_a_certificate_that_nobody_vouches_for_is_named(tmp_path: Path) -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(close, "127.0.0.1", 0, ssl=make_server_context(tmp_path))
    async with server:
        text = await describe_request(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    assert text.startswith("ConnectError, certificate: ")
    assert "SSL_CERT_FILE" in text


class ProxyError(Exception):
    """As httpx names it."""


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        ([OSError("x"), ssl.SSLCertVerificationError("x")], "OSError, certificate: "),
        ([ProxyError("https://ada:secret@proxy")], "ProxyError, proxy: "),
        ([OSError("x"), ExceptionGroup("x", [ValueError(), ConnectionRefusedError()])], "OSError, refused: "),
        ([TimeoutError("x"), ConnectionRefusedError()], "TimeoutError, timeout: "),
        ([BrokenPipeError("x")], "BrokenPipeError, reset: "),
    ],
    ids=repr,
)
async def test_the_nearest_known_cause_is_named(errors: list[Exception], words: str) -> None:
    for error, cause in pairwise(errors):
        error.__cause__ = cause
    assert describe_failure(errors[0]).startswith(words)


async def test_an_unknown_failure_is_its_class_and_never_its_text() -> None:
    class NewError(Exception):
        """No cause is known for it."""

    error = NewError("https://ada:secret@keys.example")
    error.__cause__ = ValueError("secret")
    assert describe_failure(error) == "NewError"


async def test_a_chain_of_causes_that_is_a_circle_or_endless_ends() -> None:
    first, second = OSError(), OSError()
    first.__cause__, second.__cause__ = second, first
    assert describe_failure(first) == "OSError"
    last = error = OSError()
    for _ in range(1000):
        error.__cause__ = OSError()
        error = error.__cause__
    error.__cause__ = ConnectionRefusedError()
    assert describe_failure(last) == "OSError"
