"""Step-up: authentication levels and the age of a sign-in (RFC 9470), at every door."""

import json
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from fastapi_cognito_guard import (
    CognitoGuard,
    CurrentUser,
    Decision,
    UserPool,
    lambda_handler,
    require_claim,
    require_level,
    require_scope,
)
from fastapi_cognito_guard.client import CognitoAuth
from fastapi_cognito_guard.deploy import lambda_authorizer, lambda_claims
from fastapi_cognito_guard.errors import ConfigurationError, InsufficientLevel, InsufficientPermission
from fastapi_cognito_guard.guard import installed_guard
from fastapi_cognito_guard.principal import COGNITO_LEVELS
from fastapi_cognito_guard.testing import FakeUserPool, Flavour, GatewayClient, as_user, local_pool
from fastapi_cognito_guard.testing.signing_key import unverified_claims
from tests.apps import NOW, bearer, client_of, guard_for
from tests.deploy.authorizer.events import STAGE_ARN, make_event
from tests.deploy.exports import export_document
from tests.deploy.model import allows
from tests.test_policy import make_principal

ONE, TWO, THREE, FOUR = COGNITO_LEVELS
DOORS: tuple[Flavour | None, ...] = (None, "rest", "rest-jwt", "http", "http-1.0", "lambda", "lambda-2.0")
ARN = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/"


def build_app(pool: FakeUserPool, user_pool: dict[str, Any] | None = None, **settings: Any) -> FastAPI:
    app = FastAPI(openapi_url="/openapi.json")
    settings.setdefault("lambda_context", lambda_claims)
    guard_for(pool, user_pool={"token_use": {"id", "access"}, **(user_pool or {})}, **settings).install(app)

    @app.get("/me")
    async def me(user: CurrentUser) -> Any:
        return [user.level, user.claims.get("amr")]

    app.get("/pay", dependencies=[Depends(require_level(THREE))])(lambda: "paid")
    app.get("/fresh", dependencies=[Depends(require_level(TWO, max_age=300))])(lambda: "fresh")
    app.get("/amr", dependencies=[Depends(require_claim("amr", "mfa"))])(lambda: "amr")
    return app


def call(app: FastAPI, pool: FakeUserPool, door: Flavour | None, token: str, path: str) -> tuple[int, Any]:
    if door is None:
        response = client_of(app).get(path, headers=bearer(token))
        return response.status_code, response.json()
    answer = lambda_handler(app)(pool.event(door, token, path=path), None)
    return answer["statusCode"], json.loads(answer["body"])


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("use", ["access", "id"])
def test_a_level_and_those_above_it_pass_at_every_door(
    pool: FakeUserPool, door: Flavour | None, use: str
) -> None:
    app, issue = build_app(pool), pool.access_token if use == "access" else pool.id_token
    for level, status in ((ONE, 401), (TWO, 401), (THREE, 200), (FOUR, 200), (None, 401), ("gold", 401)):
        assert call(app, pool, door, issue(level=level), "/pay")[0] == status
    token = issue(level=THREE, claims={"amr": ["pwd", "otp", "mfa"]})
    assert call(app, pool, door, token, "/me") == (200, [THREE, ["pwd", "otp", "mfa"]])
    assert call(app, pool, door, token, "/amr")[0] == 200


@pytest.mark.parametrize("door", DOORS)
def test_a_sign_in_that_is_too_old_is_refused_at_every_door(pool: FakeUserPool, door: Flavour | None) -> None:
    app = build_app(pool)
    for age, status in ((0, 200), (300, 200), (301, 401), (-5, 200)):
        token = pool.access_token(level=TWO, claims={"auth_time": int(NOW) - age})
        assert call(app, pool, door, token, "/fresh")[0] == status
    for claims in ({"auth_time": None}, {"auth_time": int(NOW), "acr": ONE}):
        token = pool.access_token(level=TWO, claims=claims)
        assert call(app, pool, door, token, "/fresh")[0] == 401


def test_the_age_of_a_cached_token_is_measured_again(pool: FakeUserPool) -> None:
    now = [NOW]
    client = client_of(build_app(pool, now=lambda: now[0]))
    headers = bearer(pool.access_token(level=TWO))
    for seconds, status in ((0, 200), (300, 200), (301, 401)):
        now[0] = NOW + seconds
        assert client.get("/fresh", headers=headers).status_code == status


@pytest.mark.parametrize("acr", [5, True, ["urn:cognito:loa:4"], {"x": 1}, ""], ids=repr)
def test_a_level_of_another_type_meets_nothing(pool: FakeUserPool, acr: Any) -> None:
    token = pool.access_token(claims={"acr": acr})
    assert client_of(build_app(pool)).get("/pay", headers=bearer(token)).status_code == 401


def test_a_machine_has_no_level(pool: FakeUserPool) -> None:
    client = client_of(build_app(pool))
    assert client.get("/pay", headers=bearer(pool.machine_token())).status_code == 401
    with pytest.raises(InsufficientLevel, match="a machine has no level"):
        require_level(THREE).check(make_principal())
    with pytest.raises(InsufficientLevel, match="sign in again"):
        require_level(THREE).check(make_principal(username="ada"))


def test_a_pool_may_rename_its_levels(pool: FakeUserPool) -> None:
    names = ["bronze", "silver", "gold", "platinum"]
    app = FastAPI()
    guard_for(pool, user_pool={"levels": names}).install(app)
    app.get("/pay", dependencies=[Depends(require_level("gold"))])(lambda: "paid")
    client = client_of(app)
    for level, status in (("silver", 401), ("gold", 200), ("platinum", 200), (FOUR, 401)):
        assert client.get("/pay", headers=bearer(pool.access_token(level=level))).status_code == status


def test_a_level_of_one_pool_is_none_of_another_pools(pool: FakeUserPool, other_pool: FakeUserPool) -> None:
    own = other_pool.user_pool(levels=["bronze", "silver", "gold", "platinum"])
    app = FastAPI()
    CognitoGuard(pool.user_pool(), own, now=lambda: NOW).install(app)
    app.get("/pay", dependencies=[Depends(require_level("gold"))])(lambda: "paid")
    client = client_of(app)
    assert client.get("/pay", headers=bearer(other_pool.access_token(level="gold"))).status_code == 200
    answer = client.get("/pay", headers=bearer(pool.access_token(level=FOUR)))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].endswith('acr_values="gold"')


# The challenge of RFC 9470


def test_the_challenge_names_the_levels_that_would_do_and_the_age(pool: FakeUserPool) -> None:
    client = client_of(build_app(pool))
    answer = client.get("/pay", headers=bearer(pool.access_token(level=ONE)))
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
    assert answer.headers["www-authenticate"] == (
        'Bearer error="insufficient_user_authentication", '
        'error_description="A different authentication level is required", '
        f'acr_values="{THREE} {FOUR}"'
    )
    answer = client.get("/fresh", headers=bearer(pool.access_token()))
    assert answer.headers["www-authenticate"].endswith(f'acr_values="{TWO} {THREE} {FOUR}", max_age="300"')


def test_each_dialect_has_its_own_form_of_the_refusal(pool: FakeUserPool) -> None:
    token = pool.access_token(level=ONE)
    http = client_of(build_app(pool, semantics="http")).get("/fresh", headers=bearer(token))
    assert http.headers["www-authenticate"] == (
        'Bearer scope="" error="insufficient_user_authentication" '
        'error_description="A different authentication level is required" '
        f'acr_values="{TWO} {THREE} {FOUR}" max_age="300"'
    )
    rest = client_of(build_app(pool, semantics="rest")).get("/pay", headers=bearer(pool.id_token(level=ONE)))
    assert (rest.status_code, rest.json()) == (401, {"message": "Unauthorized"})
    assert "www-authenticate" not in rest.headers


def test_decisions_name_the_level(pool: FakeUserPool) -> None:
    decisions: list[Decision] = []
    client = client_of(build_app(pool, on_decision=decisions.append))
    client.get("/pay", headers=bearer(pool.access_token("ada", level=ONE)))
    (decision,) = decisions
    assert (decision.code, decision.status, decision.required) == ("insufficient_level", 401, (THREE, FOUR))
    assert decision.about["sub"] == pool.sub("ada")
    assert "acr_values" in decision.reason


def test_a_client_does_not_renew_a_token_for_a_level() -> None:
    """A renewed token has the level of its sign-in."""
    requests: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request.headers["authorization"])
        challenge = f'Bearer error="insufficient_user_authentication", acr_values="{THREE}"'
        return httpx.Response(401, headers={"WWW-Authenticate": challenge})

    tokens = iter(("first", "second"))
    with httpx.Client(
        auth=CognitoAuth(lambda: next(tokens)), transport=httpx.MockTransport(answer)
    ) as client:
        assert client.get("https://api.example.com").status_code == 401
    assert requests == ["Bearer first"]


# Definition and start


@pytest.mark.parametrize("name", ["", "a b", 'a"', None, 3])
def test_a_name_that_is_no_level_is_refused_at_definition(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="require_level"):
        require_level(name)


@pytest.mark.parametrize("max_age", [0, -1, True, 1.5, "300"], ids=repr)
def test_an_age_that_is_none_is_refused_at_definition(max_age: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_age"):
        require_level(THREE, max_age=max_age)


def test_a_level_that_no_pool_has_stops_the_start(pool: FakeUserPool) -> None:
    app = build_app(pool)
    app.get("/gold", dependencies=[Depends(require_level("gold"))])(lambda: "gold")
    with pytest.raises(ConfigurationError, match=r"GET /gold has require_level\('gold'\), and the levels"):
        client_of(app).get("/me")


@pytest.mark.parametrize("levels", ["abcd", ["a", "b", "c"], ["a", "b", "c", "c"], ["a", "b", "c", 'd"'], 4])
def test_the_levels_of_a_pool_are_four_different_names(levels: Any) -> None:
    with pytest.raises(ConfigurationError, match="four authentication levels"):
        UserPool("eu-west-1_Abc123Xyz", client_ids="a", levels=levels)


def test_levels_are_values() -> None:
    assert require_level(THREE) == require_level(THREE)
    assert require_level(THREE) != require_level(THREE, max_age=5)
    assert str(require_level(THREE, max_age=5)) == f"require_level('{THREE}', max_age=5)"
    both = require_level(THREE) | require_level(FOUR)
    assert len(both.alternatives) == 2
    either = require_level(THREE, max_age=5) | require_scope("a")
    assert either.label == f"level {THREE}, 5 s old at most or scope a"
    with pytest.raises(InsufficientPermission):
        either.check(make_principal())


# Documents, gateways and the kit


def test_documents_show_levels_and_the_login_asks_for_them(pool: FakeUserPool) -> None:
    app = build_app(pool, user_pool={"domain": "auth.example.com"})
    paths = app.openapi()["paths"]
    assert paths["/pay"]["get"]["x-cognito-requirements"] == [f"level {THREE}"]
    assert paths["/fresh"]["get"]["x-cognito-requirements"] == [f"level {TWO}, 300 s old at most"]
    page = client_of(app).get("/docs").text
    assert f'"acr_values": "{THREE} {TWO}"' in page


def test_a_gateway_leaves_levels_to_the_app_and_an_authorizer_the_age(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="fastapi_cognito_guard.export")
    app = build_app(pool)
    arns = {"user_pool_arn": f"{ARN}{pool.id}"}
    export_document(app, **arns)
    assert (
        f"GET /pay: the gateway cannot decide all of require_level('{THREE}'); the app does." in caplog.text
    )
    arns["authorizer_arn"] = "arn:aws:lambda:eu-west-1:123456789012:function:auth"
    paths = export_document(app, **arns)["paths"]
    assert paths["/pay"]["get"]["security"] == [{"CognitoLambda": []}]
    assert paths["/fresh"]["get"]["security"] == [{"Cognito": []}]
    authorize = lambda_authorizer(installed_guard(app), app=app)
    for level, is_allowed in ((ONE, False), (THREE, True)):
        policy = authorize(make_event("request", pool.access_token(level=level)), None)["policyDocument"]
        assert allows(policy, f"{STAGE_ARN}/GET/pay") is is_allowed
        assert allows(policy, f"{STAGE_ARN}/GET/fresh")


@pytest.mark.parametrize("kind", ["rest", "http", "lambda", "lambda-2.0"])
def test_played_gateways_let_the_app_decide_on_levels(pool: FakeUserPool, kind: Flavour) -> None:
    client = GatewayClient(build_app(pool), kind)
    assert client.get("/pay", headers=bearer(pool.access_token(level=ONE))).status_code == 401
    assert client.get("/pay", headers=bearer(pool.access_token(level=FOUR))).status_code == 200


def test_the_kits_user_may_have_a_level(pool: FakeUserPool) -> None:
    app = build_app(pool)
    with as_user(app, level=FOUR) as user:
        assert user.level == FOUR
        assert [client_of(app).get(path).status_code for path in ("/pay", "/fresh")] == [200, 200]
    with as_user(app):
        assert client_of(app).get("/pay").status_code == 401


def test_a_protected_app_takes_levels(pool: FakeUserPool) -> None:
    app, inner = FastAPI(), FastAPI()
    guard = guard_for(pool)
    guard.install(app)
    inner.get("/x")(lambda: "x")
    app.mount("/inner", guard.protect(inner, require_level(TWO, max_age=300)))
    client = TestClient(app)
    assert client.get("/inner/x", headers=bearer(pool.access_token(level=TWO))).status_code == 200
    old = pool.access_token(level=TWO, claims={"auth_time": int(NOW) - 301})
    answer = client.get("/inner/x", headers=bearer(old))
    assert 'max_age="300"' in answer.headers["www-authenticate"]


def test_the_level_of_a_sign_in_stays_after_a_refresh() -> None:
    pool = FakeUserPool()
    tokens = pool.sign_in(level=THREE)
    refreshed = pool.refresh(tokens.refresh_token or "")
    for token in (tokens.access_token, tokens.id_token, refreshed.access_token, refreshed.id_token):
        assert unverified_claims(token)["acr"] == THREE


@pytest.mark.parametrize(
    ("acr_values", "granted"),
    [("", None), (FOUR, FOUR), (f"{THREE} {TWO}", THREE), ("gold", None), (f"gold {ONE}", ONE)],
)
def test_the_local_pool_grants_the_first_level_that_the_user_can_reach(
    acr_values: str, granted: str | None
) -> None:
    with local_pool() as local:
        assert unverified_claims(sign_in(local.address, "ada", acr_values)).get("acr") == granted


def sign_in(address: str, username: str, acr_values: str) -> str:
    """Sign in with the default client, and return the access token."""
    redirect = {"client_id": "local-docs", "redirect_uri": "http://127.0.0.1:8000/docs/oauth2-redirect"}
    challenge = {
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    form = {**redirect, **challenge, "response_type": "code", "username": username, "acr_values": acr_values}
    with httpx.Client(base_url=address, trust_env=False, timeout=10) as client:
        code = httpx.URL(client.post("/login", data=form).headers["location"]).params["code"]
        verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        grant = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        token: str = client.post("/oauth2/token", data={**redirect, **grant}).json()["access_token"]
    return token
