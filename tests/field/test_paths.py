"""Paths behind each front door: routes, ``/docs``, redirects and ``url_for`` by the clients' address."""

import json
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI, Request

from fastapi_cognito_guard import lambda_handler
from fastapi_cognito_guard.testing import FakeUserPool, gateway_event
from tests.apps import guard_for

OWN = "abc123.execute-api.eu-west-1.amazonaws.com"
CUSTOM = "api.example.com"


class Door(NamedTuple):
    """A front door: the address of ``/items`` at it, and the event that a request for ``path`` becomes."""

    root: str  # of the address that clients use
    kind: str
    host: str
    stage: str
    before: str = ""  # the app's own path, in the event's path
    catch_all: bool = False
    settings: dict[str, Any] = {}  # noqa: RUF012 - a default that nobody changes

    def event(self, path: str) -> dict[str, Any]:
        headers = {"host": self.host}
        if self.kind == "alb":
            return gateway_event("alb", path=path, headers=headers)
        event = gateway_event(self.kind, path=path, stage=self.stage, headers=headers)  # type: ignore[arg-type]  # one of its kinds
        context = event["requestContext"]
        if event.get("version") == "2.0":
            event["rawPath"] = context["http"]["path"] = self.before + path
            event["routeKey"] = context["routeKey"] = "$default" if self.catch_all else "ANY /{proxy+}"
            if not self.catch_all:
                event["pathParameters"] = {"proxy": path.lstrip("/")}
            return event
        event["path"] = self.before + path
        context["path"] = self.root + path if self.host == OWN else self.before + path
        context["resourcePath"] = event["resource"] = "/{proxy+}"
        event["pathParameters"] = {"proxy": path.lstrip("/")}
        return event


DOORS = {
    "REST, execute-api": Door("/prod", "rest", OWN, "prod"),
    "REST, custom domain": Door("", "rest", CUSTOM, "prod"),
    "REST, custom domain, base path": Door("/v1", "rest", CUSTOM, "prod", "/v1"),
    "REST, custom domain, base path named as the stage": Door("/prod", "rest", CUSTOM, "prod", "/prod"),
    "REST, CloudFront with the stage as origin path": Door("/prod", "rest", OWN, "prod")._replace(
        settings={"base_path": ""}
    ),
    "HTTP 1.0, execute-api": Door("/dev", "http-1.0", OWN, "dev"),
    "HTTP 1.0, custom domain, mapping key": Door("/v1", "http-1.0", CUSTOM, "dev", "/v1"),
    "HTTP 2.0, $default": Door("", "http", OWN, "$default"),
    "HTTP 2.0, named stage": Door("/dev", "http", OWN, "dev", "/dev"),
    "HTTP 2.0, named stage, catch-all": Door("/dev", "http", OWN, "dev", "/dev", catch_all=True),
    "HTTP 2.0, custom domain": Door("", "http", CUSTOM, "$default"),
    "HTTP 2.0, custom domain, stage in rawPath": Door("", "http", CUSTOM, "dev", "/dev"),
    "HTTP 2.0, custom domain, mapping key": Door("/v1", "http", CUSTOM, "$default", "/v1"),
    "HTTP 2.0, custom domain, stage and mapping key": Door("/v1", "http", CUSTOM, "dev", "/dev/v1"),
    "HTTP 2.0, custom domain, mapping key, catch-all": Door(
        "/v1", "http", CUSTOM, "$default", "/v1", True, {"base_path": "/v1"}
    ),
    "HTTP 2.0, custom domain, mapping key named as the stage": Door(
        "/dev", "http", CUSTOM, "dev", "/dev", settings={"base_path": "/dev"}
    ),
    "function URL": Door("", "function-url", "xyz.lambda-url.eu-west-1.on.aws", "$default", catch_all=True),
    "ALB": Door("", "alb", "alb.example.com", ""),
}


def build(pool: FakeUserPool, **settings: Any) -> FastAPI:
    app = FastAPI(**settings)
    guard_for(
        pool, deny_by_default=True, public=["/docs", "/openapi.json", "/items", "/items/", "/link"]
    ).install(app)

    @app.get("/items")
    async def items() -> str:
        return "items"

    @app.get("/link")
    async def link(request: Request) -> str:
        return str(request.url_for("items"))

    @app.get("/dev/own")
    async def own() -> str:
        return "own"

    return app


def check(door: Door, app: FastAPI, root: str) -> None:
    handler = lambda_handler(app, **door.settings)

    def get(path: str) -> dict[str, Any]:
        return handler(door.event(path), None)

    assert json.loads(get("/items")["body"]) == "items"
    assert f"url: '{root}/openapi.json'" in get("/docs")["body"].replace('"', "'")
    assert json.loads(get("/openapi.json")["body"])["paths"].keys() >= {"/items"}
    redirect = get("/items/")
    headers = {name.lower(): value for name, value in (redirect.get("headers") or {}).items()}
    headers |= {name.lower(): value for name, (value,) in (redirect.get("multiValueHeaders") or {}).items()}
    assert redirect["statusCode"] == 307
    for address in (headers["location"], json.loads(get("/link")["body"])):
        assert (urlsplit(address).netloc, urlsplit(address).path) == (door.host, f"{root}/items")
    assert get("/secret")["statusCode"] == 401  # by deny_by_default, which sees the app's own path


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_the_addresses_of_an_app_are_those_that_clients_use(pool: FakeUserPool, door: Door) -> None:
    check(door, build(pool), "" if door.settings.get("base_path") == "" else door.root)


@pytest.mark.filterwarnings("ignore:The .root_path. parameter is deprecated")
@pytest.mark.parametrize("slash", ["", "/"], ids=["", "with a trailing slash"])
@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_a_root_path_of_the_apps_own_turns_no_route_into_404(
    pool: FakeUserPool, door: Door, slash: str
) -> None:
    """It is what clients see, for example behind CloudFront, and counts more than what the event says."""
    if door.settings.get("base_path") == "":
        pytest.skip("one of the two is said")
    root = door.root or "/app"
    check(door, build(pool, root_path=root + slash), root)
    check(door, build(pool, root_path="/elsewhere" + slash), "/elsewhere")


@pytest.mark.parametrize("stage", ["dev", "$default"])
def test_an_apps_own_path_that_looks_like_a_stage_is_the_apps_own(pool: FakeUserPool, stage: str) -> None:
    handler = lambda_handler(build(pool))
    for door in (
        Door("", "http", CUSTOM, stage, catch_all=True),
        Door("", "http", CUSTOM, stage),
        Door("", "rest", CUSTOM, stage),
        Door("/dev", "http", OWN, "dev", "/dev"),
    ):
        event = door.event("/dev/own")
        assert handler(event, None)["statusCode"] == 401, door
        answer = handler(pool_event(event, pool), None)
        assert (answer["statusCode"], json.loads(answer["body"])) == (200, "own"), door


def pool_event(event: dict[str, Any], pool: FakeUserPool) -> dict[str, Any]:
    return {
        **event,
        "headers": {**event["headers"], "authorization": pool.access_token()},
        "multiValueHeaders": None,
    }


@pytest.mark.parametrize(
    "parameters", [None, {}, {"proxy": 5}, {"proxy": "other"}, ["x"], {"id": "x"}], ids=str
)
@pytest.mark.parametrize("resource", ["/{proxy+}", "/{id}", "", None, 5, "x", "/items", "/"], ids=str)
def test_what_the_event_says_of_its_route_may_be_anything(
    pool: FakeUserPool, parameters: Any, resource: Any
) -> None:
    event = {**gateway_event("rest", path="/items"), "resource": resource, "pathParameters": parameters}
    event["requestContext"]["path"] = "/items"
    assert lambda_handler(build(pool))(event, None)["statusCode"] in {200, 401}
