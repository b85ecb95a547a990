"""One MiniStack for the whole run; skipped with the reason where there is none, but never in CI."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import bundle, ministack
from tests.integration.deployed import Deployed, deployed
from tests.integration.ministack import EmulatedPool, make_pool, running


@pytest.fixture(scope="session")
def ministack_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    command = ministack.program()
    if command is None:
        reason = "MiniStack is not here: scripts/test installs it and sets MINISTACK"
        if os.environ.get("REQUIRE_MINISTACK"):
            pytest.fail(reason)
        pytest.skip(reason)
    with running(command, tmp_path_factory.mktemp("ministack")) as address:
        yield address


@pytest.fixture(scope="session")
def emulated_pool(ministack_address: str) -> EmulatedPool:
    return make_pool(ministack_address, "shop")


@pytest.fixture(scope="session")
def other_emulated_pool(ministack_address: str) -> EmulatedPool:
    return make_pool(ministack_address, "somebody else's")


@pytest.fixture(scope="session")
def task_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The example app and all that it needs, as they lie in a function."""
    directory = tmp_path_factory.mktemp("function") / "task"
    yield bundle.make_task_root(directory)
    shutil.rmtree(directory)  # 40 MB, which pytest would keep


@pytest.fixture(scope="session")
def everywhere(emulated_pool: EmulatedPool, task_root: Path) -> Iterator[Deployed]:
    """The app, deployed once for the whole run behind every kind of gateway, and standalone."""
    with deployed(emulated_pool, task_root) as everywhere:
        yield everywhere
