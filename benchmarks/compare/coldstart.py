"""Whole processes, from their start to the first verified token, relative to the PyJWT recipe."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

from benchmarks.bursts import Ratio, compute_ratio
from benchmarks.compare.adapters import Peer
from benchmarks.compare.cases import ACCEPTS
from benchmarks.compare.process import start_library
from benchmarks.compare.site import Site, open_site

BASE = "PyJWT recipe"
OPTIONS = {"alone": (), "in a FastAPI app": ("--fastapi",)}


@dataclass(frozen=True)
class Start:
    """Cold start of a library: the median in milliseconds, and the ratio to the recipe."""

    milliseconds: float
    ratio: Ratio


def measure(
    peers: Iterable[Peer], *, processes: int, report: Callable[[str], None]
) -> dict[str, dict[str, Start]]:
    """Return the cold starts by kind, by name."""
    chosen = list(peers)
    results: dict[str, dict[str, Start]] = {}
    for kind, options in OPTIONS.items():
        report(f"cold start {kind}")
        python = [peer for peer in chosen if peer.make is not None or not options]
        results[kind] = _summarise(_run_rounds(python, processes, options))
    return results


def _run_rounds(peers: Sequence[Peer], processes: int, options: Sequence[str]) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for number in range(processes + 1):
        for peer in peers[:: -1 if number % 2 else 1]:
            with open_site(**peer.needs) as site:
                seconds = _start(peer, site, options)
            if number:  # the first round writes bytecode
                took[peer.name].append(seconds)
    return took


def _start(peer: Peer, site: Site, options: Sequence[str]) -> float:
    token = site.issue()
    begin = perf_counter()
    with start_library(peer, site.place, *options) as library:
        (answer,) = library.ask([token])
        seconds = perf_counter() - begin
    if answer.text != ACCEPTS:
        raise RuntimeError(f"{peer.name} refuses a good token: {answer.text}")
    return seconds


def _summarise(took: Mapping[str, Sequence[float]]) -> dict[str, Start]:
    return {
        name: Start(median(seconds) * 1000, compute_ratio(list(zip(seconds, took[BASE], strict=True))))
        for name, seconds in took.items()
    }
