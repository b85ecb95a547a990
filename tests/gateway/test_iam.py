"""IAM callers: their identity, the user they may be, and events that hold none."""

import json
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from hypothesis import given
from hypothesis import strategies as st

from fastapi_cognito_guard import (
    CognitoGuard,
    IamCaller,
    IamIdentity,
    OptionalUser,
    UserPool,
    iam_identity,
    lambda_handler,
    require_group,
    require_scope,
)
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.gateway.iam import read_iam_identity
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import NOW, client_of
from tests.gateway.test_event import CLIENT, load_event

POOL = "us-west-2_Ab12Cd34E"
SUB = "58e11340-10d1-701e-4cdc-41e9b4883600"
HOST = f"cognito-idp.us-west-2.amazonaws.com/{POOL}"
ADA = IamIdentity(
    user_arn="arn:aws:sts::123456789012:assumed-role/Auth/CognitoIdentityCredentials",
    account_id="123456789012",
    caller_id="AROAEXAMPLE:CognitoIdentityCredentials",
    access_key="ASIAEXAMPLE",
    identity_id="us-west-2:00000000-0000-0000-0000-000000000002",
    identity_pool_id="us-west-2:00000000-0000-0000-0000-000000000001",
    authentication="authenticated",
    sub=SUB,
)


def build_app(**settings: Any) -> FastAPI:
    app = FastAPI()
    pool = UserPool(POOL, client_ids=CLIENT, jwks=FakeUserPool().jwks)
    CognitoGuard(pool, now=lambda: NOW, **settings).install(app)

    @app.get("/orders")
    async def caller(caller: IamCaller) -> Any:
        return {"arn": caller.user_arn, "sub": caller.sub}

    @app.get("/scope", dependencies=[Depends(require_scope("a"))])
    async def scope() -> str:
        return "scope"

    @app.get("/group", dependencies=[Depends(require_group("a"))])
    async def group() -> str:
        return "group"

    @app.get("/optional")
    async def optional(user: OptionalUser) -> bool:
        return user is not None

    @app.get("/open")
    async def open_route() -> str:
        return "open"

    return app


def call(app: FastAPI, event: dict[str, Any], path: str = "/orders") -> tuple[int, Any]:
    event["path"] = path
    if "http" in event["requestContext"]:
        event["requestContext"]["http"]["path"] = path
    answer = lambda_handler(app)(event, None)
    return answer["statusCode"], json.loads(answer["body"])


@pytest.mark.parametrize("name", ["http-iam", "rest-iam-identity-pool"])
def test_a_caller_of_an_identity_pool_has_the_sub_of_the_user(name: str) -> None:
    assert read_iam_identity(load_event(name), [POOL]) == ADA
    assert call(build_app(), load_event(name)) == (200, {"arn": ADA.user_arn, "sub": SUB})


@pytest.mark.parametrize("name", ["http-iam", "rest-iam-identity-pool"])
def test_an_iam_caller_is_no_user_and_has_neither_scopes_nor_groups(name: str) -> None:
    for path in ("/scope", "/group"):
        assert call(build_app(), load_event(name), path) == (403, {"message": "Forbidden"})
    assert call(build_app(), load_event(name), "/optional") == (200, False)


@pytest.mark.parametrize("gateway", ["ignore", "verify"])
def test_with_ignore_and_verify_there_is_no_iam_caller(gateway: str) -> None:
    app = build_app(gateway=gateway)
    assert call(app, load_event("http-iam")) == (403, {"message": "Forbidden"})
    assert call(app, load_event("http-iam"), "/scope") == (401, {"message": "Unauthorized"})


@pytest.mark.parametrize(
    "name", ["rest-console-test", "rest-cognito-id", "http-jwt-scoped", "no-authorizer", "payload1-empty"]
)
def test_an_event_without_a_signed_request_has_no_iam_caller(name: str) -> None:
    """One is the console's test feature, which writes the operator's own identity."""
    event = load_event(name)
    assert read_iam_identity(event, [POOL]) is None
    assert call(build_app(), event) == (403, {"message": "Forbidden"})


def test_headers_cannot_make_an_iam_caller() -> None:
    headers = {
        "authorization": "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/20260702/x/execute-api/aws4_request",
        "x-amzn-request-context": json.dumps(load_event("http-iam")["requestContext"]),
    }
    client = client_of(build_app())
    assert client.get("/orders", headers=headers).status_code == 403
    assert client.get("/scope", headers=headers).status_code == 401


def make_http_event(**iam: Any) -> dict[str, Any]:
    event = load_event("http-iam")
    event["requestContext"]["authorizer"]["iam"].update(iam)
    return event


@pytest.mark.parametrize(
    "provider",
    [
        f"{HOST}:CognitoSignIn:{SUB}:x",
        f"x{HOST}:CognitoSignIn:{SUB}",
        f"https://evil.example/{HOST}:CognitoSignIn:{SUB}",
        f"cognito-idp.us-west-2.amazonaws.com/us-west-2_Another:CognitoSignIn:{SUB}",
        f"cognito-idp.us-west-2.amazonaws.com.evil.example/{POOL}:CognitoSignIn:{SUB}",
        f"cognito-idp.a.b.amazonaws.com/{POOL}:CognitoSignIn:{SUB}",
        f"accounts.google.com:{HOST}:CognitoSignIn:{SUB}",
        f"arn:aws:iam::1:oidc-provider/idp.example:OIDC:{SUB}",
        f"{HOST}:CognitoSignIn:",
        f"{HOST}:CognitoSignIn:a b",
        HOST,
        "",
    ],
)
def test_a_sub_of_another_provider_is_not_a_sub_of_the_pool(provider: str) -> None:
    caller = read_iam_identity(
        make_http_event(cognitoIdentity={"amr": ["authenticated", provider], "identityId": "i"}), [POOL]
    )
    assert caller is not None
    assert caller.sub is None
    rest = load_event("rest-iam-identity-pool")
    rest["requestContext"]["identity"]["cognitoAuthenticationProvider"] = f"{provider},x"
    caller = read_iam_identity(rest, [POOL])
    assert caller is not None
    assert caller.sub is None


@pytest.mark.parametrize(
    "console", [{"apiKey": "test-invoke-api-key"}, {"sourceIp": "test-invoke-source-ip"}], ids=str
)
def test_each_marker_of_the_consoles_test_feature_is_enough(console: dict[str, str]) -> None:
    event = load_event("rest-iam-identity-pool")
    event["requestContext"]["identity"].update(console)
    assert read_iam_identity(event, [POOL]) is None


def test_a_role_at_a_rest_api_has_no_cognito_identity() -> None:
    event = load_event("rest-iam-identity-pool")
    for name in list(event["requestContext"]["identity"]):
        if name.startswith("cognito"):
            event["requestContext"]["identity"][name] = None
    caller = read_iam_identity(event, [POOL])
    assert caller is not None
    assert (caller.authentication, caller.identity_id, caller.sub) == (None, None, None)


def test_values_that_are_not_text_or_empty_are_none() -> None:
    amr = [5, None, ["x"], "authenticated", HOST, f"{HOST}:CognitoSignIn:{SUB}"]
    caller = read_iam_identity(make_http_event(cognitoIdentity={"amr": amr, "identityId": ""}), [POOL])
    assert caller is not None
    assert (caller.authentication, caller.identity_id, caller.sub) == ("authenticated", None, SUB)


ANOTHER = "login.example"
SIGNED_IN = f"{HOST}:CognitoSignIn:{SUB}"
VICTIM = f"{HOST}:CognitoSignIn:victim"


@pytest.mark.parametrize(
    "providers",
    [
        [ANOTHER, f"{ANOTHER}:OIDC:x,{HOST},{VICTIM}"],
        [ANOTHER, f"{ANOTHER}:OIDC:x", HOST, VICTIM],
        [HOST, SIGNED_IN, ANOTHER, f"{ANOTHER}:OIDC:x"],
        [HOST, SIGNED_IN, HOST, VICTIM],
        [HOST, f"https://{SIGNED_IN}"],
        [HOST, f"{HOST}:CognitoSignIn:"],
        [f"{HOST},{VICTIM}"],
        [VICTIM],
        [SIGNED_IN, VICTIM],
        [HOST],
        [f"{HOST[:-1]}X", SIGNED_IN],
        [f"{HOST}2", f"{HOST}2:CognitoSignIn:{SUB}"],
        [HOST, f"{SIGNED_IN}\n"],
    ],
)
def test_a_text_of_several_providers_names_no_user(providers: list[str]) -> None:
    """The text of another provider is that provider's, and so is what it writes behind a comma."""
    http = make_http_event(cognitoIdentity={"amr": ["authenticated", *providers]})
    rest = load_event("rest-iam-identity-pool")
    rest["requestContext"]["identity"]["cognitoAuthenticationProvider"] = ",".join(providers)
    for event in (http, rest) if "," not in providers[0] else (http,):
        caller = read_iam_identity(event, [POOL])
        assert caller is not None
        assert caller.sub is None


@pytest.mark.parametrize(
    "text",
    [
        "offlineContext_userArn",
        "anything",
        "arn:aws:sts::123456789012:",
        "arn:aws:sts::1:assumed-role/Auth/s",
        "arn:aws:lambda::123456789012:function:x",
        "arn:aws:iam:us-east-1:123456789012:user/ada",
        "arn:evil:iam::123456789012:user/ada",
        "arn:aws:iam::123456789012:user/ada\nx",
        " arn:aws:iam::123456789012:user/ada",
    ],
)
def test_a_user_arn_that_is_not_of_iam_or_sts_is_no_caller(text: str) -> None:
    rest = load_event("rest-iam-identity-pool")
    rest["requestContext"]["identity"]["userArn"] = text
    for event in (make_http_event(userArn=text), rest):
        assert read_iam_identity(event, [POOL]) is None
        assert call(build_app(), event) == (403, {"message": "Forbidden"})
        assert call(build_app(deny_by_default=True), event, "/open") == (401, {"message": "Unauthorized"})


@pytest.mark.parametrize(
    "session", ["OriginAccessSession", "EdgeCredentialsProxy+EdgeHostAuthenticationClient-NRT12-P2"]
)
def test_the_signature_of_cloudfront_is_nobodys(session: str) -> None:
    """Anybody's request to the distribution has it. The role's name alone may be a customer's own."""
    role = "assumed-role/OriginAccessControlRole"
    event = make_http_event(
        userArn=f"arn:aws:sts::856369053181:{role}/{session}",
        accountId="856369053181",
        callerId=f"AROAEXAMPLE:{session}",
        cognitoIdentity=None,
    )
    assert read_iam_identity(event, [POOL]) is None
    assert call(build_app(), event, "/scope") == (401, {"message": "Unauthorized"})
    assert call(build_app(), event, "/orders") == (403, {"message": "Forbidden"})
    assert call(build_app(deny_by_default=True), event, "/open") == (401, {"message": "Unauthorized"})
    event = make_http_event(userArn=f"arn:aws:sts::123456789012:{role}/{session}")
    assert read_iam_identity(event, [POOL]) is not None


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::123456789012:user/division/ada",
        "arn:aws:iam::123456789012:root",
        "arn:aws-us-gov:sts::123456789012:assumed-role/Role/session@example.com",
        "arn:aws-cn:sts::123456789012:federated-user/ada",
        "arn:aws-eusc:iam::123456789012:user/ada",
    ],
)
def test_an_arn_of_iam_or_sts_in_any_partition_is_a_caller(arn: str) -> None:
    caller = read_iam_identity(make_http_event(userArn=arn), [POOL])
    assert caller is not None
    assert caller.user_arn == arn


def make_guest_events() -> list[dict[str, Any]]:
    http = make_http_event(cognitoIdentity={"amr": ["unauthenticated"], "identityId": "i"})
    rest = load_event("rest-iam-identity-pool")
    rest["requestContext"]["identity"] |= {
        "cognitoAuthenticationType": "unauthenticated",
        "cognitoAuthenticationProvider": None,
    }
    return [http, rest]


@pytest.mark.parametrize("event", make_guest_events(), ids=["http", "rest"])
def test_a_guest_of_an_identity_pool_is_nobody(event: dict[str, Any]) -> None:
    app = build_app(deny_by_default=True)
    assert call(app, event, "/open") == (401, {"message": "Unauthorized"})
    assert call(app, event, "/orders") == (401, {"message": "Unauthorized"})
    assert call(build_app(), event, "/scope") == (401, {"message": "Unauthorized"})
    assert call(build_app(), event, "/orders")[0] == 200  # there the route asked for an IAM caller
    assert call(build_app(deny_by_default=True), load_event("http-iam"), "/open")[0] == 200


def test_a_guest_of_an_identity_pool_is_unauthenticated() -> None:
    guest = {"amr": ["unauthenticated"], "identityId": "i", "identityPoolId": "p"}
    caller = read_iam_identity(make_http_event(cognitoIdentity=guest), [POOL])
    assert caller is not None
    assert (caller.authentication, caller.sub, caller.identity_id) == ("unauthenticated", None, "i")


def test_a_role_at_a_function_url_has_no_cognito_identity() -> None:
    caller = read_iam_identity(make_http_event(cognitoIdentity=None), [POOL])
    assert caller is not None
    assert (caller.authentication, caller.identity_id, caller.sub) == (None, None, None)


@pytest.mark.parametrize(
    "event",
    [
        make_http_event(userArn=None),
        make_http_event(userArn=""),
        make_http_event(userArn=["arn"]),
        make_http_event(userArn="\ud800"),
        {"version": "2.0", "requestContext": {"authorizer": {"iam": ["userArn"]}}},
        {"version": "2.0", "requestContext": {"authorizer": {"iam": {"userArn": ADA.user_arn}, "jwt": {}}}},
        {"version": "1.0", "requestContext": {"identity": {"userArn": ADA.user_arn}}},
        {"requestContext": {"identity": {"userArn": ADA.user_arn}, "authorizer": {"principalId": "x"}}},
        {"requestContext": {"identity": ["userArn"]}},
        {"requestContext": []},
        [],
        None,
    ],
    ids=repr,
)
def test_an_event_of_another_form_has_no_identity(event: Any) -> None:
    assert read_iam_identity(event, [POOL]) is None


def test_an_iam_identity_cannot_be_forged_from_the_body_or_the_query() -> None:
    app = FastAPI()
    with pytest.raises(ConfigurationError, match="IamCaller"):

        @app.get("/")
        async def route(caller: IamIdentity) -> None: ...

    with pytest.raises(ConfigurationError, match="subclasses"):
        type("Mine", (IamIdentity,), {})


def test_the_access_key_is_not_shown() -> None:
    assert "ASIAEXAMPLE" not in repr(ADA)


def test_iam_identity_can_be_overridden() -> None:
    app = build_app()
    app.dependency_overrides[iam_identity] = lambda: ADA
    assert client_of(app).get("/orders").json() == {"arn": ADA.user_arn, "sub": SUB}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from("iam userArn cognitoIdentity amr identity cognitoAuthenticationProvider".split()),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(
    st.fixed_dictionaries(
        {"requestContext": st.fixed_dictionaries({}, optional={"authorizer": values, "identity": values})},
        optional={"version": st.just("2.0") | values},
    )
)
def test_any_event_at_all_is_an_identity_or_none(event: Any) -> None:
    caller = read_iam_identity(event, [POOL])
    assert caller is None or isinstance(caller.user_arn, str)
