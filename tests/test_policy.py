"""Requirements: values that are compared whole, of which any one is enough."""

from typing import Any

import pytest
from fastapi import Depends, FastAPI
from hypothesis import given
from hypothesis import strategies as st

from fastapi_cognito_guard import Principal, require_claim, require_group, require_scope
from fastapi_cognito_guard.errors import (
    ConfigurationError,
    Forbidden,
    InsufficientClaim,
    InsufficientGroup,
    InsufficientScope,
)
from fastapi_cognito_guard.policy import Requirement, check_all_scopes


def make_principal(**fields: Any) -> Principal:
    given: dict[str, Any] = {"sub": "s", "client_id": "c", "issuer": "i", "expires_at": 1.0, "claims": {}}
    return Principal(**given | fields)


def test_any_one_scope_is_enough() -> None:
    require_scope("orders/read", "orders/write").check(make_principal(scopes=frozenset({"orders/write"})))


def test_no_scope_is_403_and_names_the_sufficient_ones() -> None:
    with pytest.raises(InsufficientScope, match=r"require_scope\('a', 'b'\)") as refused:
        require_scope("a", "b").check(make_principal(scopes=frozenset({"c"})))
    assert refused.value.required == ("a", "b")


@pytest.mark.parametrize("held", ["admin", "admins2", "not-admins", "Admins", "admins staff", "a,admins"])
def test_a_group_is_matched_whole(held: str) -> None:
    with pytest.raises(InsufficientGroup):
        require_group("admins").check(make_principal(groups=frozenset({held})))


@pytest.mark.parametrize("held", ["orders", "orders/readonly", "my-orders/read", "Orders/Read"])
def test_a_scope_is_matched_whole(held: str) -> None:
    principal = make_principal(scopes=frozenset({held}))
    with pytest.raises(InsufficientScope):
        require_scope("orders/read").check(principal)
    with pytest.raises(InsufficientScope):
        check_all_scopes(principal, ["orders/read"])


def test_a_scope_is_not_a_group() -> None:
    with pytest.raises(InsufficientGroup):
        require_group("admins").check(make_principal(scopes=frozenset({"admins"})))


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("gold", "gold"), (3, "3"), ("3", 3), (True, "true"), ("true", True), (False, False)],
)
def test_a_claim_is_compared_as_the_text_that_gateways_write(value: Any, wanted: Any) -> None:
    require_claim("custom:tier", "silver", wanted).check(make_principal(claims={"custom:tier": value}))


@pytest.mark.parametrize("value", [None, ["gold"], {"gold": 1}, "golden", "", 1.0])
def test_a_claim_of_another_shape_never_matches(value: Any) -> None:
    with pytest.raises(InsufficientClaim, match=r"require_claim\('custom:tier', 'gold', '1'\)"):
        require_claim("custom:tier", "gold", 1).check(make_principal(claims={"custom:tier": value}))


def test_an_absent_claim_never_matches() -> None:
    with pytest.raises(InsufficientClaim):
        require_claim("custom:tier", "gold").check(make_principal())


def test_equal_requirements_are_one_dependency() -> None:
    assert len({require_scope("a", "b"), require_scope("b", "a"), require_scope("a", "b", "a")}) == 1
    assert require_scope("a") != require_group("a")
    assert require_claim("x", "a") != require_claim("y", "a")


def test_a_requirement_prints_as_it_is_written() -> None:
    assert str(require_scope("b", "a")) == "require_scope('b', 'a')"
    assert repr(require_claim("tier", 3)) == "require_claim('tier', '3')"
    assert require_group("b", "a").any_of == ("b", "a")


@pytest.mark.parametrize("require", [require_scope, require_group], ids=["scope", "group"])
@pytest.mark.parametrize(
    "names", [(), ("",), (["a"],), (None,), (" a",), ("a ",), ("a", ""), ("a\n",), ("a\nb",)], ids=repr
)
def test_an_invalid_name_is_refused_at_definition(require: Any, names: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"Write require_"):
        require(*names)


def test_a_group_may_have_spaces_in_its_name_and_a_scope_may_not() -> None:
    require_group("Domain Users").check(make_principal(groups=frozenset({"Domain Users"})))
    with pytest.raises(InsufficientGroup):
        require_group("Domain Users").check(make_principal(groups=frozenset({"Domain", "Users"})))
    with pytest.raises(ConfigurationError):
        require_scope("a b")


@pytest.mark.parametrize("length", [1, 2, 128, 129])
def test_a_group_name_has_up_to_128_characters(length: int) -> None:
    if length <= 128:
        assert require_group("g" * length)
    else:
        with pytest.raises(ConfigurationError):
            require_group("g" * length)


@pytest.mark.parametrize("scope", ['a"', "a\\", "ü", "a\r\nSet-Cookie: x"])
def test_a_scope_cannot_end_the_quotes_of_a_challenge(scope: str) -> None:
    with pytest.raises(ConfigurationError):
        require_scope(scope)


def test_a_requirement_without_depends_around_it_says_what_to_write() -> None:
    with pytest.raises(ConfigurationError, match=r"Write Depends\(require_scope\('a'\)\)"):
        FastAPI().get("/x", dependencies=[require_scope("a")])(lambda: None)  # type: ignore[list-item]  # the mistake


@pytest.mark.parametrize("require", [require_scope, require_group, require_claim])
def test_a_requirement_without_the_call_is_refused_at_definition(require: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"Write Depends\(require_.*, with the call"):
        FastAPI().get("/x", dependencies=[Depends(require)])(lambda: None)


def test_group_names_may_be_unicode_and_have_commas() -> None:
    require_group("Führung,EU").check(make_principal(groups=frozenset({"Führung,EU"})))


@pytest.mark.parametrize(
    "arguments", [("tier",), ("tier", 1.5), ("tier", None), ("", "a"), (5, "a")], ids=repr
)
def test_a_claim_requirement_needs_a_name_and_values(arguments: Any) -> None:
    with pytest.raises(ConfigurationError, match="Write require_claim"):
        require_claim(*arguments)


def test_security_scopes_are_all_of() -> None:
    check_all_scopes(make_principal(scopes=frozenset({"a", "b", "c"})), ["a", "b"])
    with pytest.raises(InsufficientScope, match="Security scopes b are missing") as refused:
        check_all_scopes(make_principal(scopes=frozenset({"a"})), ["a", "b"])
    assert refused.value.required == ("a", "b")


def test_a_security_scope_cannot_end_the_quotes_of_a_challenge() -> None:
    with pytest.raises(ConfigurationError):
        check_all_scopes(make_principal(), ['a", scope="b'])


names = st.text(st.characters(min_codepoint=0x23, max_codepoint=0x5B), min_size=1, max_size=5)


@given(wanted=st.lists(names, min_size=1, max_size=4), held=st.frozensets(names, max_size=4))
def test_a_requirement_is_met_exactly_when_the_sets_meet(wanted: list[str], held: frozenset[str]) -> None:
    for requirement, user in (
        (require_scope(*wanted), make_principal(scopes=held)),
        (require_group(*wanted), make_principal(groups=held)),
    ):
        assert is_met(requirement, user) == bool(held & set(wanted))


def is_met(requirement: Requirement, user: Principal) -> bool:
    try:
        requirement.check(user)
    except Forbidden:
        return False
    return True


def test_a_false_claim_is_not_a_true_one() -> None:
    for held, wanted in ((False, True), (True, False), (False, "true"), ("false", True)):
        with pytest.raises(InsufficientClaim):
            require_claim("custom:beta", wanted).check(make_principal(claims={"custom:beta": held}))
    require_claim("custom:beta", "false").check(make_principal(claims={"custom:beta": False}))


def test_a_client_is_named_by_128_characters_at_most() -> None:
    with pytest.raises(InsufficientClaim, match=r"of 'x{128}':"):
        require_claim("custom:beta", "true").check(make_principal(client_id="x" * 129))


def test_any_of_holds_each_name_once_in_its_order() -> None:
    assert require_scope("b", "a", "b").any_of == ("b", "a")


def test_one_bad_value_beside_a_good_one_is_refused_at_definition() -> None:
    with pytest.raises(ConfigurationError, match="Write require_claim"):
        require_claim("tier", "gold", 1.5)  # type: ignore[arg-type]  # the mistake


def test_half_a_surrogate_pair_is_no_name_and_no_value() -> None:
    """No token has one, and a document with one could not be sent."""
    for write in (require_group, require_scope, lambda name: require_claim("tier", name)):
        with pytest.raises(ConfigurationError):
            write("\ud800")
