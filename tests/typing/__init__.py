"""Types of the public API. Nothing here runs: mypy and pyright check it (scripts/check)."""
