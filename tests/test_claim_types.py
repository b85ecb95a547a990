"""Claims of an app's own: declared types at every door, and no reading where types would be lost."""

from typing import Any, cast

import pytest

from fastapi_cognito_guard import ANY_CLIENT, CognitoGuard, Principal, UserPool, require_claim
from fastapi_cognito_guard.claim_types import check_claim_types
from fastapi_cognito_guard.errors import ClaimInvalid, ConfigurationError, InsufficientClaim
from fastapi_cognito_guard.gateway.event import read_claims
from fastapi_cognito_guard.gateway.formats import parse_context_claims, parse_http_claims, parse_rest_claims
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import guard_for

TYPES: dict[str, Any] = {
    "is_admin": bool, "roles": list[str], "level": int, "plan": dict, "share": float, "tenant": str,
}  # fmt: skip
VALUES: dict[str, Any] = {
    "is_admin": False, "roles": ["editor", "viewer"], "level": 4, "plan": {"name": "gold", "seats": [1]},
    "share": 0.25, "tenant": "5",
}  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        ("is_admin", "maps names to types"),
        ({"": bool}, "maps names to types"),
        ({5: bool}, "maps names to types"),
        ({"is_admin": "bool"}, "is one of"),
        ({"roles": list}, "is one of"),
        ({"roles": list[int]}, "is one of"),
        ({"cognito:groups": list[str]}, "leave it out"),
        ({"sub": str}, "leave it out"),
        ({"email_verified": bool}, "leave it out"),
        ({"acr": int}, "leave it out"),
        ({"act": dict}, "leave it out"),
    ],
    ids=str,
)
def test_a_declaration_that_cannot_be_right_says_what_to_write(wrong: Any, advice: str) -> None:
    with pytest.raises(ConfigurationError, match=advice) as refused:
        CognitoGuard(UserPool("eu-west-1_Abc123Xyz", client_ids=ANY_CLIENT), claim_types=wrong)
    assert refused.value.setting == "claim_types"
    assert check_claim_types(None) == {}


TEXTS: dict[str, tuple[Any, dict[str, str]]] = {
    "rest": (
        parse_rest_claims,
        {
            "is_admin": "false", "roles": "editor,viewer", "level": "4", "share": "0.25", "tenant": "5",
            "plan": '{"name": "gold", "seats": [1]}',
        },
    ),
    "http": (
        parse_http_claims,
        {
            "is_admin": "false", "roles": "[editor viewer]", "level": "4", "share": "0.25", "tenant": "5",
            "plan": '{"name": "gold", "seats": [1]}',
        },
    ),
    "context": (
        parse_context_claims,
        {
            "is_admin": "false", "roles": '["editor", "viewer"]', "level": "4", "share": "0.25",
            "tenant": "5", "plan": '{"name": "gold", "seats": [1]}',
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize(("parse", "texts"), TEXTS.values(), ids=TEXTS)
def test_a_declared_claim_gets_its_type_back(parse: Any, texts: dict[str, str]) -> None:
    found = parse(texts, TYPES)
    assert found == VALUES
    assert [type(value) for value in found.values()] == [type(found[name]) for name in texts]
    assert type(found["is_admin"]) is bool


BAD_TEXTS: list[tuple[str, str]] = [
    *[("is_admin", text) for text in ("", "True", "1", "no", " true")],
    *[("level", text) for text in ("", "4.0", "1e3", "4 ", "٣", "9" * 16, "true")],
    *[("share", text) for text in ("", "nan", "inf", "1/4", "9" * 16)],
    *[("plan", text) for text in ("", "map[name:gold]", "[1]", '{"a": 1, "a": 2}', '{"a": NaN}', '{"a":')],
]


@pytest.mark.parametrize(("name", "text"), BAD_TEXTS, ids=str)
@pytest.mark.parametrize("parse", [parse_rest_claims, parse_http_claims, parse_context_claims])
def test_text_that_cannot_be_read_as_declared_is_refused(parse: Any, name: str, text: str) -> None:
    with pytest.raises(ClaimInvalid, match=name):
        parse({name: text}, TYPES)


def test_a_list_without_its_brackets_is_refused_where_gateways_write_them() -> None:
    for parse in (parse_http_claims, parse_context_claims):
        with pytest.raises(ClaimInvalid, match="roles"):
            parse({"roles": "editor,viewer"}, TYPES)


BAD_VALUES: list[tuple[str, Any]] = [
    *[("is_admin", value) for value in cast("tuple[Any, ...]", ("false", 0, [], {}))],
    *[("level", value) for value in ("4", 4.0, True)],
    *[("share", value) for value in ("0.25", True)],
    *[("roles", value) for value in ("editor", ["a", 1], ["Domain Users"], ["a,b"], [""], {"a": 1})],
    *[("plan", value) for value in cast("tuple[Any, ...]", ("{}", []))],
    *[("tenant", value) for value in (5, ["5"])],
]


@pytest.mark.parametrize(("name", "value"), BAD_VALUES, ids=str)
async def test_a_token_whose_claim_has_another_type_is_refused(
    pool: FakeUserPool, name: str, value: Any
) -> None:
    guard = guard_for(pool, claim_types=TYPES)
    with pytest.raises(ClaimInvalid, match=name):
        await guard.verify(pool.sign({**claims_of(pool), name: value}))


async def test_a_declared_claim_that_is_absent_is_none(pool: FakeUserPool) -> None:
    user = await guard_for(pool, claim_types=TYPES).verify(pool.access_token())
    assert [user.claim(name) for name in TYPES] == [None] * len(TYPES)


async def test_an_undeclared_claim_that_is_no_text_is_not_handed_out_and_says_what_to_write(
    pool: FakeUserPool,
) -> None:
    """Behind most gateways ``False`` is the text ``false``, which is true to Python."""
    user = await guard_for(pool).verify(pool.access_token(claims=VALUES))
    written = {"is_admin": "bool", "roles": r"list\[str\]", "level": "int", "plan": "dict", "share": "float"}
    for name, declaration in written.items():
        for read in readers(user, name):
            with pytest.raises(ConfigurationError, match=rf'claim_types={{"{name}": {declaration}}}'):
                read()
    assert user.claim("tenant") == user.claims["tenant"] == "5"
    assert written.keys().isdisjoint(dict(user.claims))
    assert (user.claims.get("nothing"), "nothing" in user.claims) == (None, False)
    with pytest.raises(KeyError):
        user.claims["nothing"]


def readers(user: Principal, name: str) -> list[Any]:
    return [
        lambda: user.claim(name),
        lambda: user.claims[name],
        lambda: user.claims.get(name),
        lambda: user.claims.get(name, False),
        lambda: name in user.claims,
    ]


async def test_what_cognito_defines_is_typed_without_a_declaration(pool: FakeUserPool) -> None:
    identities = [{"userId": "1", "providerName": "Google"}]
    given = {"amr": ["pwd", "mfa"], "cognito:roles": ["r1"], "identities": identities, "updated_at": 5}
    user = await guard_for(pool).verify(pool.access_token(claims=given))
    for name, value in given.items():
        assert user.claim(name) == user.claims[name] == value
    event = {"amr": "pwd,mfa", "cognito:roles": "r1", "identities": str(identities), "updated_at": "5"}
    assert parse_rest_claims(event) == {**given, "identities": str(identities)}
    for text in ('[{"userId": "1", "providerName": "Google"}]', '{"userId": "1", "providerName": "Google"}'):
        assert parse_rest_claims({"identities": text}) == {"identities": identities}
    assert parse_http_claims({"amr": "[pwd mfa]"}) == {"amr": ["pwd", "mfa"]}


@pytest.mark.parametrize("name", ["identities", "address"])
def test_an_object_in_a_form_that_cannot_be_parsed_is_not_taken_for_text(
    pool: FakeUserPool, name: str
) -> None:
    event = pool.event("http", pool.access_token(claims={name: "map[sub:x]"}))
    user = guard_for(pool).vouched(event)
    assert user is not None
    for read in readers(user, name):
        with pytest.raises(ConfigurationError, match='gateway="verify"'):
            read()


async def test_require_claim_on_a_list_is_membership(pool: FakeUserPool) -> None:
    token = pool.access_token(claims={"roles": ["editor", "viewer"], "amr": ["pwd", "mfa"]})
    user = await guard_for(pool, claim_types={"roles": list[str]}).verify(token)
    require_claim("roles", "editor").check(user)
    require_claim("amr", "mfa").check(user)
    for wrong in ("edit", "editor,viewer", "[editor viewer]"):
        with pytest.raises(InsufficientClaim):
            require_claim("roles", wrong).check(user)
    undeclared = await guard_for(pool).verify(token)
    with pytest.raises(InsufficientClaim):
        require_claim("roles", "editor").check(undeclared)


async def test_require_claim_reads_booleans_and_numbers_as_text_declared_or_not(pool: FakeUserPool) -> None:
    token = pool.access_token(claims={"is_admin": True, "level": 4})
    for types in ({}, {"is_admin": bool, "level": int}):
        user = await guard_for(pool, claim_types=types).verify(token)
        require_claim("is_admin", True).check(user)
        require_claim("level", 4).check(user)


def test_a_context_of_ones_own_gets_declared_types_too() -> None:
    event = {"version": "2.0", "requestContext": {"authorizer": {"lambda": {"is_admin": "false"}}}}
    found = read_claims(event, lambda context: context, {"is_admin": bool})
    assert found is not None
    assert found.values == {"is_admin": False}


def claims_of(pool: FakeUserPool) -> dict[str, Any]:
    from fastapi_cognito_guard.testing.signing_key import unverified_claims

    return unverified_claims(pool.access_token())


pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("name", ["identities", "address"])
async def test_an_object_that_is_text_in_the_token_itself_is_that_text(pool: FakeUserPool, name: str) -> None:
    user = await guard_for(pool).verify(pool.access_token(claims={name: "1 Main Street"}))
    assert user.claim(name) == user.claims[name] == "1 Main Street"
