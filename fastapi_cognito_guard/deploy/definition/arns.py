"""ARNs and other values of a definition, given as text or in the form that CloudFormation fills in."""

import re
from collections.abc import Collection, Mapping, Set
from typing import Any

from fastapi_cognito_guard.errors import ConfigurationError

TemplateValue = str | Mapping[str, Any]
"""Text; text with ``${Function.Arn}``, which becomes an ``Fn::Sub``; or a CloudFormation function."""

_FUNCTION = re.compile(
    r"arn:(aws[a-z-]*):lambda:([a-z0-9-]+):[0-9]{12}:function:[A-Za-z0-9_-]{1,64}(?::[A-Za-z0-9$_-]{1,128})?"
)
_POOL = re.compile(r"arn:aws[a-z-]*:cognito-idp:[a-z0-9-]+:[0-9]{12}:userpool/([A-Za-z0-9-]+_[A-Za-z0-9]+)")


def build_invocation_uri(setting: str, function: object) -> TemplateValue:
    """Return the URI by which a gateway invokes a function.

    Raises `ConfigurationError`, naming ``setting``, unless ``function`` is the ARN of a function.
    """
    plain = _FUNCTION.fullmatch(function) if isinstance(function, str) else None
    if plain is not None:
        partition, region = plain.groups()
        return f"arn:{partition}:apigateway:{region}:{_build_invocation_path(plain[0])}"
    if not is_for_cloudformation(function):
        raise ConfigurationError(
            f"{setting} is {'missing' if function is None else 'not right'}: write the ARN of the function, "
            "arn:aws:lambda:REGION:ACCOUNT:function:NAME, or for "
            f'CloudFormation "${{Function.Arn}}" or {{"Fn::GetAtt": ["Function", "Arn"]}}.',
            setting=setting,
        )
    template = "arn:${AWS::Partition}:apigateway:${AWS::Region}:" + _build_invocation_path("%s")
    return substitute(template, function)


def build_pool_arn(setting: str, arn: object) -> TemplateValue:
    """Return the ARN of a user pool as a definition has it.

    Raises `ConfigurationError`, naming ``setting``, unless ``arn`` is the ARN of a user pool.
    """
    if isinstance(arn, str) and _POOL.fullmatch(arn):
        return arn
    if not is_for_cloudformation(arn):
        raise ConfigurationError(
            f"{setting} is the ARN of the user pool, arn:aws:cognito-idp:REGION:ACCOUNT:userpool/POOL_ID (it "
            f'is in the console), or for CloudFormation "${{UserPool.Arn}}".',
            setting=setting,
        )
    return substitute("%s", arn)


def find_pool_id(arn: TemplateValue) -> str | None:
    """Return the id of the pool in an ARN; None if CloudFormation fills in the ARN."""
    match = _POOL.fullmatch(arn) if isinstance(arn, str) else None
    return None if match is None else match[1]


def is_for_cloudformation(value: object) -> bool:
    """Return True for text with ``${...}`` and for a CloudFormation function."""
    if isinstance(value, str):
        return "${" in value
    if not isinstance(value, Mapping) or len(value) != 1:
        return False
    name = next(iter(value))
    return isinstance(name, str) and (name == "Ref" or name.startswith("Fn::"))


def list_in_order(items: Collection[Any]) -> list[Any]:
    """Return the items in the same order each time, so that a document changes only with the app."""
    return sorted(items, key=str) if isinstance(items, Set) else list(items)


def substitute(template: str, value: Any) -> TemplateValue:
    """Return ``template`` with ``value`` in place of ``%s``, as text or as a CloudFormation function."""
    if isinstance(value, str):
        text = template.replace("%s", value)
        return {"Fn::Sub": text} if "${" in value else text
    match dict(value):
        case {"Fn::Sub": str(inner)}:
            return {"Fn::Sub": template.replace("%s", inner)}
        case _ if template == "%s":
            return dict(value)
        case {"Ref": str(name)}:
            return {"Fn::Sub": template.replace("%s", f"${{{name}}}")}
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return {"Fn::Sub": template.replace("%s", f"${{{name}.{attribute}}}")}
    return {"Fn::Sub": [template.replace("%s", "${Value}"), {"Value": dict(value)}]}


def _build_invocation_path(function: str) -> str:
    return f"lambda:path/2015-03-31/functions/{function}/invocations"
