"""The documentation site: its pages, its reference, its diagram, and what it may load."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
from fastapi.testclient import TestClient

from fastapi_cognito_guard import CognitoGuard
from fastapi_cognito_guard.errors import AuthError
from fastapi_cognito_guard.testing import Directory, FakeUserPool
from tests.apps import bearer, build_app
from tests.cli.running import cognito_guard
from tests.pages import read_code
from tests.semantics import build_table
from tests.test_errors import tree
from tools.diagrams import CORRIDOR, draw_corridor
from tools.site.llms import build_list
from tools.site.offline import find_foreign
from tools.site.reference import add_directives, convert_docstring, list_names
from tools.site.stage import OUTSIDE, list_nav

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PACKAGE = ROOT / "fastapi_cognito_guard"
NAV: list[Any] = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]
REFERENCE = (DOCS / "reference.md").read_text()
FAQ = (DOCS / "faq.md").read_text()
# Names of modules that have no __all__.
OTHERS = {"fastapi_cognito_guard.directory.PoolDirectory", "fastapi_cognito_guard.audit.audit"}
GENERATED = {*OUTSIDE.values(), "examples.md"}
COGNITO = FakeUserPool("eu-west-1_Abc123Xyz", client_id="4b1example")


def list_public_names() -> Iterator[str]:
    for file in (PACKAGE / "__init__.py", *PACKAGE.glob("*/__init__.py")):
        module = ".".join(file.parent.relative_to(ROOT).parts)
        yield from (f"{module}.{name}" for name in getattr(import_module(module), "__all__", ()))


def test_the_reference_has_every_public_name_once() -> None:
    listed = list_names(REFERENCE)
    # deploy has it too.
    assert sorted(listed) == sorted(
        {*list_public_names(), *OTHERS} - {"fastapi_cognito_guard.deploy.lambda_handler"}
    )
    for name in listed:
        resolve_name(name)
    assert add_directives(REFERENCE).count("\n::: fastapi_cognito_guard.") == len(listed)


def test_the_arguments_of_a_docstring_become_a_list_and_names_become_links() -> None:
    docstring = (
        "Pool.\n\n``id``, ``name``  of the pool,\n                see `UserPool`\n"
        "``levels``  the `lowest` first\n\nEnd."
    )
    assert convert_docstring(docstring, ["fastapi_cognito_guard.UserPool"]) == (
        "Pool.\n\n\n- ``id``, ``name``: of the pool, see [`UserPool`][fastapi_cognito_guard.UserPool]\n"
        "\n- ``levels``: the `lowest` first\n\nEnd."
    )


def test_the_navigation_has_every_page_once() -> None:
    pages = [page for _, page in list_nav(NAV)]
    assert sorted(pages) == sorted({*pages})
    written = {page.name for page in DOCS.glob("*.md")} | GENERATED
    assert {*pages} == written


def test_the_list_for_language_models_has_sections_links_and_first_sentences() -> None:
    nav = [{"Start": [{"Overview": "index.md"}]}, {"Test": [{"None yet": "missing.md"}]}]
    pages = {"index.md": "# Title\n\n```sh\nls\n```\n\nProtect [routes](a.md). More.\n\n## Section\n"}
    assert build_list(nav, "name", "Summary.", pages).splitlines() == [
        "# name", "", "> Summary.", "", "## Start", "", "- [Overview](index.md): Protect routes", "",
        "## Test", "",
    ]  # fmt: skip


def test_the_diagram_is_that_of_the_code() -> None:
    assert CORRIDOR.read_text() == draw_corridor()
    for name in ("token_expired", "require_level", "&quot;verify&quot;", "keys_unavailable", "pool_id"):
        assert name in draw_corridor()


def test_the_table_of_dialects_is_the_table_of_the_parity_tests() -> None:
    assert "\n".join(build_table()) in (DOCS / "dialects.md").read_text()


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.html", '<script src="https://a.example/x.js"></script>', ["https://a.example/x.js"]),
        ("a.html", "<img src=//a.example/x.png>", ["//a.example/x.png"]),
        ("a.html", '<img srcset="x.png 1x, HTTPS://a.example/y.png 2x">', ["HTTPS://a.example/y.png 2x"]),
        ("a.html", '<link rel="preconnect" href="https://a.example">', ["https://a.example"]),
        ("a.html", '<p style="background: url(https://a.example/x)">', ["https://a.example/x"]),
        ("a.html", "<style>@import 'https://a.example/x';</style>", ["https://a.example/x"]),
        ("a.svg", '<svg><image xlink:href="http://a.example/x"/></svg>', ["http://a.example/x"]),
        ("a.css", "a{background:url('//a.example/x')}", ["//a.example/x"]),
        ("a.html", '<a href="https://a.example">text</a><link rel="canonical" href="https://a.example">', []),
        ("a.html", '<script src="assets/x.js"></script><code>url(https://a.example)</code>', []),
    ],
)
def test_an_address_that_a_page_would_load_from_elsewhere_is_found(
    name: str, text: str, found: list[str]
) -> None:
    assert find_foreign(name, text) == found


def list_commands() -> set[str]:
    pages = ("agents", "cold-starts", "dialects", "faq", "index", "step-up")
    texts = [
        re.findall(r"```sh\n.*?```|`[^`\n]+`", (DOCS / f"{page}.md").read_text(), re.DOTALL) for page in pages
    ]
    return {
        each.strip()
        for text in texts
        for code in text
        for each in re.findall(r"cognito-guard [^`\n|)#]+", code)
    }


@pytest.mark.parametrize("line", sorted(list_commands()))
def test_the_commands_of_the_pages_are_those_of_the_command_line(line: str) -> None:
    assert cognito_guard(*shlex.split(line)[1:], "--help").code == 0  # options are read before the help


def test_the_codes_of_the_answers_are_those_of_the_errors() -> None:
    codes = re.findall(r"^\| `(\w+)` \|", FAQ, re.MULTILINE)
    assert len(codes) == 6
    assert {*codes} <= {error.code for error in tree(AuthError) if hasattr(error, "code")}


def test_the_command_line_says_why_a_valid_token_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = f'client_ids={{"4b1example"}}, jwks={COGNITO.jwks!r}'
    (tmp_path / "shop.py").write_text(
        read_code("step-up.md", "The route").replace('client_ids={"4b1example"}', keys)
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "shop", raising=False)
    answer = cognito_guard("verify", "--app", "shop:app", given=COGNITO.id_token("ada"))
    assert answer.code == 1
    assert "send access_token" in " ".join(answer.out.split())


def test_a_middleware_may_bring_a_token_from_a_cookie() -> None:
    names: dict[str, Any] = {}
    exec(read_code("faq.md", "Can the token be in a cookie?"), names)
    app = build_app(CognitoGuard(COGNITO.user_pool()))
    app.add_middleware(names["CookieToken"])
    token = COGNITO.access_token("ada")
    client = TestClient(app, cookies={"token": token})
    assert client.get("/me").status_code == 200
    assert client.get("/me", headers=bearer(token)).status_code == 401
    assert TestClient(app, cookies={"token": "no token"}).get("/me").status_code == 401


def test_a_server_has_the_keys_before_its_first_request() -> None:
    async def fetch(address: str) -> Any:
        return COGNITO.jwks

    setting = 'client_ids={"4b1example"}))'
    code = read_code("cold-starts.md", "Under a server")
    assert setting in code
    names: dict[str, Any] = {"fetch": fetch}
    exec(code.replace(setting, f"{setting[:-1]}, fetch=fetch)"), names)
    with TestClient(names["app"]):
        assert [keys["usable"] for keys in names["guard"].status()["keys"].values()] == [True]


def test_the_pool_file_of_step_up_limits_the_level(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", (DOCS / "step-up.md").read_text(), re.DOTALL)
    (tmp_path / "pool.toml").write_text(text)
    assert Directory.from_toml(tmp_path / "pool.toml").users[0].highest_level == "urn:cognito:loa:3"


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node on this machine")
def test_the_client_of_step_up_asks_for_what_the_challenge_names() -> None:
    (code,) = re.findall(r"```js\n(.*?)```", (DOCS / "step-up.md").read_text(), re.DOTALL)
    challenge = 'Bearer error="insufficient_user_authentication", acr_values="loa:3 loa:4", max_age="300"'
    script = f"""
      const accessToken = () => "t", signIn = asked => console.log(JSON.stringify(asked));
      const headers = {{ "WWW-Authenticate": `{challenge}` }};
      globalThis.fetch = async () => new Response("", {{ status: 401, headers }});
      {code}
      call("/payments", {{ method: "POST" }});"""
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == '{"acr_values":"loa:4 loa:3","max_age":"300"}\n'
