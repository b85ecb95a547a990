"""Parts of templates: parameters, functions, permissions and outputs."""

from collections.abc import Mapping
from typing import Any

Part = dict[str, Any]

POOL_ARN = "arn:${AWS::Partition}:cognito-idp:${AWS::Region}:${AWS::AccountId}:userpool/${UserPoolId}"
ISSUER = "https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}/${UserPoolId}"
CLIENTS = {"Ref": "ClientIds"}

PARAMETERS: Part = {
    "UserPoolId": {"Type": "String", "Description": "Id of the pool of pool.yaml, or of your own"},
    "ClientIds": {
        "Type": "CommaDelimitedList",
        "Description": "App clients whose tokens are accepted, separated by commas",
    },
}
_SAM = "AWS::Serverless-2016-10-31"


def build_sam_template(description: str, resources: Part, outputs: Part) -> Part:
    """Build a template for the SAM transform, which its functions need."""
    return build_template(description, PARAMETERS, resources, outputs, Transform=_SAM)


def build_template(description: str, parameters: Part, resources: Part, outputs: Part, **more: str) -> Part:
    """Build a CloudFormation template."""
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        **more,
        "Description": description,
        "Parameters": parameters,
        "Resources": resources,
        "Outputs": outputs,
    }


def build_function(handler: str, **settings: str) -> Part:
    """Build a function of this app. ``settings``: environment variables besides the pool and its clients."""
    environment = {
        "COGNITO_USER_POOL_ID": {"Ref": "UserPoolId"},
        "COGNITO_CLIENT_IDS": {"Fn::Join": [",", CLIENTS]},
        **settings,
    }
    return build_resource(
        "AWS::Serverless::Function",
        CodeUri="../../build/package/",
        Handler=handler,
        Runtime="python3.13",
        Architectures=["arm64"],
        MemorySize=512,
        Timeout=10,
        Environment={"Variables": environment},
    )


def build_resource(kind: str, **properties: Any) -> Part:
    """Build a resource: ``build_resource("AWS::Lambda::Permission", ...)``."""
    return {"Type": kind, "Properties": properties}


def build_permission(function: str, source: str) -> Part:
    """Build a permission for the API to invoke a function. ``source``: the API's ARN after its id."""
    arn = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/" + source
    return build_resource(
        "AWS::Lambda::Permission",
        Action="lambda:InvokeFunction",
        FunctionName={"Ref": function},
        Principal="apigateway.amazonaws.com",
        SourceArn=build_sub(arn),
    )


def build_sub(text: str) -> Mapping[str, str]:
    """Build an ``Fn::Sub``: text whose ``${...}`` CloudFormation fills in."""
    return {"Fn::Sub": text}


def build_output(description: str, value: Any) -> Part:
    """Build an output of a stack."""
    return {"Description": description, "Value": value}


def build_url(stage: str) -> Part:
    """Build the output with the URL of the API."""
    address = "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}" + stage
    return build_output("URL of the API", build_sub(address))
