"""Metadata that depends on where the project is hosted: its addresses, and the links in its README.

``repository`` in pyproject.toml is the address of the public repository. It is empty while there is none: the
metadata then name no address, and links stay as they are. With an address, links are absolute, as pages of a
package index need them, and point to the files of this version.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r'(\]\(|href=")(?![a-z]+:|#)([^)"]+)')
_IMAGE = re.compile(r'(!\[[^\]]*\]\(|src="|srcset=")(?![a-z]+:)([^)"]+)')


class ProjectAddresses(MetadataHookInterface):
    """Sets ``urls`` and ``readme``, which pyproject.toml lists as dynamic."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Add both to the metadata."""
        repository = self.config["repository"].rstrip("/")
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        if repository:
            metadata["urls"] = build_urls(repository)
            text = make_absolute(text, repository, f"v{metadata['version']}")
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def build_urls(repository: str) -> dict[str, str]:
    """Return the addresses for a package index."""
    return {
        "Source": repository,
        "Documentation": f"{repository}/tree/main/docs",
        "Changelog": f"{repository}/blob/main/CHANGELOG.md",
        "Issues": f"{repository}/issues",
        "Security": f"{repository}/security/policy",
    }


def make_absolute(text: str, repository: str, tag: str) -> str:
    """Make links and images of a README absolute. Images need the file itself, and links its page."""
    text = _IMAGE.sub(rf"\g<1>{repository}/raw/{tag}/\g<2>", text)
    return _LINK.sub(rf"\g<1>{repository}/blob/{tag}/\g<2>", text)
