"""Package for Lambda: the code and the libraries of the functions, for their Python and processor."""

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from example_app.deploy.templates import TEMPLATES
from tests.integration.bundle import list_dependencies
from tests.sam import list_functions

ROOT = Path(__file__).parents[2]
MB = 1_000_000
ARM64 = 183  # EM_AARCH64, in an ELF file's header
PYTHON = {
    "python_version": "3.13",
    "python_full_version": "3.13.0",
    "platform_machine": "aarch64",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
}


@pytest.fixture(scope="module")
def package() -> Iterator[zipfile.ZipFile]:
    path = os.environ.get("LAMBDA_PACKAGE")
    if path is None:
        reason = "LAMBDA_PACKAGE is not set: scripts/test builds the package and sets it"
        if os.environ.get("REQUIRE_LAMBDA_PACKAGE"):
            pytest.fail(reason)
        pytest.skip(reason)
    with zipfile.ZipFile(path) as archive:
        yield archive


def list_handlers() -> set[str]:
    """Return the handlers that the templates name."""
    return {
        properties["Handler"] for build in TEMPLATES.values() for _, properties in list_functions(build())
    }


def test_the_package_has_every_handler_of_the_templates(package: zipfile.ZipFile) -> None:
    assert len(list_handlers()) == 3
    for handler in list_handlers():
        module, _, name = handler.rpartition(".")
        source = package.read(module.replace(".", "/") + ".py").decode()
        assert f"\n{name} = " in source


@pytest.mark.parametrize("directory", ["fastapi_cognito_guard", "example_app"])
def test_the_package_has_the_current_code(directory: str, package: zipfile.ZipFile) -> None:
    expected = {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for path in (ROOT / directory).rglob("*.py")
        if "deploy" not in path.parts or directory != "example_app"
    }
    found = {name for name in package.namelist() if name.startswith(f"{directory}/") and name.endswith(".py")}
    assert found == expected.keys()
    assert all(package.read(name) == content for name, content in expected.items())


def test_the_package_has_every_library_that_a_function_needs_and_no_other(package: zipfile.ZipFile) -> None:
    found = {
        name.partition("-")[0].replace("_", "-").lower()
        for name in package.namelist()
        if name.endswith(".dist-info/METADATA")
    }
    assert found == {*list_dependencies(PYTHON), "fastapi-cognito-guard"}


def test_compiled_code_is_for_the_processor_and_python_of_the_functions(package: zipfile.ZipFile) -> None:
    compiled = [name for name in package.namelist() if name.endswith(".so")]
    assert any(name.startswith("cryptography/") for name in compiled)
    for name in compiled:
        header = package.read(name)[:20]
        assert header[:4] == b"\x7fELF"
        assert int.from_bytes(header[18:20], "little") == ARM64
        assert ".cpython-313-" in name or ".abi3." in name


def test_the_package_has_no_scripts_tests_or_bytecode_of_another_python(package: zipfile.ZipFile) -> None:
    names = package.namelist()
    assert not any(name.startswith(("bin/", "tests/")) for name in names)
    assert all(".cpython-313." in name for name in names if name.endswith(".pyc"))


def test_the_size_of_the_package_is_within_the_documented_limits(package: zipfile.ZipFile) -> None:
    """Lambda's limits are 50 MB for a direct upload, and 250 MB unpacked."""
    sources = [entry for entry in package.infolist() if not entry.filename.endswith(".pyc")]
    assert sum(entry.compress_size for entry in sources) < 12 * MB
    assert sum(entry.file_size for entry in sources) < 35 * MB
