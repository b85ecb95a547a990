"""`FakeUserPool.exchange`: claims of exchanged tokens, and tokens that it does not exchange."""

from typing import Any

import pytest

from fastapi_cognito_guard import ANY_CLIENT, CognitoGuard, Principal
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.testing.exchange import ExchangeRefused
from fastapi_cognito_guard.testing.signing_key import unverified_claims
from tests.apps import NOW

RESOURCE = "https://orders.example.com"
SCOPES = ["orders/read", "orders/write"]
POOL = FakeUserPool(now=lambda: NOW)


def subject(**fields: Any) -> str:
    return POOL.access_token("ada", **{"scopes": SCOPES, **fields})


def actor(client_id: str = "shop", **fields: Any) -> str:
    return POOL.machine_token(client_id=client_id, **fields)


def exchange(token: str, actor_token: str | None = None, **fields: Any) -> str:
    return POOL.exchange(token, actor_token, **{"scopes": SCOPES, "client_id": "shop", **fields})


async def verify(token: str) -> Principal:
    pool = POOL.user_pool(client_ids=ANY_CLIENT, resource=RESOURCE)
    return await CognitoGuard(pool, now=lambda: NOW).verify(token)


@pytest.mark.anyio
async def test_a_guard_reads_user_actor_and_audience_of_an_exchanged_token() -> None:
    token = subject(groups=["admins"], level="urn:cognito:loa:3")
    user = await verify(exchange(token, actor(), scopes=["orders/read"], resource=RESOURCE))
    assert (user.username, user.sub, user.groups) == ("ada", POOL.sub("ada"), frozenset({"admins"}))
    assert (user.client_id, user.scopes, user.level) == (
        "shop",
        frozenset({"orders/read"}),
        "urn:cognito:loa:3",
    )
    assert user.actor is not None
    assert (user.actor.sub, user.actor.prior) == ("shop", None)


def test_what_the_token_says_of_the_sign_in_stays_and_what_is_of_the_issue_does_not() -> None:
    before = unverified_claims(subject(claims={"tier": "gold", "nbf": int(NOW)}))
    token = POOL.sign(before)
    after = unverified_claims(exchange(token, resource=RESOURCE, expires_in=60))
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert changed == {"jti", "exp", "nbf", "client_id", "aud"}
    assert (after["exp"], after["aud"]) == (NOW + 60, RESOURCE)


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (["orders/read"], "orders/read"),
        (["orders/write", "orders/read"], "orders/read orders/write"),
        (["orders/read", "admin/all"], "orders/read"),
    ],
)
def test_an_exchanged_token_never_has_more_scopes_than_the_users(asked: list[str], granted: str) -> None:
    assert unverified_claims(exchange(subject(), scopes=asked))["scope"] == granted


def test_the_prior_actor_stands_inside_the_new_one() -> None:
    first = exchange(subject(), actor("shop"))
    second = unverified_claims(exchange(first, actor("stock")))
    assert second["act"] == {"sub": "stock", "act": {"sub": "shop"}}


def test_without_an_actor_there_is_no_new_act_and_none_is_forgotten() -> None:
    assert "act" not in unverified_claims(exchange(subject()))
    delegated = exchange(subject(), actor("shop"))
    assert unverified_claims(exchange(delegated))["act"] == {"sub": "shop"}


def test_a_user_may_be_the_actor() -> None:
    token = exchange(subject(), POOL.id_token("bob"))
    assert unverified_claims(token)["act"] == {"sub": POOL.sub("bob")}


def test_without_a_target_the_audience_stays_as_narrow_as_it_was() -> None:
    assert "aud" not in unverified_claims(exchange(subject()))
    assert unverified_claims(exchange(subject(claims={"aud": RESOURCE})))["aud"] == RESOURCE
    assert unverified_claims(exchange(subject(), audience="orders"))["aud"] == "orders"


def deep(levels: int) -> dict[str, Any]:
    act: dict[str, Any] = {"sub": "first"}
    for _ in range(levels - 1):
        act = {"sub": "next", "act": act}
    return act


STRANGER = FakeUserPool(now=lambda: NOW)  # with the same id and issuer, and other keys
REFUSED: list[tuple[str, str, str | None, dict[str, Any], str]] = [
    ("a stranger's token", STRANGER.access_token(scopes=SCOPES), None, {}, "invalid_request"),
    ("another issuer", subject(claims={"iss": "https://evil.example.com"}), None, {}, "invalid_request"),
    ("expired", subject(expires_in=0), None, {}, "invalid_request"),
    ("not yet valid", subject(claims={"nbf": int(NOW) + 60}), None, {}, "invalid_request"),
    ("junk", "junk", None, {}, "invalid_request"),
    ("an ID token", POOL.id_token("ada"), None, {}, "invalid_request"),
    ("a machine's token", actor(scopes=SCOPES), None, {}, "invalid_request"),
    ("an act that names nobody", subject(claims={"act": {}}), None, {}, "invalid_request"),
    ("a stranger as actor", subject(), STRANGER.machine_token(), {}, "invalid_request"),
    ("an expired actor", subject(), actor(expires_in=0), {}, "invalid_request"),
    ("a delegated actor", subject(), subject(actor="stock"), {}, "invalid_request"),
    ("too long a chain", subject(claims={"act": deep(8)}), actor(), {}, "invalid_request"),
    ("no common scope", subject(), None, {"scopes": ["admin/all"]}, "invalid_scope"),
    ("no scope", subject(), None, {"scopes": []}, "invalid_scope"),
    ("a user without scopes", subject(scopes=[]), None, {}, "invalid_scope"),
    ("two targets", subject(), None, {"audience": "orders", "resource": RESOURCE}, "invalid_target"),
]


@pytest.mark.parametrize(
    ("token", "actor_token", "fields", "code"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_a_token_that_may_not_be_exchanged_is_refused(
    token: str, actor_token: str | None, fields: dict[str, Any], code: str
) -> None:
    with pytest.raises(ExchangeRefused) as refused:
        exchange(token, actor_token, **fields)
    assert refused.value.code == code
    assert "eyJ" not in str(refused.value)


def test_scopes_are_a_list() -> None:
    with pytest.raises(ConfigurationError, match="scopes is a list"):
        exchange(subject(), scopes="orders/read")


def test_a_token_signed_with_a_key_that_is_still_published_is_exchanged() -> None:
    pool = FakeUserPool(now=lambda: NOW)
    token = pool.access_token(scopes=SCOPES)
    pool.rotate(keep_old=True)
    assert pool.exchange(token, scopes=SCOPES)
    pool.rotate()
    with pytest.raises(ExchangeRefused, match="not signed"):
        pool.exchange(token, scopes=SCOPES)
