"""What the wheel and the sdist hold, and what their metadata say."""

import tarfile
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from hatch_build import build_urls, make_absolute

ROOT = Path(__file__).parent.parent
PACKAGE = "fastapi_cognito_guard"
NOT_CODE = {
    f"{PACKAGE}/py.typed",
    f"{PACKAGE}/.agents/skills/fastapi-cognito-guard/SKILL.md",
    *(f"{PACKAGE}/matrix/page/page.{ending}" for ending in ("css", "html", "js")),
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    (path,) = WheelBuilder(str(ROOT)).build(
        directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"]
    )
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of the unpacked sdist."""
    directory = tmp_path_factory.mktemp("sdist")
    (path,) = SdistBuilder(str(ROOT)).build(directory=str(directory))
    with tarfile.open(path) as archive:
        archive.extractall(directory, filter="data")
    return next(each for each in directory.iterdir() if each.is_dir())


def read_metadata(wheel: zipfile.ZipFile) -> Message:
    (name,) = [name for name in wheel.namelist() if name.endswith("/METADATA")]
    return message_from_bytes(wheel.read(name))


def test_the_wheel_holds_the_package_its_plugin_its_skill_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    code = {path.relative_to(ROOT).as_posix() for path in (ROOT / PACKAGE).rglob("*.py")}
    assert held == code | NOT_CODE | {"fastapi_cognito_guard_pytest.py"}
    own = {name.split(".dist-info/")[1] for name in wheel.namelist() if name not in held}
    assert own == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}


def test_the_sdist_holds_the_sources_the_tests_and_what_they_read(sdist: Path) -> None:
    assert {each.name for each in sdist.iterdir()} == {
        *(".github", ".gitignore", ".pre-commit-hooks.yaml", "action.yml", "LICENSE", "PKG-INFO"),
        *("CHANGELOG.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"),
        *(PACKAGE, "fastapi_cognito_guard_pytest.py", "hatch_build.py", "pyproject.toml"),
        *("benchmarks", "docs", "example_app", "examples", "scripts", "tests", "tools", "zensical.toml"),
    }
    held = {path.relative_to(sdist) for path in sdist.rglob("*")}
    assert {"__pycache__", ".env", ".venv"}.isdisjoint(part for path in held for part in path.parts)
    for directory in ("docs", "examples", "tests"):
        names = {path.relative_to(ROOT) for path in (ROOT / directory).rglob("*.[pmt][ydo]*")}
        assert {name for name in names if "__pycache__" not in name.parts} <= held


def test_the_wheel_of_the_sdist_is_that_of_the_repository(
    sdist: Path, wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    (path,) = WheelBuilder(str(sdist)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(path) as rebuilt:
        assert {each.filename: each.CRC for each in rebuilt.infolist()} == {
            each.filename: each.CRC for each in wheel.infolist()
        }


def test_the_metadata_name_no_address_while_there_is_none(wheel: zipfile.ZipFile, sdist: Path) -> None:
    metadata = read_metadata(wheel)
    assert metadata["Author"] == "The fastapi-cognito-guard authors"
    assert metadata.get_all("Project-URL") is None
    assert metadata["Home-page"] is None
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload(decode=True) == (ROOT / "README.md").read_bytes()
    versions = [each[-4:] for each in metadata.get_all("Classifier", []) if "Python :: 3." in each]
    assert versions == ["3.11", "3.12", "3.13", "3.14"]
    assert message_from_bytes((sdist / "PKG-INFO").read_bytes()).items() == metadata.items()


def test_with_an_address_the_links_of_the_readme_are_absolute() -> None:
    text = "[a](docs/a.md#b) [c](#d) [e](https://f.example) ![g](h.png)"
    text += ' <img src="i.png"> <source srcset="j.png">'
    absolute = make_absolute(text, "https://example.com/shop", "v1.0")
    assert absolute == (
        "[a](https://example.com/shop/blob/v1.0/docs/a.md#b) [c](#d) [e](https://f.example) "
        '![g](https://example.com/shop/raw/v1.0/h.png) <img src="https://example.com/shop/raw/v1.0/i.png"> '
        '<source srcset="https://example.com/shop/raw/v1.0/j.png">'
    )
    assert all(
        url.startswith("https://example.com/shop") for url in build_urls("https://example.com/shop").values()
    )
