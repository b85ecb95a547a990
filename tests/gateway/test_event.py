"""The events of every flavour: who they prove, and how many prove nobody."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_cognito_guard import CognitoGuard, UserPool, lambda_handler
from fastapi_cognito_guard.errors import AuthError, ClaimInvalid
from fastapi_cognito_guard.gateway.event import claims_of
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


def guard(**settings: Any) -> CognitoGuard:
    pool = UserPool(
        "us-west-2_Ab12Cd34E",
        client_ids=CLIENT,
        token_use={"access", "id"},
        jwks=FakeUserPool().jwks,
        **settings.pop("pool", {}),
    )
    return CognitoGuard(pool, now=lambda: NOW, **settings)


def event_in(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    del event["_what"]
    return event


def test_every_example_event_is_in_the_table() -> None:
    assert {file.stem for file in EVENTS.glob("*.json")} == PRINCIPALS.keys()


@pytest.mark.parametrize("name", PRINCIPALS)
def test_an_example_event_comes_out_right_through_the_real_mangum(name: str) -> None:
    answer = lambda_handler(build_app(guard()))(event_in(name), None)
    due = PRINCIPALS[name]
    if due is None:
        assert (answer["statusCode"], answer["body"]) == (401, '{"message":"Unauthorized"}')
    else:
        assert (answer["statusCode"], json.loads(answer["body"])) == (200, due)


@pytest.mark.parametrize("name", [name for name, due in PRINCIPALS.items() if due])
def test_claims_in_an_event_are_judged_like_any_others(name: str) -> None:
    def status(**settings: Any) -> int:
        handler = lambda_handler(build_app(guard(**settings)))
        return int(handler(event_in(name), None)["statusCode"])

    assert status() == 200
    assert status(gateway="require") == 200
    assert status(gateway="ignore") == 401
    assert status(gateway="verify") == 401
    assert status(pool={"issuer": "https://other.example"}) == 401


def test_known_claims_have_a_tokens_types_and_custom_ones_stay_as_delivered() -> None:
    claims = claims_of(event_in("rest-cognito-id"))
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
    "an unknown version": {"version": "3.0", "requestContext": {"authorizer": {"claims": {"sub": "s"}}}},
    "version is a number": {
        "version": 2.0,
        "requestContext": {"authorizer": {"jwt": {"claims": {"sub": "s"}}}},
    },
}


@pytest.mark.parametrize("event", NOT_IDENTITIES.values(), ids=NOT_IDENTITIES)
def test_a_section_that_proves_nothing_is_no_identity(event: Any) -> None:
    assert claims_of(event) is None


def test_the_context_of_ones_own_authorizer_counts_only_where_it_is_mapped() -> None:
    event = event_in("rest-lambda")
    seen: list[Any] = []

    def mapper(context: Any) -> Any:
        seen.append(context)
        return {"sub": context["principalId"]}

    claims = claims_of(event, mapper)
    assert claims is not None
    assert (claims.values, claims.source) == ({"sub": ADA["sub"]}, "lambda")
    assert seen == [event["requestContext"]["authorizer"]]
    assert claims_of(event, lambda context: None) is None
    with pytest.raises(ClaimInvalid):
        claims_of(event, lambda context: "claims")  # type: ignore[arg-type,return-value]  # a wrong mapper


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
    claims = claims_of(event_in(name), lambda context: {"sub": "mapped"})
    assert (claims is not None and claims.source == "lambda") is mapped


def test_claims_that_are_nested_too_deeply_to_be_copied_are_refused() -> None:
    event = event_in("rest-jwt-native")
    deep: Any = {}
    for _ in range(600):
        deep = {"x": deep}
    event["requestContext"]["authorizer"]["claims"]["custom:deep"] = deep
    with pytest.raises(ClaimInvalid, match="too deeply"):
        claims_of(event)


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
        claims_of(event, lambda context: context)
    except AuthError as refused:
        assert refused.status == 401


@pytest.mark.parametrize("version", ["2.0", "3.0", None, 1.0])
@pytest.mark.parametrize("exp", ["4000000000", 4000000000])
def test_flat_claims_prove_nothing_where_the_event_has_another_version(version: Any, exp: Any) -> None:
    event = {"version": version, "requestContext": {"authorizer": {"claims": {"sub": "s", "exp": exp}}}}
    assert claims_of(event) is None


@pytest.mark.parametrize("version", [{}, {"version": "1.0"}], ids=repr)
def test_an_authorizer_that_is_no_lambdas_is_not_mapped(version: dict[str, str]) -> None:
    event = {**version, "requestContext": {"authorizer": {"iam": {"userId": "AIDA"}}}}
    assert claims_of(event, lambda context: {"sub": "mapped"}) is None
