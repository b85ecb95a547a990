"""Demo of ``python -m example_app``: call every route as every caller, and print the statuses."""

import json
import logging
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe
from shutil import which
from urllib.parse import urlsplit

import httpx
from fastapi import FastAPI
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from example_app.api import create_app
from fastapi_cognito_guard import CognitoGuard, lambda_handler
from fastapi_cognito_guard.cli.running_pool import record_directory
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import (
    Directory,
    FakeUserPool,
    Flavour,
    LocalClient,
    LocalPool,
    local_pool,
)
from fastapi_cognito_guard.testing.uvicorn_server import get_address, listen, serve_app


@dataclass(frozen=True)
class Caller:
    """Column of a table: a caller, and the token that they send."""

    name: str
    description: str
    token: str | None
    passes_gateway: bool = True


@dataclass(frozen=True)
class Row:
    """Row of a table: a route, and the expected status of each caller."""

    method: str
    path: str
    expected: tuple[int, ...]


Call = Callable[[Row, Caller], int | None]
"""Call a route as a caller. Returns the status, or None if the route cannot be called like this."""

Cells = list[list[int | None]]
"""Statuses through one door, row by row."""

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
GATEWAYS: tuple[tuple[Flavour, str], ...] = (
    ("rest", "REST API"),  # Cognito authorizer; its events, through lambda_handler
    ("http", "HTTP API"),  # JWT authorizer
)

_AS_EXPECTED = """
All as expected: the app answers alike under uvicorn and both gateways.

The gateways here check the token only, so each 403 is the app's. One that
checks scopes, too, as cognito-guard export defines it, answers by itself,
and a REST API says 401: cognito-guard matrix example_app.main:app --door all"""
_BODY = json.dumps({"item": "jam", "quantity": 1})


def run(*, once: bool, port: int) -> int:
    """Run the demo. Return 0 if every status is as expected, or if the demo is interrupted."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # also if it is a pipe
    try:
        return _run_demo(once=once, port=port)
    except ConfigurationError as error:
        raise SystemExit(str(error)) from None
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0


def _run_demo(*, once: bool, port: int) -> int:
    # The demo causes many refusals on purpose; their log records would hide the tables.
    logging.getLogger("fastapi_cognito_guard").setLevel(logging.ERROR)
    with listen(port) as listener, local_pool(make_directory(get_address(listener))) as local:
        app = create_app(CognitoGuard(local.user_pool()))
        with serve_app(app, listener) as address:
            is_good = _print_answers(local, app, address)
            if not once:
                _serve_until_interrupted(address, local)
    return 0 if is_good else 1


def make_directory(address: str) -> Directory:
    """Return the users and the clients of the pool. Users can sign in to the docs at this address."""
    hosts = (address, address.replace("127.0.0.1", "localhost"))
    scopes = ("openid", "email", "profile", "orders/read", "orders/write")
    docs = LocalClient(
        id="docs", scopes=scopes, callback_urls=tuple(f"{host}/docs/oauth2-redirect" for host in hosts)
    )
    robot = LocalClient(id="robot", secret=token_urlsafe(), scopes=("orders/read", "orders/write"))
    return Directory(clients=(docs, robot))


def _print_answers(local: LocalPool, app: FastAPI, address: str) -> bool:
    callers = make_callers(local.pool)
    print(f"An API at {address}, and a user pool for this run at\n{local.address}\n\nCallers")
    for caller in callers:
        print(f"  {caller.name:9}{caller.description}")
    with httpx.Client(trust_env=False, timeout=10) as client:
        doors = [call_all(make_http_call(address, client), callers)]
    doors += [call_all(make_gateway_call(local.pool, app, kind), callers) for kind, _ in GATEWAYS]
    is_good = print_table(callers, doors)
    if is_good:
        print(_AS_EXPECTED)
    else:
        print("\nNot as expected: see the cells with !")
    return is_good


def make_callers(pool: FakeUserPool) -> tuple[Caller, ...]:
    """Return the callers of the demo, with their tokens."""
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


def make_http_call(address: str, client: httpx.Client) -> Call:
    """Return a call over HTTP. The app verifies the token with keys that it fetches from the pool."""

    def call(row: Row, caller: Caller) -> int:
        headers = {"Authorization": f"Bearer {caller.token}"} if caller.token else {}
        if row.method == "WS":
            return _open_websocket(address.replace("http", "ws", 1) + row.path, headers)
        if row.method == "POST":
            headers["Content-Type"] = "application/json"
        content = _BODY if row.method == "POST" else None
        return client.request(row.method, address + row.path, headers=headers, content=content).status_code

    return call


def _open_websocket(address: str, headers: Mapping[str, str]) -> int:
    try:
        with connect(address, additional_headers=dict(headers), open_timeout=5, proxy=None) as socket:
            socket.recv(timeout=5)
            return 101
    except InvalidStatus as error:
        return error.response.status_code


def make_gateway_call(pool: FakeUserPool, app: FastAPI, kind: Flavour) -> Call:
    """Return a call through Mangum, with events of an API Gateway.

    A valid token arrives as claims in the event. Any other token arrives in the header, as on a route
    without an authorizer: an authorizer would refuse it before the function runs.
    """
    handler = lambda_handler(app)

    def call(row: Row, caller: Caller) -> int | None:
        if row.method == "WS":
            return None
        event = pool.event(
            kind,
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


def call_all(call: Call, callers: tuple[Caller, ...]) -> Cells:
    """Call every route as every caller, and return the statuses row by row."""
    return [[call(row, caller) for caller in callers] for row in ROWS]


def print_table(callers: tuple[Caller, ...], doors: Sequence[Cells]) -> bool:
    """Print one table, with ``!`` at each unexpected status. Return True if there is none.

    Callers who get the same answers to a route through all doors share a line.
    """
    titles = "".join(f"{title:>11}" for title in ("uvicorn", *(title for _, title in GATEWAYS)))
    print(f"\n{'Route':19}{'Callers':28}{titles}")
    is_good = True
    for index, row in enumerate(ROWS):
        route = f"{row.method:7}{row.path}"
        for answers, names in _group_callers(row, callers, [door[index] for door in doors]).items():
            is_good = is_good and not any("!" in answer for answer in answers)
            who = "everyone" if len(names) == len(callers) else ", ".join(names)
            print(f"{route:19}{who:28}" + "".join(f"{answer:>11}" for answer in answers))
            route = ""
    return is_good


def _group_callers(
    row: Row, callers: tuple[Caller, ...], doors: Sequence[list[int | None]]
) -> dict[tuple[str, ...], list[str]]:
    """Return the names of the callers by their answers through all doors."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for caller, expected, *statuses in zip(callers, row.expected, *doors, strict=True):
        groups.setdefault(tuple(_format_status(each, expected) for each in statuses), []).append(caller.name)
    return groups


def _format_status(status: int | None, expected: int) -> str:
    return "-" if status is None else str(status) if status == expected else f"{status}!"


def _serve_until_interrupted(address: str, local: LocalPool) -> None:
    port = urlsplit(local.address).port or 0
    token = f"cognito-guard token --port {port}"
    print("\nTry it in another shell:\n")
    if which("cognito-guard") is None:
        print(f'  PATH="{Path(sys.executable).parent}:$PATH"')
    print(f"  API={address}")
    for name, path in (("ada", "/me"), ("bob", "/orders"), ("bob", "/orders/2 -X DELETE")):
        print(f'  TOKEN="$({token} --user {name})"')
        print(f'  curl -i $API{path} -H "Authorization: Bearer $TOKEN"')
    print(f"\nOr open {address}/docs, press Authorize, and sign in as")
    for user in local.directory.users:
        print(f"  {user.username:9}{', '.join(user.groups) or 'in no group'}")
    with record_directory(local.directory, port):
        print("\nCtrl-C stops.")
        threading.Event().wait()
