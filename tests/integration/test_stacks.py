"""The templates, deployed: for every route and caller the answer is the app's own."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from example_app.api import create_app
from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.testing.uvicorn_server import serving
from tests.integration.calls import MOST_CALLS, send
from tests.integration.deployed import guard_of
from tests.integration.matrix import ROUTES, STATUSES, Route, content_of, status_due, tokens_of
from tests.integration.stacks import Stacks

pytestmark = pytest.mark.ministack

SEMANTICS: Mapping[str, Semantics] = {
    "rest": "rest",
    "http": "http",
    "rest-authorizer": "strict",
    "http-authorizer": "strict",
    "function-url": "strict",
}
SOURCES = {
    "rest": "http",  # not "rest": MiniStack's REST events say version 1.0
    "http": "http",
    "rest-authorizer": "lambda",
    "http-authorizer": "lambda",
    "function-url": "token",
}


@dataclass
class Doors:
    """Every stack, and the same app standalone."""

    stacks: Stacks
    standalone: Mapping[Semantics, str]
    client: httpx.Client
    calls: int = field(default=0)

    def call(self, kind: str, route: Route, token: str | None) -> httpx.Response:
        """Through the gateway. Fails where a run makes too many calls."""
        self.calls += 1
        assert self.calls <= MOST_CALLS
        return send(self.client, route[0], self.stacks.address + self.stacks.bases[kind] + route[1], token)

    def call_standalone(self, kind: str, route: Route, token: str | None) -> httpx.Response:
        """The same to the app under uvicorn."""
        return send(self.client, route[0], self.standalone[SEMANTICS[kind]] + route[1], token)


@pytest.fixture(scope="module")
def doors(ministack_address: str, task_root: Path) -> Iterator[Doors]:
    stacks = Stacks(ministack_address, task_root)
    with ExitStack() as stack:
        standalone = {
            semantics: stack.enter_context(serving(create_app(guard_of(stacks.pool, semantics)), 0))
            for semantics in set(SEMANTICS.values())
        }
        yield Doors(stacks, standalone, stack.enter_context(httpx.Client(trust_env=False, timeout=30)))


@pytest.fixture(scope="module")
def tokens(doors: Doors) -> dict[str, str | None]:
    return tokens_of(doors.stacks.pool, domain="@example.com")


@pytest.mark.parametrize(
    ("kind", "caller"), [(kind, caller) for kind in SEMANTICS for caller in STATUSES[SEMANTICS[kind]]]
)
def test_a_deployed_template_decides_as_the_app_does(
    kind: str, caller: str, doors: Doors, tokens: dict[str, str | None]
) -> None:
    for route in ROUTES:
        deployed = doors.call(kind, route, tokens[caller])
        alone = doors.call_standalone(kind, route, tokens[caller])
        assert alone.status_code == STATUSES[SEMANTICS[kind]][caller][ROUTES.index(route)], route
        due = status_due(STATUSES[SEMANTICS[kind]], caller, route, by_http_lambda=kind == "http-authorizer")
        assert deployed.status_code == due, route
        if deployed.status_code == alone.status_code < 400:
            assert content_of(deployed) == content_of(alone)
        if route == ("GET", "/me") and deployed.status_code == 200:
            assert deployed.json()["source"] == SOURCES[kind]


@pytest.mark.parametrize(("kind", "status"), [("rest", 403), ("http", 404)])
def test_what_was_left_out_is_not_there(kind: str, status: int, doors: Doors) -> None:
    assert doors.call(kind, ("GET", "/docs"), None).status_code == status
