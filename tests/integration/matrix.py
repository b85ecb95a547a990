"""Who gets what, by the semantics of the guard: the same for every front door."""

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
"""The routes without an authorizer, which leave it to the app."""
# One for each of the routes, in their order.
REFUSED = (200, 401, 401, 401, 401, 401, 401)
STRANGERS = {"other client": REFUSED, "forged": REFUSED}
STATUSES: Mapping[Semantics, Mapping[str, tuple[int, ...]]] = {
    "strict": {
        "nobody": (200, 200, 401, 401, 401, 401, 401),
        "ada": (200, 200, 200, 403, 403, 403, 204),
        "ada's ID": REFUSED,
        "bob": (200, 200, 200, 403, 403, 403, 403),
        "reader": (200, 200, 200, 200, 403, 200, 403),
        "writer": (200, 200, 200, 200, 201, 200, 403),
        **STRANGERS,
    },
    "http": {
        "nobody": (200, 200, 401, 401, 401, 401, 401),
        "ada": (200, 200, 200, 403, 403, 403, 204),
        "ada's ID": (200, 200, 200, 403, 403, 403, 204),  # unscoped routes take any token
        "bob": (200, 200, 200, 403, 403, 403, 403),
        "reader": (200, 200, 200, 200, 403, 200, 403),
        "writer": (200, 200, 200, 200, 201, 200, 403),
        **STRANGERS,
    },
    "rest": {
        "nobody": (200, 200, 401, 401, 401, 401, 401),
        "ada": REFUSED,  # unscoped routes take ID tokens only; a scope that is missing is 401
        "ada's ID": (200, 200, 200, 401, 401, 401, 204),
        "bob's ID": (200, 200, 200, 401, 401, 401, 403),
        "reader": (200, 401, 401, 200, 401, 200, 401),
        "writer": (200, 401, 401, 200, 201, 200, 401),
        **STRANGERS,
    },
}


def tokens_of(pool: EmulatedPool, *, domain: str = "") -> dict[str, str | None]:
    """The callers' tokens. All but the forged one are of MiniStack's making.

    ``domain``: of the users' addresses, where a pool calls them by those: ``"@example.com"``.
    """
    ada, bob = (pool.sign_in(name + domain) for name in ("ada", "bob"))
    return {
        "nobody": None,
        "ada": ada["AccessToken"],
        "ada's ID": ada["IdToken"],
        "bob": bob["AccessToken"],
        "bob's ID": bob["IdToken"],
        "reader": pool.client_credentials("orders/read"),
        "writer": pool.client_credentials("orders/write"),
        "other client": pool.sign_in("ada" + domain, client=pool.other)["AccessToken"],
        "forged": FakeUserPool(pool.id, client_id=pool.web).access_token("ada", groups=["admins"]),
    }


def status_due(
    statuses: Mapping[str, tuple[int, ...]], caller: str, route: Route, *, by_http_lambda: bool
) -> int:
    """AWS's rule: an HTTP API's Lambda authorizer makes 403 of its no. Without a token it is not asked."""
    status = statuses[caller][ROUTES.index(route)]
    said_no = by_http_lambda and route not in OPEN and caller != "nobody"
    return 403 if said_no and status == 401 else status


def content_of(answer: httpx.Response) -> Any:
    """What is said, but for the door. Orders change as they are posted."""
    if answer.request.url.path.endswith("/orders") and answer.status_code < 400:
        return None
    content = answer.json() if answer.content else {}
    return {name: value for name, value in content.items() if name != "source"}
