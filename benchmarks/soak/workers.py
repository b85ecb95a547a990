"""Uvicorn with two workers, and their memory."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import linear_regression, median
from typing import NamedTuple

from fastapi_cognito_guard.testing import FakeUserPool
from tests.processes import find_port, run_server

WORKERS = 2
_ALLOWED = 3 * 1024  # KiB by which a worker may grow from the second third of a run to the last


class Reading(NamedTuple):
    """Resident memory of a process, in KiB."""

    at: float
    kib: int


@contextmanager
def run_workers(pool: FakeUserPool, keys: str, directory: Path) -> Iterator[int]:
    """Serve the app within the block, and yield the port. ``server.log`` in the directory has the log."""
    port = find_port()
    environ = {
        **os.environ,
        "PYTHONPATH": str(Path.cwd()),
        "SOAK_POOL_ID": pool.id,
        "SOAK_CLIENT_ID": pool.client_id,
        "SOAK_KEYS": keys,
    }
    command = [sys.executable, "-m", "uvicorn", "benchmarks.soak.app:app", "--workers", str(WORKERS)]
    command += ["--port", str(port), "--no-access-log", "--log-level", "warning"]
    with run_server(command, directory, port, environ):
        yield port


def read_memory(pid: int) -> int | None:
    """Return the resident memory of a process in KiB, or None if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), None)


class Memory:
    """Memory of each worker over time."""

    def __init__(self) -> None:
        self.readings: dict[int, list[Reading]] = {}

    def read(self, pids: list[int], at: float) -> None:
        """Add a reading for each process."""
        for pid in pids:
            found = read_memory(pid)
            if found is not None:
                self.readings.setdefault(pid, []).append(Reading(at, found))

    def is_flat(self, pid: int) -> bool:
        """Return True if a worker did not grow after the first third of the run, which fills its caches."""
        sizes = [each.kib for each in self.readings[pid]]
        third = len(sizes) // 3
        return third == 0 or median(sizes[-third:]) - median(sizes[third : 2 * third]) <= _ALLOWED

    def compute_slope(self, pid: int) -> float:
        """Return KiB per minute, by linear regression without the first third."""
        readings = self.readings[pid][len(self.readings[pid]) // 3 :]
        if len(readings) < 2:
            return 0.0
        slope, _ = linear_regression([each.at for each in readings], [each.kib for each in readings])
        return slope * 60
