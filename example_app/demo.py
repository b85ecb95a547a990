"""What ``python -m example_app`` shows: who may do what, measured through every front door."""

import json
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import httpx
import uvicorn
from fastapi import FastAPI
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from example_app.api import create_app
from fastapi_cognito_guard import CognitoGuard, lambda_handler
from fastapi_cognito_guard.testing import FakeUserPool, Flavour

_START_TIMEOUT = 15.0
_BODY = json.dumps({"item": "jam", "quantity": 1})


@dataclass(frozen=True)
class Caller:
    """A column of the table: somebody, and the token they send."""

    name: str
    who: str
    token: str | None
    passes_gateway: bool = True


@dataclass(frozen=True)
class Row:
    """A row of the table: a route, and the status that each caller should get."""

    method: str
    path: str
    expected: tuple[int, ...]


ROWS = (
    #                          nobody  ada  bob  robot expired forged
    Row("GET", "/health", (200, 200, 200, 200, 200, 200)),
    Row("GET", "/", (200, 200, 200, 200, 401, 401)),
    Row("GET", "/me", (401, 200, 200, 200, 401, 401)),
    Row("GET", "/orders", (401, 200, 200, 200, 401, 401)),
    Row("POST", "/orders", (401, 201, 403, 201, 401, 401)),
    Row("DELETE", "/orders/1", (401, 204, 403, 403, 401, 401)),
    Row("WS", "/live", (401, 101, 101, 101, 401, 401)),
)


def callers_of(pool: FakeUserPool) -> tuple[Caller, ...]:
    """Who exists in the demo."""
    ada = pool.access_token("ada", groups=["admins"], scopes=["openid", "orders/read", "orders/write"])
    forged = FakeUserPool(pool.id, client_id=pool.client_id).access_token("ada", groups=["admins"])
    return (
        Caller("nobody", "sends no token", None),
        Caller("ada", "in the group admins; scopes orders/read, orders/write", ada),
        Caller("bob", "scope orders/read", pool.access_token("bob", scopes=["openid", "orders/read"])),
        Caller("robot", "a machine client; scope orders/write", pool.machine_token(scopes=["orders/write"])),
        Caller("expired", "bob's token of yesterday", pool.access_token("bob", expires_in=-86400), False),
        Caller("forged", "ada's claims, signed with another key", forged, False),
    )


Door = Callable[[Row, Caller], int | None]
"""Calls a route as somebody; the status, or None where this door does not lead to the route."""


def uvicorn_door(address: str, client: httpx.Client) -> Door:
    """Over real HTTP; the token is verified with keys fetched over real HTTP."""

    def call(row: Row, caller: Caller) -> int:
        headers = {"Authorization": f"Bearer {caller.token}"} if caller.token else {}
        if row.method == "WS":
            return _websocket_status(address.replace("http", "ws", 1) + row.path, headers)
        if row.method == "POST":
            headers["Content-Type"] = "application/json"
        content = _BODY if row.method == "POST" else None
        return client.request(row.method, address + row.path, headers=headers, content=content).status_code

    return call


def gateway_door(pool: FakeUserPool, app: FastAPI, flavour: Flavour) -> Door:
    """Through Mangum, with the events of an API Gateway.

    Good tokens arrive as claims in the event. The others arrive as on a route without an authorizer,
    since an authorizer would have refused them before the function.
    """
    handler = lambda_handler(app)

    def call(row: Row, caller: Caller) -> int | None:
        if row.method == "WS":
            return None
        event = pool.event(
            flavour,
            caller.token,
            vouched=caller.passes_gateway,
            method=row.method,
            path=row.path,
            body=_BODY if row.method == "POST" else None,
            headers={"content-type": "application/json"},
        )
        status = handler(event, None)["statusCode"]
        return int(status)

    return call


def _websocket_status(address: str, headers: Mapping[str, str]) -> int:
    try:
        with connect(address, additional_headers=dict(headers), open_timeout=5, proxy=None) as live:
            live.recv(timeout=5)
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


@contextmanager
def serving(app: FastAPI, port: int) -> Iterator[str]:
    """The app under uvicorn on 127.0.0.1, up when this yields its address. Port 0 is any free one."""
    # Below critical: uvicorn logs an error of its own for each WebSocket that is refused properly.
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    try:
        listener = socket.create_server(("127.0.0.1", port))
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as uvicorn's own sockets have it
    except OSError as error:
        raise SystemExit(
            f"Port {port} of 127.0.0.1: {error.strerror}. Try --port 0 for a free one."
        ) from None
    thread = threading.Thread(target=_run_server, args=(server, listener), daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + _START_TIMEOUT
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        if not server.started:
            raise SystemExit("The server did not start.")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=_START_TIMEOUT)
        listener.close()


def _run_server(server: uvicorn.Server, listener: socket.socket) -> None:
    with suppress(SystemExit):  # uvicorn's way to say that a start failed; `serving` says it too
        server.run(sockets=[listener])


def measure(door: Door, callers: tuple[Caller, ...]) -> list[list[int | None]]:
    """Every route as every caller, really called."""
    return [[door(row, caller) for caller in callers] for row in ROWS]


def print_table(title: str, callers: tuple[Caller, ...], cells: list[list[int | None]]) -> bool:
    """The table, with ``!`` at each cell that is not as expected. True if all are."""
    good = True
    print(f"\n{title}\n  {'':18}" + "".join(f"{caller.name:>9}" for caller in callers))
    for row, statuses in zip(ROWS, cells, strict=True):
        line = f"  {row.method:7}{row.path:11}"
        for status, expected in zip(statuses, row.expected, strict=True):
            wrong = status is not None and status != expected
            good = good and not wrong
            line += f"{'-' if status is None else f'{status}!' if wrong else status:>9}"
        print(line)
    return good


def run(*, once: bool, port: int) -> int:
    """The demo: 0 if every cell of every table is as expected, or when it is interrupted."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a pipe's reader wants lines too
    try:
        return _run_demo(once=once, port=port)
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0


def _run_demo(*, once: bool, port: int) -> int:
    logging.getLogger("fastapi_cognito_guard").setLevel(logging.ERROR)  # the table is full of refusals
    pool = FakeUserPool()
    with pool.serve() as jwks_uri:
        guard = CognitoGuard(pool.user_pool(jwks_uri=jwks_uri))
        app = create_app(guard)
        with serving(app, port) as address:
            good = _show(pool, app, address, jwks_uri)
            if not once:
                _serve_until_interrupted(address, callers_of(pool))
    return 0 if good else 1


def _show(pool: FakeUserPool, app: FastAPI, address: str, jwks_uri: str) -> bool:
    callers = callers_of(pool)
    print(f"A user pool for this run, its keys at\n  {jwks_uri}\nWho is who")
    for caller in callers:
        print(f"  {caller.name:9}{caller.who}")
    with httpx.Client(trust_env=False, timeout=10) as client:
        good = print_table(
            f"Under uvicorn, {address}", callers, measure(uvicorn_door(address, client), callers)
        )
    flavours: tuple[tuple[Flavour, str], ...] = (
        ("rest", "Behind a REST API (Cognito authorizer), through lambda_handler"),
        ("http", "Behind an HTTP API (JWT authorizer), through lambda_handler"),
    )
    for flavour, title in flavours:
        good &= print_table(title, callers, measure(gateway_door(pool, app, flavour), callers))
    print(
        "\nAll as expected: the same answers at every door."
        if good
        else "\nNot as expected: see the cells with !"
    )
    return good


def _serve_until_interrupted(address: str, callers: tuple[Caller, ...]) -> None:
    print("\nTry it: paste all of this into another shell (the tokens are good for an hour)")
    for caller in callers[1:3]:
        print(f"\n  {caller.name.upper()}={caller.token}")
    print(f'\n  curl -i {address}/me -H "Authorization: Bearer $ADA"')
    print(f'  curl -i {address}/orders -H "Authorization: Bearer $BOB"')
    print(f'  curl -iX DELETE {address}/orders/2 -H "Authorization: Bearer $BOB"')
    print(f"\nDocs at {address}/docs. Ctrl-C stops.")
    threading.Event().wait()
