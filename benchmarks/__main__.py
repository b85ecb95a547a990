"""Run all benchmarks, print them as Markdown, and write them as JSON."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks import coldstart, function, peers, report, routes, server, startup, verify

_QUICK = {"verify": 60, "routes": 25, "server": 6, "function": 25, "startup": 9, "peers": 30}
_FULL = {"verify": 400, "routes": 200, "server": 20, "function": 200, "startup": 31, "peers": 200}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: under a minute")
    parser.add_argument("--json", type=Path, default=Path(".venv-bench/bench.json"), help="where to write it")
    given = parser.parse_args()
    rounds, start, before = _QUICK if given.quick else _FULL, perf_counter(), report.describe_machine()
    figures, medians = _measure_figures(rounds)
    _report_progress("peers")
    outcomes, took = peers.measure(rounds=rounds["peers"], calls=20)
    medians["peers"] = took.compute_medians()
    lines = (report.render_machine(before), report.render_figures(figures), peers.render_tables(outcomes))
    print("\n\n".join(lines))  # noqa: T201 - output
    _report_progress(
        f"done in {perf_counter() - start:.0f} s; load before {before['load']}, see {given.json}"
    )
    report.write_json(
        given.json,
        figures,
        machine=before,
        load_after=report.describe_machine()["load"],
        median_microseconds=medians,
        peers=[asdict(outcome) for outcome in outcomes],
    )


def _measure_figures(rounds: dict[str, int]) -> tuple[list[report.Figure], dict[str, Any]]:
    figures: list[report.Figure] = []
    medians: dict[str, Any] = {}
    for name, measured, calls in (
        ("verify", verify.measure, 50),
        ("routes", routes.measure, 50),
        ("server", server.measure, 400),
        ("function", function.measure, 50),
    ):
        _report_progress(name)
        found, took = measured(rounds=rounds[name], calls=calls)
        figures += found
        medians[name] = took.compute_medians()
    _report_progress("startup")
    figures += startup.measure(processes=rounds["startup"])
    _report_progress("cold start")
    return [*figures, *coldstart.measure(processes=rounds["startup"])], medians


def _report_progress(message: str) -> None:
    print(f"... {message}", file=sys.stderr, flush=True)  # noqa: T201 - progress


if __name__ == "__main__":
    main()
