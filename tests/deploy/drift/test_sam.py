"""SAM templates before their transform: authorizers, defaults, globals, events and preflights."""

from typing import Any

from tests.deploy.drift.definitions import Document
from tests.deploy.drift.documents import as_sam_events
from tests.deploy.drift.shop import build_shop, build_small, export_shop, find, list_short
from tests.deploy.exports import POOL_ARN


def build_sam(kind: str, properties: Document, **events: Any) -> Document:
    """Return a SAM template with an API and the events of one function."""
    function = {"Type": "AWS::Serverless::Function", "Properties": {"Events": events}}
    api = {"Type": f"AWS::Serverless::{kind}", "Properties": properties}
    return {"Resources": {"Api": api, "Function": function}}


def make_event(path: str | None, *, kind: str = "Api", **auth: Any) -> Document:
    """Return an event of a function for GET requests."""
    place = {} if path is None else {"Path": path, "Method": "get"}
    reference = {"RestApiId" if kind == "Api" else "ApiId": {"Ref": "Api"}}
    return {"Type": kind, "Properties": {**place, **reference, "Auth": auth}}


USERS = {"Authorizers": {"Users": {"UserPoolArn": POOL_ARN, "AuthorizationScopes": ["openid"]}}}
DEFAULT = {**USERS, "DefaultAuthorizer": "Users"}


def test_sam_has_a_default_authorizer_and_its_scopes() -> None:
    events = {
        "Me": make_event("/me"),
        "Orders": make_event("/orders", AuthorizationScopes=["o/r"]),
        "Open": make_event("/open", Authorizer="NONE"),
    }
    assert find(build_sam("Api", {"Auth": DEFAULT}, **events), build_small()) == []
    assert list_short(find(build_sam("Api", {"Auth": USERS}, **events), build_small())) == {
        "danger open-route GET /me",
        "danger open-route GET /orders",
    }
    events["Open"] = make_event("/open")
    assert list_short(find(build_sam("Api", {"Auth": DEFAULT}, **events), build_small())) == {
        "warning closed-route GET /open"
    }
    events["Me"] = make_event("/me", Authorizer={"Ref": "Name"})
    assert "undecided unknown GET /me" in list_short(
        find(build_sam("Api", {"Auth": DEFAULT}, **events), build_small())
    )


def test_sam_reads_globals_and_implicit_apis() -> None:
    events: dict[str, Any] = {
        "Me": make_event("/me"),
        "Orders": make_event("/orders", AuthorizationScopes=["o/r"]),
        "Open": make_event("/open", Authorizer="NONE"),
    }
    for event in events.values():
        del event["Properties"]["RestApiId"]
    template = build_sam("Api", {}, **events)
    del template["Resources"]["Api"]
    assert find({**template, "Globals": {"Api": {"Auth": DEFAULT}}}, build_small()) == []
    assert {each.code for each in find(template, build_small())} == {"left-to-app"}


def test_sam_closes_preflights_by_default() -> None:
    app = build_shop()
    template = as_sam_events(export_shop("rest"))
    events = template["Resources"]["Function"]["Properties"]["Events"]
    for name in [name for name, each in events.items() if each["Properties"]["Method"] == "options"]:
        del events[name]
    api = template["Resources"]["Api"]["Properties"]
    assert {each.code for each in find(template, app)} == {"preflight"}
    api["Cors"] = {
        "AllowOrigin": "'https://shop.example'",
        "AllowHeaders": "'Authorization'",
        "AllowMethods": "'GET,POST,DELETE'",
    }
    assert find(template, app) == []
    api["Auth"]["DefaultAuthorizer"] = "Cognito"
    assert {each.code for each in find(template, app)} == {"preflight"}
    api["Auth"]["AddDefaultAuthorizerToCorsPreflight"] = False
    assert find(template, app) == []
    api["Cors"] = "'*'"
    assert {each.code for each in find(template, app)} == {"cors"}


def test_an_event_of_an_http_api_without_a_path_takes_everything() -> None:
    template = build_sam("HttpApi", {}, All=make_event(None, kind="HttpApi"))
    assert list_short(find(template, build_small())) == {"note left-to-app $default"}


def test_sam_adds_its_default_authorizer_to_a_definition_and_that_is_a_gap() -> None:
    properties = {"DefinitionBody": export_shop("rest"), "Auth": DEFAULT}
    assert {each.code for each in find(build_sam("Api", properties))} == {"gap"}
