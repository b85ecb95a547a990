"""Keys of cached responses: the token, and with simple responses the route key, whatever clients send."""

from typing import Any

import pytest

from fastapi_cognito_guard.deploy import lambda_authorizer
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import guard_for
from tests.deploy.authorizer.events import STAGE_ARN, build_orders_app, make_event
from tests.deploy.model import allows

KEY = "GET /me"
FORGED_KEYS: dict[str, dict[str, Any]] = {
    "header": {"headers": {"x-key": KEY}},
    "two headers, joined": {"headers": {"x-key": f"a,{KEY}"}},
    "three headers, joined with spaces": {"headers": {"x-key": f"a , {KEY} ,b"}},
    "query": {"queryStringParameters": {"k": KEY}},
    "one of several in the query": {"queryStringParameters": {"k": f"a,{KEY}"}},
    "raw query": {"rawQueryString": "k=GET%20%2Fme"},
    "form query": {"rawQueryString": "k=GET+/me"},
    "cookie": {"cookies": ["a=b", KEY]},
    "user agent": {"headers": {"user-agent": KEY}},
}


def test_a_response_is_not_cached_by_a_key_without_the_token(pool: FakeUserPool) -> None:
    """The next caller who sends that header would get the first one's response."""
    token = pool.access_token()
    event = make_event("http-2.0", token) | {"identitySource": ["tenant-1"]}
    guard = guard_for(pool)
    with pytest.raises(ConfigurationError, match="one of the authorizer's identity sources"):
        lambda_authorizer(guard)(event, None)
    uncached = lambda_authorizer(guard, allow=lambda user, request: True, cached=False)
    assert allows(uncached(event, None)["policyDocument"], f"{STAGE_ARN}/GET/me")
    for sources in (["tenant-1", f"Bearer {token}"], []):  # without identity sources a gateway caches nothing
        keyed = event | {"identitySource": sources}
        assert allows(lambda_authorizer(guard)(keyed, None)["policyDocument"], f"{STAGE_ARN}/GET/me")


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("place", FORGED_KEYS)
def test_a_client_cannot_forge_the_route_key_in_an_identity_source_of_its_own(
    pool: FakeUserPool, place: str, cached: bool
) -> None:
    """Without ``$context.routeKey`` the response would be reused for every other route."""
    guard = guard_for(pool)
    token = pool.access_token()
    authorize = lambda_authorizer(guard, app=build_orders_app(guard), simple=True, cached=cached)
    event = make_event("http-2.0", token, identitySource=[f"Bearer {token}", KEY])
    assert authorize(event, None)["isAuthorized"] is True
    for name, value in FORGED_KEYS[place].items():
        event[name] = {**event[name], **value} if name == "headers" else value
    event["identitySource"].append(KEY)  # from a second identity source of the same text
    assert authorize(event, None) == {"isAuthorized": False}


@pytest.mark.parametrize(
    "more",
    [{"headers": {"referer": "https://a.example/?GET /me"}}, {"queryStringParameters": {"q": "GET /me/now"}},
     {"rawQueryString": "GET+/me"}, {"cookies": ["k=GET /me"]}, {"headers": {"x-key": "GET /m,e"}}],
    ids=str,
)  # fmt: skip
def test_a_text_that_only_has_the_route_key_in_it_does_not_matter(
    pool: FakeUserPool, more: dict[str, Any]
) -> None:
    guard = guard_for(pool)
    authorize = lambda_authorizer(guard, app=build_orders_app(guard), simple=True)
    event = make_event("http-2.0", pool.access_token())
    for name, value in more.items():
        event[name] = {**event[name], **value} if name == "headers" else value
    assert authorize(event, None)["isAuthorized"] is True


def test_odd_values_of_query_and_cookies_do_not_matter(pool: FakeUserPool) -> None:
    guard = guard_for(pool)
    authorize = lambda_authorizer(guard, app=build_orders_app(guard), simple=True)
    for odd in (None, 7, "x", ["y"], {"k": None}):
        more = dict.fromkeys(("cookies", "queryStringParameters", "rawQueryString"), odd)
        event = make_event("http-2.0", pool.access_token(), **more)
        assert authorize(event, None)["isAuthorized"] is True


@pytest.mark.parametrize(
    "more",
    [
        {"headers": {"tenant": "TOKEN"}},
        {"queryStringParameters": {"tenant": "TOKEN"}},
        {"cookies": ["TOKEN"]},
    ],
    ids=["header", "query", "cookie"],
)
@pytest.mark.parametrize("simple", [True, False])
def test_a_token_that_also_stands_in_another_identity_source_is_no_key(
    pool: FakeUserPool, more: dict[str, Any], simple: bool
) -> None:
    """The one identity source may be the tenant, and the header with the token none."""
    given = pool.access_token()
    token = f"Bearer {given}"
    event = make_event("http-2.0", given, identitySource=[token])
    authorize = lambda_authorizer(guard_for(pool), simple=simple)
    for name, value in more.items():
        sent = ["a=b", token] if isinstance(value, list) else {"a": "b", "tenant": token}
        event[name] = {**event[name], **sent} if name == "headers" else sent  # type: ignore[dict-item]  # a dict
    response = authorize(event, None)
    assert response.get("isAuthorized") in (None, False)
    assert simple or not allows(response["policyDocument"], f"{STAGE_ARN}/GET/me")
    uncached = lambda_authorizer(guard_for(pool), allow=lambda user, request: True, cached=False)
    assert allows(uncached(event, None)["policyDocument"], f"{STAGE_ARN}/GET/me")
