"""Bundle for Lambda: the example app, this package and their dependencies."""

import compileall
import io
import shutil
import tomllib
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.metadata import Distribution, PackagePath, distribution
from pathlib import Path
from py_compile import PycInvalidationMode

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_ROOT = Path(__file__).parents[2]
_SOURCES = (
    _ROOT / "fastapi_cognito_guard",
    _ROOT / "example_app",
    Path(__file__).with_name("functions"),
)


def make_task_root(directory: Path) -> Path:
    """Build the directory ``/var/task`` of a function, with compiled bytecode."""
    for source in _SOURCES:
        shutil.copytree(source, directory / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    for package in _find_distributions({}):
        for file in package.files or ():
            if _is_code(file):
                _copy(file, directory)
    # Unpacking changes the files' times, so a check by time would reject all bytecode.
    compileall.compile_dir(directory, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    return directory


def build_zip(root: Path, *parts: str) -> bytes:
    """Zip the directory, or parts of it, for Lambda."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for part in parts or (".",):
            for file in sorted((root / part).rglob("*")):
                if file.is_file():
                    archive.write(file, file.relative_to(root))
    return buffer.getvalue()


def _copy(file: PackagePath, directory: Path) -> None:
    target = directory / Path(*file.parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(str(file.locate()), target)


def _is_code(file: PackagePath) -> bool:
    return ".." not in file.parts and "__pycache__" not in file.parts


def list_dependencies(environment: Mapping[str, str]) -> set[str]:
    """Return the names of all direct and indirect dependencies, in the given marker environment."""
    return {canonicalize_name(package.name) for package in _find_distributions(environment)}


def _find_distributions(environment: Mapping[str, str]) -> Iterable[Distribution]:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    pending = [Requirement(text) for text in project["dependencies"]]
    found: dict[tuple[str, frozenset[str]], Distribution] = {}
    while pending:
        requirement = pending.pop()
        key = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if key not in found:
            found[key] = distribution(requirement.name)
            pending += _list_requirements(found[key], requirement.extras, environment)
    return found.values()


def _list_requirements(
    package: Distribution, extras: Collection[str], environment: Mapping[str, str]
) -> Iterator[Requirement]:
    for requirement in map(Requirement, package.requires or ()):
        marker = requirement.marker
        if marker is None or any(
            marker.evaluate({**environment, "extra": extra}) for extra in extras or ("",)
        ):
            yield requirement
