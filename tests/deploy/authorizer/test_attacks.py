"""Ways around a Lambda authorizer that were found, and are closed."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from fastapi import Depends, FastAPI

from fastapi_cognito_guard import CognitoGuard, current_user, lambda_handler, require_group
from fastapi_cognito_guard.deploy import AuthorizerRequest, lambda_authorizer
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.principal import Principal
from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.tokens.jwt import parse
from tests.apps import guard_for
from tests.deploy.authorizing import API, KINDS, asking
from tests.deploy.model import allows


def app_of(guard: CognitoGuard, demands: Mapping[str, Any]) -> FastAPI:
    """An app of GET routes, by path; None asks for nothing."""
    app = FastAPI(openapi_url=None)
    guard.install(app)
    for path, demand in demands.items():
        app.get(path, dependencies=[Depends(demand)] if demand else [])(lambda: None)
    return app


def test_a_star_that_takes_nothing_does_not_open_a_path_with_a_slash_at_its_end(pool: FakeUserPool) -> None:
    guard = guard_for(pool)
    app = app_of(guard, {"/items/{id}": current_user, "/{x}/": require_group("admins")})
    policy = lambda_authorizer(guard, app=app)(asking("http-2.0", pool.access_token()), None)[
        "policyDocument"
    ]
    assert allows(policy, f"{API}/GET/items/1")
    assert not allows(policy, f"{API}/GET/items/")


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
    ],
)
def test_an_escape_does_not_hide_a_path_from_allow(
    paths: tuple[str, ...], path: str, cached: bool, pool: FakeUserPool
) -> None:
    """The function behind gets the path without escapes, and nobody asks ``allow`` again."""
    guard = guard_for(pool)
    app = app_of(guard, dict.fromkeys(paths, current_user))
    authorize = lambda_authorizer(guard, app=app, allow=not_secret, cached=cached)
    answer = authorize(asking("http-2.0", pool.access_token(), path=path), None)
    assert not allows(answer["policyDocument"], f"{API}/GET{path}")


@pytest.mark.parametrize("cached", [True, False])
def test_a_path_that_allow_has_nothing_against_may_have_escapes(cached: bool, pool: FakeUserPool) -> None:
    guard = guard_for(pool)
    app = app_of(guard, {"/notes/{title}": current_user})
    authorize = lambda_authorizer(guard, app=app, allow=not_secret, cached=cached)
    answer = authorize(asking("http-2.0", pool.access_token(), path="/notes/tea%20time"), None)
    assert allows(answer["policyDocument"], f"{API}/GET/notes/tea%20time")


def test_an_answer_is_not_kept_by_a_header_that_does_not_say_who_is_calling(pool: FakeUserPool) -> None:
    """Whoever sent that header next would be let in as the first one."""
    token = pool.access_token()
    event = asking("http-2.0", token) | {"identitySource": ["tenant-1"]}
    guard = guard_for(pool)
    with pytest.raises(ConfigurationError, match="one of the authorizer's identity sources"):
        lambda_authorizer(guard)(event, None)
    asked_each_time = lambda_authorizer(guard, allow=not_secret, cached=False)
    assert allows(asked_each_time(event, None)["policyDocument"], f"{API}/GET/me")
    sources = {"identitySource": ["tenant-1", f"Bearer {token}"]}
    assert allows(lambda_authorizer(guard)(event | sources, None)["policyDocument"], f"{API}/GET/me")


@pytest.mark.parametrize("kind", KINDS[1:])
@pytest.mark.parametrize("text", ["\u2603", "\ud800"], ids=["unicode", "half a pair"])
def test_what_other_headers_hold_is_nothing_to_a_good_token(kind: str, text: str, pool: FakeUserPool) -> None:
    event = asking(kind, pool.access_token())
    event["headers"]["x-name"] = text
    if "multiValueHeaders" in event:
        event["multiValueHeaders"]["x-name"] = [text]
    assert allows(lambda_authorizer(guard_for(pool))(event, None)["policyDocument"], f"{API}/GET/me")


def test_a_websocket_api_is_not_refused_in_silence_by_routes_that_it_does_not_have(
    pool: FakeUserPool,
) -> None:
    guard = guard_for(pool)
    authorize = lambda_authorizer(guard, app=app_of(guard, {"/me": current_user}))
    event = asking("request", pool.access_token()) | {"methodArn": f"{API}/$connect"}
    with pytest.raises(ConfigurationError, match="without app"):
        authorize(event, None)


def test_with_allow_no_route_says_that_another_is_allowed(pool: FakeUserPool) -> None:
    """Without it, whoever may use one of these may use all."""
    guard = guard_for(pool)
    app = app_of(guard, dict.fromkeys(["/{x}/b", "/a/{x}", "/a/b"], current_user))
    lambda_authorizer(guard, app=app)
    with pytest.raises(ConfigurationError, match=r"deny GET /a/{x}.*still allow GET /a/b"):
        lambda_authorizer(guard, app=app, allow=lambda principal, request: True)


def test_what_is_open_to_everybody_is_never_denied_and_so_hits_nothing(pool: FakeUserPool) -> None:
    guard = guard_for(pool)
    around = {"/{x}/c": current_user, "/a/{p}/{q}/c": current_user}
    app = app_of(guard_for(pool), {**around, "/a/{z}/c": current_user})
    with pytest.raises(ConfigurationError, match=r"deny GET /a/{p}/c"):
        lambda_authorizer(guard, app=app, allow=not_secret)
    lambda_authorizer(guard, app=app_of(guard, {**around, "/a/{z}/c": None}), allow=not_secret)


def test_many_variables_in_a_path_do_not_take_for_ever(pool: FakeUserPool) -> None:
    guard = guard_for(pool)
    long, longer = ("/" + "/".join(f"{{v{n}}}" for n in range(count)) for count in (14, 28))
    lambda_authorizer(guard, app=app_of(guard, {long: current_user, longer: current_user}))


@pytest.mark.parametrize(
    ("more", "status"),
    [({"custom:name": "\ud800"}, 401), ({("a", "pair"): "\u2603"}, 200)],
    ids=["half a pair", "odd key"],
)
def test_a_mapping_of_ones_own_that_no_token_could_hold_is_no_500(
    more: dict[Any, str], status: int, pool: FakeUserPool
) -> None:
    claims = parse(pool.access_token()).payload
    guard = guard_for(pool, lambda_context=lambda context: MappingProxyType({**claims, **more}))
    app = app_of(guard, {"/me": current_user})
    event = {**pool.event("http", None, path="/me")}
    event["requestContext"]["authorizer"] = {"lambda": {"key": "value"}}
    assert lambda_handler(app)(event, None)["statusCode"] == status
