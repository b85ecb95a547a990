"""The app behind API Gateway: stages, base paths, and state that outlives an invocation."""

import asyncio
import json
from typing import Any

import pytest
from fastapi import FastAPI

from fastapi_cognito_guard import CognitoGuard, KeyPolicy, lambda_handler
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import FakeUserPool, Flavour, gateway_event
from tests.apps import build_app, guard_for

FLAVOURS: list[Flavour] = ["rest", "rest-jwt", "http", "http-1.0"]


@pytest.mark.parametrize(
    ("flavour", "stage"),
    [("http", "$default"), *((flavour, stage) for flavour in FLAVOURS for stage in ("prod", "orders"))],
)
def test_docs_and_redirects_work_behind_a_stage(pool: FakeUserPool, flavour: Flavour, stage: str) -> None:
    handler = lambda_handler(build_app(guard_for(pool)))
    root = "" if stage == "$default" else f"/{stage}"

    def get(path: str) -> Any:
        return handler(gateway_event(flavour, path=path, stage=stage), None)

    assert f"url: '{root}/openapi.json'" in get("/docs")["body"].replace('"', "'")
    assert json.loads(get("/openapi.json")["body"])["paths"].keys() >= {"/me"}
    redirect = get("/public/")
    assert redirect["statusCode"] == 307
    assert redirect["headers"]["location"].endswith(f"amazonaws.com{root}/public")
    assert (
        handler(pool.event(flavour, pool.access_token(), path="/orders", stage=stage), None)["statusCode"]
        == 200
    )


def test_a_custom_domains_base_path_is_stripped_at_a_segment_boundary(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))

    @app.get("/v1beta")
    async def beta() -> str:
        return "beta"

    handler = lambda_handler(app, base_path="/v1")
    for path, status in (("/v1/public", 200), ("/v1beta", 200), ("/v1", 404), ("/v2/public", 404)):
        event = gateway_event("http", path=path, headers={"host": "api.example.com"})
        assert handler(event, None)["statusCode"] == status


def test_on_a_custom_domain_a_path_that_equals_the_stage_is_the_apps(pool: FakeUserPool) -> None:
    event = gateway_event("http", path="/me", stage="public", headers={"host": "api.example.com"})
    event["requestContext"]["http"]["path"] = "/public"
    assert lambda_handler(build_app(guard_for(pool)))(event, None)["statusCode"] == 200


@pytest.mark.parametrize("base_path", ["v1", "/v1/", "/"])
def test_a_malformed_base_path_is_a_configuration_error(base_path: str) -> None:
    with pytest.raises(ConfigurationError, match="base_path"):
        lambda_handler(FastAPI(), base_path=base_path)


@pytest.mark.parametrize("option", [{"lifespan": "sometimes"}, {"api_gateway_base_path": "/v1"}])
def test_options_that_the_handler_sets_itself_are_a_configuration_error(option: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"lambda_handler keeps|lifespan is"):
        lambda_handler(FastAPI(), **option)


def test_other_options_are_passed_to_mangum(pool: FakeUserPool) -> None:
    handler = lambda_handler(build_app(guard_for(pool)), exclude_headers=["www-authenticate"])
    answer = handler(gateway_event("rest", path="/me"), None)
    assert (answer["statusCode"], "www-authenticate" in answer["headers"]) == (401, False)


def test_keys_survive_between_invocations_and_asyncio_run_in_between(pool: FakeUserPool) -> None:
    fetches: list[str] = []

    async def fetch(address: str) -> bytes:
        fetches.append(address)
        return json.dumps(pool.jwks).encode()

    handler = lambda_handler(build_app(guard_for(pool, user_pool={"jwks": None}, fetch=fetch)))
    event = pool.event("http", pool.access_token(), vouched=False, path="/me")
    for _ in range(3):
        assert handler(event, None)["statusCode"] == 200
        asyncio.run(asyncio.sleep(0))
    assert len(fetches) == 1


def test_an_invocation_with_gateway_claims_fetches_nothing(pool: FakeUserPool) -> None:
    async def fetch(address: str) -> bytes:
        raise AssertionError

    handler = lambda_handler(build_app(guard_for(pool, user_pool={"jwks": None}, fetch=fetch)))
    for flavour in FLAVOURS:
        assert handler(pool.event(flavour, pool.access_token(), path="/me"), None)["statusCode"] == 200


def test_a_duplicate_authorization_header_that_mangum_joins_is_refused(pool: FakeUserPool) -> None:
    event = pool.event("rest", pool.access_token(), vouched=False, path="/me")
    event["multiValueHeaders"]["authorization"] *= 2
    assert lambda_handler(build_app(guard_for(pool)))(event, None)["statusCode"] == 401


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_claims_of_another_issuer_are_refused_even_beside_a_good_token(
    pool: FakeUserPool, other_pool: FakeUserPool, flavour: Flavour
) -> None:
    event = other_pool.event(flavour, other_pool.access_token(), path="/me")
    event["headers"]["authorization"] = f"Bearer {pool.access_token()}"
    event["multiValueHeaders"] = None
    assert lambda_handler(build_app(guard_for(pool)))(event, None)["statusCode"] == 401


@pytest.mark.parametrize("flavour", ["rest", "http", "http-1.0"])  # rest-jwt writes the token's own types
def test_claims_that_cannot_be_parsed_are_refused_even_beside_a_good_token(
    pool: FakeUserPool, flavour: Flavour
) -> None:
    event = pool.event(flavour, pool.access_token(), path="/me")
    handler = lambda_handler(build_app(guard_for(pool)))
    assert handler(event, None)["statusCode"] == 200
    authorizer = event["requestContext"]["authorizer"]
    authorizer.get("jwt", authorizer)["claims"]["exp"] = "tomorrow"
    assert handler(event, None)["statusCode"] == 401


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize(
    "claims",
    [{"exp": 1}, {"token_use": None}, {"client_id": "another"}, {"sub": None}, {"nbf": 4_000_000_000}],
    ids=str,
)
def test_inconsistent_claims_are_refused_and_not_skipped(
    pool: FakeUserPool, flavour: Flavour, claims: dict[str, Any]
) -> None:
    event = pool.event(flavour, pool.access_token(claims=claims), path="/me")
    assert lambda_handler(build_app(guard_for(pool)))(event, None)["statusCode"] == 401


def test_a_hostile_event_is_refused_and_not_500(pool: FakeUserPool) -> None:
    handler = lambda_handler(build_app(guard_for(pool)))
    contexts: list[dict[str, Any]] = [{"stage": ["prod"], "path": {}}, {"authorizer": [], "stage": None}]
    for context in contexts:
        event = gateway_event("rest", path="/me")
        event["requestContext"] = context
        assert handler(event, None)["statusCode"] == 401


def test_on_lambda_a_request_that_finds_stale_keys_waits_for_a_refresh() -> None:
    """A refresh in the background would not run between invocations."""
    present = [1_000_000.0]
    pool = FakeUserPool(now=lambda: present[0])

    async def fetch(address: str) -> bytes:
        return json.dumps(pool.jwks).encode()

    guard = CognitoGuard(
        pool.user_pool(jwks=None), now=lambda: present[0], fetch=fetch, keys=KeyPolicy(max_age=60)
    )
    handler = lambda_handler(build_app(guard))
    event = pool.event("http", pool.access_token(), vouched=False, path="/me")
    assert handler(event, None)["statusCode"] == 200
    pool.rotate()
    present[0] += 60
    assert handler(event, None)["statusCode"] == 401


def test_a_path_that_begins_with_the_default_stage_is_the_apps(pool: FakeUserPool) -> None:
    event = gateway_event("http", path="/$default/public")
    assert lambda_handler(build_app(guard_for(pool)))(event, None)["statusCode"] == 404
