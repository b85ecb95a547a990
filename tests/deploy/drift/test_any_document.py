"""Any document at all is read or refused with one line: hostile, deep, large, or changed anywhere."""

import copy
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastapi_cognito_guard.deploy.drift.compare import find_drift
from fastapi_cognito_guard.deploy.drift.document import MAX_ROUTES, read_document
from fastapi_cognito_guard.deploy.drift.values import MAX_BYTES
from fastapi_cognito_guard.errors import ConfigurationError
from tests.deploy.drift.documents import FORMATS, REST_FORMATS
from tests.deploy.drift.shop import add, build_shop, export_shop, find_in

SHOP = build_shop()
_NAMES = st.sampled_from(
    "openapi swagger paths / /me get ANY security components securitySchemes Cognito type jwt Resources Type "
    "Properties Body AWS::ApiGateway::Method AWS::ApiGatewayV2::Route AWS::Serverless::Api Events Fn::Sub "
    "Ref Auth Globals values planned_values root_module resources child_modules format_version TemplateBody "
    "x-amazon-apigateway-authorizer x-amazon-apigateway-cors x-amazon-apigateway-auth".split()
)
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    _SCALARS | _NAMES | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(_NAMES | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
DOCUMENTS = {
    (kind, name): REST_FORMATS[name](export_shop(kind, SHOP, leave_out=["/files/*"]))
    for kind, name in FORMATS
}


def read_or_refuse(content: bytes) -> str | None:
    """Compare a document with the app, or return the refusal. Anything else is raised."""
    try:
        find_drift(SHOP, read_document(content))
    except ConfigurationError as error:
        assert "\n" not in str(error)
        return str(error)
    return None


@given(ANY_JSON)
@settings(max_examples=200)
def test_any_json_is_read_or_refused(document: Any) -> None:
    read_or_refuse(json.dumps(document).encode())


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    assert read_or_refuse(content)


def list_places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Return all containers in a document, each with the keys in it."""
    boxes = [value]
    while boxes:
        box = boxes.pop()
        for key, inner in box.items() if isinstance(box, dict) else enumerate(box):
            yield box, key
            if isinstance(inner, dict | list):
                boxes.append(inner)


@pytest.mark.parametrize(("kind", "name"), FORMATS)
@given(data=st.data())
@settings(max_examples=25)
def test_a_document_that_is_changed_anywhere_is_read_or_refused(kind: str, name: str, data: Any) -> None:
    document = copy.deepcopy(DOCUMENTS[kind, name])
    places = list(list_places(document))
    for _ in range(data.draw(st.integers(1, 3))):
        box, key = data.draw(st.sampled_from(places))
        if key in (box if isinstance(box, dict) else range(len(box))):
            box[key] = data.draw(ANY_JSON)
    read_or_refuse(json.dumps(document).encode())


@pytest.mark.parametrize(("kind", "name"), FORMATS)
def test_a_route_never_looks_right_once_what_closes_it_cannot_be_read(kind: str, name: str) -> None:
    """Each value of the document in turn is replaced by one that means nothing."""
    for index in range(len(list(list_places(DOCUMENTS[kind, name])))):
        document = copy.deepcopy(DOCUMENTS[kind, name])
        box, key = list(list_places(document))[index]
        if not str(key).lower().startswith(("security", "auth", "scopes", "cognito", "provider", "issuer")):
            continue
        if box[key] in ([], None) or str(key).lower() == "authorizationscopes":
            continue
        box[key] = {"Fn::ImportValue": "else"}
        try:
            found = find_drift(SHOP, read_document(json.dumps(document).encode()))
        except ConfigurationError:
            continue
        assert [each for each in found if "/files" not in each.where], (key, box)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON. YAML is not read"),
        (b"openapi: 3.0.1\npaths: {}\n", "convert a template with cfn-flip --json"),
        (b"a: &a [x]\nb: &b [*a,*a]\n", "--output-type JSON"),
        (b"\xff\xfe{\x00}\x00", "not text in UTF-8"),
        (b'{"a": 1, "a": 2}', "the name a twice"),
        (b'{"a": NaN}', "NaN is no number of JSON"),
        (b'{"a": Infinity}', "Infinity is no number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "It is not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"openapi":' * 50_000, "nested too deeply"),
        (b"{", "It is not JSON"),
        (b"{} {}", "It is not JSON"),
        (b"[]", "no JSON object"),
        (b"{}", "of no known format"),
        (b'{"Resources": {}}', "of no known format"),
        (b'{"Resources": {"A": {"Type": "AWS::S3::Bucket"}}}', "no REST API and no HTTP API"),
        (b'{"terraform_version": "1", "version": 4, "resources": []}', "terraform show -json"),
        (b'{"format_version": "1", "values": {"root_module": {}}}', "no REST API and no HTTP API"),
        (b'{"openapi": "3.0.1", "paths": {}}', "give --kind rest or --kind http"),
        (b'{"TemplateBody": "Resources:\\n  A: 1"}', "YAML is not read"),
        (b'{"TemplateBody": {"TemplateBody": {}}}', "of no known format"),
        (b" " * (MAX_BYTES + 1), "more than 10 MB"),
    ],
    ids=range(22),
)  # fmt: skip
def test_what_cannot_be_read_is_refused_and_the_error_says_what_to_give(content: bytes, message: str) -> None:
    assert message in (read_or_refuse(content) or "")


def test_a_file_that_begins_with_a_byte_order_mark_is_read() -> None:
    assert find_drift(SHOP, read_document(b"\xef\xbb\xbf" + json.dumps(export_shop("http")).encode()))


def test_an_api_with_too_many_routes_is_refused_and_the_most_are_compared_in_time() -> None:
    definition = export_shop("http")
    for number in range(MAX_ROUTES):
        add(f"GET /{{a}}/{number}/{{b}}")(definition)
    assert f"{MAX_ROUTES} is the most" in (read_or_refuse(json.dumps(definition).encode()) or "")
    for number in range(50):
        definition["paths"].pop(f"/{{a}}/{number}/{{b}}")
    started = time.monotonic()
    assert find_in(definition)
    assert time.monotonic() - started < 60  # a hang, not a speed


def test_paths_that_cross_each_other_too_often_are_refused() -> None:
    app = build_shop()
    definition = export_shop("http", app)
    for number in range(300):
        add(f"GET /{{a}}/{number}")(definition)
    for number in range(30):
        app.add_api_route(f"/x{number}/{{b}}", lambda: None)
    with pytest.raises(ConfigurationError, match="share more than 5000 paths"):
        find_in(definition, app=app)


def test_a_terraform_tree_and_a_resource_tree_without_an_end_are_read() -> None:
    loop = {"Resources": {
        "Api": {"Type": "AWS::ApiGateway::RestApi"},
        "A": {"Type": "AWS::ApiGateway::Resource",
              "Properties": {"RestApiId": {"Ref": "Api"}, "ParentId": {"Ref": "A"}, "PathPart": "a"}},
        "M": {"Type": "AWS::ApiGateway::Method",
              "Properties": {"RestApiId": {"Ref": "Api"}, "ResourceId": {"Ref": "A"}, "HttpMethod": "GET"}},
    }}  # fmt: skip
    api = read_document(json.dumps(loop).encode())
    assert api.gaps == ("the method or the path of M is not known here",)
    module: dict[str, Any] = {}
    for _ in range(150):
        module = {"child_modules": [module, {"resources": [7, {"type": [], "values": 7}]}]}
    document = {"format_version": "1.0", "values": {"root_module": module}}
    assert "no REST API" in (read_or_refuse(json.dumps(document).encode()) or "")
