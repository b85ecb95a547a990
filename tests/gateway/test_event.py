"""Events of every kind of authorizer: their claims, and the many events that identify nobody."""

import asyncio
import json
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from fastapi_cognito_guard import CognitoGuard, UserPool, lambda_handler
from fastapi_cognito_guard.errors import AuthError, ClaimInvalid
from fastapi_cognito_guard.gateway.event import read_claims
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import NOW, build_app

EVENTS = Path(__file__).parent.parent / "events"
CLIENT = "1h57kf5cpq17m0eml12example"
ADA = {
    "sub": "58e11340-10d1-701e-4cdc-41e9b4883600",
    "username": "ada",
    "client_id": CLIENT,
    "issuer": "https://cognito-idp.us-west-2.amazonaws.com/us-west-2_Ab12Cd34E",
    "expires_at": 1782995989,
    "is_machine": False,
}
ACCESS = {**ADA, "token_use": "access", "scopes": ["openid", "orders/read", "orders/write"], "email": None}
PRINCIPALS: dict[str, dict[str, Any] | None] = {
    "http-iam": None,
    "http-jwt-payload1": {**ACCESS, "groups": ["admins", "staff"], "source": "http"},
    "http-jwt-scoped": {**ACCESS, "groups": ["admins", "staff"], "source": "http"},
    "http-jwt-unscoped": {**ACCESS, "groups": ["admins", "staff"], "source": "http"},
    "http-lambda": None,
    "http-lambda-null": None,
    "no-authorizer": None,
    "payload1-empty": None,
    "rest-cognito-access": {**ACCESS, "groups": ["admin"], "source": "rest"},
    "rest-cognito-id": {
        **ADA,
        "token_use": "id",
        "scopes": [],
        "email": "ada@example.com",
        "groups": ["admins", "staff"],
        "source": "rest",
    },
    "rest-console-test": None,
    "rest-iam-identity-pool": None,
    "rest-jwt-native": {**ACCESS, "groups": ["admin"], "source": "rest"},
    "rest-lambda": None,
}

IAM = {"http-iam", "rest-iam-identity-pool"}
"""Events of callers that signed with AWS credentials."""


def make_guard(**settings: Any) -> CognitoGuard:
    pool = UserPool(
        "us-west-2_Ab12Cd34E",
        client_ids=CLIENT,
        token_use={"access", "id"},
        jwks=FakeUserPool().jwks,
        **settings.pop("pool", {}),
    )
    return CognitoGuard(pool, now=lambda: NOW, **settings)


def load_event(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    del event["_what"]
    return event


def test_every_example_event_is_in_the_table() -> None:
    assert {file.stem for file in EVENTS.glob("*.json")} == PRINCIPALS.keys()


@pytest.mark.parametrize("name", PRINCIPALS)
def test_an_example_event_gives_its_principal_through_mangum(name: str) -> None:
    answer = lambda_handler(build_app(make_guard()))(load_event(name), None)
    expected = PRINCIPALS[name]
    if name in IAM:
        assert (answer["statusCode"], answer["body"]) == (403, '{"message":"Forbidden"}')
    elif expected is None:
        assert (answer["statusCode"], answer["body"]) == (401, '{"message":"Unauthorized"}')
    else:
        assert (answer["statusCode"], json.loads(answer["body"])) == (200, expected)


@pytest.mark.parametrize("name", [name for name, expected in PRINCIPALS.items() if expected])
def test_claims_of_an_event_are_validated(name: str) -> None:
    def status(**settings: Any) -> int:
        handler = lambda_handler(build_app(make_guard(**settings)))
        return int(handler(load_event(name), None)["statusCode"])

    assert status() == 200
    assert status(gateway="require") == 200
    assert status(gateway="ignore") == 401
    assert status(gateway="verify") == 401
    assert status(pool={"issuer": "https://other.example"}) == 401


def test_known_claims_get_the_types_of_a_token_and_custom_ones_stay_as_they_are() -> None:
    claims = read_claims(load_event("rest-cognito-id"))
    assert claims is not None
    assert claims.values["exp"] == 1782995989
    assert claims.values["auth_time"] == 1782992389
    assert claims.values["email_verified"] is True
    assert claims.values["custom:beta"] == "true"
    assert claims.values["cognito:roles"] == [
        "arn:aws:iam::123456789012:role/admins",
        "arn:aws:iam::123456789012:role/staff",
    ]


NOT_IDENTITIES: dict[str, Any] = {
    "no event": None,
    "a text": "event",
    "no context": {"version": "2.0"},
    "context is a list": {"version": "2.0", "requestContext": []},
    "authorizer is null": {"version": "2.0", "requestContext": {"authorizer": None}},
    "authorizer is a list": {"requestContext": {"authorizer": [{"claims": {"sub": "s"}}]}},
    "jwt is null": {"version": "2.0", "requestContext": {"authorizer": {"jwt": None}}},
    "jwt is a text": {"version": "2.0", "requestContext": {"authorizer": {"jwt": "claims"}}},
    "no claims in jwt": {"version": "2.0", "requestContext": {"authorizer": {"jwt": {"claims": {}}}}},
    "claims is a list": {"requestContext": {"authorizer": {"claims": ["sub"]}}},
    "claims is a JSON text": {"requestContext": {"authorizer": {"claims": '{"sub": "s"}'}}},
    "claims beside principalId": {
        "requestContext": {"authorizer": {"claims": {"sub": "s"}, "principalId": "x"}}
    },
    "flat claims in a 2.0 event": {
        "version": "2.0",
        "requestContext": {"authorizer": {"claims": {"sub": "s"}}},
    },
    "jwt in a REST event": {"requestContext": {"authorizer": {"jwt": {"claims": {"sub": "s"}}}}},
    "jwt in a 1.0 event": {
        "version": "1.0",
        "requestContext": {"authorizer": {"jwt": {"claims": {"sub": "s"}}}},
    },
    "jwt beside lambda": {
        "version": "2.0",
        "requestContext": {"authorizer": {"jwt": {"claims": {"sub": "s"}}, "lambda": {"sub": "x"}}},
    },
    "jwt beside iam": {
        "version": "2.0",
        "requestContext": {"authorizer": {"jwt": {"claims": {"sub": "s"}}, "iam": {"userArn": "x"}}},
    },
    "claims beside jwt": {"requestContext": {"authorizer": {"claims": {"sub": "s"}, "jwt": {}}}},
    "claims beside lambda": {"requestContext": {"authorizer": {"claims": {"sub": "s"}, "lambda": {}}}},
    "claims beside iam": {"requestContext": {"authorizer": {"claims": {"sub": "s"}, "iam": {}}}},
    "an unknown version": {"version": "3.0", "requestContext": {"authorizer": {"claims": {"sub": "s"}}}},
    "version is a number": {
        "version": 2.0,
        "requestContext": {"authorizer": {"jwt": {"claims": {"sub": "s"}}}},
    },
}


@pytest.mark.parametrize("event", NOT_IDENTITIES.values(), ids=NOT_IDENTITIES)
def test_a_section_that_proves_nothing_is_no_identity(event: Any) -> None:
    assert read_claims(event) is None


def test_the_context_of_a_lambda_authorizer_counts_only_if_it_is_mapped() -> None:
    event = load_event("rest-lambda")
    contexts: list[Any] = []

    def mapper(context: Any) -> Any:
        contexts.append(context)
        return {"sub": context["principalId"]}

    claims = read_claims(event, mapper)
    assert claims is not None
    assert (claims.values, claims.source) == ({"sub": ADA["sub"]}, "lambda")
    assert contexts == [event["requestContext"]["authorizer"]]
    assert read_claims(event, lambda context: None) is None
    with pytest.raises(ClaimInvalid):
        read_claims(event, lambda context: "claims")  # type: ignore[arg-type,return-value]  # a wrong mapper
    with pytest.raises(ClaimInvalid, match="lambda_context raised KeyError"):
        read_claims(event, lambda context: context["another"])


@pytest.mark.parametrize(
    ("name", "mapped"),
    [
        ("http-lambda", True),
        ("http-lambda-null", False),
        ("no-authorizer", False),
        ("rest-cognito-id", False),
    ],
)
def test_only_a_lambda_authorizers_section_is_mapped(name: str, mapped: bool) -> None:
    claims = read_claims(load_event(name), lambda context: {"sub": "mapped"})
    assert (claims is not None and claims.source == "lambda") is mapped


def test_claims_that_are_nested_too_deeply_to_be_copied_are_refused() -> None:
    event = load_event("rest-jwt-native")
    deep: Any = {}
    for _ in range(600):
        deep = {"x": deep}
    event["requestContext"]["authorizer"]["claims"]["custom:deep"] = deep
    with pytest.raises(ClaimInvalid, match="too deeply"):
        read_claims(event)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from("claims jwt lambda principalId iss sub exp cognito:groups x".split()),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip
events = st.fixed_dictionaries(
    {"requestContext": st.fixed_dictionaries({"authorizer": json_values}) | json_values},
    optional={"version": st.sampled_from(["1.0", "2.0"]) | json_values},
)


@given(events | json_values)
def test_any_event_at_all_is_read_or_refused(event: Any) -> None:
    try:
        read_claims(event, lambda context: context)
    except AuthError as refused:
        assert refused.status == 401


KNOWN_CLAIMS = st.sampled_from(
    "exp iat nbf auth_time version email_verified cognito:groups cognito:roles identities aud scp sub".split()
)
JWT_EVENTS = st.sampled_from(["http-jwt-scoped", "rest-cognito-id", "rest-jwt-native"])
JAVA_DATES = st.from_regex(
    r"Mon (Jan|Feb) [0-3][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} UTC [0-9]{4}", fullmatch=True
)
GUARD = make_guard()


@given(name=JWT_EVENTS, claims=st.dictionaries(KNOWN_CLAIMS, json_values | JAVA_DATES, min_size=1))
def test_any_claims_of_an_event_are_accepted_or_refused(name: str, claims: dict[str, Any]) -> None:
    event = load_event(name)
    authorizer = event["requestContext"]["authorizer"]
    authorizer.get("jwt", authorizer)["claims"].update(claims)
    try:
        principal = GUARD.vouched(event)
    except AuthError as refused:
        assert refused.status == 401
    else:
        assert principal is not None
        assert principal.issuer == ADA["issuer"]


@pytest.mark.parametrize("version", ["2.0", "3.0", None, 1.0])
@pytest.mark.parametrize("exp", ["4000000000", 4000000000])
def test_flat_claims_prove_nothing_in_an_event_of_another_version(version: Any, exp: Any) -> None:
    event = {"version": version, "requestContext": {"authorizer": {"claims": {"sub": "s", "exp": exp}}}}
    assert read_claims(event) is None


@pytest.mark.parametrize(
    "event",
    [
        {"version": "2.0", "requestContext": {"authorizer": {"lambda": {"sub": "s"}, "jwt": {}}}},
        {"version": "3.0", "requestContext": {"authorizer": {"principalId": "s"}}},
        {"version": None, "requestContext": {"authorizer": {"principalId": "s"}}},
    ],
    ids=str,
)
def test_a_context_in_an_unknown_form_of_event_is_not_mapped(event: dict[str, Any]) -> None:
    assert read_claims(event, lambda context: {"sub": "mapped"}) is None


def test_a_websocket_apis_event_is_read_without_a_web_framework() -> None:
    """The context is in the event of ``$connect`` and of every later message."""
    event = {
        "requestContext": {
            "routeKey": "sendMessage",
            "eventType": "MESSAGE",
            "connectionId": "L0SM9cOFvHcCIhw=",
            "authorizer": {"principalId": ADA["sub"], "integrationLatency": 40, "tenant": "x"},
        },
        "isBase64Encoded": False,
    }
    claims = {
        "sub": ADA["sub"], "iss": ADA["issuer"], "client_id": CLIENT, "token_use": "access", "exp": NOW + 9,
    }  # fmt: skip
    mapping_guard = make_guard(lambda_context=lambda context: {**claims, "custom:tenant": context["tenant"]})
    user = mapping_guard.vouched(event)
    assert user is not None
    assert (user.sub, user.source, user.claim("custom:tenant")) == (ADA["sub"], "lambda", "x")
    assert make_guard().vouched(event) is None
    with pytest.raises(AuthError):
        make_guard(lambda_context=lambda context: {**claims, "exp": NOW}).vouched(event)


ALB = {
    "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/x/1"}},
    "httpMethod": "GET",
    "path": "/orders",
    "queryStringParameters": {},
    "body": "",
    "isBase64Encoded": False,
}


@pytest.mark.parametrize(
    "headers",
    [
        {"x-amzn-oidc-data": "e30=.e30=.e30=", "x-amzn-oidc-identity": ADA["sub"]},
        {"x-amzn-oidc-accesstoken": "{token}"},
        {"x-amzn-request-context": '{"authorizer":{"claims":{"sub":"x"}}}'},
        {"x-amz-tenant-id": "x", "x-forwarded-user": "ada"},
    ],
    ids=str,
)
def test_behind_a_load_balancer_only_the_token_counts(pool: FakeUserPool, headers: dict[str, str]) -> None:
    handler = lambda_handler(build_app(CognitoGuard(pool.user_pool(), now=lambda: NOW)))
    token = pool.access_token("ada")
    headers = {name: value.replace("{token}", token) for name, value in headers.items()}
    assert handler({**ALB, "headers": headers}, None)["statusCode"] == 401
    with_token = {**headers, "authorization": f"Bearer {token}"}
    answer = handler({**ALB, "headers": with_token}, None)
    assert (answer["statusCode"], json.loads(answer["body"])["source"]) == (200, "token")


def test_a_megabyte_of_claims_is_read(pool: FakeUserPool) -> None:
    token = pool.access_token(claims={"custom:story": "x" * 1_000_000})
    for kind in ("rest", "rest-jwt", "http", "http-1.0"):
        answer = lambda_handler(build_app(CognitoGuard(pool.user_pool(), now=lambda: NOW)))(
            pool.event(kind, token, path="/orders"), None
        )
        assert answer["statusCode"] == 200


ANY_CONTEXT_APP = build_app(make_guard(lambda_context=lambda context: context))
ANY_CONTEXT = lambda_handler(ANY_CONTEXT_APP)


@pytest.mark.parametrize("name", ["http-jwt-scoped", "rest-cognito-id", "rest-jwt-native"])
@given(value=json_values | JAVA_DATES)
def test_a_claim_of_any_value_is_answered_without_a_500(name: str, value: Any) -> None:
    for claim in ("exp", "iat", "nbf", "sub", "cognito:groups"):
        event = load_event(name)
        authorizer = event["requestContext"]["authorizer"]
        authorizer.get("jwt", authorizer)["claims"][claim] = value
        assert ANY_CONTEXT(event, None)["statusCode"] in (200, 401, 403)


@given(context=json_values, data=st.data())
def test_any_request_context_at_all_is_answered_without_a_500(context: Any, data: st.DataObject) -> None:
    """Replace the parts of an event that only the guard reads; Mangum needs the others."""
    event = load_event(data.draw(JWT_EVENTS))
    part = data.draw(st.sampled_from(["authorizer", "identity", "stage", "path", "claims", "exp", "groups"]))
    authorizer = event["requestContext"]["authorizer"]
    section = authorizer.get("jwt", authorizer)
    if part == "claims":
        section["claims"] = context
    elif part in ("exp", "groups"):
        section["claims"][{"groups": "cognito:groups"}.get(part, part)] = context
    elif part == "identity" and "version" not in event:
        event["requestContext"]["identity"] = {"sourceIp": "203.0.113.1", "userArn": context}
    elif part != "path":
        event["requestContext"][part] = context
    elif "version" not in event:
        event["requestContext"]["path"] = context
    assert ANY_CONTEXT(event, None)["statusCode"] in (200, 401, 403)


@given(name=JWT_EVENTS, version=st.sampled_from(["1.0", "2.0", None]) | json_values)
def test_an_event_of_any_version_is_answered_without_a_500(name: str, version: Any) -> None:
    """Call the app without Mangum, which cannot read most of these versions."""
    event = {**load_event(name), "version": version}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await ANY_CONTEXT_APP({**scope, "aws.event": event}, receive, send)

    with TestClient(app) as client:
        assert client.get("/me").status_code in (200, 401, 403)


@pytest.mark.parametrize("version", [{}, {"version": "1.0"}], ids=repr)
def test_the_section_of_an_iam_authorizer_is_not_mapped(version: dict[str, str]) -> None:
    event = {**version, "requestContext": {"authorizer": {"iam": {"userId": "AIDA"}}}}
    assert read_claims(event, lambda context: {"sub": "mapped"}) is None


@pytest.mark.parametrize("kind", ["rest", "rest-jwt", "http", "http-1.0"])
def test_half_a_surrogate_pair_in_claims_is_refused_as_in_a_token(pool: FakeUserPool, kind: Any) -> None:
    handler = lambda_handler(build_app(CognitoGuard(pool.user_pool(), now=lambda: NOW)))
    for claims in ({"name": "half \ud83d"}, {"\udc00": "name"}):
        event = pool.event(kind, pool.access_token(claims=claims), path="/orders")
        assert handler(event, None)["statusCode"] == 401
    nested = pool.event("rest-jwt", pool.access_token(claims={"x": ["\ud83d"]}), path="/orders")
    assert handler(nested, None)["statusCode"] == 401


class TwoFaced(dict[str, Any]):
    """Mapping whose ``values`` are clean, and whose items are not."""

    def __getitem__(self, name: str) -> Any:
        return "\ud800" if name == "sub" else super().__getitem__(name)

    def keys(self) -> Any:
        return list(super().keys())

    def __iter__(self) -> Any:
        return iter(list(super().keys()))


class Unwritable:
    def __str__(self) -> str:
        raise RuntimeError


NOTHING: list[Any] = []
MAPPED: dict[str, Any] = {
    "pairs, which are no mapping": [("sub", "ada")],
    "an empty text, which is no mapping": "",
    "a mapping with two faces": TwoFaced(sub="ada"),
    "a value that cannot be written": {"sub": "ada", "x": Unwritable()},
    "a number that cannot be written": {"sub": "ada", "x": 10**5000},
    "tuples without end": {"sub": "ada", "x": reduce(lambda inner, _: [(inner,)], range(10_000), NOTHING)},
}


@pytest.mark.parametrize("claims", MAPPED.values(), ids=MAPPED)
def test_the_claims_of_a_mapper_are_checked_as_they_are_used(claims: Any) -> None:
    event = {"version": "2.0", "requestContext": {"authorizer": {"lambda": {"sub": "ada"}}}}
    with pytest.raises(ClaimInvalid):
        read_claims(event, lambda context: claims)


@pytest.mark.parametrize("error", [SystemExit(1), asyncio.CancelledError(), ValueError()], ids=repr)
def test_a_lambda_context_that_raises_is_a_refusal_and_ends_nothing(error: BaseException) -> None:
    def fail(context: Any) -> Any:
        raise error

    event = load_event("http-lambda")
    with pytest.raises(ClaimInvalid, match=type(error).__name__):
        read_claims(event, fail)
