"""What is installed."""

import platform
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = ("fastapi-cognito-guard", "fastapi", "starlette", "mangum", "python-jose", "cryptography")


def versions() -> dict[str, str]:
    """By package; those that are not installed say so."""
    return {"python": platform.python_version(), **{name: version_of(name) for name in _PACKAGES}}


def jose_backend() -> str:
    """Whose code verifies signatures."""
    from jose import backends

    return str(backends.RSAKey.__module__).rpartition(".")[2].removesuffix("_backend")


def version_of(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
