"""Templates by file name. Those with a gateway are built from the app's routes."""

from collections.abc import Callable, Mapping
from typing import Any

import yaml

from example_app.api import create_app
from example_app.deploy import http_api
from example_app.deploy.parts import (
    CLIENTS,
    ISSUER,
    POOL_ARN,
    Part,
    build_function,
    build_output,
    build_permission,
    build_resource,
    build_sam_template,
    build_url,
)
from example_app.deploy.pool import build_pool
from fastapi_cognito_guard import CognitoGuard, UserPool
from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.deploy import export

_FUNCTION = "${Function.Arn}"
_AUTHORIZER = "${Authorizer.Arn}"
_DOCS = ("/docs", "/docs/*", "/openapi.json", "/redoc")


def build_rest() -> Part:
    """Build a REST API with a Cognito authorizer."""
    definition = _export("rest", "rest", user_pool_arn=POOL_ARN)
    return build_sam_template(
        "The app behind a REST API, whose Cognito authorizer checks tokens and scopes",
        {
            "Function": build_function("example_app.main.handler", COGNITO_SEMANTICS="rest"),
            "Api": _build_rest_api(definition),
            "Invoke": build_permission("Function", "*/*/*"),
        },
        {"Url": build_url("/prod")},
    )


def build_http() -> Part:
    """Build an HTTP API with a JWT authorizer."""
    definition = _export("http", "http", issuer=ISSUER, audience=CLIENTS)
    return build_sam_template(
        "The app behind an HTTP API, whose JWT authorizer checks tokens and scopes",
        {
            "Function": build_function("example_app.main.handler", COGNITO_SEMANTICS="http"),
            **http_api.build_resources(definition),
            "Invoke": build_permission("Function", "*/*/*"),
        },
        {"Url": build_url("")},
    )


def build_rest_authorizer() -> Part:
    """Build a REST API with a Lambda authorizer, which also checks groups."""
    definition = _export("rest", "strict", authorizer_arn=_AUTHORIZER, authorizer_for="all")
    return build_sam_template(
        "The app behind a REST API, whose Lambda authorizer checks tokens, scopes and groups",
        {**_build_functions(), "Api": _build_rest_api(definition)},
        {"Url": build_url("/prod")},
    )


def build_http_authorizer() -> Part:
    """Build an HTTP API with a Lambda authorizer, which also checks groups."""
    definition = _export("http", "strict", authorizer_arn=_AUTHORIZER, authorizer_for="all")
    return build_sam_template(
        "The app behind an HTTP API, whose Lambda authorizer checks tokens, scopes and groups",
        {**_build_functions(), **http_api.build_resources(definition)},
        {"Url": build_url("")},
    )


def build_function_url() -> Part:
    """Build a function URL, without a gateway: the app verifies each token."""
    function = build_function("example_app.main.handler", COGNITO_GATEWAY="ignore")
    function["Properties"]["FunctionUrlConfig"] = {"AuthType": "NONE"}
    return build_sam_template(
        "The app at a function URL, without a gateway: the app makes all checks itself",
        {"Function": function},
        {"Url": build_output("URL of the API", _drop_slash({"Fn::GetAtt": ["FunctionUrl", "FunctionUrl"]}))},
    )


TEMPLATES: Mapping[str, Callable[[], Part]] = {
    "pool.yaml": build_pool,
    "rest.yaml": build_rest,
    "http.yaml": build_http,
    "rest-authorizer.yaml": build_rest_authorizer,
    "http-authorizer.yaml": build_http_authorizer,
    "function-url.yaml": build_function_url,
}


def render_template(name: str) -> str:
    """Return the content of a file."""
    template = TEMPLATES[name]()
    text = yaml.dump(template, Dumper=_PlainDumper, sort_keys=False, width=110, allow_unicode=True)
    return f"# Written by `python -m example_app.deploy`: change the app, not this file.\n{text}"


def _export(kind: Any, semantics: Semantics, **settings: Any) -> Part:
    # A placeholder: the deployed functions and authorizers get the pool from the parameters of the stack.
    guard = CognitoGuard(UserPool("eu-west-1_Example", client_ids="example"), semantics=semantics)
    return export(create_app(guard), kind, lambda_arn=_FUNCTION, leave_out=_DOCS, **settings)


def _build_rest_api(definition: Part) -> Part:
    return build_resource(
        "AWS::Serverless::Api",
        StageName="prod",
        EndpointConfiguration={"Type": "REGIONAL"},
        OpenApiVersion=definition["openapi"],  # without it, SAM adds a stage
        DefinitionBody=definition,
    )


def _drop_slash(address: Part) -> Part:
    """Drop the slash at the end of a function's address: the address of an API has none."""
    return {"Fn::Sub": ["https://${Host}", {"Host": {"Fn::Select": [2, {"Fn::Split": ["/", address]}]}}]}


def _build_functions() -> Part:
    return {
        "Function": build_function("example_app.behind_authorizer.handler"),
        "Authorizer": build_function("example_app.behind_authorizer.authorizer"),
        "Invoke": build_permission("Function", "*/*/*"),
        "InvokeAuthorizer": build_permission("Authorizer", "authorizers/*"),
    }


class _PlainDumper(yaml.SafeDumper):
    """Dumper without anchors, which CloudFormation does not support: repeated values are written in full."""

    def ignore_aliases(self, data: object) -> bool:
        return True
