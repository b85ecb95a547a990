"""Canonical base64url: each value has one spelling."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_cognito_guard.errors import TokenMalformed
from fastapi_cognito_guard.tokens.base64url import decode


def test_trailing_bits_are_refused_so_that_a_token_has_one_spelling() -> None:
    assert decode("QQ") == b"A"
    for twin in ("QR", "QS", "QZ", "QQ==", "Q", "QQ Q", "QQ\n"):
        with pytest.raises(TokenMalformed):
            decode(twin)


@pytest.mark.parametrize(
    ("text", "twin"), [("____", "//__"), ("____", "_/__"), ("----", "-+--"), ("----", "++--")]
)
def test_each_letter_of_the_other_alphabet_is_refused(text: str, twin: str) -> None:
    assert urlsafe_b64encode(decode(text)).decode() == text
    with pytest.raises(TokenMalformed):
        decode(twin)


@given(st.binary(min_size=1))
def test_encoded_bytes_are_decoded(data: bytes) -> None:
    assert decode(urlsafe_b64encode(data).rstrip(b"=").decode()) == data


@given(
    st.text(st.characters(max_codepoint=127))
    | st.text("AQRg-_+/= \n", max_size=8)
    | st.binary().map(lambda data: urlsafe_b64encode(data).decode())
)
def test_every_accepted_text_is_canonical(text: str) -> None:
    try:
        data = decode(text)
    except TokenMalformed:
        return
    assert urlsafe_b64encode(data).rstrip(b"=").decode() == text
    assert urlsafe_b64decode(text + "=" * (-len(text) % 4)) == data


def test_only_letters_without_trailing_bits_may_be_last() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for before in ("A", "AA", "AAA"):
        for letter in alphabet:
            text = before + letter
            octets = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            is_canonical = urlsafe_b64encode(octets).rstrip(b"=").decode() == text
            if is_canonical:
                assert decode(text) == octets
            else:
                with pytest.raises(TokenMalformed):
                    decode(text)
