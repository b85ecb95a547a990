"""Fetches from a real key server on loopback, which answers well or badly."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from fastapi_cognito_guard import KeyPolicy
from fastapi_cognito_guard.errors import KeysUnavailable
from fastapi_cognito_guard.tokens.fetch import FetchFailed, _build_trusting_context, fetch_over_https
from fastapi_cognito_guard.tokens.remote_keys import RemoteKeys
from tests.network import EMULATOR, make_server_context, resolve_emulator, use_proxy
from tests.servers import Answer, drip, endless, fault_server, hang, reset, response
from tests.tokens.key_server import KID, OLD, POLICY, FakeTime, catch_error, wait_for_fetch

pytestmark = pytest.mark.anyio


GOOD = response(OLD.jwks)
FAULTS: dict[str, Answer] = {
    "500": response(b"{}", "500 Internal Server Error"),
    "404": response(b"{}", "404 Not Found"),
    "204": response(b"", "204 No Content"),
    "a good set with status 203": response(OLD.jwks, "203 Non-Authoritative Information"),
    "a redirect": response(b"", "302 Found", {"Location": "http://127.0.0.1:9/"}),
    "HTML": response(b"<html>", headers={"Content-Type": "text/html"}),
    "half of it": response(json.dumps(OLD.jwks).encode()[:200]),
    "cut off": response(json.dumps(OLD.jwks).encode()[:200], length=5000),
    "too long": response(b" " * (64 * 1024 + 1)),
    "without end": endless,
    "compressed": response(b"\x1f\x8b\x08\x00junk", headers={"Content-Encoding": "gzip"}),
    "an empty set": response({"keys": []}),
    "no usable key": response({"keys": [{"kty": "EC", "kid": "x"}]}),
    "101 keys": response({"keys": [{"kid": str(n)} for n in range(101)]}),
    "nested deep": response(b"[" * 60_000),
    "not HTTP": b"SSH-2.0-OpenSSH\r\n",
    "nothing": hang,
    "a reset": reset,
    "a slow drip": drip,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_fault_of_the_key_server_keeps_the_good_keys_and_delays_no_request(
    fault: Answer, fake_time: FakeTime
) -> None:
    policy = KeyPolicy(max_age=600, timeout=1)
    with fault_server(GOOD) as server:
        keys = RemoteKeys(
            server.address, policy, fetch=fetch_over_https, clock=fake_time.clock(), jitter=lambda: 0.0
        )
        assert await keys.get(KID)
        server.answer = fault
        fake_time.move(policy.max_age)
        started = time.monotonic()
        assert await keys.get(KID)
        assert time.monotonic() - started < 0.8
        await wait_for_fetch(keys)
        assert keys.status()["failures"] == 1
        assert keys.status()["last_error"]
        assert await keys.get(KID)
        server.answer = GOOD
        fake_time.move(policy.backoff)
        assert await keys.get(KID)
        await wait_for_fetch(keys)
        assert keys.status()["failures"] == 0
        assert len(server.requests) == 3


@pytest.mark.parametrize("fault", [hang, drip, endless], ids=["nothing", "a slow drip", "without end"])
async def test_a_cold_request_waits_no_longer_than_the_deadline(fault: Answer, fake_time: FakeTime) -> None:
    with fault_server(fault) as server:
        policy = KeyPolicy(timeout=0.3)
        keys = RemoteKeys(server.address, policy, fetch=fetch_over_https, clock=fake_time.clock())
        started = time.monotonic()
        assert isinstance(await catch_error(keys, KID), KeysUnavailable)
        assert time.monotonic() - started < 2


async def test_an_address_without_a_server_is_an_outage(fake_time: FakeTime) -> None:
    keys = RemoteKeys("http://127.0.0.1:9/", POLICY, fetch=fetch_over_https, clock=fake_time.clock())
    refused = await catch_error(keys, KID)
    assert isinstance(refused, KeysUnavailable)
    assert "http://127.0.0.1:9/" in refused.reason


async def test_a_key_server_that_does_not_speak_tls_is_an_outage(fake_time: FakeTime) -> None:
    with fault_server(GOOD) as server:
        address = server.address.replace("http:", "https:")
        keys = RemoteKeys(address, POLICY, fetch=fetch_over_https, clock=fake_time.clock())
        assert isinstance(await catch_error(keys, KID), KeysUnavailable)


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7), ("", 0), ("soon", 0), ("-1", 0), ("1.5", 0), ("9" * 9, 0)]
)
async def test_retry_after_is_read_in_seconds(header: str, seconds: float) -> None:
    answer = response(b"", "503 Service Unavailable", {"Retry-After": header})
    with fault_server(answer) as server, pytest.raises(FetchFailed, match="it answered 503") as failed:
        await fetch_over_https(server.address)
    assert failed.value.retry_after == seconds


async def test_a_fetch_accepts_no_compression() -> None:
    with fault_server(GOOD) as server:
        assert json.loads(await fetch_over_https(server.address)) == OLD.jwks
        assert "accept-encoding: identity" in server.requests[0].lower()


async def test_a_fetch_reads_64_kib_and_not_a_byte_more() -> None:
    with fault_server(response(b" " * 65536)) as server:
        assert len(await fetch_over_https(server.address)) == 65536
        server.answer = response(b" " * 65537)
        with pytest.raises(FetchFailed, match="longer than 64 KiB"):
            await fetch_over_https(server.address)


async def test_a_redirect_is_not_followed_even_to_good_keys() -> None:
    with fault_server(GOOD) as good, fault_server(b"") as server:
        server.answer = response(b"", "302 Found", {"Location": good.address})
        with pytest.raises(FetchFailed, match="it answered 302"):
            await fetch_over_https(server.address)
        assert good.requests == []


async def test_a_fetch_is_a_plain_get() -> None:
    with fault_server(GOOD) as server:
        await fetch_over_https(server.address)
        head = server.requests[0].lower()
    assert head.startswith("get /jwks.json http/1.1\r\n")
    assert "accept-encoding: identity\r\n" in head


async def test_keys_over_plain_http_never_go_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolve_emulator(monkeypatch)
    with fault_server(GOOD) as server, fault_server(response({"keys": []})) as proxy:
        use_proxy(monkeypatch, proxy.address.removesuffix("/jwks.json"))
        for host in ("127.0.0.1", EMULATOR):
            address = server.address.replace("127.0.0.1", host)
            assert json.loads(await fetch_over_https(address)) == OLD.jwks
    assert (len(server.requests), proxy.requests) == (2, [])


async def test_keys_over_https_go_through_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with fault_server(response(b"", "403 Forbidden")) as proxy:
        use_proxy(monkeypatch, proxy.address.removesuffix("/jwks.json"))
        for scheme in ("https", "HTTPS"):
            with pytest.raises(httpx.ProxyError):
                await fetch_over_https(f"{scheme}://keys.example.com/jwks.json")
    assert [request.split()[:2] for request in proxy.requests] == [["CONNECT", "keys.example.com:443"]] * 2


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("HTTPS_PROXY", "ftp://ada:secret@proxy.example", "ValueError"),
        ("HTTPS_PROXY", "http://proxy.example:secret", "InvalidURL"),
        ("SSL_CERT_FILE", __file__, "SSLError"),  # no certificate
    ],
)
async def test_a_proxy_or_certificate_setting_that_is_wrong_is_named_without_its_value(
    name: str, value: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _build_trusting_context.cache_clear()
    monkeypatch.setenv(name, value)
    monkeypatch.delenv(name.lower(), raising=False)
    with pytest.raises(FetchFailed, match=rf"no client can be made \({kind}\): check HTTPS_PROXY") as failed:
        await fetch_over_https("https://127.0.0.1:9/")
    assert ("secret" in str(failed.value), __file__ in str(failed.value)) == (False, False)
    assert failed.value.__cause__ is None
    _build_trusting_context.cache_clear()


async def test_keys_are_fetched_from_a_server_that_ssl_cert_file_vouches_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = json.dumps(OLD.jwks).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response(document))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=make_server_context(tmp_path))
    async with server:
        address = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks.json"
        _build_trusting_context.cache_clear()
        with pytest.raises(httpx.ConnectError):
            await fetch_over_https(address)
        _build_trusting_context.cache_clear()
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
        assert await fetch_over_https(address) == document
    _build_trusting_context.cache_clear()


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({}, 0),
        ({"Retry-After": "99999"}, 99999),
        ({"Retry-After": "100000"}, 0),
        ({"Retry-After": "\u00b2"}, 0),
    ],
)
async def test_retry_after_is_at_most_five_ascii_digits(fields: dict[str, str], seconds: float) -> None:
    answer = response(b"", "503 Service Unavailable", fields)
    with fault_server(answer) as server, pytest.raises(FetchFailed) as failed:
        await fetch_over_https(server.address)
    assert failed.value.retry_after == seconds


def test_the_first_fetch_does_not_import_the_command_line_of_httpx() -> None:
    code = (
        "import sys\n"
        "from fastapi_cognito_guard.tokens.fetch import import_http_client\n"
        "import_http_client()\n"
        "print('httpx' in sys.modules, sorted({'httpx._main', 'rich', 'typer'} & sys.modules.keys()))\n"
        "import httpx._main\n"  # an app that wants it still gets it
        "import_http_client()\n"
        "print('httpx._main' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert (done.stdout, done.returncode) == ("True []\nTrue\n", 0), done.stderr
