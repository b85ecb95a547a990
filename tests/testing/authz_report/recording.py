"""Recording of what the requests of a test exercise."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi_cognito_guard.decisions import observe_requests
from fastapi_cognito_guard.testing.authz_report.recorder import Recorder
from fastapi_cognito_guard.testing.authz_report.tally import AppTally, Tally

Outcome = tuple[str, str]
"""Method with path, and outcome."""


@contextmanager
def recording() -> Iterator[Tally]:
    recorder = Recorder()
    with observe_requests(recorder):
        yield recorder.tally


def only_app(tally: Tally) -> AppTally:
    (app,) = tally.apps.values()
    return app


def list_outcomes(app: AppTally, *, exercised: bool | None = None) -> set[Outcome]:
    """Return the outcomes of an app: all, or only those that were exercised, or were not."""
    return {
        (f"{method} {path}", outcome)
        for (path, method), outcomes in app.routes.items()
        for outcome, was_exercised in outcomes.items()
        if exercised is None or was_exercised is exercised
    }
