"""Compact JWTs: every form but the one that Cognito issues is refused."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_cognito_guard.errors import AlgorithmNotAllowed, AuthError, TokenMalformed
from fastapi_cognito_guard.tokens.jwt import MAX_LENGTH, KnownHeaders, UnverifiedJwt, check_length, parse

HEADER = {"alg": "RS256", "kid": "+/8="}
PAYLOAD = {"sub": "s"}


def encode(part: object) -> str:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def token(header: object = None, payload: object = None, signature: bytes = b"signature") -> str:
    return ".".join(
        (encode(HEADER if header is None else header), encode(payload or PAYLOAD), encode(signature))
    )


def test_a_good_token_is_parsed_and_not_verified() -> None:
    jwt = parse(token({**HEADER, "typ": "at+JWT"}))
    assert (jwt.kid, jwt.payload, jwt.signature) == ("+/8=", PAYLOAD, b"signature")
    assert jwt.signing_input == token({**HEADER, "typ": "at+JWT"}).rpartition(".")[0].encode()


def test_known_headers_are_short_and_few() -> None:
    headers = KnownHeaders()
    jwts = [parse(token({**HEADER, "kid": str(n)})) for n in range(100)]
    assert [headers.kids.get(jwt.header) for jwt in jwts] == [None] * 100
    for jwt in jwts:
        headers.keep(jwt)
    known = [headers.kids.get(jwt.header) for jwt in jwts]
    assert sum(kid is not None for kid in known) <= 64
    assert known[-1] == "99"
    long = parse(token({**HEADER, "kid": "k" * 256, "x": "x" * 256}))
    headers.keep(long)
    assert long.header not in headers.kids
    assert parse(token({**HEADER, "kid": "99"}), headers=headers).kid == "99"


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert parse(token(payload=b'{"x": "\\ud83d\\ude00", "y": 1.5}')).payload == {"x": "😀", "y": 1.5}


def test_many_brackets_are_accepted_if_they_are_not_deep() -> None:
    payload = {"flat": [[] for _ in range(100)], "text": "[" * 100, "deep": [[[{"a": {}}]]]}
    assert parse(token(payload=payload)).payload == payload


ALGORITHMS: list[Any] = [
    "none",
    "None",
    "",
    "HS256",
    "ES256",
    "PS256",
    "RS512",
    "rs256",
    None,
    5,
    ["RS256"],
    {},
]


@pytest.mark.parametrize("alg", ALGORITHMS, ids=repr)
def test_any_algorithm_but_rs256_is_refused(alg: Any) -> None:
    with pytest.raises(AlgorithmNotAllowed):
        parse(token({**HEADER, "alg": alg}))


def test_a_header_without_algorithm_is_refused() -> None:
    with pytest.raises(AlgorithmNotAllowed):
        parse(token({"kid": "x"}))


BAD_HEADERS: dict[str, dict[str, Any]] = {
    "no kid": {"alg": "RS256"},
    "empty kid": {**HEADER, "kid": ""},
    "kid is a list": {**HEADER, "kid": ["+/8="]},
    "kid is null": {**HEADER, "kid": None},
    "kid is a number": {**HEADER, "kid": 5},
    "kid is too long": {**HEADER, "kid": "k" * 257},
    "crit (RFC 7515 section 4.1.11)": {**HEADER, "crit": ["exp"]},
    "b64 (RFC 7797)": {**HEADER, "b64": False},
    "zip": {**HEADER, "zip": "DEF"},
    "enc: a JWE": {**HEADER, "enc": "A256GCM"},
    "cty: a nested token": {**HEADER, "cty": "JWT"},
    "typ is null": {**HEADER, "typ": None},
    "typ of another kind of token": {**HEADER, "typ": "dpop+jwt"},
}


@pytest.mark.parametrize("header", BAD_HEADERS.values(), ids=BAD_HEADERS)
def test_a_header_of_another_form_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(TokenMalformed):
        parse(token(header))


GOOD = token()
BAD_TEXTS: dict[str, Any] = {
    "empty": "",
    "dots": "..",
    "two parts": "a.b",
    "four parts": GOOD + ".x",
    "five parts: a JWE": "a.b.c.d.e",
    "no signature": GOOD.rpartition(".")[0] + ".",
    "with the scheme": f"Bearer {GOOD}",
    "space before": f" {GOOD}",
    "newline after": f"{GOOD}\n",
    "space inside": GOOD.replace(".", ". ", 1),
    "padding": GOOD.replace(".", "=.", 1),
    "standard alphabet": ".".join((encode(HEADER), encode({"s": "ÿÿÿ"}).replace("_", "/"), "+/8")),
    "not ASCII": GOOD + "ü",
    "not text": b"bytes",
    "None": None,
    "JSON serialization": json.dumps({"payload": "x", "signatures": []}),
    "40 KB of junk": "A" * 40_000,
    "40 KB of dots": "." * 40_000,
    "header is no object": token([HEADER]),
    "payload is no object": token(payload=[PAYLOAD]),
    "payload is a string": token(payload="sub"),
    "payload is not JSON": token(payload=b"{'sub': 1}"),
    "something after the payload": token(payload=b'{"sub": "s"}x'),
    "white space around the payload": token(payload=b' {"sub": "s"}'),
    "payload is not UTF-8": token(payload=b'{"sub": "\xff"}'),
    "payload has a byte order mark": token(payload=b'\xef\xbb\xbf{"sub": "s"}'),
    "payload is UTF-16": token(payload='{"sub": "s"}'.encode("utf-16")),
    "a name twice": token(payload=b'{"sub": "a", "sub": "b"}'),
    "a name twice, inside": token(payload=b'{"a": {"sub": "a", "sub": "b"}}'),
    "kid twice": token(b'{"alg": "RS256", "kid": "a", "kid": "b"}'),
    "a number beyond any": token(payload=b'{"x": 1e400}'),
    "half a surrogate pair": token(payload=b'{"email": "\\ud800"}'),
    "half a surrogate pair in a name": token(payload=b'{"x": [{"\\uDFFF": 1}]}'),
    "NaN": token(payload=b'{"exp": NaN}'),
    "Infinity": token(payload=b'{"exp": Infinity}'),
    "nested 33 deep": token(payload=b'{"a": ' + b"[" * 32 + b"]" * 32 + b"}"),
    "objects 33 deep": token(payload=b'{"a":' * 33 + b"1" + b"}" * 33),
    "lists and objects 33 deep": token(payload=b'{"a": [' * 17 + b"]}" * 17),
    "nested 5000 deep": token(payload=b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "an integer of 5000 digits": token(payload=b'{"exp": ' + b"9" * 5000 + b"}"),
}


@pytest.mark.parametrize("text", BAD_TEXTS.values(), ids=BAD_TEXTS)
def test_a_text_of_another_form_is_refused(text: Any) -> None:
    with pytest.raises(TokenMalformed):
        parse(text)


def test_the_length_is_capped_before_anything_is_decoded() -> None:
    with pytest.raises(TokenMalformed, match="max_token_length"):
        parse(GOOD + "A" * MAX_LENGTH)


octets = st.binary(max_size=60)
parts = (
    octets
    | octets.map(lambda rest: b"{" + rest)  # invalid JSON and invalid UTF-8 that begin like an object
    | st.sampled_from([json.dumps(HEADER).encode(), json.dumps(PAYLOAD).encode()])
)


@given(st.text() | st.lists(parts.map(encode), max_size=5).map(".".join), parts.map(encode))
def test_any_text_is_parsed_or_refused(text: str, payload: str) -> None:
    for candidate in (text, f"{encode(HEADER)}.{payload}.AAAA", f"{encode(HEADER)}.{text}.AAAA"):
        try:
            parse(candidate)
        except AuthError as refused:
            assert refused.status == 401


def test_by_default_a_token_may_have_16_kib() -> None:
    check_length("A" * 16384, MAX_LENGTH)
    with pytest.raises(TokenMalformed, match="longer than max_token_length, 16384 characters"):
        check_length("A" * 16385, MAX_LENGTH)


def make_jwt(header: str) -> UnverifiedJwt:
    return UnverifiedJwt(header, f"kid of {header}", {}, b"", b"", 0)


def test_a_header_of_512_characters_is_kept_and_a_longer_one_is_not() -> None:
    headers = KnownHeaders()
    for length, is_kept in ((512, True), (513, False)):
        headers.keep(make_jwt("h" * length))
        assert ("h" * length in headers.kids) is is_kept


def test_64_headers_are_kept_and_the_next_one_replaces_all() -> None:
    headers, names = KnownHeaders(), [str(n) for n in range(65)]
    for name in [*names[:64], "0"]:  # the last is known already, so that nothing is replaced
        headers.keep(make_jwt(name))
    assert all(headers.kids[name] == f"kid of {name}" for name in names[:64])
    headers.keep(make_jwt("64"))
    assert [name for name in names if name in headers.kids] == ["64"]


def test_on_new_header_is_called_for_unknown_headers_only() -> None:
    headers, kids = KnownHeaders(), list[str]()
    jwt = parse(GOOD, headers=headers, on_new_header=kids.append)
    headers.keep(jwt)
    again = parse(GOOD, headers=headers, on_new_header=kids.append)
    assert all(getattr(again, name) == getattr(jwt, name) for name in UnverifiedJwt.__slots__)
    assert kids == [jwt.kid]


@pytest.mark.parametrize("text", ["", ".", "..", "a.b", "a.b.c.d", "{header}", "{header}x", "{header}."])
def test_a_text_that_is_not_three_parts_is_refused_first(text: str) -> None:
    headers = KnownHeaders()
    headers.keep(parse(GOOD))
    text = text.replace("{header}", GOOD.partition(".")[0])
    with pytest.raises(TokenMalformed, match=r"three parts|not base64url"):
        parse(text, headers=headers)
    if text.count(".") != 2:
        with pytest.raises(TokenMalformed, match="three parts"):
            parse(text, headers=headers)


@pytest.mark.parametrize("depth", range(930, 1000, 1))
def test_no_depth_makes_the_check_for_surrogates_recurse(depth: int) -> None:
    payload = b'{"a":"\\ud83d\\ude00","b":' + b"[" * depth + b"]" * depth + b"}"
    with pytest.raises(TokenMalformed):
        parse(token(payload=payload))
