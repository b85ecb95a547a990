"""The API reference as plain Markdown, for readers that do not run the site."""

import griffe

from tools.site.reference import convert_docstring, replace_names


def write_entries(page: str) -> str:
    """Return the page with signature and docstring of each name that it lists."""
    package = griffe.load("fastapi_cognito_guard", search_paths=["."])
    return replace_names(page, lambda name: _describe(package, name))


def _describe(package: griffe.Module | griffe.Alias, name: str) -> str:
    member = package[name.partition(".")[2]]
    obj = member.final_target if member.is_alias else member
    short = name.rpartition(".")[2]
    if isinstance(obj, griffe.Attribute):
        head = f"```python\n{short} = {obj.value}\n```\n\n"
    elif isinstance(obj, griffe.Class | griffe.Function):
        head = f"```python\n{obj.signature(name=short)}\n```\n\n"
    else:
        head = ""
    text = convert_docstring(obj.docstring.value, ()) if obj.docstring else ""
    return f"\n### `{name}`\n\n{head}{text}".rstrip()
