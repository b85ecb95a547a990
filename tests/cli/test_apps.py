"""What `routes` and `doctor` say of apps, and of what is none."""

import json
import sys
import time
from pathlib import Path

import pytest

from fastapi_cognito_guard.cli.checks import clock, keys
from fastapi_cognito_guard.cli.jwks import pool_of
from fastapi_cognito_guard.cli.versions import version_of
from fastapi_cognito_guard.pool import UserPool
from fastapi_cognito_guard.testing import FakeUserPool
from tests.cli.running import cognito_guard
from tests.servers import fault_server, response

APP = """
from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles
from fastapi_cognito_guard import *

print("not an answer")
pool = UserPool("eu-west-1_Abc123Xyz", client_ids="4b1example", jwks={"keys": [%s]})


def create_app(**settings):
    app = FastAPI()
    CognitoGuard(pool, **settings).install(app)

    @app.get("/me")
    async def me(user: CurrentUser): ...

    @app.post("/orders", dependencies=[Depends(require_scope("orders/write", "orders/admin"))])
    async def create(): ...

    gold = Depends(require_claim("tier", 1))

    @app.delete("/orders/{id}", dependencies=[Depends(require_group("admins")), gold])
    async def delete(id: str): ...

    @app.get("/maybe")
    async def maybe(user: OptionalUser): ...

    @app.get("/reports")
    async def reports(caller: IamCaller): ...

    return app


app = create_app()
closed = create_app(deny_by_default=True)
opened = create_app()
bare = FastAPI()
empty = FastAPI()
CognitoGuard(pool).install(empty)
number = 7


@opened.websocket("/open")
@opened.get("/open")
@closed.get("/open")
async def open_(): ...


opened.mount("/static", StaticFiles(directory="."))


def factory(x): ...


def unset():
    return CognitoGuard.from_env({})


def broken():
    raise SystemExit("settings are missing\\nand more")
"""


@pytest.fixture(autouse=True)
def project(pool: FakeUserPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with an app in it, and nothing imported from there before."""
    (tmp_path / "shop.py").write_text(APP % json.dumps(pool.jwks["keys"][1]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.delitem(sys.modules, "shop", raising=False)
    return tmp_path


def test_routes_lists_who_may_call_what() -> None:
    answer = cognito_guard("routes", "shop:app")
    assert answer.code == 0
    assert [" ".join(line.split()) for line in answer.out.splitlines()] == [
        "Method Path Guard Scopes Groups Claims",
        "GET /me user",
        "POST /orders user orders/write or orders/admin",
        "DELETE /orders/{id} user admins tier: 1",
        "GET /maybe optional",
        "GET /reports iam",
    ]
    assert "not an answer" in answer.err


def test_routes_for_programs() -> None:
    rows = json.loads(cognito_guard("routes", "shop:opened", "--json").out)
    assert rows[1] == {
        "methods": ["POST"],
        "path": "/orders",
        "guard": "user",
        "scopes": [["orders/write", "orders/admin"]],
        "groups": [],
        "claims": [],
    }
    found = {(row["path"], *row["methods"]): row["guard"] for row in rows}
    assert found["/open", "WS"] == found["/open", "GET"] == "public"
    assert found[("/static",)] == "public"


def test_with_deny_by_default_all_routes_are_guarded() -> None:
    rows = json.loads(cognito_guard("routes", "shop:closed", "--json", "--fail-on-public").out)
    assert {row["path"]: row["guard"] for row in rows}["/open"] == "user"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], 0),
        (["--fail-on-public"], 1),
        (["--fail-on-public", "--allow", "/open"], 1),
        (["--fail-on-public", "--allow", "/open", "--allow", "/static/*"], 0),
    ],
    ids=["not asked", "asked", "one allowed", "all allowed"],
)
def test_in_ci_a_public_route_can_fail(options: list[str], code: int) -> None:
    answer = cognito_guard("routes", "shop:opened", *options)
    assert (answer.code, "reached without a token" in answer.err) == (code, code == 1)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("nowhere:app", "ModuleNotFoundError"),
        ("shop:nothing", "has no attribute 'nothing'"),
        ("shop:number", "is no FastAPI app, but of the type int"),
        ("shop:broken", "SystemExit: settings are missing. See shop.py, line "),
        ("shop:bare", "write guard.install(app)"),
        (":", "cannot be loaded"),
        ("shop:factory", "TypeError: factory() missing 1 required positional argument: 'x'. See "),
        ("shop:unset", "shop:unset: Set COGNITO_USER_POOL_ID and COGNITO_CLIENT_IDS in the environment."),
        ("nowhere", "Name it as module:app."),
    ],
)
def test_what_is_no_app_is_said_in_one_line(target: str, said: str) -> None:
    answer = cognito_guard("routes", target)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err


def test_without_a_name_the_app_is_the_projects(project: Path) -> None:
    assert "Which app?" in cognito_guard("routes").err
    (project / "pyproject.toml").write_text('[tool.fastapi]\nentrypoint = "shop.py:create_app"\n')
    assert "/me" in cognito_guard("routes").out
    assert "no routes of its own" in cognito_guard("routes", "shop:empty").out


def test_doctor_finds_nothing_wrong_with_an_app_that_is_right() -> None:
    answer = cognito_guard("doctor", "shop:app")
    assert answer.code == 0
    for line in ("Keys of eu-west-1_Abc123Xyz ok 1 keys given", "ok 4 ask who is calling", "All is well."):
        assert line in answer.text


def test_doctor_says_what_is_wrong(pool: FakeUserPool) -> None:
    answer = cognito_guard("doctor", "shop:opened")
    assert answer.code == 1
    assert "!! GET /open: anybody may call it." in answer.text
    assert "!! Set COGNITO_USER_POOL_ID" in cognito_guard("doctor").text
    assert "!! This app has no guard" in cognito_guard("doctor", "shop:bare").text


def test_doctor_asks_the_pool_for_its_keys_and_the_time(pool: FakeUserPool) -> None:
    env = {"COGNITO_USER_POOL_ID": pool.id, "COGNITO_CLIENT_IDS": "ANY_CLIENT"}
    with pool.serve() as address:
        env |= {"COGNITO_JWKS_URI": address, "COGNITO_ISSUER": "https://issuer.example"}
        answer = cognito_guard("doctor", env=env)
        assert answer.code == 0
        for line in (
            "of any app client",
            "issuer https://issuer.example",
            "2 keys, fetched in",
            "clock is right",
        ):
            assert line in answer.text
        with pool.break_jwks(503):
            answer = cognito_guard("doctor", env=env)
        assert (answer.code, "it answered 503" in answer.text) == (1, True)


@pytest.mark.parametrize(("skew", "said"), [(60, "60 s ahead"), (-60, "60 s behind"), (0, "is right")])
def test_doctor_notices_a_wrong_clock(pool: FakeUserPool, skew: float, said: str) -> None:
    with pool.serve() as address:
        checks = list(keys(pool.user_pool(jwks_uri=address), lambda: time.time() + skew + 0.5))
    assert said in checks[-1].what.replace("59 s behind", "60 s behind").replace("61 s", "60 s")
    assert checks[-1].ok is (skew == 0)


def test_keys_in_a_file_are_looked_at(tmp_path: Path) -> None:
    pool = UserPool("eu-west-1_Abc123Xyz", client_ids="x", jwks=tmp_path / "none.json")
    assert [check.ok for check in keys(pool, time.time)] == [False]


def test_the_keys_are_pulled_into_a_file_or_printed(pool: FakeUserPool, tmp_path: Path) -> None:
    target = tmp_path / "keys.json"
    target.write_text("before")
    with pool.serve() as address:
        env = {"COGNITO_USER_POOL_ID": pool.id, "COGNITO_JWKS_URI": address}
        for fault in (500, "garbage"):
            with pool.break_jwks(fault):
                assert cognito_guard("jwks", "pull", "-o", str(target), env=env).code == 3
            assert target.read_text() == "before"
        assert cognito_guard("jwks", "pull", "-o", str(target), env=env).code == 0
        assert json.loads(target.read_text()) == pool.jwks
        assert json.loads(cognito_guard("jwks", "pull", "-o", "-", env=env).out) == pool.jwks
        assert cognito_guard("jwks", "pull", "-o", str(tmp_path / "no" / "x"), env=env).code == 2
    assert cognito_guard("jwks", "pull", env=env).code == 3
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".json") == ["keys.json"]


def test_which_pool_is_said_or_set() -> None:
    assert "Which pool?" in cognito_guard("jwks", "pull").err
    assert "is not a user pool id" in cognito_guard("jwks", "pull", "nonsense").err
    wrong = cognito_guard("jwks", "pull", env={"COGNITO_USER_POOL_ID": "x"})
    assert "COGNITO_USER_POOL_ID: 'x' is not" in wrong.err
    assert pool_of("eu-west-1_Abc123Xyz").region == "eu-west-1"


def test_where_only_libraries_raise_the_module_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when this package is a library like others, installed beside them."""
    library = tmp_path / "site-packages"
    library.mkdir()
    (library / "broken_library.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(str(library))
    assert (
        "ZeroDivisionError: division by zero. See broken_library."
        in cognito_guard("routes", "broken_library:app").err
    )


def test_of_the_environments_own_pool_all_settings_count_and_of_another_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COGNITO_USER_POOL_ID", "eu-west-1_Abc123Xyz")
    monkeypatch.setenv("COGNITO_JWKS_URI", "http://127.0.0.1:9229/jwks.json")
    assert pool_of("eu-west-1_Abc123Xyz").keys_address == "http://127.0.0.1:9229/jwks.json"
    assert pool_of("eu-west-1_Other1234").keys_address.startswith("https://cognito-idp.eu-west-1.")


def test_the_version_and_the_help_fit_a_small_terminal() -> None:
    assert cognito_guard("--version").code == 0
    for command in ("", "inspect", "verify", "doctor", "routes", "export", "token", "pool", "jwks"):
        answer = cognito_guard(*command.split(), "--help")
        assert (answer.code, "Usage" in answer.out) == (0, True)


def test_a_server_that_does_not_say_the_time_is_no_finding() -> None:
    with fault_server(response(b"{}")) as server:
        assert clock(server.address, time.time) == (True, "the server does not say what time it is")


def test_what_is_not_installed_says_so() -> None:
    assert version_of("no-such-package") == "not installed"


def test_a_token_is_verified_as_the_apps_own_guard_does(pool: FakeUserPool, tmp_path: Path) -> None:
    fake = FakeUserPool("eu-west-1_Abc123Xyz", client_id="4b1example")
    (tmp_path / "shop.py").write_text(APP % ", ".join(map(json.dumps, fake.jwks["keys"])))
    assert cognito_guard("verify", "--app", "shop:app", given=fake.access_token()).code == 0
    assert cognito_guard("verify", "--app", "shop:app", given=pool.access_token()).code == 1
    assert "drop --jwks" in cognito_guard("verify", "--app", "shop:app", "--jwks", "x", given="x").err
