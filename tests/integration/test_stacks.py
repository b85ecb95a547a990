"""Deployed templates: for every route and caller the answer is that of the app standalone."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from example_app.api import create_app
from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.testing.uvicorn_server import serve_app
from tests.integration.calls import MOST_CALLS, send
from tests.integration.deployment import make_guard
from tests.integration.matrix import ROUTES, STATUSES, Route, find_expected_status, issue_tokens, read_content
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
    "rest": "http",  # not "rest", because MiniStack's REST events say version 1.0
    "http": "http",
    "rest-authorizer": "lambda",
    "http-authorizer": "lambda",
    "function-url": "token",
}


@dataclass
class Deployments:
    """All stacks, and the same app standalone."""

    stacks: Stacks
    standalone: Mapping[Semantics, str]
    client: httpx.Client
    calls: int = field(default=0)

    def call(self, kind: str, route: Route, token: str | None) -> httpx.Response:
        """Send a request through the gateway. Fail if a run sends too many."""
        self.calls += 1
        assert self.calls <= MOST_CALLS
        return send(self.client, route[0], self.stacks.address + self.stacks.bases[kind] + route[1], token)

    def call_standalone(self, kind: str, route: Route, token: str | None) -> httpx.Response:
        """Send the same request to the app under uvicorn."""
        return send(self.client, route[0], self.standalone[SEMANTICS[kind]] + route[1], token)


@pytest.fixture(scope="module")
def deployments(ministack_address: str, task_root: Path) -> Iterator[Deployments]:
    stacks = Stacks(ministack_address, task_root)
    with ExitStack() as stack:
        standalone = {
            semantics: stack.enter_context(serve_app(create_app(make_guard(stacks.pool, semantics)), 0))
            for semantics in set(SEMANTICS.values())
        }
        yield Deployments(stacks, standalone, stack.enter_context(httpx.Client(trust_env=False, timeout=30)))


@pytest.fixture(scope="module")
def tokens(deployments: Deployments) -> dict[str, str | None]:
    return issue_tokens(deployments.stacks.pool, domain="@example.com")


@pytest.mark.parametrize(
    ("kind", "caller"), [(kind, caller) for kind in SEMANTICS for caller in STATUSES[SEMANTICS[kind]]]
)
def test_a_deployed_template_decides_as_the_app_does(
    kind: str, caller: str, deployments: Deployments, tokens: dict[str, str | None]
) -> None:
    for route in ROUTES:
        deployed = deployments.call(kind, route, tokens[caller])
        alone = deployments.call_standalone(kind, route, tokens[caller])
        assert alone.status_code == STATUSES[SEMANTICS[kind]][caller][ROUTES.index(route)], route
        expected = find_expected_status(
            STATUSES[SEMANTICS[kind]], caller, route, by_http_lambda=kind == "http-authorizer"
        )
        assert deployed.status_code == expected, route
        if deployed.status_code == alone.status_code < 400:
            assert read_content(deployed) == read_content(alone)
        if route == ("GET", "/me") and deployed.status_code == 200:
            assert deployed.json()["source"] == SOURCES[kind]


@pytest.mark.parametrize(("kind", "status"), [("rest", 403), ("http", 404)])
def test_a_route_that_the_template_leaves_out_is_not_deployed(
    kind: str, status: int, deployments: Deployments
) -> None:
    assert deployments.call(kind, ("GET", "/docs"), None).status_code == status
