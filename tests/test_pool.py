"""User pools: addresses that derive from an id, and settings that are refused."""

import re
from typing import Any

import pytest

from fastapi_cognito_guard import ANY_CLIENT, CognitoGuard, KeyPolicy, UserPool
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.pool import index_by_issuer

ID = "eu-west-1_Abc123Xyz"


@pytest.mark.parametrize(
    ("id", "host"),
    [
        ("eu-west-1_Abc123Xyz", "cognito-idp.eu-west-1.amazonaws.com"),
        ("us-gov-west-1_Abc123Xyz", "cognito-idp.us-gov-west-1.amazonaws.com"),
        ("cn-north-1_Abc123Xyz", "cognito-idp.cn-north-1.amazonaws.com.cn"),
        ("eusc-de-east-1_Abc123Xyz", "cognito-idp.eusc-de-east-1.amazonaws.eu"),
    ],
)
def test_both_issuers_and_the_key_address_derive_from_the_id(id: str, host: str) -> None:
    pool = UserPool(id, client_ids="web")
    assert pool.issuers == (f"https://{host}/{id}", f"https://issuer-{host}/{id}")
    assert pool.keys_address == f"https://{host}/{id}/.well-known/jwks.json"


def test_issuers_of_replica_regions_are_accepted_too() -> None:
    pool = UserPool(ID, client_ids="web", regions=["us-east-1"])
    assert pool.issuers[2:] == (
        f"https://cognito-idp.us-east-1.amazonaws.com/{ID}",
        f"https://issuer-cognito-idp.us-east-1.amazonaws.com/{ID}",
    )


def test_a_custom_issuer_replaces_cognitos() -> None:
    pool = UserPool(ID, client_ids="web", issuer="http://localhost:4566/pool")
    assert pool.issuers == ("http://localhost:4566/pool",)
    assert pool.keys_address == "http://localhost:4566/pool/.well-known/jwks.json"


def test_one_client_id_is_not_a_set_of_letters() -> None:
    assert UserPool(ID, client_ids="web").client_ids == {"web"}


def test_any_client_accepts_client_ids_only() -> None:
    pool = UserPool(ID, client_ids=ANY_CLIENT)
    assert "any" in pool.client_ids
    assert ["any"] not in pool.client_ids
    assert repr(pool.client_ids) == "ANY_CLIENT"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"id": "Abc123Xyz"}, "eu-west-1_Abc123Xyz"),
    ({"id": "eu-west-1_Abc123Xyz\n"}, "eu-west-1_Abc123Xyz"),
    ({"id": "../eu-west-1_x"}, "eu-west-1_Abc123Xyz"),
    ({"id": None}, "eu-west-1_Abc123Xyz"),
    ({"client_ids": ()}, "client_ids=ANY_CLIENT"),
    ({"client_ids": ""}, "client_ids=ANY_CLIENT"),
    ({"client_ids": {""}}, "client_ids=ANY_CLIENT"),
    ({"client_ids": {" web"}}, "client_ids=ANY_CLIENT"),
    ({"client_ids": [None]}, "client_ids=ANY_CLIENT"),
    ({"client_ids": None}, "client_ids=ANY_CLIENT"),
    ({"client_ids": "web,app"}, "client_ids=ANY_CLIENT"),
    ({"client_ids": "['web']"}, "client_ids=ANY_CLIENT"),
    ({"token_use": {"refresh"}}, '"access", "id"'),
    ({"token_use": ()}, '"access", "id"'),
    ({"regions": ["mars-1"]}, "regions"),
    ({"regions": 3}, "regions"),
    ({"issuer": "http://example.com"}, "https"),
    ({"issuer": "http://127.0.0.1.example.com"}, "https"),
    ({"issuer": "ftp://example.com"}, "https"),
    ({"issuer": 5}, "https"),
    ({"jwks_uri": "http://10.0.0.1/jwks.json"}, "jwks_uri is an https address"),
    ({"jwks_uri": "jwks.json"}, "jwks_uri is an https address"),
    ({"jwks_uri": "https://keys.example.com:99999/"}, "jwks_uri is an https address"),
    ({"jwks_uri": "https://keys.example.com/a b"}, "jwks_uri is an https address"),
    ({"jwks_uri": "https://keys.example.com/\n"}, "jwks_uri is an https address"),
    ({"jwks_uri": "https://keys.example.com\\@evil.example"}, "jwks_uri is an https address"),
    ({"jwks": 7}, "jwks"),
    *(
        ({"domain": domain}, "domain is a host name")
        for domain in (
            "",
            "myapp",
            "myapp.example.com/",
            "myapp.example.com:443",
            "myapp..com",
            "-a.example.com",
            "my app.example.com",
            "127.0.0.1:9229",
            "10.0.0.1",
            "http://myapp.example.com",
            "ftp://127.0.0.1",
            "http://127.0.0.1.example.com",
            "https://",
            "https://a.example.com/login",
            "https://a.example.com?x",
            "https://ada@a.example.com",
            "https://a.example.com#",
            "https://a.example.com:x",
            "https://[::1",
            "https://a.example.com\n",
            "https://10.0.0.1",
            5,
            b"a.example.com",
            ["a.example.com"],
        )
    ),
]


@pytest.mark.parametrize(("settings", "advice"), WRONG, ids=[str(settings) for settings, _ in WRONG])
def test_a_setting_that_cannot_be_right_is_refused_with_advice(settings: dict[str, Any], advice: str) -> None:
    given = {"id": ID, "client_ids": "web", **settings}
    with pytest.raises(ConfigurationError, match=re.escape(advice)) as refused:
        UserPool(given.pop("id"), **given)
    assert refused.value.setting == next(iter(settings))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:8080"])
def test_http_is_for_loopback(host: str) -> None:
    assert UserPool(ID, client_ids="web", jwks_uri=f"http://{host}/jwks.json").jwks_uri


@pytest.mark.parametrize(
    ("domain", "address"),
    [
        ("myapp.auth.eu-west-1.amazoncognito.com", "https://myapp.auth.eu-west-1.amazoncognito.com"),
        ("login.example.com", "https://login.example.com"),
        ("https://login.example.com", "https://login.example.com"),
        ("https://login.example.com:8443/", "https://login.example.com:8443"),
        ("http://127.0.0.1:9229", "http://127.0.0.1:9229"),
        ("http://localhost:9229/", "http://localhost:9229"),
        ("http://[::1]:9229", "http://[::1]:9229"),
        ("https://localhost", "https://localhost"),
    ],
)
def test_the_sign_in_endpoints_are_at_the_domain(domain: str, address: str) -> None:
    pool = UserPool(ID, client_ids="web", domain=domain)
    assert pool.authorize_url == f"{address}/oauth2/authorize"
    assert pool.token_url == f"{address}/oauth2/token"


def test_without_a_domain_there_are_no_sign_in_endpoints() -> None:
    pool = UserPool(ID, client_ids="web")
    assert (pool.authorize_url, pool.token_url) == (None, None)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "600", True, None])
def test_a_key_policy_is_made_of_positive_seconds(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_age"):
        KeyPolicy(max_age=value)


def test_two_pools_with_one_issuer_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="once"):
        index_by_issuer([UserPool(ID, client_ids="web"), UserPool(ID, client_ids="app")])
    one = UserPool(ID, client_ids="web", issuer="https://login.example.com")
    other = UserPool("eu-west-1_Other", client_ids="web", issuer="https://login.example.com")
    with pytest.raises(ConfigurationError, match="once"):
        index_by_issuer([one, other])


def test_a_pool_and_its_emulator_cannot_share_an_id_and_so_their_keys() -> None:
    emulated = UserPool(ID, client_ids="web", issuer="http://127.0.0.1:4566/pool")
    with pytest.raises(ConfigurationError, match=f"the id {ID}"):
        CognitoGuard(UserPool(ID, client_ids="web"), emulated)


@pytest.mark.parametrize("pools", [(), ("eu-west-1_Abc123Xyz",)])
def test_a_guard_needs_pools(pools: Any) -> None:
    with pytest.raises(ConfigurationError, match="UserPool"):
        CognitoGuard(*pools)


def test_pools_are_values_that_can_be_keys() -> None:
    assert len({UserPool(ID, client_ids="web"), UserPool(ID, client_ids={"web"})}) == 1
    hosts = [UserPool(ID, client_ids="web", http_hosts=hosts) for hosts in ("cognito", ["cognito"])]
    assert len(set(hosts)) == 1


@pytest.mark.parametrize(
    "id", ["local_6Ttdd5rm", "my-pool", "us-east-1_5cb4ec47825a47a8919677a7d1b9480a", "p:1/x"]
)
def test_with_an_issuer_the_id_may_be_an_emulators(id: str) -> None:
    pool = UserPool(id, client_ids="web", issuer="http://localhost:9229/pool")
    assert (pool.id, pool.issuers) == (id, ("http://localhost:9229/pool",))


def test_the_region_of_an_emulators_id_stands_before_the_underscore() -> None:
    assert UserPool("local_6Ttdd5rm", client_ids="web", issuer="http://localhost:9229/p").region == "local"


@pytest.mark.parametrize("id", ["local_6Ttdd5rm", "eu-west-1_a-b"])
def test_the_id_of_an_emulator_without_its_issuer_is_refused_with_advice(id: str) -> None:
    with pytest.raises(ConfigurationError, match="give its issuer, too"):
        UserPool(id, client_ids="web", jwks={"keys": []})


@pytest.mark.parametrize(
    "id",
    ["", "a b", "a,b", 'a"b', "a'b", "a`b", "a\nb", "a\x00", "a\x7f", "a\u202eb", "x" * 129, None, 5, ["a"]],
)
def test_an_id_is_one_short_visible_text_also_with_an_issuer(id: Any) -> None:
    with pytest.raises(ConfigurationError, match="is not a user pool id") as refused:
        UserPool(id, client_ids="web", issuer="http://localhost:9229/pool")
    assert refused.value.setting == "id"


@pytest.mark.parametrize(
    "keys", [{"jwks": {"keys": []}}, {"jwks_uri": "http://127.0.0.1:9229/jwks.json"}], ids=str
)
@pytest.mark.parametrize(
    "issuer", ["http://0.0.0.0:9229/local_x", "http://cognito:9229/p", "https://a.example"]
)
def test_an_issuer_that_is_only_compared_may_be_any_http_address(issuer: str, keys: dict[str, Any]) -> None:
    assert UserPool("local_x", client_ids="web", issuer=issuer, **keys).issuers == (issuer,)


@pytest.mark.parametrize(
    "issuer", ["", "cognito", "ftp://cognito", "http://", "http://a b", "file:///etc", 5]
)
def test_an_issuer_that_is_only_compared_is_an_address(issuer: Any) -> None:
    with pytest.raises(ConfigurationError, match="issuer is an https or http address") as refused:
        UserPool("local_x", client_ids="web", issuer=issuer, jwks={"keys": []})
    assert refused.value.setting == "issuer"


def test_an_issuer_of_another_pool_is_refused() -> None:
    issuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Def456Uvw"
    with pytest.raises(ConfigurationError, match=r"issuer names the pool eu-west-1_Def456Uvw, and the id"):
        UserPool("eu-west-1_Abc123Xyz", client_ids="x", issuer=issuer)
    UserPool("eu-west-1_Def456Uvw", client_ids="x", issuer=issuer)


def test_a_pattern_is_no_app_client() -> None:
    for given in ("*", ["web", "*"], {"web*"}):
        with pytest.raises(ConfigurationError, match="ANY_CLIENT"):
            UserPool("eu-west-1_Abc123Xyz", client_ids=given)
    environ = {"COGNITO_USER_POOL_ID": "eu-west-1_Abc123Xyz", "COGNITO_CLIENT_IDS": "*"}
    with pytest.raises(ConfigurationError, match=r"COGNITO_CLIENT_IDS: .*ANY_CLIENT"):
        CognitoGuard.from_env(environ)
