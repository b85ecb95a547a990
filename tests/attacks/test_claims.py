"""Attacks on what the claims say: issuer, app client, token type, and types; all signed by the pool."""

from typing import Any

import pytest

from tests.apps import guard_for
from tests.attacks.forge import (
    CLAIMS,
    HEADER,
    ID_CLAIMS,
    ID_KEY,
    OTHER,
    OTHER_KEY,
    POOL,
    assert_refused,
    claiming,
    code_of,
    each,
    missing,
    token,
    trying,
    without,
)

pytestmark = pytest.mark.anyio

ISSUER, HOST = POOL.issuer, POOL.issuer.rpartition("/")[0]
CLIENT = POOL.client_id
ID_GUARD = {"user_pool": {"token_use": "id"}}
API = "https://api.example"
RESOURCE_GUARD = {"user_pool": {"resource": API}}


def id_claiming(**claims: Any) -> str:
    values = {name: value for name, value in {**ID_CLAIMS, **claims}.items() if value is not ...}
    return token({**HEADER, "kid": ID_KEY.kid}, values, ID_KEY.sign)


FOREIGN: dict[str, str] = {
    # CVE-2024-53861: an issuer that is part of the right one, or has the right one as a part.
    "CVE-2024-53861 a letter less": ISSUER[:-1],
    "CVE-2024-53861 the host alone": HOST,
    "CVE-2024-53861 the pool's id alone": POOL.id,
    "CVE-2024-53861 without the scheme": ISSUER.removeprefix("https://"),
    "CVE-2024-53861 the scheme alone": "https://",
    "CVE-2024-53861 a letter": "h",
    "a letter more": ISSUER + "x",
    "a slash behind": ISSUER + "/",
    "another slash between": f"{HOST}//{POOL.id}",
    "a dot segment": f"{HOST}/./{POOL.id}",
    "a parent segment": f"{HOST}/x/../{POOL.id}",
    "a query": ISSUER + "?x",
    "a fragment": ISSUER + "#x",
    "the address of the keys": ISSUER + "/.well-known/jwks.json",
    "RFC 3986 3.2.1 userinfo before": ISSUER.replace("https://", "https://evil@"),
    "RFC 3986 3.2.1 the right host as userinfo": f"{HOST}@evil.example/{POOL.id}",
    "RFC 3986 3.2.3 the port": f"{HOST}:443/{POOL.id}",
    "the right host as a subdomain": f"{HOST}.evil.example/{POOL.id}",
    "the right issuer as a path": f"https://evil.example/{ISSUER}",
    "the right issuer as a query": f"https://evil.example/?{ISSUER}",
    "a dot behind the host": f"{HOST}./{POOL.id}",
    "http": ISSUER.replace("https", "http"),
    "no scheme": ISSUER.removeprefix("https:"),
    "capitals": ISSUER.upper(),
    "small letters": ISSUER.lower(),
    "the host in capitals": ISSUER.replace("cognito-idp", "COGNITO-IDP"),
    "percent-encoded": ISSUER.replace("_", "%5F"),
    "another letter that looks alike": ISSUER.replace("c", "\u0441", 1),
    "a space behind": ISSUER + " ",
    "a space before": " " + ISSUER,
    "a line feed behind": ISSUER + "\n",
    "NUL behind": ISSUER + "\0",
    "two in one": f"{ISSUER} {ISSUER}",
    "two and a comma": f"{ISSUER},https://evil.example",
    "another region": ISSUER.replace("eu-west-1.", "eu-west-2."),
    "another region, in both places": ISSUER.replace("eu-west-1", "us-east-1"),
    "the partition of China": ISSUER.replace("amazonaws.com", "amazonaws.com.cn"),
    "the partition of the EU": ISSUER.replace("amazonaws.com", "amazonaws.eu"),
    "the partition of the US government": ISSUER.replace("eu-west-1", "us-gov-west-1"),
    "the FIPS endpoint": ISSUER.replace("cognito-idp", "cognito-idp-fips"),
    "an identity pool": "https://cognito-identity.amazonaws.com",
    "the other form, of another region": ISSUER.replace(
        "cognito-idp.eu-west-1", "issuer-cognito-idp.us-east-1"
    ),
    "a wildcard": "*",
    "a pattern": "https://.*",
    "null as text": "null",
}


@trying({
    "issuer_mismatch": {
        **{f"RFC 7519 4.1.1 {name}": claiming(iss=iss) for name, iss in FOREIGN.items()},
        "RFC 7519 4.1.1 another pool, with its own key": OTHER.access_token("ada"),
        "RFC 7519 4.1.1 another pool, with this one's client": token(
            {**HEADER, "kid": OTHER_KEY.kid}, {**CLAIMS, "iss": OTHER.issuer}, OTHER_KEY.sign
        ),
    },
    "claim_invalid": {
        "RFC 7519 4.1.1 no iss": missing("iss"),
        **each("iss", None, "", 5, True, [], {}, {ISSUER: 1}),
        "CVE-2025-30144 iss is a list with the right one": claiming(iss=[ISSUER]),
        "CVE-2025-30144 iss is a list with another one, too": claiming(iss=["https://evil.example", ISSUER]),
    },
})  # fmt: skip
async def test_only_the_pools_own_issuer_counts_letter_by_letter(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


@pytest.mark.parametrize("issuer", [ISSUER, ISSUER.replace("cognito-idp", "issuer-cognito-idp")])
async def test_both_of_the_pools_issuers_count(issuer: str) -> None:
    assert (await guard_for(POOL).verify(claiming(iss=issuer))).issuer == issuer


OTHER_CLIENTS = [
    "another",
    CLIENT[:-1],
    CLIENT + "x",
    CLIENT.upper(),
    CLIENT + " ",
    " " + CLIENT,
    CLIENT + "\0",
]
OTHER_CLIENTS += [
    "*",
    ".*",
    "null",
    f"{CLIENT},x",
    f"{CLIENT} x",
    f'["{CLIENT}"]',
    CLIENT.replace("e", "\u0435"),
]
NO_CLIENTS: list[Any] = [None, "", [], [CLIENT], [CLIENT, "another"], [[CLIENT]], {CLIENT: True}, True, 0, 5]


@trying({
    "client_mismatch": {
        **{f"RFC 9068 4 {case}": text for case, text in each("client_id", *OTHER_CLIENTS).items()},
        "the client in aud only": claiming(client_id="another", aud=CLIENT),
        "the client in a list of aud only": claiming(client_id="another", aud=[CLIENT]),
        "the client in azp only": claiming(client_id="another", azp=CLIENT),
    },
    "claim_invalid": {
        **each("client_id", *NO_CLIENTS),
        "no client_id": missing("client_id"),
        "no client_id, but aud": token(payload={**without(CLAIMS, "client_id"), "aud": CLIENT}),
        "no client_id, but clientId": token(payload={**without(CLAIMS, "client_id"), "clientId": CLIENT}),
    },
})  # fmt: skip
async def test_an_access_token_is_for_the_client_that_client_id_names(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


@trying({
    "claim_invalid": {
        "RFC 7519 4.1.3 aud is a number": claiming(aud=5),
        "RFC 7519 4.1.3 aud is null": claiming(aud=None),
        "RFC 7519 4.1.3 aud is an object": claiming(aud={CLIENT: 1}),
        "RFC 7519 4.1.3 aud is a list of what is no text": claiming(aud=[5]),
    },
})  # fmt: skip
async def test_aud_of_the_wrong_type_is_refused_in_an_access_token_too(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


@trying({
    "client_mismatch": {
        **{f"RFC 7519 4.1.3 aud is {client!r}": id_claiming(aud=client) for client in OTHER_CLIENTS},
        "client_id is right, aud is not": id_claiming(aud="another", client_id=CLIENT),
        "azp is right, aud is not": id_claiming(aud="another", azp=CLIENT),
    },
    "claim_invalid": {
        **{f"CVE-2020-26160 aud is {client!r}": id_claiming(aud=client) for client in NO_CLIENTS},
        "no aud": id_claiming(aud=...),
        "no aud, but client_id": id_claiming(aud=..., client_id=CLIENT),
    },
})  # fmt: skip
async def test_an_id_token_is_for_the_client_that_aud_names(hostile: str, code: str) -> None:
    await assert_refused(hostile, code, **ID_GUARD)


@trying({
    "client_mismatch": {
        "no aud": missing("aud"),
        "another resource": claiming(aud="https://other.example"),
        "a slash behind": claiming(aud=API + "/"),
        "the resource as a part": claiming(aud=API + ".evil.example"),
        "a part of the resource": claiming(aud=API[:-1]),
        "in capitals": claiming(aud=API.upper()),
        "the client's id": claiming(aud=CLIENT),
        "nothing": claiming(aud=""),
        "a list of nothing": claiming(aud=[]),
        "a list of others": claiming(aud=["https://other.example", API + "/"]),
    },
    "claim_invalid": {
        f"aud is {aud!r}": claiming(aud=aud) for aud in (None, 5, True, {API: 1}, [API, 5], [[API]])
    },
})  # fmt: skip
async def test_a_token_for_another_resource_is_refused_where_one_is_asked_for(
    hostile: str, code: str
) -> None:
    guard = guard_for(POOL, **RESOURCE_GUARD)
    for good in (claiming(aud=API), claiming(aud=["https://other.example", API])):
        assert await code_of(guard, hostile) == code
        assert (await guard.verify(good)).username == "ada"


USES: list[Any] = [None, "", "refresh", "Access", "ACCESS", "access ", " access", "access\0", "id access"]
USES += ["access,id", "bearer", "at+jwt", True, 1, ["access"], ["id", "access"], {"access": True}, [], {}]
AS_ID = id_claiming(token_use="access")


@trying({
    "claim_invalid": {
        "no token_use": missing("token_use"),
        "token_use under another name": token(payload={**without(CLAIMS, "token_use"), "tokenUse": "access"}),
        **each("token_use", *USES),
        "an ID token that says it is an access token": AS_ID,
    },
    "token_use_mismatch": {
        "RFC 8725 3.12 an ID token": POOL.id_token("ada"),
        "RFC 8725 3.12 an ID token with scopes": id_claiming(scope="orders/read", client_id=CLIENT),
        "RFC 8725 3.12 an access token that says it is an ID token": claiming(token_use="id"),
    },
})  # fmt: skip
async def test_only_access_tokens_are_access_tokens(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


@trying({
    "token_use_mismatch": {
        "RFC 8725 3.12 an access token": POOL.access_token("ada"),
        "RFC 8725 3.12 an access token with aud": claiming(aud=CLIENT),
        "RFC 8725 3.12 a machine's token": POOL.machine_token(),
    },
    "claim_invalid": {
        "no token_use": id_claiming(token_use=...),
        "token_use is a list": id_claiming(token_use=["id"]),
        "an access token that says it is an ID token": claiming(token_use="id"),
    },
})  # fmt: skip
async def test_only_id_tokens_are_id_tokens(hostile: str, code: str) -> None:
    await assert_refused(hostile, code, **ID_GUARD)


TYPES: dict[str, list[Any]] = {
    "sub": [None, "", 5, True, ["s"], {"s": 1}, 0.5],
    "username": [None, "", 5, True, ["ada"], {"ada": 1}],
    "jti": [None, "", 5, True, ["x"], {}],
    "scope": [None, 5, True, ["orders/write"], {"orders/write": 1}],
    "cognito:groups": [None, "admins", "", 5, True, {"admins": 1}, [None], ["admins", 5], [["admins"]], [{}]],
}


@trying({
    "claim_invalid": {
        **{f"RFC 8725 3.8 {case}": text
           for name, values in TYPES.items()
           for case, text in each(name, *values).items()},
        "RFC 7519 4.1.2 no sub": missing("sub"),
    },
})  # fmt: skip
async def test_a_claim_of_the_wrong_type_is_no_claim(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


async def test_what_looks_like_a_list_in_a_text_grants_nothing() -> None:
    user = await guard_for(POOL).verify(
        claiming(
            **{
                "scope": "a,b [c] orders/read\torders/write",
                "cognito:groups": ["a,admins", "[admins]", " admins"],
            }
        )
    )
    assert user.scopes == {"a,b", "[c]", "orders/read\torders/write"}
    assert user.groups == {"a,admins", "[admins]", " admins"}


@pytest.mark.parametrize(
    ("good", "settings"),
    [(claiming(), {}), (missing("username"), {}), (claiming(aud="x"), {}), (id_claiming(), ID_GUARD)],
    ids=["access", "machine", "another resource where none is asked for", "id"],
)
async def test_the_same_claims_as_they_should_be_count(good: str, settings: dict[str, Any]) -> None:
    user = await guard_for(POOL, **settings).verify(good)
    assert (user.client_id, user.issuer) == (CLIENT, ISSUER)
