"""Files about the project: workflows use pinned actions and its scripts, and pages name what exists."""

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def list_steps(workflow: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(workflow.read_text())["jobs"].values()
    return [step for job in jobs for step in job.get("steps", [])]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_pinned_actions_and_scripts_of_the_project_only(workflow: Path) -> None:
    uses = re.findall(r"uses: (\S.*)", workflow.read_text())
    assert all(PINNED.fullmatch(each) or each == "./.github/workflows/ci.yml" for each in uses)
    for step in list_steps(workflow):
        if "run" in step:
            (script,) = re.findall(r"(?:scripts|\.ci)/\w+", step["run"])
            assert os.access(ROOT / script, os.X_OK) or not (ROOT / ".ci").exists()  # not in an sdist
        if "checkout" in step.get("uses", ""):
            assert step["with"] == {"persist-credentials": False}


def test_only_the_job_that_publishes_has_more_rights_than_to_read_and_runs_none_of_our_code() -> None:
    for workflow in WORKFLOWS:
        content = yaml.safe_load(workflow.read_text())
        assert content["permissions"] == {"contents": "read"}
        for name, job in content["jobs"].items():
            assert ("permissions" in job) == (name == "publish")
            assert "secrets" not in json.dumps(job)
    publish = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]["publish"]
    assert publish["needs"] == ["ci", "build"]
    assert publish["environment"] == "pypi"
    assert not any("run" in step or "checkout" in step["uses"] for step in publish["steps"])


def test_the_pythons_of_the_metadata_are_tested_and_named_as_supported() -> None:
    named = [each.rpartition(" ")[2] for each in PROJECT["classifiers"] if "Python :: 3." in each]
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    tested = [
        jobs["all"]["steps"][1]["with"]["python-version"],
        *jobs["pythons"]["strategy"]["matrix"]["python"],
    ]
    assert tested == named
    assert PROJECT["requires-python"] == f">={named[0]}"
    assert f"| Python | {named[0]} to {named[-1]};" in (ROOT / "SECURITY.md").read_text()


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "SECURITY.md"])
def test_a_page_names_scripts_and_files_that_exist(page: str) -> None:
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / target).is_file(), target
    for script in re.findall(r"scripts/\w+", text):
        assert os.access(ROOT / script, os.X_OK), script
