"""Report of a run, as Markdown."""

import os
from importlib.metadata import PackageNotFoundError, version

from benchmarks.report import describe_machine, render_machine
from benchmarks.soak.verdicts import Tally
from benchmarks.soak.workers import WORKERS, Memory

_FASTER = ("httptools", "uvloop")


def render(tally: Tally, memory: Memory, log: str, fetches: int) -> tuple[str, bool]:
    """Return the report, and True if nothing is wrong."""
    faults = {
        "wrong verdicts": tally.wrong,
        "503 outside outages": tally.outside_503,
        "other 5xx": tally.other_5xx,
        "requests without an answer": tally.unanswered,
        "tracebacks in the log": log.count("Traceback"),
        "workers that grow": sum(not memory.is_flat(pid) for pid in memory.readings),
        "workers too few or restarted": abs(len(tally.workers) - WORKERS),
    }
    parts = (
        _describe(tally, fetches),
        _render_kinds(tally),
        _render_faults(tally),
        _render_memory(memory),
        "\n".join(["| must be 0 | |", "|---|---|", *(f"| {name} | {n} |" for name, n in faults.items())]),
        *tally.examples,
        log[-4000:] if "Traceback" in log else "",
    )
    return "\n\n".join(part for part in parts if part), not any(faults.values())


def _describe(tally: Tally, fetches: int) -> str:
    facts = describe_machine()
    extra = ", ".join(f"{name} {found}" for name in _FASTER if (found := _find_version(name)))
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    spread = " and ".join(str(number) for number in tally.workers.values())
    return (
        f"{render_machine(facts)} {extra or 'Without httptools and uvloop.'} Load {load}.\n"
        f"{tally.sent.total()} requests, {spread} accepted by each worker, {fetches} requests for keys."
    )


def _find_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _render_kinds(tally: Tally) -> str:
    rows = ["| tokens | requests | slowest answer (s) | verdicts |", "|---|---|---|---|"]
    for kind, sent in sorted(tally.sent.items()):
        found = ", ".join(f"{code} {n}" for (of, code), n in sorted(tally.verdicts.items()) if of == kind)
        rows.append(f"| {kind} | {sent} | {tally.slowest[kind]:.2f} | {found} |")
    return "\n".join(rows)


def _render_faults(tally: Tally) -> str:
    rows = ["| fault of the key server | seconds | 503 | recovery (s) |", "|---|---|---|---|"]
    rows += [
        f"| {each.name} | {each.end - each.start:.1f} | {each.count_503} | {each.recovery:.2f} |"
        for each in tally.timeline.faults
        if each.end != float("inf")
    ]
    return "\n".join(rows)


def _render_memory(memory: Memory) -> str:
    rows = ["| worker | memory over time (MiB) | KiB per minute after the first third |", "|---|---|---|"]
    for number, (pid, readings) in enumerate(memory.readings.items(), 1):
        step = max(1, len(readings) // 10)
        sizes = " ".join(f"{each.kib / 1024:.1f}" for each in readings[::step])
        rows.append(f"| {number} | {sizes} | {memory.compute_slope(pid):+.0f} |")
    return "\n".join(rows)
