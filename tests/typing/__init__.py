"""The types that users see. Nothing here runs: mypy and pyright read it (scripts/check)."""
