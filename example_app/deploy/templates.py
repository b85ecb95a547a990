"""The templates, by the name of their file. Those of gateways are made of the app's own routes."""

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
    function,
    output,
    permission,
    resource,
    sam_template,
    url,
)
from example_app.deploy.pool import pool
from fastapi_cognito_guard import CognitoGuard, UserPool
from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.deploy import export

_FUNCTION = "${Function.Arn}"
_AUTHORIZER = "${Authorizer.Arn}"
_DOCS = ("/docs", "/docs/*", "/openapi.json", "/redoc")


def rest() -> Part:
    """A REST API with a Cognito authorizer."""
    definition = _exported("rest", "rest", user_pool_arn=POOL_ARN)
    return sam_template(
        "The API behind a REST API, whose Cognito authorizer checks tokens and scopes",
        {
            "Function": function("example_app.main.handler", COGNITO_SEMANTICS="rest"),
            "Api": _rest_api(definition),
            "Invoke": permission("Function", "*/*/*"),
        },
        {"Url": url("/prod")},
    )


def http() -> Part:
    """An HTTP API with a JWT authorizer."""
    definition = _exported("http", "http", issuer=ISSUER, audience=CLIENTS)
    return sam_template(
        "The API behind an HTTP API, whose JWT authorizer checks tokens and scopes",
        {
            "Function": function("example_app.main.handler", COGNITO_SEMANTICS="http"),
            **http_api.resources(definition),
            "Invoke": permission("Function", "*/*/*"),
        },
        {"Url": url("")},
    )


def rest_authorizer() -> Part:
    """A REST API with our Lambda authorizer, which decides groups too."""
    definition = _exported("rest", "strict", authorizer_arn=_AUTHORIZER, authorizer_for="all")
    return sam_template(
        "The API behind a REST API, with a Lambda authorizer made of the same routes: groups too",
        {**_two_functions(), "Api": _rest_api(definition)},
        {"Url": url("/prod")},
    )


def http_authorizer() -> Part:
    """An HTTP API with our Lambda authorizer, which decides groups too."""
    definition = _exported("http", "strict", authorizer_arn=_AUTHORIZER, authorizer_for="all")
    return sam_template(
        "The API behind an HTTP API, with a Lambda authorizer made of the same routes: groups too",
        {**_two_functions(), **http_api.resources(definition)},
        {"Url": url("")},
    )


def function_url() -> Part:
    """No gateway: the app verifies each token by itself."""
    alone = function("example_app.main.handler", COGNITO_GATEWAY="ignore")
    alone["Properties"]["FunctionUrlConfig"] = {"AuthType": "NONE"}
    return sam_template(
        "The API at a function URL, without a gateway: the app checks everything by itself",
        {"Function": alone},
        {"Url": output("The API's address", _without_slash({"Fn::GetAtt": ["FunctionUrl", "FunctionUrl"]}))},
    )


TEMPLATES: Mapping[str, Callable[[], Part]] = {
    "pool.yaml": pool,
    "rest.yaml": rest,
    "http.yaml": http,
    "rest-authorizer.yaml": rest_authorizer,
    "http-authorizer.yaml": http_authorizer,
    "function-url.yaml": function_url,
}


def text_of(name: str) -> str:
    """The file's content."""
    made = TEMPLATES[name]()
    text = yaml.dump(made, Dumper=_Plain, sort_keys=False, width=110, allow_unicode=True)
    return f"# Made by `python -m example_app.deploy`: change the app, not this file.\n{text}"


def _exported(kind: Any, semantics: Semantics, **settings: Any) -> Part:
    # Which pool it is, the stack is told; the settings name it.
    guard = CognitoGuard(UserPool("eu-west-1_Example", client_ids="example"), semantics=semantics)
    return export(create_app(guard), kind, lambda_arn=_FUNCTION, leave_out=_DOCS, **settings)


def _rest_api(definition: Part) -> Part:
    return resource(
        "AWS::Serverless::Api",
        StageName="prod",
        EndpointConfiguration={"Type": "REGIONAL"},
        OpenApiVersion=definition["openapi"],  # without it, SAM makes one more stage
        DefinitionBody=definition,
    )


def _without_slash(address: Part) -> Part:
    """A function's address ends in a slash, an API's does not."""
    return {"Fn::Sub": ["https://${Host}", {"Host": {"Fn::Select": [2, {"Fn::Split": ["/", address]}]}}]}


def _two_functions() -> Part:
    return {
        "Function": function("example_app.authorized.handler"),
        "Authorizer": function("example_app.authorized.authorizer"),
        "Invoke": permission("Function", "*/*/*"),
        "InvokeAuthorizer": permission("Authorizer", "authorizers/*"),
    }


class _Plain(yaml.SafeDumper):
    """Writes out what is there more than once, instead of anchors, which CloudFormation does not take."""

    def ignore_aliases(self, data: object) -> bool:
        return True
