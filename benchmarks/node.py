"""aws-jwt-verify, AWS's own library, in Node: with its ratio to Node's own verification."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.timing import Ratio, ratio_of

_SCRIPT = Path(__file__).with_name("aws_jwt_verify.cjs")
_PATIENCE = 120  # seconds


class Unavailable(Exception):
    """Node or the library is not there. Says which."""


def measure(order: dict[str, Any]) -> tuple[list[str], Ratio, list[float]]:
    """What it answers to each case, its ratio, and the seconds of each round. Raises `Unavailable`."""
    node = shutil.which("node")
    if node is None:
        raise Unavailable("there is no node")
    done = subprocess.run(  # noqa: S603 - our own script
        [node, str(_SCRIPT)], input=json.dumps(order), capture_output=True, text=True, timeout=_PATIENCE
    )
    if done.returncode == 3:
        raise Unavailable("npm could not install it")
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise Unavailable(f"node failed: {lines[-1] if lines else done.returncode}")
    result = json.loads(done.stdout)
    pairs = result["pairs"]
    return result["answers"], ratio_of([(one, raw) for one, raw in pairs]), [one / 1e9 for one, _ in pairs]
