"""Example app as a Lambda function, unpacked from its bundle and run by AWS's own runtime client."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from example_app.api import create_app
from fastapi_cognito_guard import CognitoGuard, lambda_handler
from fastapi_cognito_guard.testing import FakeUserPool, Flavour
from fastapi_cognito_guard.testing.gateway.contexts import java_date
from tests.integration import runtime_api
from tests.integration.runtime_api import Function
from tests.servers import fault_server, response

EVENTS = Path(__file__).parent.parent / "events"
EXAMPLES = sorted(file.stem for file in EVENTS.glob("*.json"))
POOL = "us-west-2_Ab12Cd34E"
CLIENT = "1h57kf5cpq17m0eml12example"
ISSUED, EXPIRES = 1782992389, 1782995989
"""Times in tests/events, in seconds since the epoch."""


@pytest.fixture(scope="module")
def python() -> str:
    found = runtime_api.find_python()
    if found is None:
        reason = "AWS's runtime client is not installed: scripts/test installs it and sets LAMBDA_PYTHON"
        if os.environ.get("REQUIRE_LAMBDA_PYTHON"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="module")
def example_pool() -> FakeUserPool:
    """Pool of the events in tests/events, at the present time."""
    return FakeUserPool(POOL, client_id=CLIENT)


@pytest.fixture(scope="module")
def settings(example_pool: FakeUserPool, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    keys = tmp_path_factory.mktemp("keys") / "jwks.json"
    keys.write_text(json.dumps(example_pool.jwks))
    return {
        "COGNITO_USER_POOL_ID": POOL,
        "COGNITO_CLIENT_IDS": CLIENT,
        "COGNITO_TOKEN_USE": "access,id",
        "COGNITO_JWKS_FILE": str(keys),
    }


@pytest.fixture(scope="module")
def function(
    python: str, task_root: Path, settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Function]:
    """One process for all events, like a warm function."""
    log = tmp_path_factory.mktemp("function") / "log"
    with runtime_api.run_function(python, task_root, "example_app.main.handler", settings, log) as function:
        yield function
    assert b"eyJ" not in log.read_bytes()  # no token in the function's log


def invoke_in_process(settings: dict[str, str], event: dict[str, Any]) -> dict[str, Any]:
    """Return the same app's answer without Lambda."""
    return lambda_handler(create_app(CognitoGuard.from_env(settings)))(event, None)


def load_event(name: str) -> dict[str, Any]:
    """Load an example event, with its times moved to the present."""
    text = (EVENTS / f"{name}.json").read_text()
    now = int(time.time())
    for then, moved in ((ISSUED, now), (EXPIRES, now + 3600)):
        text = text.replace(str(then), str(moved)).replace(java_date(then), java_date(moved))
    event: dict[str, Any] = json.loads(text)
    return event


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_event_has_the_same_answer_in_lambda_as_in_process(
    name: str, function: Function, settings: dict[str, str]
) -> None:
    event = load_event(name)
    answer = function.invoke(event)
    assert (answer.kind, answer.body) == ("response", invoke_in_process(settings, event))


STATUSES = {
    "http-jwt-payload1": 200,
    "http-jwt-scoped": 200,
    "http-jwt-unscoped": 200,
    "rest-cognito-access": 200,
    "rest-cognito-id": 403,  # /orders requires a scope, and an ID token has none
    "rest-jwt-native": 200,
    "no-authorizer": 401,
}


@pytest.mark.parametrize(("name", "status"), STATUSES.items())
def test_claims_of_the_gateway_are_accepted_in_lambda(name: str, status: int, function: Function) -> None:
    assert function.invoke(load_event(name)).body["statusCode"] == status


@pytest.mark.parametrize("flavour", ["rest", "rest-jwt", "http", "http-1.0"])
@pytest.mark.parametrize("vouched", [True, False], ids=["claims", "token"])
def test_the_caller_is_the_same_by_the_claims_of_every_gateway_and_by_the_token(
    flavour: Flavour, vouched: bool, function: Function, example_pool: FakeUserPool
) -> None:
    token = example_pool.access_token("ada", groups=["admins", "staff"], scopes=["orders/read"])
    answer = function.invoke(example_pool.event(flavour, token, vouched=vouched, path="/me"))
    user = json.loads(answer.body["body"])
    assert user.pop("source") == (flavour.removesuffix("-1.0").removesuffix("-jwt") if vouched else "token")
    assert user == {
        "sub": example_pool.sub("ada"),
        "username": "ada",
        "groups": ["admins", "staff"],
        "scopes": ["orders/read"],
    }


def test_a_forged_token_is_401_in_lambda(function: Function, example_pool: FakeUserPool) -> None:
    forged = FakeUserPool(POOL, client_id=CLIENT).access_token("ada", groups=["admins"])
    answer = function.invoke(example_pool.event("http", forged, vouched=False, path="/me"))
    assert (answer.kind, answer.body["statusCode"]) == ("response", 401)


def test_an_event_without_a_gateway_is_an_error_and_the_next_one_is_served(
    function: Function, example_pool: FakeUserPool
) -> None:
    answer = function.invoke({"Records": []})
    assert (answer.kind, answer.body["errorType"]) == ("error", "ConfigurationError")
    answer = function.invoke(example_pool.event("http", None, path="/health"))
    assert answer.body["statusCode"] == 200


def test_a_function_without_a_configured_pool_starts_and_answers_401(
    python: str, task_root: Path, example_pool: FakeUserPool, tmp_path: Path
) -> None:
    token = example_pool.access_token("ada", groups=["admins"])
    with runtime_api.run_function(
        python, task_root, "example_app.main.handler", {}, tmp_path / "log"
    ) as function:
        for path, vouched, status in (("/health", False, 200), ("/me", True, 401), ("/me", False, 401)):
            answer = function.invoke(example_pool.event("http", token, vouched=vouched, path=path))
            assert answer.body["statusCode"] == status


BAD_SETTINGS = {
    "no client ids": ({"COGNITO_CLIENT_IDS": ""}, "COGNITO_CLIENT_IDS"),
    "invalid pool id": ({"COGNITO_USER_POOL_ID": "Ab12Cd34E"}, "COGNITO_USER_POOL_ID"),
    "unknown semantics": ({"COGNITO_SEMANTICS": "lenient"}, "COGNITO_SEMANTICS"),
    "keys over plain HTTP": ({"COGNITO_JWKS_URI": "http://keys.example/jwks.json"}, "COGNITO_JWKS_URI"),
}


@pytest.mark.parametrize(("changes", "variable"), BAD_SETTINGS.values(), ids=BAD_SETTINGS)
def test_a_function_with_invalid_settings_does_not_start_and_names_the_variable(
    changes: dict[str, str],
    variable: str,
    python: str,
    task_root: Path,
    settings: dict[str, str],
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"
    wrong = {**settings, **changes}
    with runtime_api.run_function(python, task_root, "example_app.main.handler", wrong, log) as function:
        answer = function.answers.get(timeout=20)
        assert function.wait_for_exit() == 1
    assert (answer.kind, answer.body["errorType"]) == ("init/error", "ConfigurationError")
    assert variable in answer.body["errorMessage"]


def test_keys_and_verified_tokens_are_cached_between_invocations(
    python: str, task_root: Path, example_pool: FakeUserPool, tmp_path: Path
) -> None:
    with fault_server(response(example_pool.jwks)) as keys:
        environ = {
            "COGNITO_USER_POOL_ID": POOL,
            "COGNITO_CLIENT_IDS": CLIENT,
            "COGNITO_JWKS_URI": keys.address,
        }
        with runtime_api.run_function(
            python, task_root, "functions.observed.handler", environ, tmp_path / "log"
        ) as function:

            def get(path: str, token: str | None = None, *, vouched: bool = False) -> Any:
                event = example_pool.event("http", token, vouched=vouched, path=path)
                answer = function.invoke(event)
                assert answer.body["statusCode"] == 200
                return json.loads(answer.body["body"])

            ada, bob = example_pool.access_token("ada"), example_pool.access_token("bob")
            # Claims of the gateway need no network and none of the libraries that verify tokens.
            assert get("/me", ada, vouched=True)["source"] == "http"
            assert get("/observed") == {"network": [], "loaded": [], "remembered": 0}
            assert keys.requests == []
            # The first token causes one fetch.
            assert get("/me", ada)["username"] == "ada"
            cold = get("/observed")
            assert (len(keys.requests), cold["remembered"]) == (1, 1)
            assert cold["network"]
            # Later tokens use the same keys, and verified tokens are cached.
            assert [get("/me", token)["username"] for token in (ada, bob, ada)] == ["ada", "bob", "ada"]
            assert get("/me", bob, vouched=True)["source"] == "http"
            warm = get("/observed")
            assert (len(keys.requests), warm["remembered"]) == (1, 2)
            assert warm["network"] == cold["network"]
