"""The README and the docs: their code runs, and their tables match the code."""

import os
import re
import sys
import time
import tomllib
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from starlette.websockets import WebSocketDisconnect

from fastapi_cognito_guard import errors, lambda_handler, settings
from fastapi_cognito_guard.audit import Code
from fastapi_cognito_guard.testing import Directory, FakeUserPool
from tests.apps import bearer, client_of
from tests.semantics import build_table
from tests.test_errors import tree

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
QUICK_START, TESTING = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def run(code: str, names: dict[str, Any] | None = None) -> dict[str, Any]:
    names = names if names is not None else {}
    exec(compile(code, "README.md", "exec"), names)
    return names


@pytest.fixture(scope="module")
def cognito() -> FakeUserPool:
    """Return a pool with the id of the README's example."""
    return FakeUserPool("eu-west-1_Abc123Xyz", client_id="4b1example")


@pytest.fixture(autouse=True)
def variables(cognito: FakeUserPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the variables that ``CognitoGuard.from_env()`` reads."""
    monkeypatch.setenv("COGNITO_USER_POOL_ID", cognito.id)
    monkeypatch.setenv("COGNITO_CLIENT_IDS", cognito.client_id)


def test_the_quick_start_works_behind_each_gateway(cognito: FakeUserPool) -> None:
    handler = run(QUICK_START)["handler"]
    token = cognito.access_token("ada", groups=["admins"], scopes=["orders/write"])
    for gateway in ("rest", "rest-jwt", "http", "http-1.0"):
        for method, path in (("GET", "/me"), ("POST", "/orders"), ("DELETE", "/orders/1")):
            event = cognito.event(gateway, token, method=method, path=path)
            assert handler(event, None)["statusCode"] == 200


def test_the_quick_start_works_standalone(cognito: FakeUserPool, monkeypatch: pytest.MonkeyPatch) -> None:
    with cognito.serve() as jwks_uri:
        monkeypatch.setenv("COGNITO_JWKS_URI", jwks_uri)
        client = client_of(run(QUICK_START)["app"])
        ada = bearer(cognito.access_token("ada", groups=["admins"]))
        assert client.get("/me", headers=ada).json() == {
            "sub": cognito.sub("ada"), "groups": ["admins"], "source": "token",
        }  # fmt: skip
        assert client.get("/me").status_code == 401
        assert client.post("/orders", headers=ada).status_code == 403
        assert client.delete("/orders/1", headers=ada).status_code == 200


def test_the_testing_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    main = run(QUICK_START)
    with_app = ModuleType("main")
    with_app.__dict__["app"] = main["app"]
    monkeypatch.setitem(sys.modules, "main", with_app)
    run(TESTING)


def test_the_commands_of_the_quick_start_are_those_that_a_test_of_the_command_line_runs() -> None:
    page = (ROOT / "docs/cli.md").read_text()
    (commands,) = re.findall(r"In another terminal.*?(```sh\n.*?```)", page, re.DOTALL)
    assert commands in README


def test_the_table_of_extras_is_that_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    table = README.split("| extra | installs | for |\n|---|---|---|\n")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()]
    documented = {
        name: installs.split(", ")[index : index + 1] if len(names) > 1 else installs.split(", ")
        for first, installs, _ in rows
        for names in [re.findall(r"`(\w+)`", first)]
        for index, name in enumerate(names)
    }
    assert {name: set(packages) for name, packages in documented.items()} == {
        name: {re.split(r"[>\[]", requirement)[0] for requirement in requirements}
        for name, requirements in project["optional-dependencies"].items()
    }


def test_the_scripts_in_the_readme_can_be_run() -> None:
    for command in ("demo", "test"):
        assert f"scripts/{command} " in README
        assert os.access(ROOT / "scripts" / command, os.X_OK)


def test_the_semantics_table_is_the_table_of_the_parity_tests() -> None:
    rows = build_table()
    assert len(rows) == 6
    assert "\n".join(rows) in README


def test_links_point_to_existing_files() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_table_of_error_codes_matches_the_errors() -> None:
    documented = re.findall(r"^\| `(\w+)` \| (\d+) \|", (ROOT / "docs/errors.md").read_text(), re.MULTILINE)
    leaves = [error for error in tree(errors.AuthError) if not error.__subclasses__()]
    assert documented == [
        (leaf.code, str(leaf.status)) for leaf in leaves if issubclass(leaf, errors.AuthError)
    ]


def test_the_table_of_variables_matches_the_settings() -> None:
    documented = re.findall(r"^\| `(COGNITO_\w+)` \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    assert documented == [name for name, _ in {**settings.POOL, **settings.GUARD}.values()]


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_the_code_in_the_docs_runs_from_top_to_bottom(page: Path) -> None:
    names_in(page)


@cache
def names_in(page: Path) -> dict[str, Any]:
    """Run a page's code once, because Prometheus registers a metric only once, and return its names."""
    return run("\n".join(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)))


def test_the_pool_files_in_the_docs_can_be_read(tmp_path: Path) -> None:
    files = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/calling.md").read_text(), re.DOTALL)
    assert files
    for text in files:
        (tmp_path / "pool.toml").write_text(text)
        Directory.from_toml(tmp_path / "pool.toml")


def test_the_websocket_example_closes_when_the_token_expires() -> None:
    code = "".join(re.findall(r"```python\n(.*?)```", (ROOT / "docs/websockets.md").read_text(), re.DOTALL))
    cognito = FakeUserPool("eu-west-1_Abc123Xyz", client_id="4b1example")
    setting = 'client_ids={"4b1example"}'
    assert setting in code
    app = run(code.replace(setting, f"{setting}, jwks={cognito.jwks!r}"))["app"]
    token = cognito.access_token("ada", claims={"exp": time.time() + 0.3})
    with client_of(app).websocket_connect("/live", subprotocols=["cognito-guard", token]) as live:
        assert live.accepted_subprotocol == "cognito-guard"
        live.send_text("hello")
        assert live.receive_text() == "hello"
        with pytest.raises(WebSocketDisconnect) as ended:
            live.receive_text()
    assert (ended.value.code, ended.value.reason) == (1008, "The token has expired")


def test_each_recipe_for_decisions_reports_the_decision(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    names = names_in(ROOT / "docs/observability.md")
    cognito = FakeUserPool("eu-west-1_Abc123Xyz", client_id="4b1example")
    event = cognito.event("http", cognito.access_token("ada", groups=["admins"]), path="/me")
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    for recipe in ("set_span_attributes", "count_decision", "log_with_structlog", "log_with_powertools"):
        app = names["create_app"](names[recipe])
        if recipe == "set_span_attributes":
            FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
        assert lambda_handler(app)(event, None)["statusCode"] == 200
    (span,) = [span for span in exporter.get_finished_spans() if span.kind is SpanKind.SERVER]
    assert span.attributes is not None
    assert {
        name: span.attributes[name] for name in ("cognito_guard.code", "enduser.pseudo.id", "user.roles")
    } == {
        "cognito_guard.code": "allowed",
        "enduser.pseudo.id": cognito.sub("ada"),
        "user.roles": ("admins",),
    }
    counted = names["DECISIONS"].labels(code="allowed", route="/me")
    assert next(iter(counted.collect())).samples[0].value == 1
    output = capsys.readouterr().out
    assert f"sub={cognito.sub('ada')}" in output  # structlog
    (record,) = [record for record in caplog.records if record.name == "orders"]  # Powertools
    assert record.__dict__["sub"] == cognito.sub("ada")


def test_the_table_of_audit_codes_matches_the_audit() -> None:
    documented = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/protecting.md").read_text(), re.MULTILINE)
    assert tuple(documented) == get_args(Code)
