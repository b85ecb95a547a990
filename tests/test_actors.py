"""Delegation: tokens with an actor, at every door, and requirements about it."""

import json
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from hypothesis import given
from hypothesis import strategies as st

from fastapi_cognito_guard import (
    Actor,
    CurrentUser,
    Decision,
    lambda_handler,
    require_actor,
    require_direct,
    require_group,
)
from fastapi_cognito_guard.actor import parse_actor
from fastapi_cognito_guard.deploy import lambda_claims
from fastapi_cognito_guard.errors import ClaimInvalid, ConfigurationError, DelegatedCaller
from fastapi_cognito_guard.testing import FakeUserPool, Flavour, GatewayClient, as_user
from tests.apps import bearer, client_of, guard_for
from tests.test_policy import make_principal

DOORS: tuple[Flavour | None, ...] = (None, "rest", "rest-jwt", "http", "http-1.0", "lambda", "lambda-2.0")
CHAIN = {"sub": "orders-service", "client_id": "orders-service", "act": {"sub": "gateway-service"}}


def build_app(pool: FakeUserPool, **settings: Any) -> FastAPI:
    app = FastAPI()
    users = {"token_use": {"id", "access"}}
    guard_for(pool, user_pool=users, lambda_context=lambda_claims, **settings).install(app)

    @app.get("/me")
    async def me(user: CurrentUser) -> Any:
        return None if user.actor is None else [each.sub for each in user.actor.chain]

    app.get("/direct", dependencies=[Depends(require_direct())])(lambda: "direct")
    app.get("/actor", dependencies=[Depends(require_actor("orders-service", "batch"))])(lambda: "actor")
    return app


def call(pool: FakeUserPool, door: Flavour | None, token: str, path: str) -> tuple[int, Any]:
    if door is None:
        response = client_of(build_app(pool)).get(path, headers=bearer(token))
        return response.status_code, response.json()
    event = pool.event(door, token, path=path)
    answer = lambda_handler(build_app(pool))(event, None)
    return answer["statusCode"], json.loads(answer["body"])


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("use", ["access", "id"])
def test_an_actor_is_the_same_at_every_door(pool: FakeUserPool, door: Flavour | None, use: str) -> None:
    issue = pool.access_token if use == "access" else pool.id_token
    delegated, own = issue(claims={"act": CHAIN}), issue()
    assert call(pool, door, delegated, "/me") == (200, ["orders-service", "gateway-service"])
    assert call(pool, door, own, "/me") == (200, None)
    assert call(pool, door, delegated, "/actor")[0] == 200
    assert call(pool, door, own, "/actor")[0] == 403
    assert call(pool, door, delegated, "/direct")[0] == 403
    assert call(pool, door, own, "/direct")[0] == 200
    assert call(pool, door, issue(actor="another"), "/actor")[0] == 403


UNREADABLE: list[Any] = [
    "orders-service", "", [], ["orders-service"], 5, True, {}, {"sub": ""}, {"sub": 5}, {"sub": None},
    {"client_id": "orders-service"}, {"sub": "a", "iss": 5}, {"sub": "a", "client_id": []},
    {"sub": "a", "act": None}, {"sub": "a", "act": "b"}, {"sub": "a", "act": {}}, {"sub": "x" * 257},
]  # fmt: skip


@pytest.mark.parametrize("act", UNREADABLE, ids=repr)
@pytest.mark.parametrize("door", DOORS)
def test_an_actor_that_cannot_be_read_is_refused_and_never_looks_like_none(
    pool: FakeUserPool, door: Flavour | None, act: Any
) -> None:
    token = pool.access_token(claims={"act": act})
    for path in ("/me", "/direct", "/actor"):
        assert call(pool, door, token, path)[0] == 401


@pytest.mark.parametrize("spelling", ["map[sub:orders-service]", "{sub=orders-service}", "null", "{}"])
@pytest.mark.parametrize("door", ["rest", "http", "http-1.0"])
def test_an_actor_in_a_spelling_that_is_not_known_is_refused(
    pool: FakeUserPool, door: Flavour, spelling: str
) -> None:
    assert call(pool, door, pool.access_token(claims={"act": spelling}), "/me")[0] == 401


def test_a_chain_that_is_too_long_is_refused() -> None:
    act: dict[str, Any] = {"sub": "1"}
    for length in range(2, 9):
        act = {"sub": str(length), "act": act}
    assert len(parse_actor(act).chain) == 8
    with pytest.raises(ClaimInvalid):
        parse_actor({"sub": "9", "act": act})


members = st.sampled_from(["sub", "act", "iss", "client_id"]) | st.text(max_size=3)
values = st.recursive(
    st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(members, inner)
)


@given(values)
def test_any_actor_is_read_or_refused(act: Any) -> None:
    try:
        actor = parse_actor(act)
    except ClaimInvalid:
        return
    assert actor.sub == act["sub"]
    assert (actor.prior is None) is ("act" not in act)


def test_only_the_current_actor_counts_and_only_of_the_tokens_issuer() -> None:
    required = require_actor("orders-service")
    prior = Actor(sub="orders-service")
    for actor, is_met in (
        (Actor(sub="orders-service"), True),
        (Actor(sub="orders-service", issuer="i"), True),
        (Actor(sub="orders-service", issuer="another"), False),
        (Actor(sub="another", client_id="orders-service"), False),
        (Actor(sub="another", prior=prior), False),
        (None, False),
    ):
        assert required.is_met(make_principal(actor=actor)) is is_met
        assert require_direct().is_met(make_principal(actor=actor)) is (actor is None)


def test_a_refusal_says_what_would_help() -> None:
    with pytest.raises(DelegatedCaller, match="send the user's own token"):
        require_direct().check(make_principal(actor=Actor(sub="a")))
    with pytest.raises(DelegatedCaller, match="exchange the user's token") as refused:
        require_actor("a", "b").check(make_principal(username="ada"))
    with pytest.raises(DelegatedCaller, match="a machine acts for itself: let it exchange a user's token"):
        require_actor("a", "b").check(make_principal())
    assert refused.value.required == ("a", "b")
    assert str(require_actor("a", "b")) == "require_actor('a', 'b')"
    assert str(require_direct()) == "require_direct()"


def test_a_direct_user_or_a_known_actor_are_alternatives() -> None:
    either = require_direct() | require_actor("a")
    assert either.label == "actor a or no actor"
    assert either.is_met(make_principal())
    assert either.is_met(make_principal(actor=Actor(sub="a")))
    assert not either.is_met(make_principal(actor=Actor(sub="b")))


@pytest.mark.parametrize("names", [(), ("",), ("a b",), (5,), ('a"',)])
def test_a_name_that_is_no_client_id_is_refused_at_definition(names: Any) -> None:
    with pytest.raises(ConfigurationError, match="require_actor"):
        require_actor(*names)


def test_decisions_name_the_actor_and_its_text_cannot_forge_a_line(pool: FakeUserPool) -> None:
    decisions: list[Decision] = []
    client = client_of(build_app(pool, on_decision=decisions.append))
    client.get("/me", headers=bearer(pool.access_token(actor="orders-service")))
    client.get("/direct", headers=bearer(pool.access_token(actor="x\nWARNING forged")))
    client.get("/me", headers=bearer(pool.access_token()))
    client.get("/me", headers=bearer(pool.access_token(actor="orders-service", expires_in=0)))
    allowed, refused, own, expired = decisions
    assert allowed.about["actor"] == expired.about["actor"] == "orders-service"
    assert (refused.code, refused.about["actor"]) == ("delegated_caller", "x\\nWARNING forged")
    assert "actor" not in own.about


def test_routes_and_documents_show_requirements_on_actors(pool: FakeUserPool) -> None:
    paths = build_app(pool).openapi()["paths"]
    assert paths["/direct"]["get"]["x-cognito-requirements"] == ["no actor"]
    assert paths["/actor"]["get"]["x-cognito-requirements"] == ["actor orders-service or batch"]


def test_the_kits_user_may_have_an_actor(pool: FakeUserPool) -> None:
    app = build_app(pool)
    with as_user(app, actor="orders-service") as user:
        assert user.actor == Actor(sub="orders-service")
        assert client_of(app).get("/direct").status_code == 403
        assert client_of(app).get("/actor").status_code == 200


@pytest.mark.parametrize("kind", ["rest", "http", "lambda", "lambda-2.0"])
def test_played_gateways_let_the_app_decide_on_actors(pool: FakeUserPool, kind: Flavour) -> None:
    client = GatewayClient(build_app(pool), kind)
    assert client.get("/direct", headers=bearer(pool.access_token(actor="a"))).status_code == 403
    assert client.get("/direct", headers=bearer(pool.access_token())).status_code == 200


def test_an_actor_cannot_be_forged_from_a_body_or_a_query() -> None:
    app = FastAPI()
    with pytest.raises(ConfigurationError, match="never built from a request"):

        @app.get("/")
        async def root(actor: Actor) -> None: ...

    with pytest.raises(ConfigurationError, match="no subclasses"):
        type("Own", (Actor,), {})


def test_groups_and_an_actor_are_two_requirements(pool: FakeUserPool) -> None:
    app = build_app(pool)
    app.get("/both", dependencies=[Depends(require_direct()), Depends(require_group("admins"))])(lambda: "x")
    client = client_of(app)
    token = pool.access_token(groups=["admins"], actor="a")
    assert client.get("/both", headers=bearer(token)).status_code == 403
    assert client.get("/both", headers=bearer(pool.access_token(groups=["admins"]))).status_code == 200
