"""The token of a header, and headers without exactly one token."""

import pytest

from fastapi_cognito_guard.credentials import find_token, parse_token
from fastapi_cognito_guard.errors import SchemeUnsupported, TokenMalformed, TokenMissing


def parse(*values: bytes, name: bytes = b"authorization") -> str:
    return parse_token([(b"host", b"x"), *((name, value) for value in values)], name)


@pytest.mark.parametrize("value", [b"Bearer a.b.c", b"bearer a.b.c", b"BEARER a.b.c", b"a.b.c"])
def test_a_token_stands_bare_or_after_bearer_in_any_case(value: bytes) -> None:
    assert parse(value) == "a.b.c"


def test_the_identity_source_may_be_another_header() -> None:
    assert parse(b"a.b.c", name=b"x-auth") == "a.b.c"


@pytest.mark.parametrize("values", [(), (b"",), (b"Bearer",), (b"bearer",), (b"Bearer ",)], ids=repr)
def test_no_token_is_missing(values: tuple[bytes, ...]) -> None:
    with pytest.raises(TokenMissing):
        parse(*values)


@pytest.mark.parametrize("scheme", [b"AWS4-HMAC-SHA256", b"AWS4-ECDSA-P256-SHA256"])
def test_an_iam_signature_is_not_a_malformed_token(scheme: bytes) -> None:
    with pytest.raises(TokenMissing):
        parse(scheme + b" Credential=ASIAEXAMPLE/20260702/us-west-2/execute-api/aws4_request, Signature=00")


@pytest.mark.parametrize("value", [b"Basic YTpi", b"Basic ", b"DPoP a.b.c", b"Digest a=b", b"ApiKey a.b.c"])
def test_another_scheme_is_unsupported(value: bytes) -> None:
    with pytest.raises(SchemeUnsupported):
        parse(value)


@pytest.mark.parametrize("value", [b"B\xe9arer a.b.c", b"Bearer: a.b.c", b'"Bearer" a.b.c', b" a.b.c"])
def test_a_text_that_is_no_scheme_is_not_another_scheme(value: bytes) -> None:
    with pytest.raises(TokenMalformed):
        parse(value)


@pytest.mark.parametrize("value", [b"Bearer  a.b.c", b"Bearer     a.b.c", b"bearer  a.b.c"])
def test_several_spaces_after_the_scheme_are_one_credential(value: bytes) -> None:
    assert parse(value) == "a.b.c"


@pytest.mark.parametrize(
    "values",
    [
        (b"Bearer a.b.c, Bearer d.e.f",),
        (b"Bearer a.b.c,d.e.f",),
        (b"Bearer  a.b.c d.e.f",),
        (b"Bearer a.b.c ",),
        (b"Bearer Bearer a.b.c",),
        (b"Bearer a.b.c", b"Bearer a.b.c"),
        (b"", b"Bearer a.b.c"),
    ],
    ids=repr,
)
def test_more_than_one_token_is_refused_and_not_chosen_from(values: tuple[bytes, ...]) -> None:
    with pytest.raises(TokenMalformed):
        parse(*values)


@pytest.mark.parametrize(
    ("protocol", "advice"),
    [
        (
            None,
            'write CognitoGuard(..., websocket_protocol="cognito-guard") for it, and open the WebSocket with',
        ),
        ("own", "let it open the WebSocket with"),
    ],
)
def test_a_browsers_websocket_is_not_told_to_send_a_header(protocol: str | None, advice: str) -> None:
    scope = {"type": "websocket", "headers": [(b"origin", b"https://shop.example")], "subprotocols": []}
    with pytest.raises(TokenMissing) as missing:
        find_token(scope, b"authorization", protocol)
    assert "A browser cannot send Authorization: Bearer <token>" in missing.value.reason
    assert f'{advice} the subprotocols ["{protocol or "cognito-guard"}", token].' in missing.value.reason


def test_the_advice_names_the_header_that_is_read() -> None:
    with pytest.raises(TokenMissing, match="send X-Auth: Bearer <token>"):
        parse(name=b"x-auth")


def test_bearer_twice_is_named() -> None:
    with pytest.raises(TokenMalformed) as caught:
        parse(b"Bearer Bearer a.b.c")
    assert "or `Bearer` twice" in caught.value.reason
