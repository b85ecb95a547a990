"""Whose tokens an HTTP API takes: the issuer and the audience of its JWT authorizer."""

from typing import Any

import pytest

from fastapi_cognito_guard import ANY_CLIENT, UserPool
from tests.deploy.exporting import (
    ISSUER,
    OTHER_ISSUER,
    OTHER_POOL,
    POOL,
    USER,
    Document,
    app_with,
    exported,
    refused,
)

ME = {"GET /me": [USER]}


def jwt(document: Document) -> tuple[Any, Any]:
    """The address of the issuer, and the audience."""
    scheme = document["components"]["securitySchemes"]["Cognito"]
    assert scheme["type"] == "openIdConnect"
    authorizer = scheme["x-amazon-apigateway-authorizer"]
    assert authorizer["type"] == "jwt"
    return scheme["openIdConnectUrl"], authorizer["jwtConfiguration"]["audience"]


def test_the_issuer_and_the_clients_are_those_of_the_guards_pool() -> None:
    pool = UserPool(POOL.id, client_ids={"b", "a"}, resource="https://api.example")
    assert jwt(exported(app_with(ME, pools=[pool]))) == (
        f"{ISSUER}/.well-known/openid-configuration",
        ["a", "b", "https://api.example"],
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["a", "b"], ["a", "b"]),
        (("${Client}", "b"), [{"Fn::Sub": "${Client}"}, "b"]),
        ([{"Ref": "Client"}], [{"Ref": "Client"}]),
        ({"Ref": "ClientIds"}, {"Ref": "ClientIds"}),
        ({"Fn::Split": [",", {"Ref": "Ids"}]}, {"Fn::Split": [",", {"Ref": "Ids"}]}),
    ],
    ids=["texts", "text with a variable", "a list of functions", "a list parameter", "a function for a list"],
)
def test_the_audience_is_a_list_or_one_function_that_gives_it(given: Any, said: Any) -> None:
    _, audience = jwt(exported(app_with(ME), audience=given))
    assert audience == said


@pytest.mark.parametrize(
    "given",
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
def test_an_audience_that_no_gateway_takes_is_refused(given: Any) -> None:
    error = refused(app_with(ME), audience=given)
    assert error.setting == "audience"
    assert 'audience=["4b1example"]' in str(error)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("https://id.example/x", "https://id.example/x/.well-known/openid-configuration"),
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
def test_the_issuer_may_be_another(given: Any, address: Any) -> None:
    assert jwt(exported(app_with(ME), issuer=given)) == (address, ["4b1example"])


@pytest.mark.parametrize(
    "given",
    ["", POOL.id, "http://id.example", "https://", "https://id.example/a b", "https://id.example?a", 7,
     ["https://id.example"], {"a": "b"}],
    ids=str,
)  # fmt: skip
def test_an_issuer_that_no_gateway_finds_is_refused(given: Any) -> None:
    error = refused(app_with(ME), issuer=given)
    assert error.setting == "issuer"
    assert "issuer is an https address" in str(error)


def test_the_issuer_of_a_local_pool_is_nothing_for_a_gateway() -> None:
    local = UserPool(POOL.id, client_ids={"web"}, issuer="http://127.0.0.1:9229/pool")
    assert refused(app_with(ME, pools=[local])).setting == "issuer"


def test_of_any_client_there_is_no_list() -> None:
    app = app_with(ME, pools=[UserPool(POOL.id, client_ids=ANY_CLIENT)])
    error = refused(app)
    assert error.setting == "audience"
    assert 'the guard takes ANY_CLIENT: give audience=["4b1example"]' in str(error)
    assert jwt(exported(app, audience=["a"]))[1] == ["a"]


def test_of_several_pools_one_is_chosen_by_its_issuer() -> None:
    app = app_with(ME, pools=[POOL, OTHER_POOL])
    error = refused(app)
    assert error.setting == "issuer"
    assert (
        'issuer=..., or let lambda_authorizer decide on all: authorizer_arn=... and authorizer_for="all"'
        in str(error)
    )
    address, audience = jwt(exported(app, issuer=OTHER_ISSUER))
    assert address.startswith(OTHER_ISSUER)
    assert audience == ["5c2example"]


def test_the_clients_of_a_pool_that_is_not_known_are_not_guessed() -> None:
    app = app_with(ME, pools=[POOL, OTHER_POOL])
    error = refused(app, issuer="https://${Issuer}")
    assert error.setting == "audience"
    assert jwt(exported(app, issuer="https://${Issuer}", audience=["a"]))[1] == ["a"]
