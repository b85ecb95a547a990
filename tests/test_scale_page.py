"""The page on scale: its recipes and its command do what it says, and the simulation behind it works."""

import asyncio
import io
import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from benchmarks.fleet.models import AwsJwtVerifyKeys, FastapiCognitoKeys, TwoHours
from benchmarks.fleet.policies import Build, MappingKeys, PyJwtKeys, build_guard
from benchmarks.fleet.report import write_tables
from benchmarks.fleet.simulate import Fleet, Outcome, simulate
from benchmarks.fleet.world import Weather
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import bearer, client_of
from tests.cli.running import cognito_guard
from tests.pages import run_code

run = partial(run_code, "scale.md")
PAGE = Path(__file__).parent.parent / "docs" / "scale.md"
OBJECT = {"Bucket": "my-keys", "Key": "eu-west-1_Abc123Xyz.json"}
POOL = FakeUserPool("eu-west-1_Abc123Xyz", client_id="4b1example")


def test_the_settings_of_the_page_are_valid() -> None:
    assert run("What to set")["guard"].status()["keys"]["eu-west-1_Abc123Xyz"]["usable"] is False


@pytest.fixture(scope="module")
def reader() -> dict[str, Any]:
    return run("Keys from S3")


@pytest.fixture
def stored(reader: dict[str, Any]) -> Iterator[Stubber]:
    with Stubber(reader["s3"]) as stubber:
        yield stubber


def answer_with(stored: Stubber, document: bytes, age: timedelta) -> None:
    body = StreamingBody(io.BytesIO(document), len(document))
    answer = {"Body": body, "LastModified": datetime.now(UTC) - age}
    stored.add_response("get_object", answer, OBJECT)


def test_keys_are_read_from_s3_unless_the_job_that_writes_them_has_stopped(
    reader: dict[str, Any], stored: Stubber
) -> None:
    document = json.dumps(POOL.jwks).encode()
    answer_with(stored, document, timedelta(minutes=61))
    with pytest.raises(reader["KeysTooOld"]):
        asyncio.run(reader["fetch"]("https://keys.example"))
    answer_with(stored, document, timedelta(minutes=59))
    assert client_of(reader["app"]).get("/me", headers=bearer(POOL.access_token("ada"))).json() == "ada"
    stored.assert_no_pending_responses()


def test_the_job_writes_what_the_pool_publishes_and_nothing_without_keys() -> None:
    names = run("The job that writes them")
    document = json.dumps(POOL.jwks)
    with Stubber(names["s3"]) as stored:
        stored.add_response("put_object", {}, {**OBJECT, "Body": document.encode()})
        names["ADDRESS"] = f"data:application/json,{document.replace('+', '%2B')}"
        names["handler"]({}, None)
        for nothing in ('{"keys":[]}', '{"message":"slow down"}', "garbage"):
            names["ADDRESS"] = f"data:application/json,{nothing}"
            with pytest.raises((ValueError, KeyError)):
                names["handler"]({}, None)
        stored.assert_no_pending_responses()


def test_the_command_of_the_page_pulls_the_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (command,) = re.findall(r"^cognito-guard .*$", PAGE.read_text(), re.MULTILINE)
    words = shlex.split(command)[1:]
    words.remove(POOL.id)  # given in the environment, where an address may be given, too
    with POOL.serve() as address:
        env = {"COGNITO_USER_POOL_ID": POOL.id, "COGNITO_JWKS_URI": address}
        assert cognito_guard(*words, env=env).code == 0
    assert json.loads(Path("jwks.json").read_text()) == POOL.jwks


def simulate_workers(build: Build, weather: Weather, *, sample: int = 20, until: float = 1800) -> Outcome:
    fleet = Fleet(40, ramp=10, sample=sample)
    return asyncio.run(simulate(build, fleet, weather, until=until))


def test_a_fleet_that_started_at_once_does_not_refresh_in_step() -> None:
    together, apart = (
        simulate_workers(build_guard(spread=spread), Weather(), until=620).peak(300, 620) for spread in (0, 1)
    )
    assert 0 < 2 * apart <= together


def test_workers_with_keys_serve_through_an_outage_for_as_long_as_the_settings_say() -> None:
    weather = Weather(outage=(60, 900))
    short, long = (
        simulate_workers(build_guard(max_age=60, max_stale=stale, backoff=120), weather, sample=5, until=900)
        for stale in (300, 900)
    )
    assert short.share(503, 0, 360) == 0
    assert short.share(503, 440, 900) == 1
    assert long.last_refusal < 0


@pytest.mark.parametrize(
    ("build", "weather", "refuses"),
    [
        (PyJwtKeys, Weather(outage=(600, 1800)), True),
        (AwsJwtVerifyKeys, Weather(outage=(600, 1800)), False),
        (FastapiCognitoKeys, Weather(outage=(600, 1800)), False),
        (MappingKeys, Weather(outage=(0, 1800)), False),
        (TwoHours, Weather(rotation=600), True),
        (FastapiCognitoKeys, Weather(rotation=600), True),
        (MappingKeys, Weather(rotation=600), True),
        (PyJwtKeys, Weather(rotation=600), False),
        (AwsJwtVerifyKeys, Weather(rotation=600), False),
        (FastapiCognitoKeys, Weather(limit=1), True),
    ],
)
def test_each_policy_refuses_what_its_source_or_its_documentation_says(
    build: Build, weather: Weather, refuses: bool
) -> None:
    outcome = simulate_workers(build, weather)
    assert (outcome.last_refusal > 1700) is refuses
    assert outcome.share(503, 0, 1800) == 0


def test_the_page_has_a_table_for_each_question() -> None:
    page = PAGE.read_text()
    names = re.findall(r"<!-- fleet: (.*) -->\n\n\| .* \|\n", page)
    assert len(names) == page.count("<!-- end -->") == 7
    assert write_tables(page, dict.fromkeys(names, "new")).count("\n\nnew\n\n<!-- end -->") == 7
