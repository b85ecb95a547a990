"""Each use of the public API with its inferred type, and uses that a type checker must refuse."""

import os
from collections.abc import Callable
from typing import Annotated, Any, Literal, assert_type

from fastapi import Depends, FastAPI, Security, WebSocket
from pydantic import BaseModel

from fastapi_cognito_guard import (
    ANY_CLIENT,
    CognitoGuard,
    CurrentUser,
    IamCaller,
    IamIdentity,
    KeyPolicy,
    OptionalUser,
    Principal,
    UserPool,
    current_user,
    errors,
    lambda_handler,
    optional_user,
    require_claim,
    require_group,
    require_scope,
)
from fastapi_cognito_guard.audit import Finding, audit
from fastapi_cognito_guard.dependencies import Required
from fastapi_cognito_guard.testing import FakeUserPool, assert_all_routes_guarded, gateway_event

app = FastAPI(dependencies=[Depends(current_user)])


class Profile(BaseModel):
    email: str


def configure(environ: dict[str, str]) -> None:
    pool = UserPool("eu-west-1_Abc123Xyz", client_ids={"4b1example"}, token_use={"id", "access"})
    UserPool("eu-west-1_Abc123Xyz", client_ids="4b1example", token_use="id", domain="auth.example.com")
    UserPool("eu-west-1_Abc123Xyz", client_ids=ANY_CLIENT, jwks={"keys": []}, regions=["eu-central-1"])
    UserPool("eu-west-1_Abc123Xyz")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    UserPool("eu-west-1_Abc123Xyz", "4b1example")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert_type(pool.region, str)
    assert_type(pool.issuers, tuple[str, ...])
    assert_type(pool.authorize_url, str | None)
    guard = CognitoGuard(pool, pool, semantics="rest", gateway="verify", keys=KeyPolicy(max_age=60))
    CognitoGuard(pool, deny_by_default=True, public=["/health", "/docs/*"], leeway=0.5)
    CognitoGuard(pool, semantics="lax")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    CognitoGuard("eu-west-1_Abc123Xyz")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_type(guard.pools, tuple[UserPool, ...])
    assert_type(CognitoGuard.from_env(), CognitoGuard)
    assert_type(CognitoGuard.from_env(environ), CognitoGuard)
    assert_type(CognitoGuard.from_env(os.environ), CognitoGuard)
    guard.install(app)
    pool.id = "eu-west-1_Other"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


async def verify_directly(guard: CognitoGuard, token: str) -> None:
    principal = await guard.verify(token)
    assert_type(principal, Principal)
    assert_type(await guard.warm_up(), bool)
    assert_type(guard.status(), dict[str, Any])
    require_group("admins").check(principal)


def read_principal(user: Principal) -> None:
    assert_type(user.sub, str)
    assert_type(user.username, str | None)
    assert_type(user.client_id, str)
    assert_type(user.token_use, Literal["id", "access"])
    assert_type(user.scopes, frozenset[str])
    assert_type(user.groups, frozenset[str])
    assert_type(user.issuer, str)
    assert_type(user.expires_at, float)
    assert_type(user.source, Literal["token", "rest", "http", "lambda"])
    assert_type(user.claims, dict[str, Any])
    assert_type(user.claim("custom:tier"), Any)
    assert_type(user.is_machine, bool)
    assert_type(user.email, str | None)
    assert_type(user.claims_as(Profile), Profile)
    user.claims_as(dict)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    user.sub = "another"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


@app.get("/current")
async def current(user: CurrentUser) -> None:
    assert_type(user, Principal)


@app.get("/optional")
async def optional(user: OptionalUser) -> str:
    assert_type(user, Principal | None)
    return user.sub  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]


@app.get("/iam")
async def iam(caller: IamCaller) -> None:
    assert_type(caller, IamIdentity)
    assert_type(caller.sub, str | None)


@app.get("/depends")
async def depends(
    one: Annotated[Principal, Depends(current_user)],
    maybe: Annotated[Principal | None, Depends(optional_user)],
    all_of: Annotated[Principal, Security(current_user, scopes=["a", "b"])],
    scope: Annotated[Principal, Depends(require_scope("a", "b"))],
    group: Annotated[Principal, Depends(require_group("a", "b"))],
    claim: Annotated[Principal, Depends(require_claim("custom:tier", "gold", 3, True))],
) -> None: ...


@app.get("/old-style", dependencies=[Depends(require_scope("a")), Security(current_user, scopes=["b"])])
async def old_style(user: Principal = Depends(current_user)) -> None:  # noqa: B008 - FastAPI's older form
    assert_type(user, Principal)


@app.websocket("/ws")
async def websocket(socket: WebSocket, user: CurrentUser) -> None:
    assert_type(user, Principal)


def declare_requirements() -> None:
    assert_type(require_scope("a"), Required)
    assert_type(require_group("a", "b"), Required)
    assert_type(require_claim("custom:tier", 1), Required)
    require_scope(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    require_claim("custom:tier", 1.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def override_user(user: Principal) -> None:
    app.dependency_overrides[current_user] = lambda: user


def make_handler() -> None:
    handler = lambda_handler(app, base_path="/v1")
    assert_type(handler, Callable[[dict[str, Any], Any], dict[str, Any]])


def read_error(error: errors.AuthError) -> None:
    assert_type(error.status, int)
    assert_type(error.code, str)
    assert_type(error.message, str)
    assert_type(error.reason, str)
    if isinstance(error, errors.Forbidden):
        assert_type(error.required, tuple[str, ...])
    if isinstance(error, errors.KeysUnavailable):
        assert_type(error.retry_after, int)


def list_findings() -> None:
    findings = audit(app)
    assert_type(findings, list[Finding])
    assert_type(findings[0].where, str)
    assert_all_routes_guarded(app, public=["/health"])


def issue_tokens(pool: FakeUserPool) -> None:
    assert_type(pool.user_pool(), UserPool)
    token = pool.access_token("ada", groups=["admins"], scopes=["orders/read"])
    assert_type(token, str)
    assert_type(pool.id_token("ada"), str)
    assert_type(gateway_event("http", path="/me"), dict[str, Any])
