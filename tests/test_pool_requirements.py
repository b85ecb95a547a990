"""Requirements about the caller's pool, where a guard has several."""

import json
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from fastapi_cognito_guard import (
    CognitoGuard,
    CurrentUser,
    UserPool,
    lambda_handler,
    require_group,
    require_pool,
)
from fastapi_cognito_guard.deploy import lambda_claims
from fastapi_cognito_guard.errors import ConfigurationError, PoolMismatch
from fastapi_cognito_guard.testing import FakeUserPool, Flavour, GatewayClient, as_user
from tests.apps import bearer, client_of
from tests.test_policy import make_principal

DOORS: tuple[Flavour | None, ...] = (None, "rest", "rest-jwt", "http", "http-1.0", "lambda", "lambda-2.0")
ACME, GLOBEX = FakeUserPool("eu-west-1_Acme"), FakeUserPool("eu-west-1_Globex")


def build_app(**settings: Any) -> FastAPI:
    app = FastAPI()
    pools = [pool.user_pool(token_use={"id", "access"}) for pool in (ACME, GLOBEX)]
    CognitoGuard(*pools, lambda_context=lambda_claims, **settings).install(app)

    @app.get("/me")
    async def read_me(user: CurrentUser) -> str:
        return user.pool_id

    app.get("/acme", dependencies=[Depends(require_pool(ACME.id))])(lambda: "acme")
    app.get("/all", dependencies=[Depends(require_pool(GLOBEX.id, ACME.id))])(lambda: "all")
    either = require_pool(ACME.id) | require_group("staff")
    app.get("/either", dependencies=[Depends(either)])(lambda: "either")
    return app


def call(pool: FakeUserPool, door: Flavour | None, path: str, **claims: Any) -> tuple[int, Any]:
    token = pool.access_token("ada", **claims)
    if door is None:
        response = client_of(build_app()).get(path, headers=bearer(token))
        return response.status_code, response.json()
    answer = lambda_handler(build_app())(pool.event(door, token, path=path), None)
    return answer["statusCode"], json.loads(answer["body"])


@pytest.mark.parametrize("door", DOORS)
def test_the_pool_of_a_caller_is_the_same_at_every_door(door: Flavour | None) -> None:
    for pool in (ACME, GLOBEX):
        assert call(pool, door, "/me") == (200, pool.id)
        assert call(pool, door, "/all")[0] == 200
    assert call(ACME, door, "/acme")[0] == 200
    assert call(GLOBEX, door, "/acme")[0] == 403
    assert call(ACME, door, "/either")[0] == 200
    assert call(GLOBEX, door, "/either")[0] == 403
    assert call(GLOBEX, door, "/either", groups=["staff"])[0] == 200


def test_a_pool_with_an_issuer_of_its_own_has_its_id() -> None:
    pool = FakeUserPool("local_6Ttdd5rm", issuer="https://login.example.com/tenants/acme")
    app = FastAPI()
    CognitoGuard(pool.user_pool(), ACME.user_pool()).install(app)
    app.get("/me")(read_pool)
    assert client_of(app).get("/me", headers=bearer(pool.access_token("ada"))).json() == "local_6Ttdd5rm"


async def read_pool(user: CurrentUser) -> str:
    return user.pool_id


@pytest.mark.parametrize("index", range(4))
def test_all_issuers_of_a_pool_and_its_replicas_are_one_pool(index: int) -> None:
    pool = UserPool(ACME.id, client_ids=ACME.client_id, regions=["eu-central-1"], jwks=ACME.jwks)
    app = FastAPI()
    CognitoGuard(pool, GLOBEX.user_pool()).install(app)
    app.get("/", dependencies=[Depends(require_pool(ACME.id))])(lambda: "acme")
    token = ACME.access_token("ada", claims={"iss": pool.issuers[index]})
    assert client_of(app).get("/", headers=bearer(token)).status_code == 200


def test_no_claim_of_a_token_chooses_the_pool() -> None:
    claims = {"pool_id": ACME.id, "custom:pool_id": ACME.id, "cognito:pool": ACME.id}
    for door in DOORS:
        assert call(GLOBEX, door, "/acme", claims=claims)[0] == 403


def test_a_refusal_names_the_callers_pool_and_what_to_do() -> None:
    with pytest.raises(PoolMismatch, match=f"of the pool '{GLOBEX.id}': sign in to a pool") as refused:
        require_pool(ACME.id).check(make_principal(pool_id=GLOBEX.id, username="ada"))
    with pytest.raises(PoolMismatch, match="give the machine an app client of a pool that is named"):
        require_pool(ACME.id).check(make_principal(pool_id=GLOBEX.id))
    assert (refused.value.code, refused.value.required) == ("pool_mismatch", (ACME.id,))
    assert str(require_pool("a_b")) == "require_pool('a_b')"
    with pytest.raises(PoolMismatch):
        require_pool(ACME.id).check(make_principal())  # a principal of no pool


@pytest.mark.parametrize("ids", [(), ("",), ("a b",), (5,), (None,), ("a_b", 'c"')])
def test_what_is_no_id_of_a_pool_is_refused_at_definition(ids: Any) -> None:
    with pytest.raises(ConfigurationError, match="require_pool"):
        require_pool(*ids)


@pytest.mark.parametrize("build", [require_pool, lambda pool: require_pool(pool) | require_group("staff")])
def test_an_app_that_requires_a_pool_that_the_guard_does_not_have_does_not_start(build: Any) -> None:
    app = build_app()
    app.get("/typo", dependencies=[Depends(build("eu-west-1_Acm"))])(lambda: "typo")
    with (
        pytest.raises(
            ConfigurationError, match=r"GET /typo has require_pool\('eu-west-1_Acm'\), and the pools"
        ),
        TestClient(app),
    ):
        pass


def test_an_app_with_known_pools_starts() -> None:
    with TestClient(build_app()) as client:
        assert client.get("/acme", headers=bearer(ACME.access_token("ada"))).status_code == 200


def test_documents_show_the_pools() -> None:
    operations = build_app().openapi()["paths"]
    assert operations["/acme"]["get"]["x-cognito-requirements"] == [f"pool {ACME.id}"]


@pytest.mark.parametrize("kind", ["rest-jwt", "http", "lambda", "lambda-2.0"])
def test_played_gateways_let_the_app_decide_on_pools(kind: Flavour) -> None:
    client = GatewayClient(build_app(), kind)
    assert client.get("/acme", headers=bearer(ACME.access_token("ada"))).status_code == 200
    assert client.get("/acme", headers=bearer(GLOBEX.access_token("ada"))).status_code == 403


def test_the_kits_user_is_of_the_first_pool() -> None:
    app = build_app()
    with as_user(app) as user:
        assert user.pool_id == ACME.id
        assert client_of(app).get("/acme").status_code == 200
