"""The part of the pytest plugin that records and prints. It is loaded only if the report is asked for."""

from contextlib import ExitStack
from typing import Any

import pytest

from fastapi_cognito_guard.decisions import observe_requests
from fastapi_cognito_guard.testing.authz_report.recorder import Recorder
from fastapi_cognito_guard.testing.authz_report.text import format_percent, format_report

_OUTPUT = "fastapi_cognito_guard"  # the key in what a worker of pytest-xdist sends


class AuthzReport:
    """Hooks of pytest, and of pytest-xdist if it is there.

    ``fail_under``  the percent below which the run fails, or None
    """

    def __init__(self, config: pytest.Config, fail_under: float | None) -> None:
        self._fail_under = fail_under or 0.0
        self._is_worker = hasattr(config, "workerinput")
        self._recorder = Recorder()
        self._has_run = False
        self._stack = ExitStack()
        self._stack.enter_context(observe_requests(self._recorder))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Note that tests run. ``--collect-only`` and ``--fixtures`` have nothing to report."""
        self._has_run = not session.config.option.collectonly

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Merge what a worker of pytest-xdist has recorded. A worker that crashed sends nothing."""
        self._recorder.tally.merge(getattr(node, "workeroutput", {}).get(_OUTPUT, []))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Let the run fail below the threshold; a worker of pytest-xdist sends what it has recorded."""
        tally = self._recorder.tally
        if self._is_worker:
            output: dict[str, Any] = vars(session.config)["workeroutput"]
            output[_OUTPUT] = tally.dump()
        elif self._has_run and session.exitstatus == pytest.ExitCode.OK and self._is_too_low():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the report."""
        if not self._has_run:
            return
        terminalreporter.section("authorization: outcomes that tests exercised")
        for line in format_report(self._recorder.tally):
            terminalreporter.write_line(line)
        if self._is_too_low():
            tally = self._recorder.tally
            share = f"{format_percent(tally)} of outcomes" if tally.total else "no outcome"
            terminalreporter.write_line("")
            terminalreporter.write_line(
                f"FAILED: {share} exercised, below --authz-fail-under={self._fail_under:g}", red=True
            )

    def pytest_unconfigure(self) -> None:
        """Stop recording."""
        self._stack.close()

    def _is_too_low(self) -> bool:
        return not self._recorder.tally.reaches(self._fail_under)
