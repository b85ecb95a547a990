"""Nothing is found where nothing differs: the definition of any app, in each format."""

import copy
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import assume, example, given, settings

from fastapi_cognito_guard import UserPool
from fastapi_cognito_guard.deploy import export
from fastapi_cognito_guard.deploy.drift.compare import find_drift
from fastapi_cognito_guard.deploy.drift.document import read_document
from fastapi_cognito_guard.deploy.drift.expected import DriftOptions
from fastapi_cognito_guard.errors import ConfigurationError
from tests.deploy.drift.documents import FORMATS, write
from tests.deploy.exports import AUTHORIZER, FUNCTION, POOL, POOL_ARN
from tests.deploy.random_apps import APPS, RandomApp, RandomRoute

BOUND = UserPool(POOL.id, client_ids={"4b1example"}, resource="https://api.example.com")


def has_one_reading(random_app: RandomApp) -> bool:
    """Return False for an app with a path that ends in any rest, and one that ends in a slash.

    The first takes an empty rest, too, and the gateway gives that request to the other, as drift finds.
    """
    ends = {route.segments[-1] for route in random_app.routes if route.segments}
    return not {"{p:path}", ""} <= ends


RANDOM_APPS = APPS.filter(has_one_reading)


def export_or_skip(app: FastAPI, kind: Any, **options: Any) -> dict[str, Any]:
    """Export an app. Apps that cannot be exported are for other tests."""
    try:
        return export(app, kind, user_pool_arn=POOL_ARN, lambda_arn=FUNCTION, **options)
    except ConfigurationError:
        assume(False)
        raise


def find(app: FastAPI, document: dict[str, Any], name: str, **options: Any) -> list[Any]:
    return find_drift(app, read_document(write(document, name)), DriftOptions(**options))


ANOTHER_METHOD = RandomApp(  # /a/a is of the second route for POST, although /a/{x} begins alike
    (
        RandomRoute("GET", ("a", "{x}"), "public"),
        RandomRoute("POST", ("{x}", "a"), "user"),
        RandomRoute("POST", ("{x}", "{y}"), "public"),
    ),
    deny_by_default=False,
    public=(),
)

NO_REQUESTS = RandomApp(  # an export has POST /a/{x}, and POST /a/a, its only request, has a path of its own
    (
        RandomRoute("GET", ("a", "a"), "public"),
        RandomRoute("GET", ("a", "{x}"), "public"),
        RandomRoute("POST", ("{x}", "a"), "public"),
    ),
    deny_by_default=False,
    public=(),
)


@pytest.mark.parametrize(("kind", "name"), FORMATS)
@example(random_app=ANOTHER_METHOD)
@example(random_app=NO_REQUESTS)
@given(random_app=RANDOM_APPS)
@settings(max_examples=12)
def test_the_definition_of_any_app_has_no_differences(kind: Any, name: str, random_app: RandomApp) -> None:
    app = random_app.build({"semantics": kind}, POOL)
    assert find(app, export_or_skip(app, kind), name) == []


@pytest.mark.parametrize(("kind", "name"), FORMATS)
@given(random_app=RANDOM_APPS)
@settings(max_examples=8)
def test_nor_has_one_with_scopes_for_all_routes_or_with_a_lambda_authorizer(
    kind: Any, name: str, random_app: RandomApp
) -> None:
    app = random_app.build({}, POOL)
    document = export_or_skip(app, kind, catch_all=["openid"], authorizer_arn=AUTHORIZER)
    assert find(app, document, name, catch_all=["openid"], authorizer_arns=[AUTHORIZER]) == []


@given(random_app=RANDOM_APPS)
@settings(max_examples=15)
def test_nor_has_one_with_the_jwt_authorizer_of_a_rest_api(random_app: RandomApp) -> None:
    app = random_app.build({}, BOUND)
    document = export_or_skip(app, "rest", rest_authorizer="jwt")
    for name in ("export", "swagger", "CloudFormation body", "SAM body", "Terraform body"):
        assert find(app, document, name) == []


@given(random_app=RANDOM_APPS)
@settings(max_examples=30)
def test_a_route_without_its_authorizer_is_found_in_any_app(random_app: RandomApp) -> None:
    app = random_app.build({"semantics": "http"}, POOL)
    document = export_or_skip(app, "http")
    operations = [
        (path, method)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if operation["security"]
    ]
    assume(len(operations) > 1)
    for path, method in operations:
        changed = copy.deepcopy(document)
        changed["paths"][path][method]["security"] = []
        found = find(app, changed, "export")
        assert ("danger", "open-route", f"{method.upper()} {path}") in [each[:3] for each in found]
        assert {each.where for each in found} == {f"{method.upper()} {path}"}


def test_a_request_that_the_gateway_gives_to_another_route_is_found() -> None:
    routes = (
        RandomRoute("GET", ("a", "a", "{p:path}"), "user"),
        RandomRoute("GET", ("a", "{x}", ""), "public"),
    )
    app = RandomApp(routes, deny_by_default=False, public=()).build({"semantics": "http"}, POOL)
    (finding,) = find(app, export_or_skip(app, "http"), "export")
    assert finding[:3] == ("danger", "open-route", "GET /a/a/")
