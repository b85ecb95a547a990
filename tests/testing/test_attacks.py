"""Tests of `attack_tokens` and `assert_rejects_attacks`."""

import pytest
from fastapi import FastAPI

from fastapi_cognito_guard import ANY_CLIENT, CognitoGuard, CurrentUser, Principal, UserPool, current_user
from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.errors import AuthError
from fastapi_cognito_guard.testing import (
    FakeUserPool,
    Flavour,
    GatewayClient,
    assert_rejects_attacks,
    attack_tokens,
    trusting,
)
from fastapi_cognito_guard.testing.signing_key import unverified_claims
from tests.apps import NOW, build_app, client_of, guard_for

POOL = FakeUserPool(now=lambda: NOW)
ATTACKS = attack_tokens(POOL)


@pytest.mark.anyio
@pytest.mark.parametrize("name", ATTACKS)
async def test_every_attack_is_refused(name: str) -> None:
    guard = guard_for(POOL, user_pool={"token_use": {"access", "id"}})
    with pytest.raises(AuthError) as refused:
        await guard.verify(ATTACKS[name])
    assert refused.value.status == 401


def test_there_are_more_than_60_attacks_and_no_two_are_equal() -> None:
    assert len(ATTACKS) > 60
    assert len(set(ATTACKS.values())) == len(ATTACKS)


def test_a_guarded_app_passes_behind_each_door() -> None:
    app = build_app(guard_for(POOL))
    scopes = ["orders/read"]
    assert_rejects_attacks(client_of(app), "/me", pool=POOL)
    kinds: list[Flavour] = ["rest", "http", "lambda", "alb"]
    for kind in kinds:
        assert_rejects_attacks(GatewayClient(app, kind), "/scope", pool=POOL, scopes=scopes)


RESOURCE = "https://api.example.com/shop"


@pytest.mark.parametrize("semantics", ["strict", "rest", "http"])
def test_an_app_with_a_resource_passes_behind_each_door(semantics: Semantics) -> None:
    guard = guard_for(POOL, user_pool={"resource": RESOURCE}, semantics=semantics)
    app = build_app(guard)
    assert_rejects_attacks(client_of(app), "/scope", pool=POOL, scopes=["orders/read"])
    kinds: list[Flavour] = ["rest", "rest-jwt", "http", "http-1.0", "lambda", "alb"]
    for kind in kinds:
        assert_rejects_attacks(GatewayClient(app, kind), "/scope", pool=POOL, scopes=["orders/read"])
    with trusting(app, POOL):
        assert_rejects_attacks(client_of(app), "/scope", pool=POOL, scopes=["orders/read"])


def test_a_token_of_another_resource_is_an_attack_where_the_app_requires_one() -> None:
    attacks = attack_tokens(POOL, resource=RESOURCE)
    assert unverified_claims(attacks["of another resource"])["aud"] == "https://another.example"
    assert "aud" not in unverified_claims(attacks["of no resource"])
    assert "of another resource" not in ATTACKS
    app = build_app(guard_for(POOL))  # accepts any aud
    assert_rejects_attacks(client_of(app), "/me", pool=POOL)
    bound = FakeUserPool(resource=RESOURCE, now=lambda: NOW)
    with trusting(app, bound):
        assert_rejects_attacks(client_of(app), "/me", pool=bound)

    class Remote:
        def request(self, method: str, url: str, *, headers: dict[str, str]) -> object:
            return client_of(app).request(method, url, headers=headers)

    with trusting(app, bound), pytest.raises(AssertionError, match="of another resource: 200"):
        assert_rejects_attacks(Remote(), "/me", pool=bound)


@pytest.mark.parametrize("client_ids", [ANY_CLIENT, {"4b1example"}], ids=["any client", "one client"])
def test_without_the_pool_tokens_have_its_issuer_and_other_keys(client_ids: object) -> None:
    app = build_app(CognitoGuard(UserPool("eu-west-1_A", client_ids=client_ids, jwks=POOL.jwks)))  # type: ignore[arg-type]  # either
    assert_rejects_attacks(client_of(app), "/me")
    assert_rejects_attacks(GatewayClient(app, "http"), "/me")


def test_a_client_without_an_app_is_accepted(pool: FakeUserPool) -> None:
    client = client_of(build_app(guard_for(pool)))

    class Remote:
        def request(self, method: str, url: str, *, headers: dict[str, str]) -> object:
            return client.request(method, url, headers=headers)

    assert_rejects_attacks(Remote(), "/me")


def test_accepted_attacks_are_named_and_no_token_is_shown() -> None:
    """The override accepts every request."""
    app = FastAPI()
    guard_for(POOL).install(app)
    app.dependency_overrides[current_user] = lambda: Principal(
        sub="s", client_id="c", issuer="i", expires_at=0, claims={}
    )

    @app.get("/me")
    async def me(user: CurrentUser) -> None: ...

    with pytest.raises(AssertionError, match="GET /me should answer 401") as failed:
        assert_rejects_attacks(client_of(app), "/me", pool=POOL)
    assert "  no token: 200" in str(failed.value).splitlines()
    assert str(failed.value).splitlines()[-1] == f"  and {len(ATTACKS) - 9} more"
    assert "eyJ" not in str(failed.value)


@pytest.mark.parametrize("path", ["/public", "/nowhere", "/docs"])
def test_a_path_that_is_open_or_missing_fails_the_assertion(path: str) -> None:
    with pytest.raises(AssertionError, match="no token: "):
        assert_rejects_attacks(client_of(build_app(guard_for(POOL))), path, pool=POOL)


def test_a_path_that_refuses_valid_tokens_fails_the_assertion(other_pool: FakeUserPool) -> None:
    with pytest.raises(AssertionError, match="Does the app trust the pool"):
        assert_rejects_attacks(client_of(build_app(guard_for(POOL))), "/me", pool=other_pool)
