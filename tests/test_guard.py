"""The guard: installation, gateway modes, refusals and logs."""

import asyncio
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from freezegun import freeze_time
from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from fastapi_cognito_guard import CognitoGuard, CurrentUser, KeyPolicy, lambda_handler, require_group
from fastapi_cognito_guard.errors import (
    AuthError,
    ConfigurationError,
    IssuerMismatch,
    TokenExpired,
    TokenMissing,
)
from fastapi_cognito_guard.middleware import GuardMiddleware
from fastapi_cognito_guard.request_state import STATE, RequestState
from fastapi_cognito_guard.testing import FakeUserPool, Flavour
from fastapi_cognito_guard.testing.signing_key import unverified_claims
from fastapi_cognito_guard.tokens.cache import VerifiedToken
from tests.apps import NOW, add_routes, bearer, build_app, client_of, guard_for


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
def test_refusals_carry_cors_headers_in_any_order_of_middleware(pool: FakeUserPool, cors_first: bool) -> None:
    app = FastAPI()
    guard = guard_for(pool, deny_by_default=True, public=["/me"])
    if not cors_first:
        guard.install(app)
    app.add_middleware(CORSMiddleware, allow_origins=["https://web.example"])
    if cors_first:
        guard.install(app)
    add_routes(app)
    for path in ("/me", "/orders"):  # refused by the dependency and by the middleware
        answer = client_of(app).get(path, headers={"Origin": "https://web.example"})
        assert answer.status_code == 401
        assert answer.headers["access-control-allow-origin"] == "https://web.example"


@pytest.mark.parametrize("deny_by_default", [False, True])
@pytest.mark.parametrize("kind", ["async", "sync"])
def test_a_custom_handler_is_kept(pool: FakeUserPool, kind: str, deny_by_default: bool) -> None:
    app = FastAPI()

    def handle(request: Any, error: AuthError) -> JSONResponse:
        return JSONResponse({"code": error.code}, status_code=418)

    async def handle_async(request: Any, error: AuthError) -> JSONResponse:
        return handle(request, error)

    handler: Any = handle if kind == "sync" else handle_async
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
def test_each_gateway_mode_uses_claims_and_token_as_documented(
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


def test_with_verify_a_token_of_another_user_with_the_same_jti_is_refused(pool: FakeUserPool) -> None:
    ada, bob = (pool.access_token(name, claims={"jti": "1"}) for name in ("ada", "bob"))
    handler = lambda_handler(build_app(guard_for(pool, gateway="verify")))
    for token, status in ((ada, 200), (bob, 401)):
        event = pool.event("http", ada, path="/me")
        event["headers"]["authorization"] = f"Bearer {token}"
        assert handler(event, None)["statusCode"] == status


def test_with_verify_an_optional_user_without_the_token_is_refused_and_not_none(pool: FakeUserPool) -> None:
    event = pool.event("http", pool.access_token("ada"), path="/optional")
    del event["headers"]["authorization"]
    assert lambda_handler(build_app(guard_for(pool, gateway="verify")))(event, None)["statusCode"] == 401


@pytest.mark.parametrize("status", [401, 403])
def test_rest_scope_status_is_the_status_of_a_missing_scope(pool: FakeUserPool, status: Any) -> None:
    client = client_of(build_app(guard_for(pool, semantics="rest", rest_scope_status=status)))
    assert client.get("/scope", headers=bearer(pool.access_token())).status_code == status


def test_a_method_cannot_forge_a_line_in_the_log(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    event = pool.event("rest", None, method="GET\nWARNING forged", path="/me\nforged")
    lambda_handler(build_app(guard_for(pool, deny_by_default=True)))(event, None)
    (record,) = [record for record in caplog.records if record.name == "fastapi_cognito_guard"]
    assert "\n" not in record.getMessage()


def test_a_forged_token_with_a_copied_jti_is_refused(pool: FakeUserPool, impostor: FakeUserPool) -> None:
    good = pool.access_token("ada", groups=["a,b"], claims={"jti": "1"})
    claims = unverified_claims(impostor.access_token("ada", groups=["admins"], claims={"jti": "1"}))
    forged = impostor.sign(claims, header={"kid": pool.signing_keys["access"].kid})
    event = pool.event("rest", good, path="/me")
    event["headers"]["authorization"] = event["multiValueHeaders"]["authorization"] = f"Bearer {forged}"
    event["multiValueHeaders"] = None
    assert lambda_handler(build_app(guard_for(pool, gateway="verify")))(event, None)["statusCode"] == 401
    trusted = lambda_handler(build_app(guard_for(pool)))(event, None)
    assert '"groups":["a","b"]' in trusted["body"]


def test_with_verify_a_group_with_a_comma_is_one_group(pool: FakeUserPool) -> None:
    event = pool.event("rest", pool.access_token("ada", groups=["a,b"]), path="/me")
    verified = lambda_handler(build_app(guard_for(pool, gateway="verify")))(event, None)
    assert '"groups":["a,b"]' in verified["body"]


@pytest.mark.parametrize(
    ("flavour", "status"), [("http", 403), ("http-1.0", 403), ("rest", 200), ("rest-jwt", 200)]
)
def test_a_group_with_a_space_never_matches_at_an_http_api(
    pool: FakeUserPool, flavour: Flavour, status: int
) -> None:
    app = build_app(guard_for(pool))
    app.get("/domain", dependencies=[Depends(require_group("Domain Users"))])(lambda: "domain")
    event = pool.event(flavour, pool.access_token(groups=["Domain Users"]), path="/domain")
    assert lambda_handler(app)(event, None)["statusCode"] == status
    verifying = build_app(guard_for(pool, gateway="verify"))
    verifying.get("/domain", dependencies=[Depends(require_group("Domain Users"))])(lambda: "domain")
    assert lambda_handler(verifying)(event, None)["statusCode"] == 200


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
async def test_a_guard_that_is_not_installed_identifies_callers_too(
    pool: FakeUserPool, other_pool: FakeUserPool
) -> None:
    token = pool.access_token("ada")
    scope = {"type": "http", "headers": [(b"authorization", f"Bearer {token}".encode())]}
    connection = HTTPConnection(scope)
    assert (await guard_for(pool).identify(connection)).username == "ada"
    with pytest.raises(IssuerMismatch):
        await guard_for(other_pool).identify(connection)


@pytest.mark.anyio
async def test_a_guard_does_not_return_the_caller_of_another_guard(
    pool: FakeUserPool, other_pool: FakeUserPool
) -> None:
    first, second = guard_for(pool), guard_for(other_pool)
    scope: dict[str, Any] = {"type": "http", "headers": [], STATE: RequestState(first)}
    scope[STATE].principal = await first.verify(pool.access_token("ada"))
    connection = HTTPConnection(scope)
    assert (await first.identify(connection)).username == "ada"
    with pytest.raises(TokenMissing):
        await second.identify(connection)
    scope["headers"].append((b"authorization", f"Bearer {other_pool.access_token('bob')}".encode()))
    assert (await second.identify(connection)).username == "bob"
    assert (await first.identify(connection)).username == "ada"


@pytest.mark.anyio
async def test_only_requests_on_lambda_wait_for_a_refresh_of_keys(
    pool: FakeUserPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard, waits = guard_for(pool), list[float]()
    verify = guard.verifier.verify

    async def record(token: str, *, patience: float = 0.0) -> VerifiedToken:
        waits.append(patience)
        return await verify(token, patience=patience)

    monkeypatch.setattr(guard.verifier, "verify", record)
    headers = [(b"authorization", pool.access_token().encode())]
    events: tuple[dict[str, Any], ...] = ({}, {"aws.event": {}})
    for event in events:
        await guard.identify(HTTPConnection({"type": "http", "headers": headers, **event}))
    assert waits == [0.0, 0.1]


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


@pytest.mark.anyio
async def test_the_keys_of_all_pools_are_fetched_at_once(
    pool: FakeUserPool, other_pool: FakeUserPool
) -> None:
    both = threading.Barrier(2)

    async def fetch(address: str) -> Any:
        await asyncio.to_thread(both.wait, 10)  # breaks unless the other fetch is under way, too
        return pool.jwks

    pools = [each.user_pool(jwks=None) for each in (pool, other_pool)]
    assert await CognitoGuard(*pools, fetch=fetch, keys=KeyPolicy(timeout=20)).warm_up()


@pytest.mark.anyio
async def test_a_frozen_time_is_the_guards_time() -> None:
    pool = FakeUserPool(now=lambda: NOW)
    guard, token = CognitoGuard(pool.user_pool()), pool.access_token(expires_in=60)
    for seconds, is_valid in ((1, True), (59, True), (61, False)):
        with freeze_time(datetime.fromtimestamp(NOW + seconds, UTC)):
            if is_valid:
                assert await guard.verify(token)
            else:
                with pytest.raises(TokenExpired):
                    await guard.verify(token)


@pytest.mark.parametrize("app", [APIRouter(), Starlette(), None, "main:app"], ids=repr)
def test_a_guard_is_installed_in_a_fastapi_app_only(pool: FakeUserPool, app: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"takes the FastAPI app, .*{type(app).__name__}"):
        guard_for(pool).install(app)


def test_the_log_names_the_issuer_of_a_token_of_another_pool_as_unverified(
    pool: FakeUserPool, other_pool: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    client = client_of(build_app(guard_for(pool)))
    client.get("/me", headers=bearer(other_pool.access_token()))
    client.get("/me", headers=bearer(other_pool.access_token(claims={"iss": "x\nWARNING " + "y" * 500})))
    first, second = [each.getMessage() for each in caplog.records if each.name == "fastapi_cognito_guard"]
    assert f"the issuer '{other_pool.issuer}' (unverified) is none of this guard's pools" in first
    assert "\n" not in second
    assert len(second) < 600


@pytest.mark.parametrize(
    ("issuer", "advice"),
    [
        ("http://127.0.0.1:9229/eu-west-1_LocalPool", 'set COGNITO_ISSUER (for the local pool: `eval "$('),
        ("https://localhost/x", "set COGNITO_ISSUER"),
        ("https://localhost.example/x", "sign in to the right pool"),
        ("https://x.example/eu-west-1_FakePool1", "this is a token of the test kit: use any_door(app)"),
        ("http://x\n\x1b[31m`rm -rf`/eu-west-1_FakePool1", "set COGNITO_ISSUER"),
    ],
)
def test_the_log_advises_on_tokens_of_emulators_and_of_the_test_kit(
    other_pool: FakeUserPool, issuer: str, advice: str, caplog: pytest.LogCaptureFixture, pool: FakeUserPool
) -> None:
    response = client_of(build_app(guard_for(pool))).get(
        "/me", headers=bearer(other_pool.access_token(claims={"iss": issuer}))
    )
    (message,) = [each.getMessage() for each in caplog.records if each.name == "fastapi_cognito_guard"]
    start, _, rest = message.partition(" (unverified) ")
    assert advice in rest
    assert issuer not in rest
    assert start.isprintable()
    assert "COGNITO_ISSUER" not in response.text + str(response.headers)
    assert "test kit" not in response.text + str(response.headers)


def test_the_log_names_the_setting_that_a_long_token_exceeds(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    client_of(build_app(guard_for(pool, max_token_length=100))).get("/me", headers=bearer("a" * 101))
    assert "max_token_length" in caplog.text


USER_ADMIN = "aws.cognito.signin.user.admin"
REMEDIES: list[tuple[str, Callable[[FakeUserPool], str], str]] = [
    ("/scope", lambda pool: pool.access_token(scopes=[USER_ADMIN]), "through managed login"),
    ("/scope", lambda pool: pool.access_token(scopes=["orders"]), "ask for it at sign-in; if that is done"),
    ("/scope", lambda pool: pool.id_token(), "an ID token has no scopes: send the access token"),
    ("/all-scopes", lambda pool: pool.access_token(scopes=[USER_ADMIN]), "through managed login"),
    ("/group", lambda pool: pool.access_token(), "add the user to the group"),
    ("/group", lambda pool: pool.machine_token(), "a machine has no groups"),
    ("/scope", lambda pool: pool.machine_token(), "request it with the token"),
    ("/claim", lambda pool: pool.machine_token(), "a machine has no user whose claim it could be"),
    ("/claim", lambda pool: pool.access_token(), "attributes are in ID tokens only: send the ID token"),
    ("/claim", lambda pool: pool.id_token(), "set the claim"),
]


@pytest.mark.parametrize(("path", "issue", "remedy"), REMEDIES)
def test_the_remedy_in_the_log_is_true_for_the_token(
    pool: FakeUserPool,
    caplog: pytest.LogCaptureFixture,
    path: str,
    issue: Callable[[FakeUserPool], str],
    remedy: str,
) -> None:
    guard = guard_for(pool, user_pool={"token_use": {"id", "access"}})
    assert client_of(build_app(guard)).get(path, headers=bearer(issue(pool))).status_code == 403
    messages = [each.getMessage() for each in caplog.records if each.name == "fastapi_cognito_guard"]
    assert len(messages) == 1
    assert remedy in messages[0]


def test_with_deny_by_default_a_body_that_cannot_be_read_is_401_first(pool: FakeUserPool) -> None:
    statuses = []
    for deny_by_default in (False, True):
        app = build_app(guard_for(pool, deny_by_default=deny_by_default))

        @app.post("/items")
        async def add(item: dict[str, str], user: CurrentUser) -> None: ...

        request: Any = {"content": b'{"a": "\xff"}', "headers": {"Content-Type": "application/json"}}
        statuses.append(client_of(app).post("/items", **request).status_code)
        request["headers"] |= bearer(pool.access_token())
        assert client_of(app).post("/items", **request).status_code == 400
    assert statuses == [400, 401]  # FastAPI reads the body before it calls a dependency
