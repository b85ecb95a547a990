"""Compare this guard with other libraries, and write docs/comparison.md. It takes some minutes."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter

from benchmarks import peers, report
from benchmarks.compare import cases, coldstart, faults
from benchmarks.compare.adapters import COMPARED, Peer
from benchmarks.compare.keyserver import make_certificate
from benchmarks.compare.page import Data, render_page

_BEGIN = perf_counter()


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="scripts/compare", description=__doc__)
    parser.add_argument("--page", type=Path, default=Path("docs/comparison.md"), help="where to write it")
    parser.add_argument("--rounds", type=int, default=100, help="rounds of the speed comparison")
    parser.add_argument("--processes", type=int, default=5, help="cold starts of each library")
    given = parser.parse_args()
    make_certificate()
    given.page.write_text(render_page(run(rounds=given.rounds, processes=given.processes)))
    _report(f"written: {given.page}")


def run(*, rounds: int, processes: int) -> Data:
    """Run all comparisons. What needs a quiet machine comes last, alone."""
    versions = {peer.name: found for peer in COMPARED if (found := _find_version(peer.distribution))}
    _report("verdicts")
    verdicts = {peer.name: cases.judge(peer) for peer in COMPARED if peer.name in versions}
    skipped = {peer.name: _explain_skip(peer) for peer in COMPARED if not verdicts.get(peer.name)}
    running = [peer for peer in COMPARED if peer.name not in skipped]
    skipped |= _find_refusing(verdicts)
    found = _try_faults(running)
    starting = [peer for peer in running if peer.name not in skipped]
    _report("speed")
    outcomes, _ = peers.measure(rounds=rounds, calls=20)
    starts = coldstart.measure(starting, processes=processes, report=_report)
    return Data(
        date=datetime.now(UTC).date().isoformat(),
        machine=_describe_machine(),
        versions=versions,
        skipped=skipped,
        verdicts={name: own for name, own in verdicts.items() if own},
        faults=found,
        speed=outcomes,
        starts=starts,
    )


def _find_refusing(verdicts: Mapping[str, Sequence[cases.Verdict]]) -> dict[str, str]:
    """Find libraries that refuse a user's good token: their refusals prove nothing."""
    return {
        name: f"refuses a good token: {own[0].answer}"
        for name, own in verdicts.items()
        if own and own[0].answer != cases.ACCEPTS
    }


def _try_faults(running: Sequence[Peer]) -> dict[str, dict[str, list[faults.Step]]]:
    """Try all faults on all libraries. They mostly wait, so ten run at a time."""
    found: dict[str, dict[str, list[faults.Step]]] = {}
    with ThreadPoolExecutor(10) as pool:
        jobs = [
            (title, peer.name, pool.submit(faults.try_scenario, peer, scenario))
            for title, (scenario, _) in faults.SCENARIOS.items()
            for peer in running
        ]
        for title, name, job in jobs:
            if title not in found:
                _report(f"key-server faults: {title}")
            found.setdefault(title, {})[name] = job.result()
    return found


def _explain_skip(peer: Peer) -> str:
    if peer.make is None:
        return "skipped: node or the package is not installed"
    installed = _find_version(peer.distribution)
    return "skipped: it ended without an answer" if installed else "skipped: it cannot be installed here"


def _find_version(distribution: str) -> str | None:
    if distribution == "aws-jwt-verify":
        manifest = Path(os.environ.get("NODE_PATH", ""), distribution, "package.json")
        return str(json.loads(manifest.read_text())["version"]) if manifest.is_file() else None
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _describe_machine() -> str:
    facts = report.describe_machine()
    try:
        done = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=10)  # noqa: S607 - as the worker
        node = f", Node {done.stdout.strip().removeprefix('v')}"
    except OSError:
        node = ""
    cryptography = facts["versions"].get("cryptography", "?")
    return f"{facts['cpu']}, {facts['cores']} cores, {facts['python']}{node}, cryptography {cryptography}"


def _report(message: str) -> None:
    print(f"... {message} ({perf_counter() - _BEGIN:.0f} s)", file=sys.stderr, flush=True)  # noqa: T201 - progress


if __name__ == "__main__":
    main()
