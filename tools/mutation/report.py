"""Report the mutants that survived, by function. Run in the copy of the project that mutmut has worked in."""

import sys
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.format_utils import orig_function_and_class_names_from_key

EQUIVALENT = Path(__file__).with_name("equivalent.toml")
KILLED = {"killed", "timeout", "segfault"}
LEFT_OUT = {"caught by type check", "not checked"}

Survivors = dict[str, list[str]]


def report(modules: list[Path]) -> int:
    """Print figures and survivors. Return 1 if a mutant survived that is not listed as equivalent."""
    survivors: Survivors = defaultdict(list)
    for module in modules:
        statuses = read_statuses(module)
        counts = Counter("killed" if status in KILLED else status for status in statuses.values())
        figures = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
        sys.stdout.write(f"{module}: {figures or 'no mutants'}\n")
        for mutant, status in statuses.items():
            if status not in KILLED | LEFT_OUT:
                survivors[name_function(module, mutant)].append(describe_change(module, mutant, status))
    unexplained = sum(report_function(function, changes) for function, changes in survivors.items())
    sys.stdout.write(f"{unexplained} survivors that equivalent.toml does not explain\n")
    return 1 if unexplained else 0


def read_statuses(module: Path) -> dict[str, str]:
    """Return what became of each mutant of a module."""
    data = SourceFileMutationData(path=module)
    data.load()
    return {mutant: status_by_exit_code[code] for mutant, code in data.exit_code_by_key.items()}


def name_function(module: Path, mutant: str) -> str:
    """Return the name of a mutant's function, such as ``tokens.jwt.parse``."""
    function, class_name = orig_function_and_class_names_from_key(mutant)
    parts = [*module.with_suffix("").parts[1:], class_name, function]
    return ".".join(part for part in parts if part)


def describe_change(module: Path, mutant: str, status: str) -> str:
    """Return the lines that a mutant removes and adds."""
    diff = get_diff_for_mutant(mutant, path=module).splitlines()[2:]
    lines = [f"    {line[0]} {line[1:].strip()}" for line in diff if line[0] in "+-"]
    return "\n".join([f"  {mutant}: {status}", *lines])


def report_function(function: str, changes: list[str]) -> int:
    """Print a function's survivors. Return how many of them are not listed as equivalent."""
    listed = tomllib.loads(EQUIVALENT.read_text()).get(function, {"survivors": 0})
    unexplained = max(0, len(changes) - listed["survivors"])
    if unexplained:
        sys.stdout.write("\n".join([f"{function}: {len(changes)} survived", *changes, ""]))
    else:
        sys.stdout.write(f"{function}: {len(changes)} survived, as listed: {listed['why']}\n")
    return unexplained


if __name__ == "__main__":
    sys.exit(report([Path(module) for module in sys.argv[1:]]))
