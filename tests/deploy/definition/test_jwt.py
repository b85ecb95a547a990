"""JWT authorizer of an HTTP API: its issuer and its audience, which tokens for the app can match."""

from typing import Any

import pytest

from fastapi_cognito_guard import ANY_BOUND_CLIENT, ANY_CLIENT, UserPool
from fastapi_cognito_guard.guard import installed_guard
from tests.deploy.exports import (
    ISSUER,
    OTHER_ISSUER,
    OTHER_POOL,
    POOL,
    USER,
    OpenApiDocument,
    build_app,
    expect_error,
    export_document,
)

ME = {"GET /me": [USER]}
ANYONE = UserPool(POOL.id, client_ids=ANY_CLIENT)


def read_jwt(document: OpenApiDocument) -> tuple[Any, Any]:
    """Return the address of the issuer, and the audience."""
    scheme = document["components"]["securitySchemes"]["Cognito"]
    assert scheme["type"] == "openIdConnect"
    authorizer = scheme["x-amazon-apigateway-authorizer"]
    assert authorizer["type"] == "jwt"
    return scheme["openIdConnectUrl"], authorizer["jwtConfiguration"]["audience"]


def test_the_issuer_and_the_audience_come_from_the_guards_pool() -> None:
    pool = UserPool(POOL.id, client_ids={"b", "a"}, resource="https://api.example")
    assert read_jwt(export_document(build_app(ME, pools=[pool]))) == (
        f"{ISSUER}/.well-known/openid-configuration",
        ["a", "b", "https://api.example"],
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        (("${Client}", "b"), [{"Fn::Sub": "${Client}"}, "b"]),
        ([{"Ref": "Client"}], [{"Ref": "Client"}]),
        ({"Ref": "ClientIds"}, {"Ref": "ClientIds"}),
        ({"Fn::Split": [",", {"Ref": "Ids"}]}, {"Fn::Split": [",", {"Ref": "Ids"}]}),
        ([str(number) for number in range(50)], [str(number) for number in range(50)]),
    ],
    ids=[
        "texts",
        "text with a variable",
        "a list of functions",
        "a list parameter",
        "a function for a list",
        "the most",
    ],
)
def test_the_audience_is_a_list_or_one_function_that_gives_it(value: Any, expected: Any) -> None:
    _, audience = read_jwt(export_document(build_app(ME, pools=[ANYONE]), audience=value))
    assert audience == expected


@pytest.mark.parametrize(
    "value",
    [
        "4b1example",
        "${Clients}",
        [],
        [""],
        ["4b1example", " "],
        ["a b"],
        [7],
        7,
        {"a": "b"},
        [{"Ref": "A", "Fn::Sub": "B"}],
        [{1: 2}],
        [str(number) for number in range(51)],
    ],
    ids=str,
)
def test_an_invalid_audience_is_refused(value: Any) -> None:
    error = expect_error(build_app(ME, pools=[ANYONE]), audience=value)
    assert error.setting == "audience"
    assert 'audience=["4b1example"]' in str(error)


@pytest.mark.parametrize(
    ("value", "address"),
    [
        (POOL.issuers[1], f"{POOL.issuers[1]}/.well-known/openid-configuration"),
        (
            "https://cognito-idp.${AWS::Region}.amazonaws.com/${UserPool}",
            {
                "Fn::Sub": "https://cognito-idp.${AWS::Region}.amazonaws.com/${UserPool}/.well-known/"
                "openid-configuration"
            },
        ),
        (
            {"Fn::GetAtt": ["UserPool", "ProviderURL"]},
            {"Fn::Sub": "${UserPool.ProviderURL}/.well-known/openid-configuration"},
        ),
    ],
    ids=["text", "text with variables", "a function"],
)
def test_the_issuer_can_be_set(value: Any, address: Any) -> None:
    assert read_jwt(export_document(build_app(ME), issuer=value)) == (address, ["4b1example"])


@pytest.mark.parametrize(
    "value",
    ["", POOL.id, "http://id.example", "https://", "https://id.example/a b", "https://id.example?a", 7,
     ["https://id.example"], {"a": "b"}],
    ids=str,
)  # fmt: skip
def test_an_invalid_issuer_is_refused(value: Any) -> None:
    error = expect_error(build_app(ME), issuer=value)
    assert error.setting == "issuer"
    assert "issuer is an https address" in str(error)


@pytest.mark.parametrize("kind", ["http", "rest"])
@pytest.mark.parametrize(
    "value",
    [
        f"{ISSUER}/",
        f"{ISSUER}/.well-known/openid-configuration",
        OTHER_ISSUER,
        ISSUER.replace("eu-west-1", "us-east-1"),
        ISSUER.replace("cognito-idp", "COGNITO-IDP"),
        ISSUER.replace("https", "HTTPS"),
        ISSUER.replace("https", "http"),
        ISSUER.replace(".com/", ".com:443/"),
        ISSUER.replace(".com/", ".com.cn/"),
        f" {ISSUER}",
        f"{ISSUER}\n",
        f"{ISSUER}\u200b",
        ISSUER.lower(),
    ],
    ids=repr,
)
def test_an_issuer_that_is_in_no_token_for_the_app_is_refused(value: str, kind: str) -> None:
    """A gateway compares it to the letter: no request would pass."""
    more = {"rest_authorizer": "jwt", "audience": ["4b1example"]} if kind == "rest" else {}
    error = expect_error(build_app(ME), kind, issuer=value, **more)
    assert error.setting == "issuer"
    assert ISSUER in str(error) or "issuer is an https address" in str(error)


def test_each_issuer_of_the_guards_pools_can_be_chosen() -> None:
    replicated = UserPool(POOL.id, client_ids={"4b1example"}, regions=["eu-central-1"])
    own = UserPool("eu-west-1_Own", client_ids={"5c2example"}, issuer="https://id.example/")
    for pool in (replicated, own):
        for issuer in pool.issuers:
            document = export_document(build_app(ME, pools=[replicated, own]), issuer=issuer)
            assert read_jwt(document)[0] == f"{issuer}/.well-known/openid-configuration"


@pytest.mark.parametrize("value", [["web"], ["4B1EXAMPLE"], {"a", "b"}], ids=str)
def test_an_audience_that_no_token_for_the_app_has_is_refused(value: Any) -> None:
    error = expect_error(build_app(ME), audience=value)
    assert error.setting == "audience"
    assert "Name one of 4b1example." in str(error)
    several = build_app(ME, pools=[POOL, OTHER_POOL])
    assert expect_error(several, issuer=OTHER_ISSUER, audience=["4b1example"]).setting == "audience"


@pytest.mark.parametrize(
    ("audience", "issuer"),
    [(["web", "4b1example"], None), (["web", "${Client}"], None), (["web"], "https://${Issuer}")],
    ids=["one is known", "one is filled in", "the issuer is filled in"],
)
def test_an_audience_that_may_match_is_taken(audience: list[str], issuer: str | None) -> None:
    assert read_jwt(export_document(build_app(ME), audience=audience, issuer=issuer))


def test_the_issuer_of_a_local_pool_is_refused() -> None:
    local = UserPool(POOL.id, client_ids={"web"}, issuer="http://127.0.0.1:9229/pool")
    assert expect_error(build_app(ME, pools=[local])).setting == "issuer"


def test_any_bound_client_is_known_by_the_resource() -> None:
    pool = UserPool(POOL.id, client_ids=ANY_BOUND_CLIENT, resource="https://api.example")
    assert read_jwt(export_document(build_app(ME, pools=[pool])))[1] == ["https://api.example"]


def test_the_resources_of_mounts_are_let_through_to_the_app() -> None:
    app = build_app(ME, pools=[UserPool(POOL.id, client_ids={"a"})])
    installed_guard(app).for_resource("https://api.example/mcp")
    assert read_jwt(export_document(app))[1] == ["a", "https://api.example/mcp"]


def test_any_client_needs_an_audience() -> None:
    app = build_app(ME, pools=[ANYONE])
    error = expect_error(app)
    assert error.setting == "audience"
    assert 'the guard takes ANY_CLIENT: give audience=["4b1example"]' in str(error)
    assert read_jwt(export_document(app, audience=["a"]))[1] == ["a"]


def test_one_of_several_pools_is_chosen_by_its_issuer() -> None:
    app = build_app(ME, pools=[POOL, OTHER_POOL])
    error = expect_error(app)
    assert error.setting == "issuer"
    assert (
        'issuer=..., or let lambda_authorizer decide on all: authorizer_arn=... and authorizer_for="all"'
        in str(error)
    )
    address, audience = read_jwt(export_document(app, issuer=OTHER_ISSUER))
    assert address.startswith(OTHER_ISSUER)
    assert audience == ["5c2example"]


def test_an_unknown_issuer_needs_an_audience() -> None:
    app = build_app(ME, pools=[POOL, OTHER_POOL])
    error = expect_error(app, issuer="https://${Issuer}")
    assert error.setting == "audience"
    assert read_jwt(export_document(app, issuer="https://${Issuer}", audience=["a"]))[1] == ["a"]
