"""Command `drift`: findings for people and for programs, exit codes, and one line for each wrong use."""

import json
import os
import re
import sys
from pathlib import Path
from typing import get_args

import pytest

from fastapi_cognito_guard.deploy.drift.findings import Code
from tests.cli.running import Result, cognito_guard
from tests.deploy.drift.definitions import Document
from tests.deploy.drift.documents import as_cloudformation
from tests.deploy.drift.shop import (
    add,
    add_lambda,
    build_shop,
    export_shop,
    open_all,
    set_authorizer,
    set_security,
)
from tests.deploy.exports import AUTHORIZER

ROOT = Path(__file__).parents[2]
APP = """
from tests.deploy.drift.shop import build_shop

print("not an answer")
app = build_shop()
odd = build_shop()
odd.add_api_route("/a~b", lambda: None)
"""
OPEN = """\
DANGER: the gateway lets more through than the app's definition
  GET /me
    The gateway lets everybody pass, and the app requires a valid token. The app
    still verifies the token, and is the last to do so: attach the authorizer;
    or, if this is meant, name the path with --left-to-app. [open-route]
  GET /orders
    The gateway also passes tokens with o/w, and the app requires o/r. Remove
    what the app does not name: export the definition again. [wider-scopes]

WARNING: callers whom the app takes are refused, or do not reach it
  GET /maybe, GET /reports
    The gateway has no route for it, so that nobody reaches it. Export and
    import the definition again, or leave the path out with --leave-out.
    [missing-route]

2 dangers and 1 warning, in 4 places. Compared: 7 routes of the HTTP API Shop.
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop_of_drift.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "shop_of_drift", raising=False)


def drift(document: Document | str, *options: str, app: str = "app", given: str | None = None) -> Result:
    if isinstance(document, dict):
        Path("deployed.txt").write_text(json.dumps(document))
        document = "deployed.txt"
    return cognito_guard(
        "drift", f"shop_of_drift:{app}", document, "--catch-all", "openid", *options, given=given
    )


def break_http() -> Document:
    document = export_shop("http")
    set_security("GET /me")(document)
    set_security("GET /orders", "Cognito", scopes=["o/r", "o/w"])(document)
    document["paths"].pop("/maybe")
    document["paths"].pop("/reports")
    return document


def test_differences_are_printed_dangers_first_and_the_exit_code_is_1() -> None:
    result = drift(break_http())
    assert result.code == 1
    assert result.out == OPEN
    assert result.err.strip() == "not an answer"


def test_a_gateway_that_does_what_the_app_requires_is_0() -> None:
    result = drift(export_shop("rest"))
    assert (result.code, result.out) == (
        0,
        "No difference that matters. Compared: 16 routes of the REST API Shop.\n",
    )


def test_notes_alone_are_0() -> None:
    document = export_shop("rest")
    set_authorizer(authorizerResultTtlInSeconds=3600)(document)
    result = drift(document)
    assert result.code == 0
    assert "NOTE: meant, or without effect" in result.out
    assert "[long-cache]" in result.text


def test_what_the_document_does_not_say_is_3_and_is_1_beside_a_difference() -> None:
    document = export_shop("http")
    add_lambda("GET /me")(document)
    result = drift(document)
    assert result.code == 3
    assert "UNDECIDED: the document does not say it" in result.out
    assert drift(document, "--authorizer-arn", AUTHORIZER).code == 0
    set_security("POST /orders")(document)
    assert drift(document).code == 1


def test_json_has_each_finding() -> None:
    result = drift(break_http(), "--json")
    assert result.code == 1
    found = json.loads(result.out)
    assert [(each["level"], each["code"], each["where"]) for each in found] == [
        ("danger", "open-route", "GET /me"),
        ("danger", "wider-scopes", "GET /orders"),
        ("warning", "missing-route", "GET /maybe"),
        ("warning", "missing-route", "GET /reports"),
    ]
    assert drift(export_shop("http"), "--json").out == "[]\n"


def test_the_document_is_read_from_standard_input() -> None:
    result = drift("-", given=json.dumps(break_http()))
    assert (result.code, result.out) == (1, OPEN)


def test_options_say_what_is_meant() -> None:
    options = ["--left-to-app=/me", "--leave-out=/orders", "--leave-out=/maybe", "--leave-out=/reports"]
    result = drift(break_http(), *options)
    assert result.code == 0
    assert "GET /me It is open, and the app verifies the tokens itself. [left-to-app]" in result.text


def test_many_routes_with_one_finding_are_not_all_listed() -> None:
    document = export_shop("http")
    for number in range(12):
        add(f"GET /else/{number}")(document)
    assert "GET /else/9 and 2 more" in drift(document).text


def test_a_gateway_without_authorizers_is_a_note_that_the_last_line_and_the_options_recall() -> None:
    document = export_shop("http", build_shop(), leave_out=["/reports"])
    open_all(document)
    result = drift(document, "--leave-out", "/reports")
    assert result.code == 0
    assert "No difference that matters; 6 guarded routes are open at the gateway. Compared" in result.text
    assert "note: you gave --catch-all, but no route of the gateway has an authorizer." in result.err
    assert "you gave" not in drift(export_shop("http"), "--leave-out", "/reports").err


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (None, [], "deployed.txt cannot be read: No such file or directory."),
        ("openapi: 3.0.1", [], "The document is not JSON. YAML is not read: export with --accepts"),
        ("[" * 9999, [], "It is not JSON: it is nested too deeply."),
        ("{}", [], "The document is of no known format. Give an export of API Gateway"),
        ('{"openapi": "3.0.1", "paths": {}}', [], "give --kind rest or --kind http."),
        ("{}", ["--leave-out=docs"], "--leave-out takes paths: --leave-out '/docs/*'."),
        ("{}", ["--left-to-app=docs"], "--left-to-app takes paths: --left-to-app '/docs/*'."),
        ("{}", ["--kind=soap"], "--kind"),
    ],
    ids=range(8),
)
def test_wrong_use_is_2_and_one_line(content: str | None, options: list[str], message: str) -> None:
    if content is not None:
        Path("deployed.txt").write_text(content)
    result = drift("deployed.txt", *options)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert len([line for line in result.err.splitlines() if line != "not an answer"]) == 1


def test_other_wrong_documents_are_2() -> None:
    os.mkdir("folder")
    assert "folder cannot be read: Is a directory." in drift("folder").err
    result = drift(export_shop("http"), app="odd")
    assert result.code == 2
    assert "--leave-out '/a~b'" in result.err
    assert drift(export_shop("http"), "--leave-out=/a~b", app="odd").code == 0
    template = as_cloudformation(export_shop("http"))
    assert drift(template, "--api", "Else").code == 2
    assert drift(template, "--api", "Api").code == 0


def test_control_characters_and_tokens_of_a_document_are_not_printed() -> None:
    document = export_shop("http")
    add("GET /\x1b[31m\u202eevil/eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9")(document)
    document["info"]["title"] = "\x1b]0;evil\x07"
    result = drift(document)
    assert result.code == 1
    assert "\\x1b[31m\\u202eevil/eyJ..." in result.text
    assert "\x07" not in result.out


def test_the_example_of_the_page_is_what_the_command_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "drift.md").read_text()
    for name, content in re.findall(r"```(?:python|json) (\S+)\n(.*?)```", page, re.DOTALL):
        Path(name).write_text(content)
    monkeypatch.delitem(sys.modules, "main", raising=False)
    ((arguments, output),) = re.findall(r"```console\n\$ cognito-guard (.*?)\n(.*?)```", page, re.DOTALL)
    result = cognito_guard(*arguments.split())
    assert result.out == output


def test_the_table_of_the_page_has_each_code() -> None:
    page = (ROOT / "docs" / "drift.md").read_text().partition("## Findings")[2].partition("\n## ")[0]
    codes = [
        code
        for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)
        for code in re.findall("`(.*?)`", row)
    ]
    assert sorted(codes) == sorted(get_args(Code))
