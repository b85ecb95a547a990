"""Build of the documentation site, strictly."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from tools.site.entries import write_entries
from tools.site.llms import write_texts
from tools.site.offline import check_site
from tools.site.stage import DOCS, ROOT, STAGE, list_nav, stage_pages

SITE = ROOT / "site"


def main() -> int:
    """Build the site. Return 1 for a broken link, a missing page, or one that would load from elsewhere."""
    project = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]
    stage_pages()
    command = [Path(sys.executable).with_name("zensical"), "build", "--clean", "--strict"]
    if subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False).returncode:  # noqa: S603 - a program of our own
        return 1
    names = [page for _, page in list_nav(project["nav"])]
    problems = [
        f"zensical.toml names {name}, which does not exist" for name in names if not (STAGE / name).exists()
    ]
    pages = {name: (STAGE / name).read_text() for name in names if (STAGE / name).exists()}
    pages["reference.md"] = write_entries((DOCS / "reference.md").read_text())
    write_texts(project["nav"], project["site_name"], project["site_description"], pages, SITE)
    problems += check_site(SITE)
    for problem in problems:
        print(problem, file=sys.stderr)  # noqa: T201 - a script
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
