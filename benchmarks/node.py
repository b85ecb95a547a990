"""Cost of aws-jwt-verify, AWS's own library, in Node."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.bursts import Ratio, compute_ratio

_SCRIPT = Path(__file__).with_name("aws_jwt_verify.cjs")
_TIMEOUT = 120  # seconds


class Unavailable(Exception):
    """Node or the library is not installed."""


def measure(order: dict[str, Any]) -> tuple[list[str], Ratio, list[float]]:
    """Return the answers to each case, the ratio to Node's own verification, and the seconds of each round.

    Raises `Unavailable`.
    """
    node = shutil.which("node")
    if node is None:
        raise Unavailable("node is not installed")
    done = subprocess.run(  # noqa: S603 - our own script
        [node, str(_SCRIPT)], input=json.dumps(order), capture_output=True, text=True, timeout=_TIMEOUT
    )
    if done.returncode == 3:
        raise Unavailable("npm could not install aws-jwt-verify")
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise Unavailable(f"node failed: {lines[-1] if lines else done.returncode}")
    result = json.loads(done.stdout)
    pairs = result["pairs"]
    return (
        result["answers"],
        compute_ratio([(one, raw) for one, raw in pairs]),
        [one / 1e9 for one, _ in pairs],
    )
