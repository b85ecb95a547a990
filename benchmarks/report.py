"""Report of the measurements, as Markdown and as JSON."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.bursts import Ratio

_DISTRIBUTIONS = """fastapi-cognito-guard cryptography python-jose cachetools fastapi starlette pydantic
mangum uvicorn httptools uvloop h11 authlib cognitojwt fastapi-cloudauth fastapi-cognito joserfc
pyjwt aws-lambda-powertools fastmcp fastapi-oidc-guard""".split()


_VERDICTS = {True: "yes", False: "**missed**", None: ""}


@dataclass(frozen=True)
class Figure:
    """Ratio with its target: at most ``most``, or at least ``least``."""

    title: str
    ratio: Ratio
    most: float | None = None
    least: float | None = None

    @property
    def is_met(self) -> bool | None:
        """True if the median meets the target; None without a target."""
        if self.most is None and self.least is None:
            return None
        return not (
            (self.most is not None and self.ratio.median > self.most)
            or (self.least is not None and self.ratio.median < self.least)
        )

    @property
    def target(self) -> str:
        """Target as the table shows it."""
        if self.most is not None:
            return f"<= {self.most:.2f}"
        return f">= {self.least:.2f}" if self.least is not None else ""


def render_figures(figures: Sequence[Figure]) -> str:
    """Render a table with one row for each figure."""
    rows = ["| figure | measured | quartiles | reach | reached |", "|---|---|---|---|---|"]
    for figure in figures:
        ratio, verdict = figure.ratio, _VERDICTS[figure.is_met]
        spread = f"{ratio.low:.3f} to {ratio.high:.3f}"
        rows.append(f"| {figure.title} | {ratio.median:.3f} | {spread} | {figure.target} | {verdict} |")
    return "\n".join(rows)


def describe_machine() -> dict[str, Any]:
    """Return facts about the machine and the versions, without which figures cannot be compared."""
    return {
        "cpu": _read_cpu_name(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "load": [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        "versions": {name: found for name in _DISTRIBUTIONS if (found := _find_version(name))},
    }


def render_machine(facts: dict[str, Any]) -> str:
    """Render these facts as a sentence."""
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    return f"{facts['cpu']}, {facts['cores']} cores, {facts['python']} ({facts['system']}); {versions}."


def write_json(path: Path, figures: Sequence[Figure], **facts: Any) -> None:
    """Write figures and facts to a file."""
    rows = [{**asdict(figure), "reached": figure.is_met} for figure in figures]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**facts, "figures": rows}, indent=2) + "\n")


def _read_cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _find_version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
