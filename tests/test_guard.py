"""The guard: its settings, its gateway modes, and one verification a request."""

import logging
from inspect import signature
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from starlette.requests import HTTPConnection

from fastapi_cognito_guard import CognitoGuard, UserPool, lambda_handler
from fastapi_cognito_guard.errors import AuthError, ConfigurationError, IssuerMismatch
from fastapi_cognito_guard.middleware import GuardMiddleware
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import add_routes, bearer, build_app, client_of, guard_for

ENVIRONMENT = {"COGNITO_USER_POOL_ID": "eu-west-1_Abc123Xyz", "COGNITO_CLIENT_IDS": "web, app"}


@pytest.mark.parametrize(
    "settings",
    [
        {"semantics": "lenient"},
        {"gateway": "maybe"},
        {"gateway": True},
        {"rest_scope_status": 200},
        {"leeway": -1},
        {"leeway": 301},
        {"leeway": True},
        {"leeway": float("nan")},
        {"leeway": "5"},
        {"remember": -1},
        {"remember": True},
        {"max_token_length": 0},
        {"max_token_length": "16384"},
        {"identity_source": "X Auth"},
        {"identity_source": ""},
        {"identity_source": None},
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_right_is_refused(pool: FakeUserPool, settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        guard_for(pool, **settings)
    assert refused.value.setting == next(iter(settings))


@pytest.mark.parametrize("public", ["/health", ["health"], [5]], ids=repr)
def test_public_paths_are_paths(pool: FakeUserPool, public: Any) -> None:
    with pytest.raises(ConfigurationError, match="public"):
        guard_for(pool, deny_by_default=True, public=public)


def test_public_without_deny_by_default_means_nothing_and_says_so(pool: FakeUserPool) -> None:
    with pytest.raises(ConfigurationError, match="deny_by_default=True"):
        guard_for(pool, public=["/health"])


def test_a_guard_from_the_environment() -> None:
    guard = CognitoGuard.from_env(
        ENVIRONMENT
        | {
            "COGNITO_TOKEN_USE": "id,access",
            "COGNITO_REGIONS": "us-east-1",
            "COGNITO_RESOURCE": "https://api.example",
            "COGNITO_JWKS_URI": "https://keys.example/jwks.json",
            "COGNITO_SEMANTICS": "http",
            "COGNITO_GATEWAY": "require",
            "COGNITO_LEEWAY": "2.5",
            "COGNITO_DOMAIN": "",
        }
    )
    assert guard.pools == (
        UserPool(
            "eu-west-1_Abc123Xyz",
            client_ids={"web", "app"},
            token_use={"id", "access"},
            regions=["us-east-1"],
            resource="https://api.example",
            jwks_uri="https://keys.example/jwks.json",
        ),
    )
    assert (guard.semantics, guard.gateway) == ("http", "require")


def test_what_the_environment_has_no_variable_for_is_an_argument() -> None:
    guard = CognitoGuard.from_env(ENVIRONMENT, deny_by_default=True, public=["/health"])
    assert guard.deny_by_default
    assert "/health" in guard.public


def test_an_argument_stands_instead_of_the_variable_and_its_error_names_no_variable() -> None:
    environ = ENVIRONMENT | {"COGNITO_LEEWAY": "5", "COGNITO_SEMANTICS": "http"}
    assert CognitoGuard.from_env(environ, semantics="rest").semantics == "rest"
    with pytest.raises(ConfigurationError, match=r"^leeway is a number"):
        CognitoGuard.from_env(environ, leeway=999)


def test_any_client_has_to_be_typed_out_in_the_environment_too() -> None:
    assert (
        "x" in CognitoGuard.from_env(ENVIRONMENT | {"COGNITO_CLIENT_IDS": "ANY_CLIENT"}).pools[0].client_ids
    )


@pytest.mark.parametrize(
    ("changes", "variable"),
    [
        ({"COGNITO_USER_POOL_ID": ""}, "COGNITO_USER_POOL_ID"),
        ({"COGNITO_CLIENT_IDS": " "}, "COGNITO_CLIENT_IDS"),
        ({"COGNITO_CLIENT_IDS": ","}, "COGNITO_CLIENT_IDS"),
        ({"COGNITO_USER_POOL_ID": "Abc"}, "COGNITO_USER_POOL_ID"),
        ({"COGNITO_TOKEN_USE": "refresh"}, "COGNITO_TOKEN_USE"),
        ({"COGNITO_REGIONS": "mars"}, "COGNITO_REGIONS"),
        ({"COGNITO_ISSUER": "http://example.com"}, "COGNITO_ISSUER"),
        ({"COGNITO_LEEWAY": "soon"}, "COGNITO_LEEWAY"),
        ({"COGNITO_LEEWAY": "999"}, "COGNITO_LEEWAY"),
        ({"COGNITO_SEMANTICS": "lenient"}, "COGNITO_SEMANTICS"),
        ({"COGNITO_GATEWAY": "maybe"}, "COGNITO_GATEWAY"),
    ],
)
def test_errors_of_the_environment_name_the_variable(changes: dict[str, str], variable: str) -> None:
    with pytest.raises(ConfigurationError, match=variable):
        CognitoGuard.from_env(ENVIRONMENT | changes)


def test_a_route_without_an_installed_guard_is_an_error_and_not_open(pool: FakeUserPool) -> None:
    app = FastAPI()
    add_routes(app)
    with pytest.raises(ConfigurationError, match=r"guard\.install\(app\)"):
        client_of(app).get("/me", headers=bearer(pool.access_token()))


def test_a_guard_is_installed_once(pool: FakeUserPool) -> None:
    app, guard = FastAPI(), guard_for(pool)
    guard.install(app)
    guard.install(app)
    kinds: list[object] = [entry.cls for entry in app.user_middleware]
    assert kinds.count(GuardMiddleware) == 1
    with pytest.raises(ConfigurationError, match="several pools to one guard"):
        guard_for(pool).install(app)


def test_a_guard_cannot_be_installed_on_a_running_app(pool: FakeUserPool) -> None:
    app = FastAPI()
    client_of(app).get("/")
    with pytest.raises(ConfigurationError, match="before the app starts"):
        guard_for(pool).install(app)


@pytest.mark.parametrize("cors_first", [True, False])
def test_refusals_carry_cors_headers_whatever_the_order(pool: FakeUserPool, cors_first: bool) -> None:
    app = FastAPI()
    guard = guard_for(pool, deny_by_default=True, public=["/me"])
    if not cors_first:
        guard.install(app)
    app.add_middleware(CORSMiddleware, allow_origins=["https://web.example"])
    if cors_first:
        guard.install(app)
    add_routes(app)
    for path in ("/me", "/orders"):  # refused by the dependency, and by the middleware
        answer = client_of(app).get(path, headers={"Origin": "https://web.example"})
        assert answer.status_code == 401
        assert answer.headers["access-control-allow-origin"] == "https://web.example"


@pytest.mark.parametrize("deny_by_default", [False, True])
@pytest.mark.parametrize("kind", ["async", "sync"])
def test_a_handler_of_ones_own_is_kept(pool: FakeUserPool, kind: str, deny_by_default: bool) -> None:
    app = FastAPI()

    def own(request: Any, error: AuthError) -> JSONResponse:
        return JSONResponse({"code": error.code}, status_code=418)

    async def own_async(request: Any, error: AuthError) -> JSONResponse:
        return own(request, error)

    handler: Any = own if kind == "sync" else own_async
    app.add_exception_handler(AuthError, handler)
    guard_for(pool, deny_by_default=deny_by_default).install(app)
    add_routes(app)
    answer = client_of(app).get("/me")
    assert (answer.status_code, answer.json()) == (418, {"code": "token_missing"})


def test_the_log_names_the_reason_and_never_the_token(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    token = pool.id_token()
    client_of(build_app(guard_for(pool))).get("/me", headers=bearer(token))
    (record,) = [record for record in caplog.records if record.name == "fastapi_cognito_guard"]
    assert record.levelno == logging.WARNING
    assert "token_use_mismatch: this is an id token, access is due" in record.getMessage()
    assert token[:20] not in caplog.text


MODES = [
    #            claims of   token of    status, source
    ("trust", "ada", "ada", 200, "rest"),
    ("trust", "ada", None, 200, "rest"),
    ("trust", None, "ada", 200, "token"),
    ("trust", None, None, 401, None),
    ("trust", "other pool", "ada", 401, None),
    ("require", "ada", None, 200, "rest"),
    ("require", None, "ada", 401, None),
    ("ignore", "ada", None, 401, None),
    ("ignore", "ada", "ada", 200, "token"),
    ("verify", "ada", "ada", 200, "token"),
    ("verify", "ada", "bob", 401, None),
    ("verify", "ada", "ada again", 401, None),
    ("verify", "ada", "forged", 401, None),
    ("verify", "ada", None, 401, None),
    ("verify", None, "ada", 200, "token"),
    ("verify", "no jti", "no jti", 401, None),
]


@pytest.mark.parametrize(("gateway", "claims", "token", "status", "source"), MODES)
def test_what_the_gateways_claims_are_worth(
    pool: FakeUserPool,
    other_pool: FakeUserPool,
    impostor: FakeUserPool,
    gateway: Any,
    claims: str | None,
    token: str | None,
    status: int,
    source: str | None,
) -> None:
    tokens: dict[str | None, str] = {
        "ada": pool.access_token("ada"),
        "ada again": pool.access_token("ada"),
        "bob": pool.access_token("bob"),
        "no jti": pool.access_token("ada", claims={"jti": None}),
        "forged": impostor.access_token("ada"),
        "other pool": other_pool.access_token("ada"),
    }
    event = pool.event("rest", tokens.get(claims), path="/me")
    event["headers"].pop("authorization", None)
    event["multiValueHeaders"] = None
    if token is not None:
        event["headers"]["authorization"] = f"Bearer {tokens[token]}"
    answer = lambda_handler(build_app(guard_for(pool, gateway=gateway)))(event, None)
    assert answer["statusCode"] == status
    if source is not None:
        assert f'"source":"{source}"' in answer["body"]


def test_with_verify_an_optional_user_without_the_token_is_refused_and_not_nobody(pool: FakeUserPool) -> None:
    event = pool.event("http", pool.access_token("ada"), path="/optional")
    del event["headers"]["authorization"]
    assert lambda_handler(build_app(guard_for(pool, gateway="verify")))(event, None)["statusCode"] == 401


def test_a_method_cannot_forge_a_line_in_the_log(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    event = pool.event("rest", None, method="GET\nWARNING forged", path="/me\nforged")
    lambda_handler(build_app(guard_for(pool, deny_by_default=True)))(event, None)
    (record,) = [record for record in caplog.records if record.name == "fastapi_cognito_guard"]
    assert "\n" not in record.getMessage()


def test_help_does_not_show_the_environment() -> None:
    assert "environ" in str(signature(CognitoGuard.from_env))
    assert "PATH" not in str(signature(CognitoGuard.from_env))


def test_a_forged_token_with_a_copied_jti_settles_nothing(pool: FakeUserPool, impostor: FakeUserPool) -> None:
    good = pool.access_token("ada", groups=["a,b"], claims={"jti": "1"})
    forged = impostor.access_token("ada", groups=["admins"], claims={"jti": "1"})
    event = pool.event("rest", good, path="/me")
    event["headers"]["authorization"] = event["multiValueHeaders"]["authorization"] = f"Bearer {forged}"
    event["multiValueHeaders"] = None
    assert lambda_handler(build_app(guard_for(pool, gateway="verify")))(event, None)["statusCode"] == 401
    trusted = lambda_handler(build_app(guard_for(pool)))(event, None)
    assert '"groups":["a","b"]' in trusted["body"]


def test_only_a_verified_token_settles_whether_a_comma_is_one_group_or_two(pool: FakeUserPool) -> None:
    event = pool.event("rest", pool.access_token("ada", groups=["a,b"]), path="/me")
    verified = lambda_handler(build_app(guard_for(pool, gateway="verify")))(event, None)
    assert '"groups":["a,b"]' in verified["body"]


def test_the_token_may_come_in_another_header(pool: FakeUserPool) -> None:
    client = client_of(build_app(guard_for(pool, identity_source="X-Auth")))
    token = pool.access_token("ada")
    assert client.get("/me", headers={"X-Auth": token}).status_code == 200
    assert client.get("/me", headers=bearer(token)).status_code == 401


@pytest.mark.anyio
async def test_warm_up_and_status(pool: FakeUserPool) -> None:
    guard = guard_for(pool)
    assert await guard.warm_up() is True
    status = guard.status()
    assert status["remembered"] == 0
    assert status["keys"][pool.id]["usable"] is True
    assert status["keys"][pool.id]["kids"] == sorted(key["kid"] for key in pool.jwks["keys"])


@pytest.mark.anyio
async def test_a_guard_that_is_not_installed_tells_who_is_calling_too(
    pool: FakeUserPool, other_pool: FakeUserPool
) -> None:
    token = pool.access_token("ada")
    scope = {"type": "http", "headers": [(b"authorization", f"Bearer {token}".encode())]}
    connection = HTTPConnection(scope)
    assert (await guard_for(pool).identify(connection)).username == "ada"
    with pytest.raises(IssuerMismatch):
        await guard_for(other_pool).identify(connection)


@pytest.mark.anyio
async def test_a_guard_is_warm_when_all_of_its_pools_are(
    pool: FakeUserPool, other_pool: FakeUserPool
) -> None:
    async def fetch(address: str) -> Any:
        if other_pool.id in address:
            raise OSError
        return pool.jwks

    pools = [each.user_pool(jwks=None) for each in (pool, other_pool)]
    guard = CognitoGuard(*pools, fetch=fetch)
    assert await guard.warm_up() is False
    assert {name: keys["usable"] for name, keys in guard.status()["keys"].items()} == {
        pool.id: True, other_pool.id: False,
    }  # fmt: skip
