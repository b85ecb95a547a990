"""CloudFormation templates of the example app, and the SAM transform that AWS applies to a new stack."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from samtranslator.translator.transform import transform

Template = dict[str, Any]
DIRECTORY = Path(__file__).parents[1] / "example_app" / "deploy"


def load_template(name: str) -> Template:
    """Return a template of the example app, by the name of its file."""
    template: Template = yaml.safe_load((DIRECTORY / name).read_text())
    return template


def list_functions(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """List the functions of a template: name and properties."""
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            yield name, resource["Properties"]


def transform_template(template: Template, region: str = "eu-west-1") -> Template:
    """Replace the SAM resources of a template by those of CloudFormation. Raises if SAM refuses it."""
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("AWS_DEFAULT_REGION", region)
        transformed: Template = transform(template, {}, _NoPolicies())
    return transformed


class _NoPolicies:
    """Empty list of managed policies: SAM would fetch it from AWS, and no template names one."""

    def load(self) -> dict[str, str]:
        return {}
