"""ARNs as they are, or as CloudFormation will know them: ``${Function.Arn}``, ``{"Fn::GetAtt": [...]}``."""

import re
from collections.abc import Collection, Mapping, Set
from typing import Any

from fastapi_cognito_guard.errors import ConfigurationError

Value = str | Mapping[str, Any]
"""Text; text with ``${...}``, which becomes an ``Fn::Sub``; or a CloudFormation function as it is."""

_FUNCTION = re.compile(
    r"arn:(aws[a-z-]*):lambda:([a-z0-9-]+):[0-9]{12}:function:[A-Za-z0-9_-]{1,64}(?::[A-Za-z0-9$_-]{1,128})?"
)
_POOL = re.compile(r"arn:aws[a-z-]*:cognito-idp:[a-z0-9-]+:[0-9]{12}:userpool/([A-Za-z0-9-]+_[A-Za-z0-9]+)")


def invocation(setting: str, function: object) -> Value:
    """Where a gateway invokes a function. Raises `ConfigurationError` for what is no function's ARN."""
    plain = _FUNCTION.fullmatch(function) if isinstance(function, str) else None
    if plain is not None:
        partition, region = plain.groups()
        return f"arn:{partition}:apigateway:{region}:{_path(plain[0])}"
    if not is_for_cloudformation(function):
        raise ConfigurationError(
            f"{setting} is {'missing' if function is None else 'not right'}: write the ARN of the function, "
            "arn:aws:lambda:REGION:ACCOUNT:function:NAME, or for "
            f'CloudFormation "${{Function.Arn}}" or {{"Fn::GetAtt": ["Function", "Arn"]}}.',
            setting=setting,
        )
    return substituted("arn:${AWS::Partition}:apigateway:${AWS::Region}:" + _path("%s"), function)


def _path(function: str) -> str:
    return f"lambda:path/2015-03-31/functions/{function}/invocations"


def user_pool(setting: str, arn: object) -> Value:
    """A user pool's ARN. Raises `ConfigurationError` for what is none."""
    if isinstance(arn, str) and _POOL.fullmatch(arn):
        return arn
    if not is_for_cloudformation(arn):
        raise ConfigurationError(
            f"{setting} is the ARN of the user pool, arn:aws:cognito-idp:REGION:ACCOUNT:userpool/POOL_ID (it "
            f'is in the console), or for CloudFormation "${{UserPool.Arn}}".',
            setting=setting,
        )
    return substituted("%s", arn)


def pool_id(arn: Value) -> str | None:
    """The pool that an ARN names; None where only CloudFormation knows."""
    match = _POOL.fullmatch(arn) if isinstance(arn, str) else None
    return None if match is None else match[1]


def is_for_cloudformation(value: object) -> bool:
    """Whether it is text with ``${...}``, or one of CloudFormation's functions."""
    if isinstance(value, str):
        return "${" in value
    if not isinstance(value, Mapping) or len(value) != 1:
        return False
    name = next(iter(value))
    return isinstance(name, str) and (name == "Ref" or name.startswith("Fn::"))


def in_order(items: Collection[Any]) -> list[Any]:
    """The same order each time, so that a document changes only with the app: a set has none."""
    return sorted(items, key=str) if isinstance(items, Set) else list(items)


def substituted(template: str, value: Any) -> Value:
    """``value`` in the place of ``%s``. CloudFormation's functions stay functions."""
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
