"""What templates are made of: parameters, functions, and what lets a gateway call them."""

from collections.abc import Mapping
from typing import Any

Part = dict[str, Any]

POOL_ARN = "arn:${AWS::Partition}:cognito-idp:${AWS::Region}:${AWS::AccountId}:userpool/${UserPoolId}"
ISSUER = "https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}/${UserPoolId}"
CLIENTS = {"Ref": "ClientIds"}

_SAM = "AWS::Serverless-2016-10-31"
PARAMETERS: Part = {
    "UserPoolId": {"Type": "String", "Description": "Of pool.yaml, or of a pool of your own"},
    "ClientIds": {
        "Type": "CommaDelimitedList",
        "Description": "The app clients whose tokens count, with commas between",
    },
}


def sam_template(description: str, resources: Part, outputs: Part) -> Part:
    """A template with functions in it, which the SAM transform completes."""
    return template(description, PARAMETERS, resources, outputs, Transform=_SAM)


def template(description: str, parameters: Part, resources: Part, outputs: Part, **more: str) -> Part:
    """A template of CloudFormation."""
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        **more,
        "Description": description,
        "Parameters": parameters,
        "Resources": resources,
        "Outputs": outputs,
    }


def function(handler: str, **settings: str) -> Part:
    """A function of this app; the settings are its guard's, on top of the pool and its clients."""
    environment = {
        "COGNITO_USER_POOL_ID": {"Ref": "UserPoolId"},
        "COGNITO_CLIENT_IDS": {"Fn::Join": [",", CLIENTS]},
        **settings,
    }
    return resource(
        "AWS::Serverless::Function",
        CodeUri="../../build/package/",
        Handler=handler,
        Runtime="python3.13",
        Architectures=["arm64"],
        MemorySize=512,
        Timeout=10,
        Environment={"Variables": environment},
    )


def resource(kind: str, **properties: Any) -> Part:
    """A resource: ``resource("AWS::Lambda::Permission", ...)``."""
    return {"Type": kind, "Properties": properties}


def permission(called: str, source: str) -> Part:
    """That a gateway may call a function: ``source`` is what of the API, after its id."""
    arn = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/" + source
    return resource(
        "AWS::Lambda::Permission",
        Action="lambda:InvokeFunction",
        FunctionName={"Ref": called},
        Principal="apigateway.amazonaws.com",
        SourceArn=sub(arn),
    )


def sub(text: str) -> Mapping[str, str]:
    """Text whose ``${...}`` CloudFormation fills in."""
    return {"Fn::Sub": text}


def output(description: str, value: Any) -> Part:
    """A value that a stack tells."""
    return {"Description": description, "Value": value}


def url(stage: str) -> Part:
    """The address of the stack's API."""
    address = "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}" + stage
    return output("The API's address", sub(address))
