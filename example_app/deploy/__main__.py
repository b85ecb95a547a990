"""``python -m example_app.deploy``: write the templates again, after a change of the routes."""

import sys
from pathlib import Path

from example_app.deploy.templates import TEMPLATES, render_template


def main(directory: Path = Path(__file__).parent) -> int:
    """Write all templates into the directory, and print their paths."""
    for name in TEMPLATES:
        path = directory / name
        path.write_text(render_template(name), encoding="utf-8")
        print(path)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
