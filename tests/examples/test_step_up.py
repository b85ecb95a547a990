"""examples/step_up: a payment asks for a stronger and more recent sign-in."""

import time
from pathlib import Path

from fastapi_cognito_guard.testing import Directory, FakeUserPool, as_user, trusting
from tests.apps import bearer, client_of
from tests.examples.conftest import Load

POOL = Path(__file__).parents[2] / "examples/step_up/pool.toml"


def test_a_payment_needs_a_strong_and_recent_sign_in_of_the_user(
    load: Load, settings: dict[str, str], cognito: FakeUserPool
) -> None:
    app = load("step_up.main", **settings).app
    client, order = client_of(app), {"amount": 30}
    with trusting(app, cognito):
        strong = cognito.access_token("ada", level="urn:cognito:loa:3")
        old = cognito.access_token(
            "ada", level="urn:cognito:loa:4", claims={"auth_time": int(time.time()) - 301}
        )
        weak = cognito.access_token("ada", level="urn:cognito:loa:2")
        for token in (weak, old, cognito.access_token("ada")):
            assert client.get("/balance", headers=bearer(token)).json() == 100
            refused = client.post("/payments", json=order, headers=bearer(token))
            assert refused.status_code == 401
            challenge = refused.headers["www-authenticate"]
            assert 'error="insufficient_user_authentication"' in challenge
            assert 'acr_values="urn:cognito:loa:3 urn:cognito:loa:4", max_age="300"' in challenge
        assert client.post("/payments", json=order, headers=bearer(strong)).json() == 70
    with as_user(app, level="urn:cognito:loa:4", actor="assistant"):
        assert client.post("/payments", json=order).status_code == 403


def test_one_user_of_the_examples_pool_reaches_the_level_and_one_does_not() -> None:
    ada, bob = Directory.from_toml(POOL).users
    assert (ada.highest_level, bob.highest_level) == ("urn:cognito:loa:4", "urn:cognito:loa:2")
