"""schemathesis on the example app: no generated request is answered 500, and each refusal is documented."""

import logging
from contextlib import suppress
from itertools import product

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode

from example_app.api import create_app
from fastapi_cognito_guard import CognitoGuard
from fastapi_cognito_guard.testing import FakeUserPool

MAX_EXAMPLES = 10  # for each operation, caller and mode
SCOPES = ["orders/read", "orders/write"]
REFUSALS = {401, 403, 503}  # the guard's own, which the document must have


def list_callers(pool: FakeUserPool) -> dict[str, dict[str, str]]:
    """Return the headers of each kind of caller."""
    tokens = {
        "a forger": FakeUserPool(pool.id, client_id=pool.client_id).access_token(),
        "a user": pool.access_token("bob", scopes=["openid"]),
        "an admin": pool.access_token("ada", groups=["admins"], scopes=SCOPES),
        "a machine": pool.machine_token(scopes=SCOPES),
    }
    headers = {name: {"Authorization": f"Bearer {token}"} for name, token in tokens.items()}
    return {"nobody": {}, "an odd header": {"Authorization": "Basic x"}, **headers}


def list_statuses(
    operation: schemathesis.APIOperation, headers: dict[str, str], mode: GenerationMode
) -> list[int]:
    """Return the statuses of the answers to generated requests."""
    statuses: list[int] = []

    @settings(
        max_examples=MAX_EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Case) -> None:
        statuses.append(case.call(headers=headers).status_code)

    with suppress(Unsatisfiable):  # an operation without parameters has no invalid ones
        send()
    return statuses


def main() -> None:
    """Raise `AssertionError` for a 500, and for a refusal of the guard that the document does not have."""
    pool = FakeUserPool()
    app = create_app(CognitoGuard(pool.user_pool()))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    found: set[tuple[str, int]] = set()
    sent = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        documented = {int(status) for status in operation.definition.raw["responses"]}
        for headers, mode in product(list_callers(pool).values(), GenerationMode):
            for status in list_statuses(operation, headers, mode):
                sent += 1
                assert status < 500, f"{operation.label} answered {status}"
                found |= {(operation.label, status)} - {(operation.label, known) for known in documented}
    assert REFUSALS.isdisjoint(status for _, status in found), f"undocumented: {sorted(found)}"
    shown = ", ".join(f"{status} at {label}" for label, status in sorted(found)) or "none"
    print(f"{sent} requests, no 500; undocumented statuses: {shown}")


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    main()
