"""Measure cost against size, and print each curve with its exponent as Markdown."""

import argparse
import logging
import os
import sys
from time import perf_counter, process_time

from benchmarks.growth import pools, requests, routes
from benchmarks.growth.curves import Curve, render
from benchmarks.report import describe_machine, render_machine

_PARTS = {"routes": routes, "pools": pools, "requests": requests}


def main() -> None:
    """Run the command line. Exits with 1 if a cost grows faster than n log n."""
    parser = argparse.ArgumentParser(prog="scripts/growth", description=__doc__)
    parser.add_argument("--only", choices=sorted(_PARTS), help="one part of the curves")
    given = parser.parse_args()
    logging.disable()  # notes on the apps
    start, load, curves = perf_counter(), os.getloadavg(), list[Curve]()
    for name, part in _PARTS.items():
        if given.only in (None, name):
            for curve in part.measure():
                curves.append(curve)
                _report_progress(render([curve]).splitlines()[-1])
    loads = " ".join(f"{each:.1f}" for each in load)
    print(f"{render_machine(describe_machine())} Load {loads}.\n\n{render(curves)}")  # noqa: T201 - output
    _report_progress(f"done in {perf_counter() - start:.0f} s, {process_time():.0f} s of CPU")
    sys.exit(not all(curve.is_met for curve in curves))


def _report_progress(message: str) -> None:
    print(f"... {message}", file=sys.stderr, flush=True)  # noqa: T201 - progress


if __name__ == "__main__":
    main()
