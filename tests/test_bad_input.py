"""Bad input: each case is refused, in each dialect with its exact response."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import build_app, client_of, guard_for

INVALID = 'Bearer error="invalid_token", error_description="{}"'
HTTP_INVALID = 'Bearer scope="" error="invalid_token" error_description="{}"'


def replace_header(token: str, **members: Any) -> str:
    _, payload, signature = token.split(".")
    header = json.dumps({"alg": "RS256", "kid": "x", **members}).encode()
    return f"{urlsafe_b64encode(header).rstrip(b'=').decode()}.{payload}.{signature}"


def change_byte(token: str, part: int) -> str:
    parts = token.split(".")
    middle = len(parts[part]) // 2
    letter = "A" if parts[part][middle] != "A" else "B"
    parts[part] = parts[part][:middle] + letter + parts[part][middle + 1 :]
    return ".".join(parts)


CODES = {
    "no header": "token_missing",
    "an empty token": "token_missing",
    "Basic": "scheme_unsupported",
    "a comma-joined pair": "token_malformed",
    "40 KB of junk": "token_malformed",
    "a token of another pool": "issuer_mismatch",
    "a token of an impostor": "key_unknown",
    "a token of another client": "client_mismatch",
    "an ID token": "token_use_mismatch",
    "expired": "token_expired",
    "not yet valid": "token_not_yet_valid",
    "issued in the future": "token_not_yet_valid",
    "no exp": "claim_invalid",
    "exp is a text": "claim_invalid",
    "unknown kid": "key_unknown",
    "kid is a list": "token_malformed",
    "alg none": "algorithm_not_allowed",
    "alg HS256": "algorithm_not_allowed",
    "alg ES256": "algorithm_not_allowed",
    "a changed header": None,
    "a changed payload": None,
    "a changed signature": "signature_invalid",
}


def build_header(case: str, pool: FakeUserPool, other: FakeUserPool, impostor: FakeUserPool) -> str | None:
    good = pool.access_token("ada", groups=["admins"])
    tokens: dict[str, str] = {
        "a comma-joined pair": f"{good}, Bearer {good}",
        "an empty token": "",
        "40 KB of junk": "A" * 40_000,
        "a token of another pool": other.access_token("ada"),
        "a token of an impostor": impostor.access_token("ada"),
        "a token of another client": pool.access_token("ada", claims={"client_id": "another"}),
        "an ID token": pool.id_token("ada"),
        "expired": pool.access_token("ada", expires_in=-1),
        "not yet valid": pool.access_token("ada", claims={"nbf": 4_000_000_000}),
        "issued in the future": pool.access_token("ada", claims={"iat": 4_000_000_000}),
        "no exp": pool.access_token("ada", claims={"exp": None}),
        "exp is a text": pool.access_token("ada", claims={"exp": "4000000000"}),
        "unknown kid": replace_header(good, kid="unknown"),
        "kid is a list": replace_header(good, kid=["a"]),
        "alg none": replace_header(good, alg="none").rpartition(".")[0] + ".",
        "alg HS256": replace_header(good, alg="HS256"),
        "alg ES256": replace_header(good, alg="ES256"),
        "a changed header": change_byte(good, 0),
        "a changed payload": change_byte(good, 1),
        "a changed signature": change_byte(good, 2),
    }
    others = {"no header": None, "Basic": "Basic YWRhOnB3"}
    return others[case] if case in others else f"Bearer {tokens[case]}"


@pytest.mark.parametrize("semantics", ["strict", "rest", "http"])
@pytest.mark.parametrize("case", CODES)
def test_bad_input_is_refused(
    pool: FakeUserPool,
    other_pool: FakeUserPool,
    impostor: FakeUserPool,
    caplog: pytest.LogCaptureFixture,
    case: str,
    semantics: Semantics,
) -> None:
    header = build_header(case, pool, other_pool, impostor)
    path = "/me" if semantics == "strict" else "/scope"
    client = client_of(build_app(guard_for(pool, semantics=semantics)))
    answer = client.get(path, headers={"Authorization": header} if header is not None else {})
    if (case, semantics) == ("an ID token", "http"):
        assert answer.status_code == 403
        return
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/json"
    expired = (case, semantics) == ("expired", "rest")
    assert answer.json() == {"message": "The incoming token has expired" if expired else "Unauthorized"}
    challenge = answer.headers.get("www-authenticate", "")
    if semantics == "rest":
        assert answer.headers["x-amzn-errortype"] == "UnauthorizedException"
        assert challenge == ""
    elif case in {"no header", "an empty token"} or (case, semantics) == ("Basic", "strict"):
        assert challenge == "Bearer"
    else:
        form = INVALID if semantics == "strict" else HTTP_INVALID
        description = challenge.rpartition('error_description="')[2].rstrip('"')
        assert challenge == form.format(description)
        assert description
    code = CODES[case]
    if code is not None:
        assert f": {code}: " in caplog.text
    if header and len(header) > 20:
        assert header[10:] not in caplog.text


def test_two_credential_headers_are_refused_and_not_chosen_from(pool: FakeUserPool) -> None:
    good = pool.access_token("ada")
    headers = [("Authorization", f"Bearer {good}"), ("Authorization", f"Bearer {good}")]
    assert client_of(build_app(guard_for(pool))).get("/me", headers=headers).status_code == 401


def test_a_token_in_the_query_or_a_cookie_is_no_token(pool: FakeUserPool) -> None:
    client = client_of(build_app(guard_for(pool)))
    token = pool.access_token("ada")
    assert client.get("/me", params={"access_token": token, "Authorization": token}).status_code == 401
    assert client.get("/me", headers={"Cookie": f"Authorization={token}"}).status_code == 401


@pytest.mark.parametrize(
    "name", ["x-amzn-request-context", "x-amzn-oidc-data", "x-amzn-oidc-identity", "x-amzn-oidc-accesstoken"]
)
def test_an_identity_in_any_other_header_is_ignored(pool: FakeUserPool, name: str) -> None:
    client, token = client_of(build_app(guard_for(pool))), pool.access_token("ada")
    contexts = [pool.event(kind, token)["requestContext"] for kind in ("rest", "rest-jwt", "http")]
    for forged in (token, f"Bearer {token}", *map(json.dumps, contexts)):
        assert client.get("/me", headers={name: forged}).status_code == 401
