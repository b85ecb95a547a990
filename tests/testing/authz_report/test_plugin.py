"""The options of the report, each in a test run of its own."""

import json
from pathlib import Path
from textwrap import dedent

import pytest

from tests.testing.test_plugin import APP, OWN_POOL, run, run_to

FAILED, USAGE_ERROR = pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.USAGE_ERROR

SOME = """
from fastapi.testclient import TestClient
from main import app


def test_me(any_door, auth_headers):
    assert any_door(app).get("/me", headers=auth_headers).status_code == 200


def test_no_token():
    assert TestClient(app).get("/me").status_code == 401


def test_not_an_admin(cognito_user):
    cognito_user(app)
    assert TestClient(app).get("/admins").status_code == 403
"""

OTHERS = """
from fastapi.testclient import TestClient
from main import app


def test_no_token_for_admins():
    assert TestClient(app).get("/admins").status_code == 401


def test_an_admin(cognito_user):
    cognito_user(app, groups=["admins"])
    assert TestClient(app).get("/admins").status_code == 200
"""

REPORT = """
================= authorization: outcomes that tests exercised =================
 60.0 %  3 of 5 outcomes         main

No test exercised in main:
  GET /admins
    allowed
    refused without a token
"""

FACTORY = """
from fastapi import Depends, FastAPI
from fastapi_cognito_guard import CognitoGuard, CurrentUser, UserPool


def create_app(pool):
    app = FastAPI()
    CognitoGuard(pool.user_pool()).install(app)

    @app.get("/orders")
    async def list_orders(user: CurrentUser): ...

    return app
"""

FACTORY_TESTS = """
from fastapi.testclient import TestClient
from factory import create_app


def test_no_token(cognito_pool):
    assert TestClient(create_app(cognito_pool)).get("/orders").status_code == 401


def test_a_user(cognito_pool, auth_headers):
    assert TestClient(create_app(cognito_pool)).get("/orders", headers=auth_headers).status_code == 200
"""

NOTHING = "def test_nothing(): ...\n"


def test_the_report_tells_what_no_test_exercised(tmp_path: Path) -> None:
    output = run(tmp_path, "--authz-report", "-p", "no:cacheprovider", main=APP, test_some=SOME)
    assert REPORT in output
    assert "FAILED" not in output


def test_without_the_options_nothing_is_told(tmp_path: Path) -> None:
    assert "authorization" not in run(tmp_path, main=APP, test_some=SOME)


@pytest.mark.parametrize(("percent", "status"), [("60", 0), ("60.1", FAILED), ("100", FAILED), ("0", 0)])
def test_a_run_below_the_threshold_fails(tmp_path: Path, percent: str, status: int) -> None:
    output = run_to(status, tmp_path, f"--authz-fail-under={percent}", main=APP, test_some=SOME)
    assert REPORT in output
    failure = f"FAILED: 60.0 % of outcomes exercised, below --authz-fail-under={percent}"
    assert (failure in output) is (status != 0)


def test_a_run_that_exercises_all_reaches_100_percent(tmp_path: Path) -> None:
    output = run(tmp_path, "--authz-fail-under=100", main=APP, test_some=SOME, test_others=OTHERS)
    assert "100.0 %  5 of 5 outcomes         main\n" in output
    assert "No test exercised" not in output


@pytest.mark.parametrize("percent", ["101", "-1", "nan", "half", ""])
def test_a_wrong_percent_is_a_usage_error(tmp_path: Path, percent: str) -> None:
    told = run_to(USAGE_ERROR, tmp_path, f"--authz-fail-under={percent}", test_nothing=NOTHING)
    assert f"argument --authz-fail-under: '{percent}' is not a number from 0 to 100" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(("options", "status"), [(["--authz-report"], 0), (["--authz-fail-under=1"], FAILED)])
def test_a_run_that_calls_no_guarded_app_says_so(tmp_path: Path, options: list[str], status: int) -> None:
    output = run_to(status, tmp_path, *options, test_nothing=NOTHING)
    assert "No test has called a guarded app with routes." in output
    assert ("FAILED: no outcome exercised, below --authz-fail-under=1" in output) is (status != 0)


def test_a_run_without_tests_keeps_its_exit_status(tmp_path: Path) -> None:
    run_to(pytest.ExitCode.NO_TESTS_COLLECTED, tmp_path, "--authz-fail-under=1", main=APP)


@pytest.mark.parametrize("option", ["--collect-only", "--fixtures"])
def test_a_run_that_only_lists_has_nothing_to_report(tmp_path: Path, option: str) -> None:
    assert "exercised" not in run(tmp_path, "--authz-fail-under=100", option, main=APP, test_some=SOME)


def test_a_run_that_stops_early_reports_what_it_has_seen(tmp_path: Path) -> None:
    failing = SOME.replace("== 401", "== 200")
    output = run_to(
        FAILED, tmp_path, "-x", "--authz-fail-under=10", main=APP, test_some=failing, test_z=OTHERS
    )
    assert " 40.0 %  2 of 5 outcomes         main" in output
    assert "below --authz-fail-under" not in output


def test_several_apps_and_a_factory(tmp_path: Path) -> None:
    files = {"main": APP, "test_some": SOME, "factory": FACTORY, "test_factory": FACTORY_TESTS}
    output = run(tmp_path, "--authz-report", **files)
    summary = """
        100.0 %  2 of 2 outcomes         factory:create_app
         60.0 %  3 of 5 outcomes         main
         71.4 %  5 of 7 outcomes         all apps
        """
    assert dedent(summary) in output


# pytest-xdist

XDIST_WORKER = """
import json
import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):  # as a worker of pytest-xdist does
    config.workerinput, config.workeroutput = {"workerid": "gw0"}, {}


def pytest_unconfigure(config):
    with open("output.json", "w") as file:
        json.dump(config.workeroutput, file)
"""

XDIST_CONTROLLER = """
import json
from types import SimpleNamespace


class Hooks:
    def pytest_testnodedown(self, node, error): ...


def pytest_addhooks(pluginmanager):
    pluginmanager.add_hookspecs(Hooks)


def pytest_collection_finish(session):
    for output in json.loads(OUTPUTS):
        session.config.hook.pytest_testnodedown(node=SimpleNamespace(workeroutput=output), error=None)
    session.config.hook.pytest_testnodedown(node=SimpleNamespace(), error="crashed")
"""


def test_what_workers_send_is_merged(tmp_path: Path) -> None:
    """The protocol of pytest-xdist, played: workers that end hand over what is in their ``workeroutput``."""
    outputs = []
    for name, tests in (("some", SOME), ("others", OTHERS)):
        place = tmp_path / name
        place.mkdir()
        # A worker sends, and leaves the threshold to the controller.
        run(place, "--authz-fail-under=100", main=APP, conftest=XDIST_WORKER, test_main=tests)
        outputs.append(json.loads((place / "output.json").read_text()))
    for name, given, status in (("one", outputs[:1], FAILED), ("both", outputs, 0)):
        place = tmp_path / name
        place.mkdir()
        controller = XDIST_CONTROLLER.replace("OUTPUTS", repr(json.dumps(given)))
        output = run_to(status, place, "--authz-fail-under=100", conftest=controller, test_nothing=NOTHING)
        assert (REPORT if status else "100.0 %  5 of 5 outcomes         main\n") in output


def test_workers_of_xdist_make_one_report(tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    options = ["-p", "xdist", "-n", "2", "--authz-fail-under=100"]
    files = {"main": APP, "conftest": OWN_POOL, "test_some": SOME, "test_others": OTHERS}
    assert "100.0 %  5 of 5 outcomes         main\n" in run(tmp_path, *options, **files)
