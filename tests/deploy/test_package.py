"""What is uploaded to Lambda: all that the functions need, for the Python and processor they run on."""

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from example_app.deploy.templates import TEMPLATES
from tests.integration.bundle import list_dependencies
from tests.sam import functions_of

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
        reason = "The package is not here: scripts/test makes it and sets LAMBDA_PACKAGE"
        if os.environ.get("REQUIRE_LAMBDA_PACKAGE"):
            pytest.fail(reason)
        pytest.skip(reason)
    with zipfile.ZipFile(path) as opened:
        yield opened


def handlers() -> set[str]:
    """As the templates name them."""
    return {properties["Handler"] for make in TEMPLATES.values() for _, properties in functions_of(make())}


def test_every_handler_of_the_templates_is_in_it(package: zipfile.ZipFile) -> None:
    assert len(handlers()) == 3
    for handler in handlers():
        module, _, name = handler.rpartition(".")
        source = package.read(module.replace(".", "/") + ".py").decode()
        assert f"\n{name} = " in source


@pytest.mark.parametrize("directory", ["fastapi_cognito_guard", "example_app"])
def test_our_own_code_is_in_it_as_it_is_here(directory: str, package: zipfile.ZipFile) -> None:
    here = {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for path in (ROOT / directory).rglob("*.py")
        if "deploy" not in path.parts or directory != "example_app"
    }
    there = {name for name in package.namelist() if name.startswith(f"{directory}/") and name.endswith(".py")}
    assert there == here.keys()
    assert all(package.read(name) == content for name, content in here.items())


def test_every_library_that_we_need_there_is_in_it_and_no_other(package: zipfile.ZipFile) -> None:
    there = {
        name.partition("-")[0].replace("_", "-").lower()
        for name in package.namelist()
        if name.endswith(".dist-info/METADATA")
    }
    assert there == {*list_dependencies(PYTHON), "fastapi-cognito-guard"}


def test_compiled_code_is_for_the_functions_processor_and_python(package: zipfile.ZipFile) -> None:
    compiled = [name for name in package.namelist() if name.endswith(".so")]
    assert any(name.startswith("cryptography/") for name in compiled)
    for name in compiled:
        header = package.read(name)[:20]
        assert header[:4] == b"\x7fELF"
        assert int.from_bytes(header[18:20], "little") == ARM64
        assert ".cpython-313-" in name or ".abi3." in name


def test_nothing_is_in_it_that_a_function_does_not_use(package: zipfile.ZipFile) -> None:
    names = package.namelist()
    assert not any(name.startswith(("bin/", "tests/")) for name in names)
    assert all(".cpython-313." in name for name in names if name.endswith(".pyc"))


def test_it_is_as_small_as_the_docs_say(package: zipfile.ZipFile) -> None:
    """Lambda takes 50 MB by direct upload, and 250 MB unpacked."""
    sources = [entry for entry in package.infolist() if not entry.filename.endswith(".pyc")]
    assert sum(entry.compress_size for entry in sources) < 12 * MB
    assert sum(entry.file_size for entry in sources) < 35 * MB
