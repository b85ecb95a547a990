"""Key sets: usable keys of a document are kept, and all others left out."""

from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.tokens.jwks import NotKeys, parse_keys

POOL = FakeUserPool()
GOOD, TWIN = POOL.jwks["keys"]


def test_keys_of_a_pool_are_parsed() -> None:
    keys = parse_keys(POOL.jwks)
    assert list(keys) == [GOOD["kid"], TWIN["kid"]]
    assert keys == parse_keys(POOL.jwks)
    assert keys[GOOD["kid"]] != keys[TWIN["kid"]]


EVEN = GOOD["n"][:-1] + "A"
BAD: dict[str, Any] = {
    "null": None,
    "a number": 5,
    "empty": {},
    "an elliptic curve key": {**TWIN, "kty": "EC"},
    "a symmetric key": {"kty": "oct", "k": "AAAA", "kid": "x", "alg": "HS256"},
    "no kid": {name: value for name, value in TWIN.items() if name != "kid"},
    "kid is a list": {**TWIN, "kid": ["x"]},
    "kid is empty": {**TWIN, "kid": ""},
    "kid is too long": {**TWIN, "kid": "k" * 257},
    "for encryption": {**TWIN, "use": "enc"},
    "not for verification": {**TWIN, "key_ops": ["encrypt"]},
    "key_ops is a text": {**TWIN, "key_ops": "verify"},
    "another algorithm": {**TWIN, "alg": "RS512"},
    "alg is null": {**TWIN, "alg": None},
    "a private key": {**TWIN, "d": "AQAB"},
    "a part of a private key": {**TWIN, "p": "AQAB"},
    "exponent 3": {**TWIN, "e": "Aw"},
    "exponent 1": {**TWIN, "e": "AQ"},
    "an even exponent": {**TWIN, "e": "AQAA"},
    "exponent with a leading zero": {**TWIN, "e": "AAEAAQ"},
    "exponent is a number": {**TWIN, "e": 65537},
    "no modulus": {name: value for name, value in TWIN.items() if name != "n"},
    "a short modulus": {**TWIN, "n": "AQAB"},
    "1024 bits": {**TWIN, "n": TWIN["n"][:171] + "w"},
    "16384 bits": {**TWIN, "n": TWIN["n"][:340] * 8 + "AQ"},
    "an even modulus": {**TWIN, "n": EVEN},
    "modulus with padding": {**TWIN, "n": TWIN["n"] + "=="},
    "modulus not ASCII": {**TWIN, "n": "ü"},
    "modulus in the standard alphabet": {**TWIN, "n": "+/" + TWIN["n"][2:]},
}


@pytest.mark.parametrize("entry", BAD.values(), ids=BAD)
def test_a_bad_key_is_left_out_without_losing_the_good_one(entry: Any) -> None:
    assert list(parse_keys({"keys": [entry, GOOD, entry]})) == [GOOD["kid"]]
    with pytest.raises(NotKeys):
        parse_keys({"keys": [entry]})


def test_keys_that_share_a_kid_are_left_out() -> None:
    for twice in (TWIN, {"kid": TWIN["kid"]}, {**GOOD, "kid": TWIN["kid"]}):
        assert list(parse_keys({"keys": [twice, GOOD, TWIN]})) == [GOOD["kid"]]


@pytest.mark.parametrize(
    "document", [None, [], {}, {"keys": None}, {"keys": []}, {"keys": {"a": 1}}, {"keys": [GOOD] * 101}]
)
def test_a_document_without_usable_keys_is_refused(document: Any) -> None:
    with pytest.raises(NotKeys):
        parse_keys(document)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(["kty", "kid", "n", "e", "use", "alg", "key_ops", "d"]), json_values))
def test_no_entry_at_all_replaces_a_good_key(members: dict[str, Any]) -> None:
    for entry in (members, {**TWIN, **members}):
        assert GOOD["kid"] in parse_keys({"keys": [GOOD, entry]}) or entry.get("kid") == GOOD["kid"]


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth"])
def test_an_entry_with_any_part_of_a_private_key_is_left_out(member: str) -> None:
    assert list(parse_keys({"keys": [{**TWIN, member: "AQAB"}, GOOD]})) == [GOOD["kid"]]


def test_a_key_set_may_have_100_entries_and_a_kid_256_characters() -> None:
    long = {**GOOD, "kid": "k" * 256}
    assert list(parse_keys({"keys": [long, {**TWIN, "kid": "k"}] + [{}] * 98})) == ["k" * 256, "k"]
    with pytest.raises(NotKeys, match="no key set"):
        parse_keys({"keys": [GOOD] + [{}] * 100})


@pytest.mark.parametrize(("bits", "good"), [(2047, False), (2048, True), (8192, True), (8193, False)])
def test_a_modulus_has_from_2048_to_8192_bits(bits: int, good: bool) -> None:
    n = (1 << (bits - 1) | 1).to_bytes((bits + 7) // 8, "big")
    entry = {**GOOD, "n": urlsafe_b64encode(n).rstrip(b"=").decode()}
    if good:
        assert list(parse_keys({"keys": [entry]})) == [GOOD["kid"]]
    else:
        with pytest.raises(NotKeys):
            parse_keys({"keys": [entry]})


@pytest.mark.parametrize("names", [["use"], ["alg"], ["use", "alg"]], ids=repr)
def test_a_key_without_use_or_alg_is_a_signature_key(names: list[str]) -> None:
    entry = {name: value for name, value in GOOD.items() if name not in names}
    assert list(parse_keys({"keys": [entry]})) == [entry["kid"]]
