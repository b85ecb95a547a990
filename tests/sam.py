"""The SAM transform, as AWS runs it when a stack is created."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from samtranslator.translator.transform import transform

Template = dict[str, Any]
DIRECTORY = Path(__file__).parents[1] / "example_app" / "deploy"


class _NoPolicies:
    """No template here names managed policies, for whose list AWS would have to be asked."""

    def load(self) -> dict[str, str]:
        return {}


def kept(name: str) -> Template:
    """A template as it is kept beside the example app."""
    found: Template = yaml.safe_load((DIRECTORY / name).read_text())
    return found


def functions_of(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """The names and properties of its functions."""
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            yield name, resource["Properties"]


def transformed(template: Template, region: str = "eu-west-1") -> Template:
    """The template with SAM's resources made into CloudFormation's. Raises for what SAM refuses."""
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("AWS_DEFAULT_REGION", region)
        made: Template = transform(template, {}, _NoPolicies())
    return made
