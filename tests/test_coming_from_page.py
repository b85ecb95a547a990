"""The code of docs/coming-from.md: each piece runs alone, and answers as its text says."""

from functools import partial

import pytest

from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import bearer, client_of
from tests.pages import run_code

RESOURCE = "https://orders.example.com"
run = partial(run_code, "coming-from.md")


@pytest.fixture(scope="module")
def cognito() -> FakeUserPool:
    """Return a pool with the id of the page."""
    return FakeUserPool("eu-west-1_Abc123Xyz", client_id="4b1example")


def test_what_replaces_a_pyjwt_recipe_also_takes_tokens_with_an_audience(cognito: FakeUserPool) -> None:
    client = client_of(run("Coming from a recipe with PyJWT", cognito)["app"])
    for claims in ({}, {"aud": RESOURCE}):
        token = cognito.access_token("ada", groups=["b", "a"], claims=claims)
        answer = client.get("/me", headers=bearer(token))
        assert answer.json() == {"sub": cognito.sub("ada"), "groups": ["a", "b"]}
    refused = client.get("/me")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")


def test_what_replaces_powertools_answers_at_the_gateway_and_alone(cognito: FakeUserPool) -> None:
    names = run("Coming from Powertools", cognito)
    claims = {"aud": RESOURCE}
    token = cognito.access_token("ada", scopes=["orders/read"], claims=claims)
    assert names["handler"](cognito.event("http", token, path="/orders"), None)["statusCode"] == 200
    answers = {
        "good": token,
        "without the scope": cognito.access_token("ada", scopes=["openid"], claims=claims),
        "of another resource": cognito.access_token(scopes=["orders/read"], claims={"aud": "https://other"}),
        "just expired": cognito.access_token(scopes=["orders/read"], claims=claims, expires_in=-1),
    }
    client = client_of(names["app"])
    statuses = {
        name: client.get("/orders", headers=bearer(sent)).status_code for name, sent in answers.items()
    }
    assert list(statuses.values()) == [200, 403, 401, 401]


def test_what_replaces_fastapi_cognito_takes_machines_and_compares_the_issuer(cognito: FakeUserPool) -> None:
    client = client_of(run("Coming from fastapi-cognito", cognito)["app"])
    ada, machine = cognito.access_token("ada"), cognito.machine_token(scopes=["orders/read"])
    assert client.get("/me", headers=bearer(ada)).json() == {"id": cognito.sub("ada"), "name": "ada"}
    assert client.get("/me", headers=bearer(machine)).json() == {"id": "4b1example", "name": None}
    other = cognito.access_token("ada", claims={"iss": f"{cognito.issuer}2"})
    assert client.get("/me", headers=bearer(other)).status_code == 401
    assert client.get("/greeting").json() == "Hello"
    assert client.get("/greeting", headers=bearer(ada)).json() == "Hello ada"


def test_what_replaces_fastapi_cloudauth_refuses_other_app_clients(cognito: FakeUserPool) -> None:
    client = client_of(run("Coming from fastapi-cloudauth", cognito)["app"])
    admin = cognito.access_token("ada", groups=["admins"])
    other = cognito.access_token("ada", groups=["admins"], claims={"client_id": "another"})
    tokens = (admin, other, cognito.access_token("bob"))
    statuses = [client.get("/admin", headers=bearer(token)).status_code for token in tokens]
    assert statuses == [200, 401, 403]
