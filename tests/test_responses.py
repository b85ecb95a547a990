"""Responses to refused requests, byte for byte, in each dialect."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_cognito_guard import errors
from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.errors import AuthError
from fastapi_cognito_guard.responses import render
from tests.test_errors import tree

UNAUTHORIZED = b'{"message":"Unauthorized"}'
FORBIDDEN = b'{"message":"Forbidden"}'
REST_401 = {"x-amzn-ErrorType": "UnauthorizedException"}
REST_403 = {"x-amzn-ErrorType": "AccessDeniedException"}
NOT_AUTHORIZED = b'{"Message":"User is not authorized to access this resource"}'
CASES: list[tuple[AuthError, Semantics, int, bytes, dict[str, str]]] = [
    (errors.TokenMissing("r"), "strict", 401, UNAUTHORIZED, {"WWW-Authenticate": "Bearer"}),
    (errors.SchemeUnsupported("r"), "strict", 401, UNAUTHORIZED, {"WWW-Authenticate": "Bearer"}),
    (errors.GatewayClaimsMissing("r"), "strict", 401, UNAUTHORIZED, {"WWW-Authenticate": "Bearer"}),
    (
        errors.TokenExpired("r"), "strict", 401, UNAUTHORIZED,
        {"WWW-Authenticate": 'Bearer error="invalid_token", error_description="The token has expired"'},
    ),
    (
        errors.InsufficientScope("r", required=["a/b", "c"]), "strict", 403, FORBIDDEN,
        {"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="a/b c"'},
    ),
    (errors.InsufficientGroup("r", required=["admins"]), "strict", 403, FORBIDDEN, {}),
    (errors.InsufficientClaim("r", required=["gold"]), "strict", 403, FORBIDDEN, {}),
    (
        errors.KeysUnavailable("r", retry_after=7), "strict", 503, b'{"message":"Service Unavailable"}',
        {"Retry-After": "7"},
    ),
    (errors.TokenMissing("r"), "rest", 401, UNAUTHORIZED, REST_401),
    (errors.SignatureInvalid("r"), "rest", 401, UNAUTHORIZED, REST_401),
    (errors.TokenExpired("r"), "rest", 401, b'{"message":"The incoming token has expired"}', REST_401),
    (errors.InsufficientScope("r", required=["a"]), "rest", 401, UNAUTHORIZED, REST_401),
    (errors.InsufficientGroup("r", required=["a"]), "rest", 403, NOT_AUTHORIZED, REST_403),
    (
        errors.KeysUnavailable("r"), "rest", 500, b'{"message":null}',
        {"x-amzn-ErrorType": "AuthorizerConfigurationException"},
    ),
    (errors.TokenMissing("r"), "http", 401, UNAUTHORIZED, {"www-authenticate": "Bearer"}),
    (errors.GatewayClaimsMissing("r"), "http", 401, UNAUTHORIZED, {"www-authenticate": "Bearer"}),
    (
        errors.InsufficientScope("r", required=["a/b", "c"]), "http", 403, FORBIDDEN,
        {
            "www-authenticate": 'Bearer scope="a/b c" error="insufficient_scope" '
            'error_description="expected scopes: [a/b c]"'
        },
    ),
    (errors.InsufficientGroup("r", required=["a"]), "http", 403, FORBIDDEN, {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "semantics", "status", "body", "headers"),
    CASES,
    ids=[f"{case[1]}-{case[0].code}" for case in CASES],
)
def test_a_refusal_is_written_to_the_byte(
    error: AuthError, semantics: Semantics, status: int, body: bytes, headers: dict[str, str]
) -> None:
    refusal = render(error, semantics)
    assert (refusal.status, refusal.content, refusal.headers) == (status, body, headers)


@pytest.mark.parametrize(
    ("error", "description"),
    [
        (errors.TokenMalformed("r"), "token contains an invalid number of segments"),
        (errors.SchemeUnsupported("r"), "token contains an invalid number of segments"),
        (errors.ClientMismatch("r"), "the token does not have a valid audience"),
        (errors.IssuerMismatch("r"), "issuer does not match"),
        (errors.KeysUnavailable("r"), "JWKS communication error"),
        (errors.AlgorithmNotAllowed("r", algorithm="ES256"), "signing method ES256 is invalid"),
        (errors.AlgorithmNotAllowed("r", algorithm='x" evil="'), "The signing algorithm is not allowed"),
        (errors.TokenExpired("r"), "The token has expired"),
    ],
)
def test_http_describes_the_error(error: AuthError, description: str) -> None:
    refusal = render(error, "http")
    assert (refusal.status, refusal.content) == (401, UNAUTHORIZED)
    assert refusal.headers == {
        "www-authenticate": f'Bearer scope="" error="invalid_token" error_description="{description}"'
    }


def test_rest_can_answer_403_when_a_scope_is_missing() -> None:
    refusal = render(errors.InsufficientScope("r", required=["a"]), "rest", rest_scope_status=403)
    assert (refusal.status, refusal.content, refusal.headers) == (403, NOT_AUTHORIZED, REST_403)


SEMANTICS: list[Semantics] = ["strict", "rest", "http"]
leaves = [error for error in tree(AuthError) if issubclass(error, AuthError) and error is not AuthError]


@pytest.mark.parametrize("error", leaves)
@pytest.mark.parametrize("semantics", SEMANTICS)
def test_no_response_holds_the_private_reason(semantics: Semantics, error: type[AuthError]) -> None:
    refusal = render(error("the private reason"), semantics)
    assert 400 <= refusal.status < 600
    assert b"private" not in refusal.content
    assert "private" not in str(refusal.headers)


@given(reason=st.text(), algorithm=st.text() | st.none() | st.integers())
def test_no_text_of_a_token_reaches_a_header(reason: str, algorithm: object) -> None:
    for semantics in SEMANTICS:
        (value,) = render(errors.AlgorithmNotAllowed(reason, algorithm=algorithm), semantics).headers.values()
        assert value.isprintable()
        assert value.isascii()
