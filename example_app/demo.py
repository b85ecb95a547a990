"""What ``python -m example_app`` shows: who may do what, measured through every front door."""

import json
import logging
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from secrets import token_urlsafe

import httpx
from fastapi import FastAPI
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from example_app.api import create_app
from fastapi_cognito_guard import CognitoGuard, lambda_handler
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import (
    Directory,
    FakeUserPool,
    Flavour,
    LocalClient,
    LocalPool,
    local_pool,
)
from fastapi_cognito_guard.testing.uvicorn_server import address_of, listen, serving

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
    impostor = FakeUserPool(pool.id, client_id=pool.client_id, issuer=pool.issuer)
    forged = impostor.access_token("ada", groups=["admins"])
    robot = pool.machine_token(client_id="robot", scopes=["orders/write"])
    return (
        Caller("nobody", "sends no token", None),
        Caller("ada", "in the group admins; scopes orders/read, orders/write", ada),
        Caller("bob", "scope orders/read", pool.access_token("bob", scopes=["openid", "orders/read"])),
        Caller("robot", "a machine client; scope orders/write", robot),
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
    except ConfigurationError as error:
        raise SystemExit(str(error)) from None
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0


def _run_demo(*, once: bool, port: int) -> int:
    logging.getLogger("fastapi_cognito_guard").setLevel(logging.ERROR)  # the table is full of refusals
    with listen(port) as listener, local_pool(directory_for(address_of(listener))) as local:
        app = create_app(CognitoGuard(local.user_pool()))
        # The pool has two clients: people sign in to this one.
        app.swagger_ui_init_oauth = {**(app.swagger_ui_init_oauth or {}), "clientId": "docs"}
        with serving(app, listener) as address:
            good = _show(local, app, address)
            if not once:
                _serve_until_interrupted(address, local)
    return 0 if good else 1


def directory_for(address: str) -> Directory:
    """Ada and bob, who may sign in to the docs of the API at this address; and a machine."""
    hosts = (address, address.replace("127.0.0.1", "localhost"))
    scopes = ("openid", "email", "profile", "orders/read", "orders/write")
    docs = LocalClient(
        id="docs", scopes=scopes, callback_urls=tuple(f"{host}/docs/oauth2-redirect" for host in hosts)
    )
    robot = LocalClient(id="robot", secret=token_urlsafe(), scopes=("orders/read", "orders/write"))
    return Directory(clients=(docs, robot))


def _show(local: LocalPool, app: FastAPI, address: str) -> bool:
    callers = callers_of(local.pool)
    print(f"A user pool for this run, at\n  {local.address}\nWho is who")
    for caller in callers:
        print(f"  {caller.name:9}{caller.who}")
    with httpx.Client(trust_env=False, timeout=10) as client:
        good = print_table(
            f"Under uvicorn, {address}", callers, measure(uvicorn_door(address, client), callers)
        )
    flavours: tuple[tuple[Flavour, str], ...] = (
        ("rest", "With the events of a REST API (Cognito authorizer), through lambda_handler"),
        ("http", "With the events of an HTTP API (JWT authorizer), through lambda_handler"),
    )
    for flavour, title in flavours:
        good &= print_table(title, callers, measure(gateway_door(local.pool, app, flavour), callers))
    print(
        "\nAll as expected: the same answers at every door."
        if good
        else "\nNot as expected: see the cells with !"
    )
    return good


def _serve_until_interrupted(address: str, local: LocalPool) -> None:
    print("\nTry it: paste all of this into another shell (the tokens are good for an hour)")
    for caller in callers_of(local.pool)[1:3]:
        print(f"\n  {caller.name.upper()}={caller.token}")
    print(f'\n  curl -i {address}/me -H "Authorization: Bearer $ADA"')
    print(f'  curl -i {address}/orders -H "Authorization: Bearer $BOB"')
    print(f'  curl -iX DELETE {address}/orders/2 -H "Authorization: Bearer $BOB"')
    print(f"\nOr in a browser: {address}/docs, Authorize, and sign in as one of")
    for user in local.directory.users:
        print(f"  {user.username:9}{', '.join(user.groups) or 'in no group'}")
    print("\nCtrl-C stops.")
    threading.Event().wait()
