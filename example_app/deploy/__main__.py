"""``python -m example_app.deploy``: write the templates anew, after the routes have changed."""

import sys
from pathlib import Path

from example_app.deploy.templates import TEMPLATES, text_of


def main() -> int:
    """Write all of them into this directory, and say which."""
    for name in TEMPLATES:
        path = Path(__file__).with_name(name)
        path.write_text(text_of(name), encoding="utf-8")
        print(path)  # noqa: T201  # a command says what it did
    return 0


if __name__ == "__main__":
    sys.exit(main())
