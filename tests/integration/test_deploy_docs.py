"""docs/deploy.md: its files are written and its commands run, with a real AWS CLI against MiniStack."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration import ministack

pytestmark = pytest.mark.ministack

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploy.md").read_text()
STEPS = re.findall(r"^## (\d+)\. (.*?)$(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"```(\w+)(?: (\S+))?\n(.*?)```", re.DOTALL)
SKIPPED = {"1"}
"""Steps that the test environment has already done."""

# MiniStack does not answer at AWS host names, so its addresses replace them in the CLI's output.
_AWS = """#!/usr/bin/env bash
set -o pipefail
{aws} "$@" | sed -E \
  -e 's#https://([a-z0-9]+)\\.execute-api\\.[a-z0-9-]+\\.amazonaws\\.com#{address}/_aws/execute-api/\\1#' \
  -e 's#https://[a-z0-9-]+\\.auth\\.[a-z0-9-]+\\.amazoncognito\\.com#{address}#'
"""
# Tests download nothing: the libraries for MiniStack's Python are already installed.
_PIP = r"""#!/usr/bin/env bash
[[ "$*" == *"--target package"*"--platform manylinux2014_aarch64 --python-version 3.13"* ]] \
  && cp -R {task_root} package
"""


def test_the_page_has_ten_steps() -> None:
    assert [number for number, _, _ in STEPS] == [str(number) for number in range(1, 11)]


def test_following_the_page_deploys_a_protected_api(
    ministack_address: str, task_root: Path, tmp_path: Path
) -> None:
    commands = tmp_path / "bin"
    commands.mkdir()
    aws = Path(ministack.find_program() or "").with_name("aws")
    make_command(commands / "aws", _AWS.format(aws=aws, address=ministack_address))
    make_command(commands / "pip", _PIP.format(task_root=task_root))
    here = tmp_path / "here"
    here.mkdir()
    (here / "guard").symlink_to(ROOT)
    script = write_files(here)
    environ = {
        "PATH": os.pathsep.join([str(commands), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": ministack_address,
        "AWS_DEFAULT_REGION": ministack.REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=here, env=environ, capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    statuses = re.findall(r"^(\d{3})$", done.stdout, re.MULTILINE)
    assert statuses == re.findall(r"^(?:status|  --header) .*# (\d{3})$", PAGE, re.MULTILINE)
    assert done.stdout.splitlines()[-1] == re.findall(r"^It prints `(.*?)`", PAGE, re.MULTILINE)[0]
    assert "warning: " not in done.stderr
    assert "note: DELETE /items/{id}" in done.stderr


def write_files(directory: Path) -> str:
    """Write the page's files, and return its commands as one script."""
    script = []
    for number, _, text in STEPS:
        for language, name, content in BLOCK.findall(text):
            if name:
                (directory / name).write_text(content)
            elif language == "sh" and number not in SKIPPED:
                script.append(content)
    return "\n".join(script)


def make_command(path: Path, content: str) -> None:
    """Write an executable that replaces a command."""
    path.write_text(content)
    path.chmod(0o755)
