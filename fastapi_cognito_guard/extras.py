"""Installation of the package with its extras, for messages."""

INSTALL = 'pip install ".[{extra}]"'
"""The command, in a checkout. Change it here once the package is on an index; a test compares the pages."""


def format_install(extra: str) -> str:
    """Return the command that installs an extra."""
    return INSTALL.format(extra=extra)
