"""The SAM transform, as AWS runs it when a stack is created."""

from typing import Any

import pytest
from samtranslator.translator.transform import transform

Template = dict[str, Any]


class _NoPolicies:
    """No template here names managed policies, for whose list AWS would have to be asked."""

    def load(self) -> dict[str, str]:
        return {}


def transformed(template: Template, region: str = "eu-west-1") -> Template:
    """The template with SAM's resources made into CloudFormation's. Raises for what SAM refuses."""
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("AWS_DEFAULT_REGION", region)
        made: Template = transform(template, {}, _NoPolicies())
    return made
