"""``python -m example_app.deploy``: write the templates anew, after the routes have changed."""

import sys
from pathlib import Path

from example_app.deploy.templates import TEMPLATES, text_of


def main(directory: Path = Path(__file__).parent) -> int:
    """Write all of them into the directory, and say which."""
    for name in TEMPLATES:
        path = directory / name
        path.write_text(text_of(name), encoding="utf-8")
        print(path)  # noqa: T201  # a command says what it did
    return 0


if __name__ == "__main__":
    sys.exit(main())
