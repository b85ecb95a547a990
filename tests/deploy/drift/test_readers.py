"""What each format says, and what it leaves unknown."""

import copy
import json
from typing import Any, get_args

import pytest

from example_app.api import create_app
from fastapi_cognito_guard import CognitoGuard
from fastapi_cognito_guard.deploy.definition.options import ApiKind
from fastapi_cognito_guard.deploy.drift.document import read_document
from fastapi_cognito_guard.errors import ConfigurationError
from tests.deploy.drift.definitions import Document
from tests.deploy.drift.documents import as_cloudformation, as_terraform
from tests.deploy.drift.shop import build_small, export_shop, find, list_short, set_authorizer, set_scheme
from tests.deploy.exports import IAM, POOL, POOL_ARN, build_app, export_document
from tests.sam import list_functions, load_template, transform_template

SEMANTICS: dict[str, Any] = {"rest": "rest", "http": "http", "rest-authorizer": "strict"}
SEMANTICS |= {"http-authorizer": "strict"}


def strip_extensions(value: Any) -> Any:
    """Return a document as it is exported without extensions."""
    if isinstance(value, dict):
        return {k: strip_extensions(v) for k, v in value.items() if not k.startswith("x-amazon-apigateway")}
    return [strip_extensions(item) for item in value] if isinstance(value, list) else value


def test_without_extensions_nothing_is_known_of_authorizers_and_the_text_says_what_to_do() -> None:
    document = strip_extensions(export_shop("http"))
    for path, item in document["paths"].items():
        for method, operation in item.items():
            described = f"Default response for {method.upper()} {path}"
            operation["responses"] = {"default": {"description": described}}
    found = find(document)
    assert {(each.level, each.code) for each in found} == {("undecided", "unknown")}
    assert len(found) > len(document["paths"])
    assert "--include-extensions" in found[0].text
    document["paths"].pop("/me")
    assert "warning missing-route GET /me" in list_short(find(document))


@pytest.mark.parametrize("name", SEMANTICS)
@pytest.mark.parametrize("transformed", [False, True])
def test_in_the_templates_of_the_example_app_only_what_cloudformation_fills_in_is_unknown(
    name: str, transformed: bool
) -> None:
    template = load_template(f"{name}.yaml")
    if transformed:
        for _, properties in list_functions(template):
            properties["CodeUri"] = "s3://bucket/key"
        template = transform_template(template)
    app = create_app(CognitoGuard(POOL, semantics=SEMANTICS[name]))
    found = find(template, app, catch_all=[], authorizer_arns=["${Authorizer.Arn}"])
    matter = [each for each in found if each.level != "note"]
    own = not name.endswith("authorizer")
    assert {*list_short(matter)} == ({"undecided unknown authorizer Cognito"} if own else set())
    assert all("Ref" in each.text or "Fn::Sub" in each.text for each in matter)
    assert {each.code for each in found if each.level == "note"} == {"missing-route"}  # FastAPI's own pages
    if not own:
        undecided = find(template, app, catch_all=[])
        assert "undecided lambda-authorizer GET /me" in list_short(undecided)


def test_values_that_cloudformation_fills_in_are_neither_right_nor_wrong() -> None:
    values: list[Any] = [
        {"Fn::Sub": "${Pool.Arn}"},
        {"Fn::ImportValue": "Arn"},
        "arn:${x}",
        {"Ref": "Arn"},
        7,
        [],
    ]
    for value in values:
        document = export_shop("rest")
        set_authorizer(providerARNs=[POOL_ARN, value])(document)
        assert list_short(find(document)) == {"undecided unknown authorizer Cognito"}
    document = export_shop("http")
    set_scheme(openIdConnectUrl={"Fn::Sub": "https://x/${Pool}"})(document)
    set_authorizer(jwtConfiguration={"audience": {"Ref": "Clients"}})(document)
    found = find(document)
    assert list_short(found) == {"undecided unknown authorizer Cognito"}
    assert len(found) == 2


def test_scopes_that_cloudformation_fills_in_are_undecided() -> None:
    for scopes in ([{"Ref": "Scope"}], ["o/r", "${Scope}"], {"Fn::Split": [",", "a"]}):
        document = export_shop("http")
        document["paths"]["/orders"]["get"]["security"] = [{"Cognito": scopes}]
        assert list_short(find(document)) == {"undecided unknown GET /orders"}


def test_an_authorizer_that_no_route_has_decides_nothing() -> None:
    document = export_shop("rest")
    scheme = copy.deepcopy(document["components"]["securitySchemes"]["Cognito"])
    scheme["x-amazon-apigateway-authorizer"]["providerARNs"] = [{"Ref": "Else"}]
    document["components"]["securitySchemes"]["Unused"] = scheme
    assert find(document) == []


@pytest.mark.parametrize("auth", [{"type": "AWS_IAM"}, {"type": "aws_iam"}])
def test_iam_may_be_written_at_the_route(auth: Document) -> None:
    app = build_app({"GET /reports": [IAM]})
    document = export_document(app)
    operation = document["paths"]["/reports"]["get"]
    operation["security"] = []
    operation["x-amazon-apigateway-auth"] = auth
    assert find(document, app) == []
    operation["x-amazon-apigateway-auth"] = {"type": "NONE"}
    assert list_short(find(document, app)) == {"danger open-route GET /reports"}
    operation["security"] = [{"sigv4": []}]  # which of both counts is not known
    assert list_short(find(document, app)) == {"undecided unknown GET /reports"}
    operation["x-amazon-apigateway-auth"] = {"type": "CUSTOM"}
    assert list_short(find(document, app)) == {"undecided unknown GET /reports"}


@pytest.mark.parametrize("kind", ["rest", "http"])
def test_a_template_may_be_the_answer_of_get_template(kind: str) -> None:
    template = as_cloudformation(export_shop(kind))
    assert find({"TemplateBody": template, "StagesAvailable": ["Original"]}) == []
    assert find({"TemplateBody": json.dumps(template)}) == []


def test_a_type_of_authorization_that_depends_on_the_stack_is_undecided() -> None:
    for given in ({"Fn::If": ["Open", "NONE", "JWT"]}, {"Ref": "Kind"}, "", "OTHER", None, 7):
        template = as_cloudformation(export_shop("http"))
        route = next(each["Properties"] for each in template["Resources"].values()
                     if each["Properties"].get("RouteKey") == "GET /me")  # fmt: skip
        route |= {"AuthorizationType": given, "AuthorizerId": {"Ref": "Elsewhere"}}
        assert list_short(find(template)) == {"undecided unknown GET /me"}, given


def test_a_route_of_a_template_without_a_type_of_authorization_is_open_and_one_of_a_plan_unknown() -> None:
    template = as_cloudformation(export_shop("http"))
    for each in template["Resources"].values():
        if each["Properties"].get("RouteKey") == "GET /me":
            del each["Properties"]["AuthorizationType"]
    assert list_short(find(template)) == {"danger open-route GET /me"}
    state = as_terraform(export_shop("http"))
    for each in state["values"]["root_module"]["resources"]:
        if each["values"].get("route_key") == "GET /me":
            del each["values"]["authorization_type"]
    assert list_short(find(state)) == {"undecided unknown GET /me"}


def test_a_condition_is_a_gap() -> None:
    template = as_cloudformation(export_shop("http"))
    template["Resources"]["Route1"]["Condition"] = "InProduction"
    (found,) = find(template)
    assert (found.level, found.code, found.where) == ("undecided", "gap", "Api")
    assert "Route1 has a Condition" in found.text


@pytest.mark.parametrize(
    ("path", "item"),
    [
        ("Fn::If", ["A", {}, {}]),
        ("/me", {"Fn::If": ["A", {}, {}]}),
        ("/me", {"$ref": "#/x"}),
        ("/me", 7),
        ("me", {}),
    ],
    ids=range(5),
)
def test_a_part_of_a_definition_that_cannot_be_read_is_a_gap(path: str, item: Any) -> None:
    document = export_shop("http")
    document["paths"][path] = item
    assert any(each.code == "gap" for each in find(document))


def test_a_definition_that_is_elsewhere_is_a_gap() -> None:
    include = {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "api.json"}}}
    for kind, properties in (
        ("AWS::Serverless::Api", {"DefinitionBody": include}),
        ("AWS::Serverless::HttpApi", {"DefinitionUri": "api.json"}),
        ("AWS::ApiGateway::RestApi", {"Body": include}),
        ("AWS::ApiGateway::RestApi", {"BodyS3Location": {"Bucket": "b"}}),
        ("AWS::ApiGatewayV2::Api", {"BodyS3Location": {"Bucket": "b"}}),
    ):
        found = find({"Resources": {"Api": {"Type": kind, "Properties": properties}}})
        (gap,) = [each for each in found if each.code == "gap"]
        assert "give the definition, or the template after its transforms" in gap.text


def test_a_route_that_is_written_twice_is_a_gap() -> None:
    state = as_terraform(export_shop("http"))
    resources = state["values"]["root_module"]["resources"]
    again = next(each for each in resources if each["values"].get("route_key") == "GET /orders/{id}")
    again = copy.deepcopy(again)
    again["values"] |= {"route_key": "GET /orders/{number}", "authorization_type": "NONE"}
    for position in (0, len(resources)):
        changed = copy.deepcopy(state)
        changed["values"]["root_module"]["resources"].insert(position, again)
        assert any("more than once" in each.text for each in find(changed))


def test_several_apis_are_compared_by_name() -> None:
    template = as_cloudformation(export_shop("http"))
    other = as_cloudformation({**export_shop("rest"), "paths": {"/else": {"get": {"security": []}}}})
    renamed = json.loads(json.dumps(other).replace('"Api"', '"Other"').replace("Cognito", "Users"))
    template["Resources"] |= {
        f"Other{name}" if name != "Other" else name: each
        for name, each in renamed["Resources"].items()
        if each["Type"].endswith("RestApi")
    }
    template["Resources"]["OtherMethod"] = renamed["Resources"]["Method0"]
    with pytest.raises(ConfigurationError, match=r"several APIs \(Api, Other\): choose one with --api"):
        find(template)
    assert find(template, api="Api") == []
    assert "warning missing-route GET /me" in list_short(find(template, api="Other"))
    with pytest.raises(ConfigurationError, match="no HTTP API Else"):
        find(template, api="Else")


def test_a_websocket_api_is_not_compared() -> None:
    template = as_cloudformation(export_shop("http"))
    properties = {"ProtocolType": "WEBSOCKET"}
    template["Resources"]["Live"] = {"Type": "AWS::ApiGatewayV2::Api", "Properties": properties}
    template["Resources"]["Connect"] = {
        "Type": "AWS::ApiGatewayV2::Route",
        "Properties": {"ApiId": {"Ref": "Live"}, "RouteKey": "$connect"},
    }
    assert find(template) == []


def test_an_api_that_was_made_for_one_target_has_one_open_route() -> None:
    api = {"ProtocolType": "HTTP", "Target": "arn:aws:lambda:eu-west-1:123456789012:function:app"}
    template = {"Resources": {"Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": api}}}
    assert list_short(find(template, build_small())) == {"note left-to-app $default"}


def test_a_terraform_plan_is_read_as_far_as_its_values_are_known() -> None:
    state = as_terraform(export_shop("http"))
    plan = {"format_version": "1.2", "terraform_version": "1.13.0", "planned_values": state["values"]}
    assert find(plan) == []
    for each in state["values"]["root_module"]["resources"]:
        each["values"].pop("authorizer_id", None)
    found = find(plan)
    assert {(each.level, each.code) for each in found} == {("undecided", "unknown")}
    assert "its jwt authorizer is not in this document" in found[0].text.lower()


def test_the_body_of_a_terraform_api_must_be_json() -> None:
    values = {"id": "a", "body": "openapi: 3.0.1"}
    api = {"address": "aws_apigatewayv2_api.a", "type": "aws_apigatewayv2_api", "values": values}
    state = {"format_version": "1.0", "values": {"root_module": {"resources": [api]}}}
    with pytest.raises(ConfigurationError, match=r"The body of aws_apigatewayv2_api.a: .*jsonencode\(\)"):
        find(state)


def test_the_kind_of_api_can_be_given_if_a_document_does_not_say_it() -> None:
    document = {"openapi": "3.0.1", "paths": {"/open": {"get": {}}}}
    for kind in get_args(ApiKind):
        api = read_document(json.dumps(document).encode(), kind=kind)
        assert api.kind == kind
