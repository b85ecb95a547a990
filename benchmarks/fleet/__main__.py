"""Run the simulations, and write their tables and their plot into docs/scale.md."""

import argparse
import asyncio
from pathlib import Path

from benchmarks.fleet import plot, report, scenarios
from benchmarks.fleet.policies import build_guard

_PAGE, _PLOT = Path("docs/scale.md"), Path("docs/images/fleet.svg")


async def answer_sizes(sample: int) -> dict[str, str]:
    """Answer how often fleets of each size fetch."""
    outcomes = await scenarios.run_sizes(sample)
    return {"sizes": report.render_sizes(outcomes, lambda size: scenarios.build_lambda(int(size)).ramp)}


async def answer_rotation(sample: int) -> dict[str, str]:
    """Answer what becomes of requests when the pool takes a new key."""
    return {"rotation": report.render_rotation(await scenarios.run_rotation(sample))}


async def answer_limits(sample: int) -> dict[str, str]:
    """Answer what becomes of requests when the address of the keys has a limit."""
    return {"limits": report.render_limits(await scenarios.run_limits(), scenarios.build_lambda(400).ramp)}


async def answer_pods(sample: int) -> dict[str, str]:
    """Answer what becomes of requests to workers that stay, in an outage."""
    fleet = scenarios.build_pods(250, 4, sample=max(1, sample // 2))
    outcomes = await scenarios.run_outages(
        fleet, {"the guard, `max_stale=14400`": build_guard(max_stale=14400)}
    )
    return {
        "outages of pods": report.render_outages(outcomes),
        "rates in outages": report.render_rates_of_outages(outcomes),
    }


async def answer_plot(sample: int) -> dict[str, str]:
    """Answer what the plot shows: fetches of workers that started at once, and outages of a function."""
    in_step = await scenarios.run_in_step(3 * sample)
    function = await scenarios.run_outages(scenarios.build_lambda(1_000, sample=max(1, sample // 2)))
    return {
        "in step": report.render_in_step(in_step),
        "outages of a function": report.render_outages(function),
        str(_PLOT): plot.draw(in_step, function),
    }


_QUESTIONS = {
    "sizes": answer_sizes,
    "rotation": answer_rotation,
    "limits": answer_limits,
    "pods": answer_pods,
    "plot": answer_plot,
}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="scripts/fleet", description=__doc__)
    parser.add_argument("question", nargs="*", help=f"{', '.join(_QUESTIONS)}; all without one")
    parser.add_argument("--sample", type=int, default=80, help="environments that are simulated of a fleet")
    parser.add_argument("--write", action="store_true", help=f"write {_PAGE} and {_PLOT}, not only print")
    given = parser.parse_args()
    if not _QUESTIONS.keys() >= {*given.question}:
        parser.error(f"the questions are {', '.join(_QUESTIONS)}")
    for name in given.question or _QUESTIONS:
        answers = asyncio.run(_QUESTIONS[name](given.sample))
        drawing = answers.pop(str(_PLOT), None)
        for title, table in answers.items():
            print(f"{title}\n\n{table}\n", flush=True)  # noqa: T201 - output
        if given.write:
            _PAGE.write_text(report.write_tables(_PAGE.read_text(), answers))
        if given.write and drawing is not None:
            _PLOT.write_text(drawing)


if __name__ == "__main__":
    main()
