"""Run the simulations, and write their tables and their plot into docs/scale.md."""

import argparse
import asyncio
import sys
from pathlib import Path
from time import perf_counter

from benchmarks.fleet import plot, report, scenarios
from benchmarks.fleet.policies import build_guard

_PAGE, _PLOT = Path("docs/scale.md"), Path("docs/images/fleet.svg")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="scripts/fleet", description=__doc__)
    parser.add_argument(
        "--sample", type=int, default=84, help="environments that are simulated of each fleet"
    )
    parser.add_argument("--write", action="store_true", help=f"write {_PAGE} and {_PLOT}, not only print")
    given = parser.parse_args()
    tables, drawing = asyncio.run(_run(given.sample))
    for name, table in tables.items():
        print(f"{name}\n\n{table}\n")  # noqa: T201 - output
    if given.write:
        _PLOT.write_text(drawing)
        _PAGE.write_text(report.write_tables(_PAGE.read_text(), tables))


async def _run(sample: int) -> tuple[dict[str, str], str]:
    start = perf_counter()

    def say(name: str) -> None:
        print(f"... {perf_counter() - start:4.0f} s: {name}", file=sys.stderr, flush=True)  # noqa: T201 - progress

    say("sizes")
    sizes = await scenarios.run_sizes(sample)
    say("in step")
    in_step = await scenarios.run_in_step(3 * sample)
    say("rotation")
    rotation = await scenarios.run_rotation(sample)
    say("limits")
    limits = await scenarios.run_limits(12 * sample)
    say("outages of a function")
    function = await scenarios.run_outages(scenarios.build_lambda(1_000, sample=max(1, sample // 2)))
    say("outages of pods")
    longer = {"the guard, `max_stale=14400`": build_guard(max_stale=14400)}
    pods = await scenarios.run_outages(scenarios.build_pods(250, 4, sample=max(1, sample // 2)), longer)
    say("done")
    tables = {
        "sizes": report.render_sizes(sizes, lambda size: scenarios.build_lambda(int(size)).ramp),
        "in step": report.render_in_step(in_step),
        "rotation": report.render_rotation(rotation),
        "limits": report.render_limits(limits, scenarios.build_lambda(1_000).ramp),
        "outages of a function": report.render_outages(function),
        "outages of pods": report.render_outages(pods),
        "rates in outages": report.render_rates_of_outages(pods),
    }
    return tables, plot.draw(in_step, function)


if __name__ == "__main__":
    main()
