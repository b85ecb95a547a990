"""Claims and identities in stored events of MiniStack, in its own format and rewritten in the format of AWS.

Needs no MiniStack: the events are stored in tests/events/ministack. test_gateways.py compares them with what
MiniStack delivers, and overwrites them with KEEP_MINISTACK_EVENTS=1.
"""

from dataclasses import replace
from typing import Any

import pytest

from fastapi_cognito_guard.gateway.event import read_claims
from fastapi_cognito_guard.gateway.iam import IamIdentity, read_iam_identity
from tests.integration.captures import (
    CAPTURES,
    DIRECTORY,
    EXPIRES,
    ISSUED,
    MACHINE,
    POOL,
    SUB,
    WEB,
    load_event,
    rewrite_as_aws,
)
from tests.integration.functions.context import to_claims

TOKEN = {
    "iss": f"https://cognito-idp.eu-west-1.amazonaws.com/{POOL}",
    "iat": ISSUED,
    "auth_time": ISSUED,
    "exp": EXPIRES,
    "jti": "fd4e3e69-a231-49ba-8aa5-a57550860000",
    "origin_jti": "c7113241-24e8-4fee-a7b1-aaf2eb910000",
}
ADA = {**TOKEN, "sub": SUB, "cognito:groups": ["admins", "staff"]}
ACCESS = {
    **ADA,
    "token_use": "access",
    "client_id": WEB,
    "username": "ada",
    "scope": "aws.cognito.signin.user.admin",
}
ID = {
    **ADA,
    "token_use": "id",
    "aud": WEB,
    "cognito:username": "ada",
    "email": "ada@example.com",
    "email_verified": True,
}
READER = {**TOKEN, "token_use": "access", "sub": MACHINE, "client_id": MACHINE, "scope": "orders/read"}
LAMBDA = ("http-lambda", "rest-request", "rest-token")
CLAIMS: dict[str, dict[str, Any] | None] = {
    "function-url": None,
    "http-iam-identity-pool": None,
    "http-iam-user": None,
    "http-jwt-access": ACCESS,
    "http-jwt-id": ID,
    "http-jwt-machine-scoped": READER,
    "http-jwt-payload-1-asked": ACCESS,
    "http-lambda": None,
    "http-open": None,
    "rest-cognito-access": ACCESS,
    "rest-cognito-id": ID,
    "rest-cognito-machine-scoped": READER,
    "rest-iam-identity-pool": None,
    "rest-iam-user": None,
    "rest-open": None,
    "rest-request": None,
    "rest-token": None,
}


def test_every_stored_event_is_in_the_tables() -> None:
    assert {file.stem for file in DIRECTORY.glob("*.json")} == CLAIMS.keys() == CAPTURES.keys()


@pytest.mark.parametrize("name", CLAIMS)
def test_a_stored_event_has_the_claims_of_its_token_or_none(name: str) -> None:
    claims = read_claims(load_event(name))
    assert (claims.values if claims else None) == CLAIMS[name]
    # Also MiniStack's REST events: by their version "1.0" and their format they are events of an HTTP API.
    assert claims is None or claims.source == "http"


@pytest.mark.parametrize("name", LAMBDA)
def test_the_context_of_a_lambda_authorizer_is_mapped_back_to_the_claims_of_its_token(name: str) -> None:
    claims = read_claims(load_event(name), to_claims)
    assert claims is not None
    own = {name: value for name, value in claims.values.items() if name != "principalId"}
    assert (own, claims.source) == (ACCESS, "lambda")


@pytest.mark.parametrize("name", [name for name in CLAIMS if name not in LAMBDA])
def test_no_other_event_has_the_context_of_a_lambda_authorizer(name: str) -> None:
    assert read_claims(load_event(name), lambda context: {"sub": "mapped"}) == read_claims(load_event(name))


@pytest.mark.parametrize("name", [name for name in CLAIMS if name.startswith("rest-cognito")])
def test_a_rest_event_in_the_format_of_aws_has_the_same_claims(name: str) -> None:
    claims = read_claims(rewrite_as_aws(load_event(name)))
    assert claims is not None
    assert (claims.values, claims.source) == (CLAIMS[name], "rest")


SIGNER = IamIdentity(
    user_arn="arn:aws:sts::123456789012:assumed-role/Auth/CognitoIdentityCredentials",
    account_id="123456789012",
    caller_id="AROAEXAMPLE:CognitoIdentityCredentials",
    access_key="ASIAEXAMPLE",
    identity_id="eu-west-1:00000000-0000-0000-0000-000000000002",
    identity_pool_id="eu-west-1:00000000-0000-0000-0000-000000000001",
    authentication="authenticated",
    sub=SUB,
)
ROBOT = IamIdentity(
    user_arn="arn:aws:iam::123456789012:user/robot",
    account_id="123456789012",
    caller_id="AIDAEXAMPLE",
    access_key="AKIAEXAMPLE",
)


@pytest.mark.parametrize("name", CLAIMS)
def test_only_events_of_iam_routes_have_a_signer(name: str) -> None:
    """In the format of AWS, in which REST events have no version."""
    event = rewrite_as_aws(load_event(name)) if name.startswith("rest-") else load_event(name)
    expected = {"-identity-pool": SIGNER, "-user": ROBOT}.get(name.partition("-iam")[2])
    assert read_iam_identity(event, {POOL}) == expected


@pytest.mark.parametrize("name", ["http-iam-identity-pool", "rest-iam-identity-pool"])
def test_the_sub_of_a_user_of_another_pool_is_none(name: str) -> None:
    event = rewrite_as_aws(load_event(name)) if name.startswith("rest-") else load_event(name)
    assert read_iam_identity(event, {"eu-west-1_OtherPool"}) == replace(SIGNER, sub=None)


def test_the_scopes_next_to_the_claims_are_not_read() -> None:
    """On a route without scopes, AWS writes null there, and MiniStack writes the token's scopes."""
    event = load_event("http-jwt-access")
    jwt = event["requestContext"]["authorizer"]["jwt"]
    assert jwt["scopes"] == ["aws.cognito.signin.user.admin"]
    jwt["scopes"] = None
    assert read_claims(event) == read_claims(load_event("http-jwt-access"))


def test_ministack_delivers_payload_2_for_an_integration_set_to_1() -> None:
    """AWS delivers 1.0, as in tests/events/http-jwt-payload1.json."""
    assert load_event("http-jwt-payload-1-asked")["version"] == "2.0"
