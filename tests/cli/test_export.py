"""Command `export`: document on standard output; notes and errors on standard error, with option names."""

import json
import sys
from inspect import signature
from pathlib import Path

import pytest

from fastapi_cognito_guard.cli.export import export as command
from fastapi_cognito_guard.cli.option_names import ARGUMENTS, replace_arguments
from fastapi_cognito_guard.deploy.definition.notes import logger
from tests.cli.running import Result, cognito_guard

APP = """
import logging
from fastapi import Depends, FastAPI
from fastapi.responses import FileResponse
from fastapi_cognito_guard import *

logging.getLogger("fastapi_cognito_guard.export").disabled = True  # as dictConfig does by default
app = FastAPI(openapi_url=None)
CognitoGuard(UserPool("eu-west-1_Abc123Xyz", client_ids="4b1example")).install(app)
several = FastAPI(openapi_url=None)
pools = [UserPool(f"eu-west-1_{name}", client_ids="4b1example") for name in "ab"]
CognitoGuard(*pools).install(several)
strict = FastAPI(openapi_url=None)
CognitoGuard(UserPool("eu-west-1_Abc123Xyz", client_ids="4b1example")).install(strict)


bytes = FastAPI(openapi_url=None)
CognitoGuard(UserPool("eu-west-1_Abc123Xyz", client_ids="4b1example"), semantics="rest").install(bytes)


@bytes.get("/png", response_class=FileResponse)
async def png(user: CurrentUser): ...


@several.get("/me")
@app.get("/me")
async def me(user: CurrentUser): ...


@app.get("/files/{name}.txt")
async def file(name: str): ...


@strict.get("/both", dependencies=[Depends(require_scope("a/b")), Depends(require_scope("a/c"))])
async def both(): ...
"""
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:app"
POOL = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_Abc123Xyz"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.delitem(sys.modules, "shop", raising=False)
    monkeypatch.setattr(logger, "disabled", False)


def export(*options: str, app: str = "app") -> Result:
    return cognito_guard("export", f"shop:{app}", "--lambda-arn", FUNCTION, *options)


def test_export_prints_the_definition_of_the_routes() -> None:
    result = export("--user-pool-arn", POOL, "--catch-all", "openid", "--leave-out", "/files/*")
    assert result.code == 0
    document = json.loads(result.out)
    assert document["paths"].keys() == {"/me"}
    assert document["paths"]["/me"]["get"]["security"] == [{"Cognito": ["openid"]}]


def test_every_argument_of_export_is_an_option() -> None:
    assert {*signature(command).parameters} == {"app", *ARGUMENTS}


@pytest.mark.parametrize(
    ("given", "audience"),
    [
        (["4b1example", "b"], ["4b1example", "b"]),
        (["${Client}"], [{"Fn::Sub": "${Client}"}]),
        (['{"Ref": "Clients"}'], {"Ref": "Clients"}),
        (['{"Ref": "A"}', "b"], [{"Ref": "A"}, "b"]),
    ],
    ids=["texts", "a variable", "one function for all", "a function for one"],
)
def test_the_issuer_and_the_audience_are_options(given: list[str], audience: object) -> None:
    options = [part for text in given for part in ("--audience", text)]
    issuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_a"
    result = export("--kind=http", f"--issuer={issuer}", *options, app="several")
    scheme = json.loads(result.out)["components"]["securitySchemes"]["Cognito"]
    assert scheme["openIdConnectUrl"].startswith(f"{issuer}/")
    assert scheme["x-amazon-apigateway-authorizer"]["jwtConfiguration"]["audience"] == audience


def test_a_jwt_authorizer_of_a_rest_api_and_its_issuers_are_options() -> None:
    names = [f"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_{name}" for name in "ab"]
    for issuers in (names, names[1:], ['{"Ref": "A"}']):
        options = [part for text in issuers for part in ("--issuer", text)]
        result = export("--rest-authorizer=jwt", "--audience=4b1example", *options, app="several")
        authorizer = json.loads(result.out)["components"]["securitySchemes"]["Cognito"]
        found = authorizer["x-amazon-apigateway-authorizer"]["jwtConfiguration"]["issuers"]
        expected = [{"Ref": "A"}] if issuers[0].startswith("{") else issuers
        assert [each["issuer"] for each in found] == expected
    assert "warning: The JWT authorizer is written with the names of AWS's service model" in result.err


def test_binary_media_types_are_an_option_and_the_warning_names_it() -> None:
    result = export(
        "--user-pool-arn", POOL, "--binary-media-type=image/png", "--binary-media-type=a/b", app="bytes"
    )
    assert json.loads(result.out)["x-amazon-apigateway-binary-media-types"] == ["image/png", "a/b"]
    assert "base64" not in result.err
    result = export("--user-pool-arn", POOL, app="bytes")
    assert "warning: The app answers with bytes (GET /png)" in result.err
    assert result.err.rstrip().endswith("give --binary-media-type '*/*'.")


def test_cloudformation_functions_are_given_as_json() -> None:
    options = ["--user-pool-arn", '{"Ref": "PoolArn"}', "--authorizer-arn", '{"Fn::GetAtt": ["F", "Arn"]}']
    assert json.loads(export(*options).out)["components"]["securitySchemes"]["Cognito"][
        "x-amazon-apigateway-authorizer"
    ]["providerARNs"] == [{"Ref": "PoolArn"}]
    result = export("--user-pool-arn", "{Ref: PoolArn}")
    assert (result.code, result.out) == (2, "")
    assert "{Ref: PoolArn} is not a CloudFormation function in JSON" in result.err


def test_notes_and_warnings_go_to_standard_error_even_if_the_app_disables_loggers() -> None:
    result = export("--user-pool-arn", POOL)
    assert json.loads(result.out)
    assert [line.partition(" at ")[0] for line in result.err.splitlines()] == [
        "note: GET /files/{name} is open: GET /files/{name}.txt asks for nothing.",
        "warning: GET /files/{name}.txt becomes /files/{name}",
        "warning: A REST API takes only ID tokens",
    ]
    assert "Give --catch-all ... with scopes of which" in result.err
    assert (logger.disabled, logger.propagate, logger.handlers) == (True, True, [])


@pytest.mark.parametrize(
    ("app", "options", "message"),
    [
        ("app", [], "--user-pool-arn is missing: "),
        ("app", ["--user-pool-arn=x"], "--user-pool-arn is the ARN of the user pool, "),
        ("app", ["--lambda-arn=x"], """'${Function.Arn}' or '{"Fn::GetAtt": ["Function", "Arn"]}'."""),
        ("app", ["--authorizer-arn=x"], "--authorizer-arn is not right: "),
        ("app", ["--authorizer-for=all"], "--authorizer-for all is for the function of --authorizer-arn, "),
        ("app", ["--catch-all=a b"], "--catch-all lists scopes: --catch-all openid."),
        ("app", ["--kind=http", "--quota=1"], "give --quota 2, or "),
        ("app", ["--quota=0"], "--quota is a whole number"),
        ("app", ["--leave-out=docs"], "--leave-out lists paths: --leave-out /docs --leave-out '/docs/*'."),
        ("app", ["--kind=http", "--issuer=x"], "--issuer is an https address, "),
        ("app", ["--kind=http", "--issuer=https://x.example"], "which is in no token that the guard takes"),
        ("app", ["--kind=http", "--rest-authorizer=jwt"], "--rest-authorizer is for REST APIs: drop it."),
        ("app", ["--rest-authorizer=jwt"], "or export with --rest-authorizer cognito."),
        ("app", ["--binary-media-type=png"], "--binary-media-type '*/*', or "),
        ("app", ["--kind=http", "--audience="], "resources: --audience 4b1example. For "),
        ("several", ["--kind=http"], "--authorizer-arn ... and --authorizer-for all."),
        ("strict", ["--kind=http"], "--beyond app (the gateway "),
        ("strict", ["--kind=http"], "give its ARN as --authorizer-arn."),
    ],
)  # fmt: skip
def test_errors_name_options_instead_of_arguments(app: str, options: list[str], message: str) -> None:
    result = export(*options, app=app)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert result.err.count("\n") == 1


def test_all_missing_arns_are_named_in_one_error() -> None:
    result = cognito_guard("export", "shop:app")
    assert (result.code, result.out) == (2, "")
    assert "--user-pool-arn and --lambda-arn are missing: " in result.err
    assert "--lambda-arn is missing" in cognito_guard("export", "shop:app", "--user-pool-arn", POOL).err


@pytest.mark.parametrize(
    "text",
    [
        "A JWT authorizer has one issuer, and 300 is the quota of an API of either kind.",
        "GET /catch_all and GET /x/{lambda_arn} ask for different things.",
        "GET /x asks for require_scope('x/leave_out') and require_group('catch_all')",
        'or take ID tokens there: semantics="rest", or token_use.',
    ],
)
def test_words_paths_and_names_of_the_app_are_not_replaced(text: str) -> None:
    assert replace_arguments(text) == text
