"""Known attacks on a Lambda authorizer, all refused."""

import sys
from collections.abc import Callable
from types import FrameType, MappingProxyType
from typing import Any

import pytest

from fastapi_cognito_guard import current_user, lambda_handler, require_group
from fastapi_cognito_guard.deploy import AuthorizerRequest, lambda_authorizer
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.principal import Principal
from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.tokens.jwt import parse
from tests.apps import guard_for
from tests.deploy.authorizer.events import KINDS, STAGE_ARN, build_get_app, make_event
from tests.deploy.model import allows


def test_a_star_that_matches_nothing_does_not_allow_a_path_with_a_trailing_slash(pool: FakeUserPool) -> None:
    guard = guard_for(pool)
    app = build_get_app(guard, {"/items/{id}": current_user, "/{x}/": require_group("admins")})
    policy = lambda_authorizer(guard, app=app)(make_event("http-2.0", pool.access_token()), None)[
        "policyDocument"
    ]
    assert allows(policy, f"{STAGE_ARN}/GET/items/1")
    assert not allows(policy, f"{STAGE_ARN}/GET/items/")


def not_secret(principal: Principal, request: AuthorizerRequest) -> bool:
    return not request.path.endswith(("/secret", "/admin"))


PAGES = ("/admin", "/{page}")
ORDERS = ("/orders/{id}/secret", "/orders/{id}")


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize(
    ("paths", "path"),
    [
        (PAGES, "/admin"),
        (PAGES, "/%61dmin"),
        (ORDERS, "/orders/1/secret"),
        (ORDERS, "/orders/1%2Fsecret"),
        (ORDERS, "/orders/1%2fsecret"),
        (PAGES, "/%2561dmin"),
        (ORDERS, "/orders/1%252Fsecret"),
        (ORDERS, "/orders/1%25252Fsecret"),
        (ORDERS, "/orders/1%2525252525252Fsecret"),
    ],
)
def test_an_escape_does_not_hide_a_path_from_allow(
    paths: tuple[str, ...], path: str, cached: bool, pool: FakeUserPool
) -> None:
    """The function behind gets the path without escapes, and ``allow`` does not run again."""
    guard = guard_for(pool)
    app = build_get_app(guard, dict.fromkeys(paths, current_user))
    authorize = lambda_authorizer(guard, app=app, allow=not_secret, cached=cached)
    response = authorize(make_event("http-2.0", pool.access_token(), path=path), None)
    assert not allows(response["policyDocument"], f"{STAGE_ARN}/GET{path}")


@pytest.mark.parametrize("cached", [True, False])
def test_a_path_with_escapes_is_allowed_if_allow_returns_true(cached: bool, pool: FakeUserPool) -> None:
    guard = guard_for(pool)
    app = build_get_app(guard, {"/notes/{title}": current_user})
    authorize = lambda_authorizer(guard, app=app, allow=not_secret, cached=cached)
    event = make_event("http-2.0", pool.access_token(), path="/notes/tea%20time")
    assert allows(authorize(event, None)["policyDocument"], f"{STAGE_ARN}/GET/notes/tea%20time")


@pytest.mark.parametrize("kind", KINDS[1:])
@pytest.mark.parametrize("text", ["\u2603", "\ud800"], ids=["unicode", "half a pair"])
def test_text_that_is_not_ascii_in_another_header_does_not_matter(
    kind: str, text: str, pool: FakeUserPool
) -> None:
    event = make_event(kind, pool.access_token())
    event["headers"]["x-name"] = text
    if "multiValueHeaders" in event:
        event["multiValueHeaders"]["x-name"] = [text]
    assert allows(lambda_authorizer(guard_for(pool))(event, None)["policyDocument"], f"{STAGE_ARN}/GET/me")


def test_with_allow_one_allowed_route_implies_no_other(pool: FakeUserPool) -> None:
    """Without ``allow``, a caller who may use one of these routes may use all."""
    guard = guard_for(pool)
    app = build_get_app(guard, dict.fromkeys(["/{x}/b", "/a/{x}", "/a/b"], current_user))
    lambda_authorizer(guard, app=app)
    with pytest.raises(ConfigurationError, match=r"deny GET /a/{x}.*still allow GET /a/b"):
        lambda_authorizer(guard, app=app, allow=lambda principal, request: True)


def test_an_open_route_never_needs_to_be_denied(pool: FakeUserPool) -> None:
    guard = guard_for(pool)
    around = {"/{x}/c": current_user, "/a/{p}/{q}/c": current_user}
    app = build_get_app(guard_for(pool), {**around, "/a/{z}/c": current_user})
    with pytest.raises(ConfigurationError, match=r"deny GET /a/{p}/c"):
        lambda_authorizer(guard, app=app, allow=not_secret)
    lambda_authorizer(guard, app=build_get_app(guard, {**around, "/a/{z}/c": None}), allow=not_secret)


def count_policy_calls(function: Callable[[], object]) -> int:
    """Run the function and count the Python calls in the module that builds policies."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        if event == "call" and frame.f_code.co_filename.endswith("authorizer/policy.py"):
            calls += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(before)
    return calls


def test_comparing_paths_with_many_variables_is_not_exponential(pool: FakeUserPool) -> None:
    """The paths differ only at their end, so every way to match the stars with segments is tried."""
    guard = guard_for(pool)
    short, long = ("".join(f"/{{v{n}}}" for n in range(count)) for count in (9, 18))
    app = build_get_app(guard, {f"{short}/a": current_user, f"{long}/b": current_user})
    calls = count_policy_calls(lambda: lambda_authorizer(guard, app=app))
    assert 0 < calls < 2_000  # more than 400_000 if each pair of remainders is compared again and again


@pytest.mark.parametrize(
    ("more", "status"),
    [({"custom:name": "\ud800"}, 401), ({("a", "pair"): "\u2603"}, 200)],
    ids=["half a pair", "odd key"],
)
def test_a_custom_mapping_with_claims_that_no_token_can_have_is_not_500(
    more: dict[Any, str], status: int, pool: FakeUserPool
) -> None:
    claims = parse(pool.access_token()).payload
    guard = guard_for(pool, lambda_context=lambda context: MappingProxyType({**claims, **more}))
    app = build_get_app(guard, {"/me": current_user})
    event = {**pool.event("http", None, path="/me")}
    event["requestContext"]["authorizer"] = {"lambda": {"key": "value"}}
    assert lambda_handler(app)(event, None)["statusCode"] == status
