"""Fixtures: one MiniStack for the run, and Chromium.

Without one of them, its tests are skipped, except in CI, where they fail.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.chromium import find_chromium, run_chromium
from tests.integration import bundle, ministack
from tests.integration.deployment import Deployed, deploy_everywhere
from tests.integration.ministack import EmulatedPool, create_pool, run_ministack


# Not for the whole run: while it is open, its event loop keeps other tests from having one.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = find_chromium()
    if program is None:
        reason = "Chromium is not installed: apt-get install chromium"
        if os.environ.get("REQUIRE_CHROMIUM"):
            pytest.fail(reason)
        pytest.skip(reason)
    with run_chromium(program) as browser:
        yield browser


@pytest.fixture(scope="session")
def ministack_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    command = ministack.find_program()
    if command is None:
        reason = "MiniStack is not installed: scripts/test installs it and sets MINISTACK"
        if os.environ.get("REQUIRE_MINISTACK"):
            pytest.fail(reason)
        pytest.skip(reason)
    with run_ministack(command, tmp_path_factory.mktemp("ministack")) as address:
        yield address


@pytest.fixture(scope="session")
def emulated_pool(ministack_address: str) -> EmulatedPool:
    return create_pool(ministack_address, "shop")


@pytest.fixture(scope="session")
def other_emulated_pool(ministack_address: str) -> EmulatedPool:
    return create_pool(ministack_address, "other shop")


@pytest.fixture(scope="session")
def task_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Directory of a deployed function: the example app and its dependencies."""
    directory = tmp_path_factory.mktemp("function") / "task"
    yield bundle.make_task_root(directory)
    shutil.rmtree(directory)  # pytest would keep its 40 MB


@pytest.fixture(scope="session")
def everywhere(emulated_pool: EmulatedPool, task_root: Path) -> Iterator[Deployed]:
    """Example app, deployed once for the whole run."""
    with deploy_everywhere(emulated_pool, task_root) as everywhere:
        yield everywhere
