"""Expected status of each route for each caller, by dialect. It is the same behind every gateway."""

from collections.abc import Mapping
from typing import Any

import httpx

from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.testing import FakeUserPool
from tests.integration.ministack import EmulatedPool

Route = tuple[str, str]

ROUTES: tuple[Route, ...] = (
    ("GET", "/health"),
    ("GET", "/"),
    ("GET", "/me"),
    ("GET", "/orders"),
    ("POST", "/orders"),
    ("GET", "/orders/1"),
    ("DELETE", "/orders/99"),
)
OPEN = ROUTES[:2]
"""Routes without an authorizer: the app itself decides."""
# One status for each of ROUTES, in order.
REFUSED = (200, 401, 401, 401, 401, 401, 401)
FOREIGN = {"other client": REFUSED, "forged": REFUSED}
STATUSES: Mapping[Semantics, Mapping[str, tuple[int, ...]]] = {
    "strict": {
        "anonymous": (200, 200, 401, 401, 401, 401, 401),
        "ada": (200, 200, 200, 403, 403, 403, 204),
        "ada's ID": REFUSED,
        "bob": (200, 200, 200, 403, 403, 403, 403),
        "reader": (200, 200, 200, 200, 403, 200, 403),
        "writer": (200, 200, 200, 200, 201, 200, 403),
        **FOREIGN,
    },
    "http": {
        "anonymous": (200, 200, 401, 401, 401, 401, 401),
        "ada": (200, 200, 200, 403, 403, 403, 204),
        "ada's ID": (200, 200, 200, 403, 403, 403, 204),  # unscoped routes take any token
        "bob": (200, 200, 200, 403, 403, 403, 403),
        "reader": (200, 200, 200, 200, 403, 200, 403),
        "writer": (200, 200, 200, 200, 201, 200, 403),
        **FOREIGN,
    },
    "rest": {
        "anonymous": (200, 200, 401, 401, 401, 401, 401),
        "ada": REFUSED,  # unscoped routes take ID tokens only; a scope that is missing is 401
        "ada's ID": (200, 200, 200, 401, 401, 401, 204),
        "bob's ID": (200, 200, 200, 401, 401, 401, 403),
        "reader": (200, 401, 401, 200, 401, 200, 401),
        "writer": (200, 401, 401, 200, 201, 200, 401),
        **FOREIGN,
    },
}


def issue_tokens(pool: EmulatedPool, *, domain: str = "") -> dict[str, str | None]:
    """Return the callers' tokens. MiniStack issues all but the forged one.

    ``domain`` is appended to user names in a pool whose user names are email addresses: ``"@example.com"``.
    """
    ada, bob = (pool.sign_in(name + domain) for name in ("ada", "bob"))
    return {
        "anonymous": None,
        "ada": ada["AccessToken"],
        "ada's ID": ada["IdToken"],
        "bob": bob["AccessToken"],
        "bob's ID": bob["IdToken"],
        "reader": pool.request_machine_token("orders/read"),
        "writer": pool.request_machine_token("orders/write"),
        "other client": pool.sign_in("ada" + domain, client=pool.other)["AccessToken"],
        "forged": FakeUserPool(pool.id, client_id=pool.web).access_token("ada", groups=["admins"]),
    }


def find_expected_status(
    statuses: Mapping[str, tuple[int, ...]], caller: str, route: Route, *, by_http_lambda: bool
) -> int:
    """Return the status that AWS answers. An HTTP API whose Lambda authorizer denies a token answers 403."""
    status = statuses[caller][ROUTES.index(route)]
    denied = by_http_lambda and route not in OPEN and caller != "anonymous"
    return 403 if denied and status == 401 else status


def read_content(answer: httpx.Response) -> Any:
    """Return the body without ``source``; None for orders, which change as they are posted."""
    if answer.request.url.path.endswith("/orders") and answer.status_code < 400:
        return None
    content = answer.json() if answer.content else {}
    return {name: value for name, value in content.items() if name != "source"}
