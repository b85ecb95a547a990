"""Fixtures: a Redis server on loopback. Without the program, tests are skipped, except with REQUIRE_REDIS."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.processes import find_port, run_server


@contextmanager
def run_redis(program: str, directory: Path) -> Iterator[str]:
    """Run a Redis server on a free port of 127.0.0.1, and yield its address."""
    port = find_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(directory)]
    with run_server([program, *options], directory, port):
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        reason = "redis-server is not installed: apt install redis-server"
        if os.environ.get("REQUIRE_REDIS"):
            pytest.fail(reason)
        pytest.skip(reason)
    with run_redis(program, tmp_path_factory.mktemp("redis")) as url:
        yield url
