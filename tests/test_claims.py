"""Validation of claims: origin, client, time and types, in each of the semantics."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_cognito_guard import ANY_CLIENT, Principal, UserPool
from fastapi_cognito_guard.claims import (
    Claims,
    ClaimsValidator,
    Semantics,
    check_token_use_as_rest,
    check_types,
)
from fastapi_cognito_guard.errors import (
    AuthError,
    ClaimInvalid,
    ClientMismatch,
    IssuerMismatch,
    TokenExpired,
    TokenNotYetValid,
    TokenUseMismatch,
)
from fastapi_cognito_guard.pool import index_by_issuer
from fastapi_cognito_guard.principal import Source

NOW = 1000.0
POOL_ID = "eu-west-1_Abc123Xyz"
ISSUER = f"https://cognito-idp.eu-west-1.amazonaws.com/{POOL_ID}"
ACCESS = {"sub": "s", "iss": ISSUER, "token_use": "access", "client_id": "web", "exp": 2000, "iat": 900}
ID = {"sub": "s", "iss": ISSUER, "token_use": "id", "aud": "web", "exp": 2000, "iat": 900}


def validate(
    claims: dict[str, Any], semantics: Semantics = "strict", leeway: float = 0, **pool: Any
) -> Principal:
    given: dict[str, Any] = {"client_ids": "web", **pool}
    pools = index_by_issuer([UserPool(POOL_ID, **given)])
    validator = ClaimsValidator(pools=pools, semantics=semantics, leeway=leeway)
    principal, _ = validator.validate(Claims(claims), "token", NOW)
    return principal


def remove(claims: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in claims.items() if key != name}


SEMANTICS: list[Semantics] = ["strict", "rest", "http"]


@pytest.mark.parametrize("semantics", SEMANTICS)
@pytest.mark.parametrize("issuer", ["", ISSUER + "/", ISSUER.upper(), "https://evil.example/" + POOL_ID])
def test_another_issuer_is_refused(semantics: Semantics, issuer: str) -> None:
    with pytest.raises((IssuerMismatch, ClaimInvalid)):
        validate({**ACCESS, "iss": issuer}, semantics)


def test_both_issuer_forms_of_cognito_are_the_pools() -> None:
    issuer = ISSUER.replace("cognito-idp", "issuer-cognito-idp")
    assert validate({**ACCESS, "iss": issuer}).issuer == issuer


@pytest.mark.parametrize("semantics", SEMANTICS)
@pytest.mark.parametrize(
    "claims", [{**ACCESS, "client_id": "app"}, {**ID, "aud": "app"}], ids=["access", "id"]
)
def test_a_token_of_another_app_client_is_refused(semantics: Semantics, claims: dict[str, Any]) -> None:
    with pytest.raises(ClientMismatch):
        validate(claims, semantics, token_use={"access", "id"})


@pytest.mark.parametrize("semantics", SEMANTICS)
@pytest.mark.parametrize(
    "claims", [{**ACCESS, "client_id": "app"}, {**ID, "aud": "app"}], ids=["access", "id"]
)
def test_any_client_takes_every_client(semantics: Semantics, claims: dict[str, Any]) -> None:
    assert validate(claims, semantics, client_ids=ANY_CLIENT, token_use={"access", "id"}).client_id == "app"


def test_strict_takes_the_token_types_of_the_pool() -> None:
    with pytest.raises(TokenUseMismatch, match="send access_token, or add"):
        validate(ID)
    with pytest.raises(TokenUseMismatch):
        validate(ACCESS, token_use={"id"})
    assert validate(ID, token_use={"id"}).token_use == "id"


@pytest.mark.parametrize("claims", [ACCESS, ID], ids=["access", "id"])
def test_http_takes_any_token_type(claims: dict[str, Any]) -> None:
    assert validate(claims, "http").token_use == claims["token_use"]


@pytest.mark.parametrize(("use", "scoped", "good"), [
    ("id", False, True), ("id", True, False), ("access", True, True), ("access", False, False),
])  # fmt: skip
def test_rest_lets_the_routes_scopes_select_the_token_type(use: str, scoped: bool, good: bool) -> None:
    principal = validate(ID if use == "id" else ACCESS, "rest")
    if good:
        check_token_use_as_rest(principal, scoped=scoped)
    else:
        with pytest.raises(TokenUseMismatch):
            check_token_use_as_rest(principal, scoped=scoped)


@pytest.mark.parametrize(
    "aud", ["https://api.example", ["https://x.example", "https://api.example"]], ids=str
)
@pytest.mark.parametrize("semantics", SEMANTICS)
def test_a_resource_is_found_in_aud(semantics: Semantics, aud: object) -> None:
    assert validate({**ACCESS, "aud": aud}, semantics, resource="https://api.example").sub == "s"


@pytest.mark.parametrize("aud", ["https://other.example", [], "https://api.example/"], ids=str)
@pytest.mark.parametrize("semantics", SEMANTICS)
def test_another_resource_is_refused(semantics: Semantics, aud: object) -> None:
    with pytest.raises(ClientMismatch):
        validate({**ACCESS, "aud": aud}, semantics, resource="https://api.example")


def test_in_strict_and_rest_a_resource_is_not_a_client() -> None:
    for semantics in SEMANTICS[:2]:
        assert validate({**ACCESS, "aud": "https://api.example"}, semantics).sub == "s"
        with pytest.raises(ClientMismatch):
            validate({**ACCESS, "client_id": "app", "aud": "web"}, semantics)


def test_http_checks_the_client_only_without_an_aud() -> None:
    assert validate({**ACCESS, "client_id": "app", "aud": "web"}, "http").client_id == "app"
    with pytest.raises(ClientMismatch):
        validate({**ACCESS, "aud": "https://api.example"}, "http")


@pytest.mark.parametrize("semantics", SEMANTICS)
def test_a_token_is_expired_from_the_second_of_exp(semantics: Semantics) -> None:
    with pytest.raises(TokenExpired, match="0 s ago"):
        validate({**ACCESS, "exp": NOW}, semantics)
    assert validate({**ACCESS, "exp": NOW + 0.001}, semantics).expires_at == NOW + 0.001


def test_leeway_counts_on_both_ends() -> None:
    assert validate({**ACCESS, "exp": NOW - 4, "iat": NOW + 5, "nbf": NOW + 5}, leeway=5).sub == "s"
    with pytest.raises(TokenExpired):
        validate({**ACCESS, "exp": NOW - 5}, leeway=5)
    with pytest.raises(TokenNotYetValid):
        validate({**ACCESS, "nbf": NOW + 6}, leeway=5)


@pytest.mark.parametrize(("name", "ahead"), [("iat", 11), ("nbf", 1)])
def test_a_token_of_the_future_is_refused(name: str, ahead: int) -> None:
    with pytest.raises(TokenNotYetValid, match=name):
        validate({**ACCESS, name: NOW + ahead})


@pytest.mark.parametrize("leeway", [0, 5, 10, 30])
def test_iat_and_auth_time_may_lie_ten_seconds_ahead_or_the_leeway_if_that_is_more(leeway: int) -> None:
    ahead = NOW + max(10, leeway)
    assert validate({**ACCESS, "iat": ahead, "auth_time": ahead}, leeway=leeway).sub == "s"
    with pytest.raises(TokenNotYetValid):
        validate({**ACCESS, "iat": ahead + 1}, leeway=leeway)


@pytest.mark.parametrize("source", ["rest", "http", "lambda"])
def test_a_gateway_has_checked_iat_but_nbf_and_exp_are_checked_again(source: Source) -> None:
    validator = ClaimsValidator(
        pools=index_by_issuer([UserPool(POOL_ID, client_ids="web")]), semantics="strict", leeway=0
    )
    assert validator.validate(Claims({**ACCESS, "iat": NOW + 3600}), source, NOW)
    for claims, error in (({"nbf": NOW + 1}, TokenNotYetValid), ({"exp": NOW}, TokenExpired)):
        with pytest.raises(error):
            validator.validate(Claims({**ACCESS, **claims}), source, NOW)


@pytest.mark.parametrize("name", ["iss", "sub", "token_use", "client_id", "exp"])
@pytest.mark.parametrize("semantics", SEMANTICS)
def test_a_required_claim_that_is_missing_is_refused(semantics: Semantics, name: str) -> None:
    with pytest.raises(ClaimInvalid, match=name):
        validate(remove(ACCESS, name), semantics)


WRONG_TYPES: list[tuple[str, list[Any]]] = [
    ("iss", [None, 5, [ISSUER], {"a": 1}, ""]),
    ("sub", [None, 5, ["s"], "", {"a": 1}]),
    ("token_use", [None, "refresh", ["access"], {"a": 1}, "ACCESS"]),
    ("client_id", [None, 5, ["web"], {"web": 1}]),
    ("exp", [None, "2000", True, [2000], float("nan"), float("inf"), float("-inf"), 10**400, -(10**400)]),
    ("iat", [None, "900", False, [900], float("nan"), 10**400]),
    ("nbf", [None, "900", True]),
    ("auth_time", [None, "900", True, float("inf")]),
    ("jti", [None, 5, ["x"], ""]),
    ("username", [None, 5, [""], ""]),
    ("scope", [None, 5, ["orders/read"], {"orders/read": 1}, True]),
    ("cognito:groups", [None, "admins", {"admins": 1}, [None], ["admins", 5], 5]),
]


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG_TYPES for value in values], ids=repr
)
@pytest.mark.parametrize("leeway", [0, 2.5])
@pytest.mark.parametrize("semantics", SEMANTICS)
def test_a_claim_of_the_wrong_type_is_401_and_not_a_type_error(
    semantics: Semantics, name: str, value: Any, leeway: float
) -> None:
    with pytest.raises(AuthError) as refused:
        validate({**ACCESS, name: value}, semantics, leeway)
    assert refused.value.status == 401


@pytest.mark.parametrize("aud", [None, 5, {"web": 1}, [5]], ids=repr)
@pytest.mark.parametrize("semantics", SEMANTICS)
def test_an_audience_of_the_wrong_type_is_401(semantics: Semantics, aud: Any) -> None:
    with pytest.raises(ClaimInvalid):
        validate({**ID, "aud": aud}, semantics, token_use={"id"})
    with pytest.raises(ClaimInvalid):
        validate({**ACCESS, "aud": aud}, semantics)


def test_scopes_are_split_on_single_spaces() -> None:
    assert validate({**ACCESS, "scope": "a  b\tc"}).scopes == {"a", "b\tc"}
    assert validate(ACCESS).scopes == frozenset()


@pytest.mark.parametrize("semantics", ["strict", "rest"])
def test_an_id_token_has_no_scopes_even_if_a_trigger_adds_some(semantics: Semantics) -> None:
    assert validate({**ID, "scope": "orders/write"}, semantics, token_use={"id"}).scopes == frozenset()


def test_http_takes_scopes_from_any_token_and_scp_for_scope() -> None:
    assert validate({**ID, "scope": "a b"}, "http").scopes == {"a", "b"}
    assert validate({**ACCESS, "scp": "a b"}, "http").scopes == {"a", "b"}
    assert validate({**ACCESS, "scp": ["a", "b"]}, "http").scopes == {"a", "b"}
    assert validate({**ACCESS, "scope": "c", "scp": ["a"]}, "http").scopes == {"c"}
    assert validate({**ACCESS, "scp": ["a"]}, "strict").scopes == frozenset()


def test_a_username_may_be_unicode() -> None:
    assert validate({**ACCESS, "username": "Zoë"}).username == "Zoë"


def test_an_access_token_without_a_username_is_a_machines() -> None:
    assert validate(ACCESS).is_machine
    assert not validate({**ACCESS, "username": "ada"}).is_machine
    assert not validate(ID, token_use={"id"}).is_machine


def test_the_username_of_an_id_token_is_cognito_username() -> None:
    user = validate({**ID, "cognito:username": "ada", "email": "ada@example.com"}, token_use={"id"})
    assert (user.username, user.email, user.client_id) == ("ada", "ada@example.com", "web")


@pytest.mark.parametrize("name", ["email_verified", "phone_number_verified"])
@pytest.mark.parametrize(("given", "due"), [("true", True), ("false", False), (True, True), ("yes", False)])
def test_booleans_written_as_text_are_booleans(name: str, given: Any, due: Any) -> None:
    user = validate({**ID, name: given, "custom:flag": "true"}, token_use={"id"})
    assert user.claims[name] == due
    assert user.claims["custom:flag"] == "true"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from(
    [*ACCESS, "aud", "scope", "scp", "cognito:groups", "nbf", "jti", "username", "email_verified"]
)


@given(claims=st.dictionaries(names, json_values), semantics=st.sampled_from(SEMANTICS))
def test_any_claims_are_accepted_or_refused_with_401(claims: dict[str, Any], semantics: Semantics) -> None:
    for values in (claims, {**ACCESS, **claims}, {**ID, **claims}):
        try:
            principal = validate(values, semantics, token_use={"access", "id"})
        except AuthError as refused:
            assert refused.status == 401
        else:
            assert principal.issuer == ISSUER


@pytest.mark.parametrize("name", ["exp", "iat", "nbf", "auth_time"])
def test_seconds_are_bounded_on_both_sides(name: str) -> None:
    for value in (2**53, -(2**53)):
        with pytest.raises(ClaimInvalid, match=name):
            check_types({**ACCESS, name: value}, "access")
    for value in (2**53 - 1, 1 - 2**53):
        check_types({**ACCESS, name: value}, "access")


def test_a_token_without_iat_and_nbf_is_valid_from_the_epoch() -> None:
    validator = ClaimsValidator(
        pools=index_by_issuer([UserPool(POOL_ID, client_ids="web")]), semantics="strict", leeway=0
    )
    for claims, due in ((remove(ACCESS, "iat"), 0), (ACCESS, 890), ({**ACCESS, "nbf": 950}, 950)):
        principal, starts = validator.validate(Claims(claims), "token", NOW)
        assert (starts, principal.expires_at) == (due, 2000)
    assert validator.validate(Claims({**ACCESS, "nbf": 850}), "token", NOW)[1] == 890


def test_an_empty_issuer_is_a_missing_claim_and_not_another_pool() -> None:
    with pytest.raises(ClaimInvalid, match="iss"):
        validate({**ACCESS, "iss": ""})


@pytest.mark.parametrize("semantics", SEMANTICS[:2])
def test_only_access_tokens_must_name_the_resource(semantics: Semantics) -> None:
    assert validate(ID, semantics, token_use={"id"}, resource="https://api.example").client_id == "web"
    with pytest.raises(ClientMismatch, match=r"https://api\.example"):
        validate(ACCESS, semantics, resource="https://api.example")


@pytest.mark.parametrize(("name", "value"), [("aud", [5]), ("cognito:groups", [5]), ("scp", [5])])
def test_the_error_names_the_list_of_the_wrong_type(name: str, value: Any) -> None:
    with pytest.raises(ClaimInvalid, match=f"the claim {name} "):
        validate({**ACCESS, name: value}, "http")


def test_groups_and_scopes_may_be_unicode() -> None:
    user = validate({**ACCESS, "cognito:groups": ["Führung"], "scope": "größe/read"})
    assert (set(user.groups), set(user.scopes)) == ({"Führung"}, {"größe/read"})
