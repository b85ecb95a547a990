"""Conversion of claims from the formats of the gateways to the types of a token."""

import calendar
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_cognito_guard.errors import ClaimInvalid
from fastapi_cognito_guard.gateway.formats import copy_native_claims, parse_http_claims, parse_rest_claims
from fastapi_cognito_guard.testing.gateway.contexts import java_date
from fastapi_cognito_guard.testing.gateway.events import gateway_event


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Thu Jul 02 12:39:49 UTC 2026", 1782995989),
        ("Tue Jun 18 15:00:04 UTC 2024", 1718722804),
        ("Thu Jan 01 00:00:00 UTC 1970", 0),
        ("Thu Feb 29 00:00:00 GMT 2024", 1709164800),
        ("1718722804", 1718722804),
        ("9" * 15, 10**15 - 1),
    ],
)
def test_rest_dates_and_digits_are_seconds(text: str, seconds: int) -> None:
    assert parse_rest_claims({"exp": text, "auth_time": text})["exp"] == seconds


BAD_NUMBERS = [
    "", "soon", "-1", "1.5", "1e9", " 1", "1\n", "٣", "9" * 16,
    "Thu Jul 32 12:39:49 UTC 2026", "Fri Feb 29 00:00:00 UTC 2023", "Thu Jul 02 24:00:00 UTC 2026",
    "Thu Jul 02 12:39:49 PDT 2026", "Don Jul 02 12:39:49 UTC 2026", "Thu Jul 2 12:39:49 UTC 2026",
    "Thu Jul 02 12:39:49 UTC 2026 ", "Thu Jul 02 12:39:49 UTC 0000",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD_NUMBERS)
def test_a_time_that_cannot_be_parsed_is_refused_and_not_skipped(text: str) -> None:
    for parse in (parse_rest_claims, parse_http_claims):
        with pytest.raises(ClaimInvalid, match="exp"):
            parse({"exp": text})


@given(st.integers(0, calendar.timegm((9999, 12, 31, 23, 59, 59))))
def test_every_java_date_is_parsed(seconds: int) -> None:
    assert parse_rest_claims({"exp": java_date(seconds)}) == {"exp": seconds}


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("admins", ["admins"]),
        ("admins,staff", ["admins", "staff"]),
        ("[a b]", ["[a b]"]),
        ("", []),
        (",a", ["a"]),
    ],
)
def test_rest_lists_are_split_on_commas(text: str, groups: list[str]) -> None:
    assert parse_rest_claims({"cognito:groups": text, "cognito:roles": text}) == {
        "cognito:groups": groups,
        "cognito:roles": groups,
    }


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("[admins]", ["admins"]),
        ("[admins staff]", ["admins", "staff"]),
        ("[a,b]", ["a,b"]),
        ("[[odd] x]", ["[odd]", "x"]),
        ("[]", []),
    ],
)
def test_http_lists_are_in_one_pair_of_brackets(text: str, groups: list[str]) -> None:
    assert parse_http_claims({"cognito:groups": text}) == {"cognito:groups": groups}


@pytest.mark.parametrize("text", ["admins", "[admins", "admins]", "", "[", "a [b]"])
def test_an_http_list_without_brackets_is_refused(text: str) -> None:
    with pytest.raises(ClaimInvalid, match="cognito:groups"):
        parse_http_claims({"cognito:groups": text})


def test_an_http_audience_is_a_text_or_a_list() -> None:
    assert parse_http_claims({"aud": "https://api.example"})["aud"] == "https://api.example"
    assert parse_http_claims({"aud": "[https://a https://b]"})["aud"] == ["https://a", "https://b"]
    assert parse_http_claims({"scp": "[a b]"})["scp"] == ["a", "b"]


@pytest.mark.parametrize("text", ["True", "1", "yes", ""])
def test_a_known_boolean_is_false_unless_its_text_is_true(text: str) -> None:
    assert parse_rest_claims({"email_verified": "true"}) == {"email_verified": True}
    assert parse_http_claims({"phone_number_verified": "false"}) == {"phone_number_verified": False}
    for parse in (parse_http_claims, parse_rest_claims):
        assert parse({"email_verified": text}) == {"email_verified": False}


@pytest.mark.parametrize("name", ["exp", "cognito:groups", "email_verified"])
@pytest.mark.parametrize("value", [None, 5, True, ["a"], {"a": 1}], ids=repr)
def test_a_known_claim_that_is_not_text_is_refused(name: str, value: Any) -> None:
    for parse in (parse_rest_claims, parse_http_claims):
        with pytest.raises(ClaimInvalid):
            parse({name: value})


custom = st.dictionaries(st.text().map("custom:{}".format), st.text() | st.integers() | st.none())


@given(custom)
def test_custom_claims_stay_as_they_are(claims: dict[str, Any]) -> None:
    for parse in (parse_rest_claims, parse_http_claims, copy_native_claims):
        assert parse(claims) == claims
        assert parse(claims) is not claims


groups = st.lists(
    st.text(
        st.characters(categories=["L", "M", "S", "N", "P"], exclude_characters=","), min_size=1, max_size=9
    ),
    min_size=1,
)
CLAIMS = {
    "sub": "s",
    "exp": 1782995989,
    "iat": 1782992389,
    "auth_time": 5,
    "version": 2,
    "email_verified": True,
}


@given(groups)
def test_claims_that_a_gateway_writes_are_parsed_back(names: list[str]) -> None:
    claims = {**CLAIMS, "cognito:groups": names}
    for kind, parse, path in (
        ("rest", parse_rest_claims, ("claims",)),
        ("rest-jwt", copy_native_claims, ("claims",)),
        ("http-1.0", parse_http_claims, ("claims",)),
        ("http", parse_http_claims, ("jwt", "claims")),
    ):
        section: Any = gateway_event(kind, claims=claims)["requestContext"]["authorizer"]  # type: ignore[arg-type]  # a loop variable is no literal
        for key in path:
            section = section[key]
        assert parse(section) == claims


@pytest.mark.parametrize("name", ["exp", "iat", "nbf", "auth_time", "version"])
def test_every_numeric_claim_of_cognito_is_a_number(name: str) -> None:
    assert parse_rest_claims({name: "5"}) == parse_http_claims({name: "5"}) == {name: 5}
