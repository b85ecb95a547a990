"""Answers of the libraries while the key server fails, and the fetches that they make."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import sleep

from benchmarks.compare.adapters import Peer
from benchmarks.compare.keyserver import SLOW, Fault
from benchmarks.compare.process import Answer, Ended, Library, start_library
from benchmarks.compare.site import Site, open_site
from benchmarks.tokens import make_tokens_with_unknown_kids

WAIT = 4.0  # seconds, after which a library is asked again
FLOOD = 200


@dataclass(frozen=True)
class Step:
    """Answer to a token, and the fetches of keys since the step before."""

    title: str
    answer: str
    seconds: float
    fetches: int


@dataclass
class Trial:
    """Library at a site, and what it has answered so far."""

    library: Library
    site: Site
    steps: list[Step] = field(default_factory=list)
    _fetches: int = 0

    def ask(self, title: str, *tokens: str) -> None:
        """Send tokens, by default a good one, and record the answer to the last."""
        answers = self.library.ask(tokens or [self.site.issue()])
        self.record(title, answers[-1])

    def record(self, title: str, answer: Answer) -> None:
        """Record an answer."""
        made = self.site.server.fetches - self._fetches
        self._fetches += made
        self.steps.append(Step(title, answer.text, answer.seconds, made))

    def ask_after_mending(self) -> None:
        """Ask at once and later."""
        self.ask("mended: at once")
        sleep(WAIT)
        self.ask(f"{WAIT:.0f} s later")


def refuse_connections(trial: Trial) -> None:
    trial.ask("first token")
    trial.site.server.start()
    trial.ask_after_mending()


def answer_500(trial: Trial) -> None:
    _fail(trial, "500")


def answer_junk(trial: Trial) -> None:
    _fail(trial, "junk")


def _fail(trial: Trial, fault: Fault) -> None:
    server = trial.site.server
    server.fault = fault
    server.start()
    trial.ask("first token")
    server.fault = None
    trial.ask_after_mending()


def answer_slowly(trial: Trial) -> None:
    trial.site.server.fault = "slow"
    trial.site.server.start()
    trial.ask("first token")


def stop_later(trial: Trial) -> None:
    trial.site.server.start()
    trial.ask("before")
    trial.site.server.stop()
    trial.ask("a token with a known key")
    trial.ask("an unknown key", *make_tokens_with_unknown_kids(trial.site.pool, 1))


def rotate_keys(trial: Trial) -> None:
    trial.site.server.start()
    trial.ask("before")
    old = trial.site.issue()
    trial.site.pool.rotate()
    trial.ask("new key: at once")
    sleep(WAIT)
    trial.ask(f"{WAIT:.0f} s later")
    trial.ask("a token with the old key", old)


def flood(trial: Trial) -> None:
    trial.site.server.start()
    trial.ask("before")
    trial.ask("the last of the flood", *make_tokens_with_unknown_kids(trial.site.pool, FLOOD))
    trial.ask("a token with a known key")
    trial.site.pool.rotate()
    trial.ask("a new key, at once")


Scenario = Callable[[Trial], None]
SCENARIOS: dict[str, tuple[Scenario, str]] = {
    "Connections are refused": (refuse_connections, "Nothing listens when the first token comes."),
    "Status 500": (answer_500, "The key server answers 500 when the first token comes."),
    "Junk": (answer_junk, "The key server answers 200 with a page of HTML when the first token comes."),
    "Slow": (answer_slowly, f"The key server takes {SLOW:.0f} s to answer the first token."),
    "Down later": (stop_later, "The key server stops after the keys were fetched."),
    "Rotation": (rotate_keys, "The pool replaces its keys, and withdraws the old ones at the same time."),
    "Flood": (
        flood,
        f"{FLOOD} tokens come, each with another unknown `kid`. Then the pool replaces its keys.",
    ),
}
"""Faults by their title, each with a sentence about it."""


def try_scenario(peer: Peer, scenario: Scenario) -> list[Step]:
    """Return what a library answered. It has verified a token at another site before, so all is imported."""
    with (
        open_site(**peer.needs) as first,
        open_site(**peer.needs, started=False) as site,
        start_library(peer, first.place) as library,
    ):
        trial = Trial(library, site)
        try:
            library.ask([first.issue()])
            library.move(site.place)
            scenario(trial)
        except Ended:
            trial.record("ended", Answer("no answer within a minute", 0.0))
        return trial.steps
