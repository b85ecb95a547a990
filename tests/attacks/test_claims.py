"""Attacks on the values of claims: issuer, app client, token_use and types. The pool signed every token."""

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
    drop,
    forge_claims,
    forge_each,
    forge_token,
    forge_without,
    get_refusal_code,
    parametrize_hostile,
)

pytestmark = pytest.mark.anyio

ISSUER, HOST = POOL.issuer, POOL.issuer.rpartition("/")[0]
CLIENT = POOL.client_id
ID_GUARD = {"user_pool": {"token_use": "id"}}
API = "https://api.example"
RESOURCE_GUARD = {"user_pool": {"resource": API}}


def forge_id_claims(**claims: Any) -> str:
    values = {name: value for name, value in {**ID_CLAIMS, **claims}.items() if value is not ...}
    return forge_token({**HEADER, "kid": ID_KEY.kid}, values, ID_KEY.sign)


FOREIGN_ISSUERS: dict[str, str] = {
    # CVE-2024-53861: an issuer that is a substring of the right one, or contains it.
    "CVE-2024-53861 last character removed": ISSUER[:-1],
    "CVE-2024-53861 only the host": HOST,
    "CVE-2024-53861 only the pool id": POOL.id,
    "CVE-2024-53861 without the scheme": ISSUER.removeprefix("https://"),
    "CVE-2024-53861 only the scheme": "https://",
    "CVE-2024-53861 a single character": "h",
    "one character appended": ISSUER + "x",
    "trailing slash": ISSUER + "/",
    "double slash in the path": f"{HOST}//{POOL.id}",
    "a dot segment": f"{HOST}/./{POOL.id}",
    "a parent segment": f"{HOST}/x/../{POOL.id}",
    "query appended": ISSUER + "?x",
    "fragment appended": ISSUER + "#x",
    "address of the key set": ISSUER + "/.well-known/jwks.json",
    "RFC 3986 3.2.1 userinfo before the host": ISSUER.replace("https://", "https://evil@"),
    "RFC 3986 3.2.1 the right host as userinfo": f"{HOST}@evil.example/{POOL.id}",
    "RFC 3986 3.2.3 default port": f"{HOST}:443/{POOL.id}",
    "right host as a subdomain": f"{HOST}.evil.example/{POOL.id}",
    "right issuer as the path": f"https://evil.example/{ISSUER}",
    "right issuer as the query": f"https://evil.example/?{ISSUER}",
    "trailing dot of the host": f"{HOST}./{POOL.id}",
    "http": ISSUER.replace("https", "http"),
    "scheme-relative": ISSUER.removeprefix("https:"),
    "upper case": ISSUER.upper(),
    "lower case": ISSUER.lower(),
    "host in upper case": ISSUER.replace("cognito-idp", "COGNITO-IDP"),
    "percent-encoded": ISSUER.replace("_", "%5F"),
    "Cyrillic homoglyph": ISSUER.replace("c", "\u0441", 1),
    "trailing space": ISSUER + " ",
    "leading space": " " + ISSUER,
    "trailing line feed": ISSUER + "\n",
    "trailing NUL": ISSUER + "\0",
    "issuer twice, separated by a space": f"{ISSUER} {ISSUER}",
    "two issuers, separated by a comma": f"{ISSUER},https://evil.example",
    "another region": ISSUER.replace("eu-west-1.", "eu-west-2."),
    "another region in host and pool id": ISSUER.replace("eu-west-1", "us-east-1"),
    "partition aws-cn": ISSUER.replace("amazonaws.com", "amazonaws.com.cn"),
    "partition aws-eusc": ISSUER.replace("amazonaws.com", "amazonaws.eu"),
    "partition aws-us-gov": ISSUER.replace("eu-west-1", "us-gov-west-1"),
    "FIPS endpoint": ISSUER.replace("cognito-idp", "cognito-idp-fips"),
    "identity pools": "https://cognito-identity.amazonaws.com",
    "issuer-cognito-idp form of another region": ISSUER.replace(
        "cognito-idp.eu-west-1", "issuer-cognito-idp.us-east-1"
    ),
    "wildcard": "*",
    "regular expression": "https://.*",
    "the string null": "null",
}


@parametrize_hostile({
    "issuer_mismatch": {
        **{f"RFC 7519 4.1.1 {name}": forge_claims(iss=iss) for name, iss in FOREIGN_ISSUERS.items()},
        "RFC 7519 4.1.1 token of another pool": OTHER.access_token("ada"),
        "RFC 7519 4.1.1 token of another pool with this pool's client": forge_token(
            {**HEADER, "kid": OTHER_KEY.kid}, {**CLAIMS, "iss": OTHER.issuer}, OTHER_KEY.sign
        ),
    },
    "claim_invalid": {
        "RFC 7519 4.1.1 no iss": forge_without("iss"),
        **forge_each("iss", None, "", 5, True, [], {}, {ISSUER: 1}),
        "CVE-2025-30144 iss is a list with the right issuer": forge_claims(iss=[ISSUER]),
        "CVE-2025-30144 iss is a list with a foreign issuer": forge_claims(iss=["https://evil", ISSUER]),
    },
})  # fmt: skip
async def test_a_token_of_any_other_issuer_is_401(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


@pytest.mark.parametrize("issuer", [ISSUER, ISSUER.replace("cognito-idp", "issuer-cognito-idp")])
async def test_both_issuer_forms_of_the_pool_are_accepted(issuer: str) -> None:
    assert (await guard_for(POOL).verify(forge_claims(iss=issuer))).issuer == issuer


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
INVALID_CLIENTS: list[Any] = [
    None,
    "",
    [],
    [CLIENT],
    [CLIENT, "another"],
    [[CLIENT]],
    {CLIENT: True},
    True,
    0,
    5,
]


@parametrize_hostile({
    "client_mismatch": {
        **{f"RFC 9068 4 {case}": text for case, text in forge_each("client_id", *OTHER_CLIENTS).items()},
        "right client only in aud": forge_claims(client_id="another", aud=CLIENT),
        "right client only in a list of aud": forge_claims(client_id="another", aud=[CLIENT]),
        "right client only in azp": forge_claims(client_id="another", azp=CLIENT),
    },
    "claim_invalid": {
        **forge_each("client_id", *INVALID_CLIENTS),
        "no client_id": forge_without("client_id"),
        "aud instead of client_id": forge_token(payload={**drop(CLAIMS, "client_id"), "aud": CLIENT}),
        "clientId instead of client_id": forge_token(
            payload={**drop(CLAIMS, "client_id"), "clientId": CLIENT}
        ),
    },
})  # fmt: skip
async def test_an_access_token_of_another_client_is_401(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


@parametrize_hostile({
    "claim_invalid": {
        "RFC 7519 4.1.3 aud is a number": forge_claims(aud=5),
        "RFC 7519 4.1.3 aud is null": forge_claims(aud=None),
        "RFC 7519 4.1.3 aud is an object": forge_claims(aud={CLIENT: 1}),
        "RFC 7519 4.1.3 aud is a list of numbers": forge_claims(aud=[5]),
    },
})  # fmt: skip
async def test_an_access_token_with_aud_of_the_wrong_type_is_401(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


@parametrize_hostile({
    "client_mismatch": {
        **{f"RFC 7519 4.1.3 aud is {client!r}": forge_id_claims(aud=client) for client in OTHER_CLIENTS},
        "right client only in client_id": forge_id_claims(aud="another", client_id=CLIENT),
        "right client only in azp": forge_id_claims(aud="another", azp=CLIENT),
    },
    "claim_invalid": {
        **{f"CVE-2020-26160 aud is {client!r}": forge_id_claims(aud=client) for client in INVALID_CLIENTS},
        "no aud": forge_id_claims(aud=...),
        "client_id instead of aud": forge_id_claims(aud=..., client_id=CLIENT),
    },
})  # fmt: skip
async def test_an_id_token_of_another_client_is_401(hostile: str, code: str) -> None:
    await assert_refused(hostile, code, **ID_GUARD)


@parametrize_hostile({
    "client_mismatch": {
        "no aud": forge_without("aud"),
        "another resource": forge_claims(aud="https://other.example"),
        "trailing slash": forge_claims(aud=API + "/"),
        "resource as a prefix": forge_claims(aud=API + ".evil.example"),
        "last character removed": forge_claims(aud=API[:-1]),
        "upper case": forge_claims(aud=API.upper()),
        "client id": forge_claims(aud=CLIENT),
        "empty string": forge_claims(aud=""),
        "empty list": forge_claims(aud=[]),
        "list of other resources": forge_claims(aud=["https://other.example", API + "/"]),
    },
    "claim_invalid": {
        f"aud is {aud!r}": forge_claims(aud=aud) for aud in (None, 5, True, {API: 1}, [API, 5], [[API]])
    },
})  # fmt: skip
async def test_a_token_for_another_resource_is_401_if_the_pool_has_a_resource(
    hostile: str, code: str
) -> None:
    guard = guard_for(POOL, **RESOURCE_GUARD)
    for good in (forge_claims(aud=API), forge_claims(aud=["https://other.example", API])):
        assert await get_refusal_code(guard, hostile) == code
        assert (await guard.verify(good)).username == "ada"


USES: list[Any] = [None, "", "refresh", "Access", "ACCESS", "access ", " access", "access\0", "id access"]
USES += ["access,id", "bearer", "at+jwt", True, 1, ["access"], ["id", "access"], {"access": True}, [], {}]
ID_AS_ACCESS = forge_id_claims(token_use="access")


@parametrize_hostile({
    "claim_invalid": {
        "no token_use": forge_without("token_use"),
        "tokenUse instead of token_use": forge_token(
            payload={**drop(CLAIMS, "token_use"), "tokenUse": "access"}
        ),
        **forge_each("token_use", *USES),
        "ID token with token_use access": ID_AS_ACCESS,
    },
    "token_use_mismatch": {
        "RFC 8725 3.12 ID token": POOL.id_token("ada"),
        "RFC 8725 3.12 ID token with scopes": forge_id_claims(scope="orders/read", client_id=CLIENT),
        "RFC 8725 3.12 access token with token_use id": forge_claims(token_use="id"),
    },
})  # fmt: skip
async def test_anything_but_an_access_token_is_401_by_default(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


@parametrize_hostile({
    "token_use_mismatch": {
        "RFC 8725 3.12 access token": POOL.access_token("ada"),
        "RFC 8725 3.12 access token with aud": forge_claims(aud=CLIENT),
        "RFC 8725 3.12 machine token": POOL.machine_token(),
    },
    "claim_invalid": {
        "no token_use": forge_id_claims(token_use=...),
        "token_use is a list": forge_id_claims(token_use=["id"]),
        "access token with token_use id": forge_claims(token_use="id"),
    },
})  # fmt: skip
async def test_anything_but_an_id_token_is_401_if_the_pool_takes_id_tokens(hostile: str, code: str) -> None:
    await assert_refused(hostile, code, **ID_GUARD)


WRONG_TYPES: dict[str, list[Any]] = {
    "sub": [None, "", 5, True, ["s"], {"s": 1}, 0.5],
    "username": [None, "", 5, True, ["ada"], {"ada": 1}],
    "jti": [None, "", 5, True, ["x"], {}],
    "scope": [None, 5, True, ["orders/write"], {"orders/write": 1}],
    "cognito:groups": [None, "admins", "", 5, True, {"admins": 1}, [None], ["admins", 5], [["admins"]], [{}]],
}


@parametrize_hostile({
    "claim_invalid": {
        **{f"RFC 8725 3.8 {case}": text
           for name, values in WRONG_TYPES.items()
           for case, text in forge_each(name, *values).items()},
        "RFC 7519 4.1.2 no sub": forge_without("sub"),
    },
})  # fmt: skip
async def test_a_token_with_a_claim_of_the_wrong_type_is_401(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


async def test_scopes_and_groups_are_not_split_at_commas_or_brackets() -> None:
    user = await guard_for(POOL).verify(
        forge_claims(
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
    [
        (forge_claims(), {}),
        (forge_without("username"), {}),
        (forge_claims(aud="x"), {}),
        (forge_id_claims(), ID_GUARD),
    ],
    ids=["access token", "machine token", "access token with aud", "ID token"],
)
async def test_a_forged_token_with_valid_claims_is_accepted(good: str, settings: dict[str, Any]) -> None:
    user = await guard_for(POOL, **settings).verify(good)
    assert (user.client_id, user.issuer) == (CLIENT, ISSUER)
