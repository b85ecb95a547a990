"""Mutation tests: change the package in one place at a time, and report each change that no test notices.

mutmut makes the changes and runs the tests that call the changed function. This script copies the project
to build/mutation, selects modules and tests, and runs mutate.py and report.py there.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).resolve().parent
ROOT = TOOL.parent.parent
COPY = ROOT / "build" / "mutation"
PACKAGE = Path("fastapi_cognito_guard")
PARTS = [f"{PACKAGE}_pytest.py", "tests", "docs", "example_app", "README.md", "SECURITY.md", "CHANGELOG.md"]

# A module in a folder of the package is tested by the folder of the same name in tests/, and these.
ALSO_TESTS = {"tokens": ["tests/attacks/test_*.py"], "gateway": ["tests/test_parity.py"]}
# All others are tested by the files in tests/ and tests/field.
ROOT_TESTS = ["tests/test_*.py", "tests/field/test_*.py"]
# Slow tests, and tests about documents.
LEFT_OUT = """
    tests/attacks/test_differential.py tests/attacks/test_mutations.py tests/attacks/test_wycheproof.py
    tests/deploy/authorizer/test_policies.py tests/deploy/definition/test_templates.py
    tests/deploy/test_package.py tests/deploy/test_templates.py tests/test_example_app.py
    tests/test_kit_docs.py tests/test_public_api.py tests/test_readme.py tests/test_security.py
""".split()

# What mypy reports cannot reach a user of this package. mutmut does not run the tests for it.
MYPY = ["mypy", "--strict", "--no-warn-unused-ignores", "--config-file=", "--output=json", str(PACKAGE)]


def main() -> int:
    """Run the command line. Return 1 if a mutant survived that is not listed in equivalent.toml."""
    options = parse_arguments()
    os.chdir(ROOT)
    modules = find_modules(options.module)
    copy_project(modules, options.tests or find_tests(modules))
    os.chdir(COPY)
    run_mutmut(modules, options.limit, options.minutes)
    return subprocess.call([sys.executable, str(TOOL / "report.py"), *modules])  # noqa: S603  # the same


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/mutants", description=__doc__)
    parser.add_argument(
        "--module", action="append", default=[], help="such as claims, tokens/jwt or client; repeatable"
    )
    parser.add_argument("--tests", action="append", help="tests to run instead of the usual ones; repeatable")
    parser.add_argument("--limit", type=int, default=0, help="try at most so many mutants, evenly spread")
    parser.add_argument("--minutes", type=float, help="stop after so many minutes, and report what is known")
    return parser.parse_args()


def find_modules(names: list[str]) -> list[str]:
    """Return the modules with these names, those in folders with these names, or all."""
    modules: list[Path] = []
    for name in names or ["."]:
        path = PACKAGE / name.removesuffix(".py")
        found = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        if not found[0].is_file():
            raise SystemExit(f"There is no module {name} in {PACKAGE}.")
        modules += found
    return [str(module) for module in modules]


def find_tests(modules: list[str]) -> list[str]:
    """Return the test files that matter for these modules."""
    tests: set[str] = set()
    for folder in {Path(module).parts[1] for module in modules}:
        is_folder = (PACKAGE / folder).is_dir()
        patterns = [f"tests/{folder}/**/test_*.py", *ALSO_TESTS.get(folder, [])] if is_folder else ROOT_TESTS
        tests |= {str(path) for pattern in patterns for path in Path().glob(pattern)}
    return sorted(tests.difference(LEFT_OUT))


def copy_project(modules: list[str], tests: list[str]) -> None:
    """Copy what the tests need, with a configuration of mutmut in pyproject.toml."""
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    for part in [str(PACKAGE), *PARTS]:
        if Path(part).is_dir():
            shutil.copytree(part, COPY / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(part, COPY / part)
    settings = {
        "source_paths": [str(PACKAGE)],
        "only_mutate": modules,
        "also_copy": PARTS,
        "pytest_add_cli_args": ["-p", "stable_ids", "-p", "no:cacheprovider", "--hypothesis-profile=ci"],
        "pytest_add_cli_args_test_selection": tests,
        "type_check_command": MYPY,
    }
    table = "\n".join(f"{name} = {json.dumps(value)}" for name, value in settings.items())
    project = Path("pyproject.toml").read_text()
    (COPY / "pyproject.toml").write_text(
        f"{project}\n[tool.mutmut]\nuse_git_change_detection = false\n{table}\n"
    )


def run_mutmut(modules: list[str], limit: int, minutes: float | None) -> None:
    """Run mutmut. When the time is over, interrupt it: it keeps what it has found."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # mutmut looks for mypy there
    command = [sys.executable, str(TOOL / "mutate.py"), str(limit), *modules]
    with subprocess.Popen(command, env=os.environ | {"PATH": path}) as process:  # noqa: S603  # this script's own
        try:
            process.wait(minutes and minutes * 60)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
    if process.returncode:
        raise SystemExit(f"mutmut ended with status {process.returncode}.")


if __name__ == "__main__":
    sys.exit(main())
