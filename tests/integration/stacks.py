"""CloudFormation stacks of the example app's templates: packaged, transformed and created in MiniStack."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.integration.bundle import build_zip
from tests.integration.ministack import REGION, EmulatedPool, create_app_client, create_user, make_client
from tests.sam import Template, list_functions, load_template, transform_template

GATEWAYS = ("rest", "http", "rest-authorizer", "http-authorizer", "function-url")
_BUCKET = "code"
_OURS = ("fastapi_cognito_guard", "example_app")
_TIMEOUT = 60.0


def package_template(template: Template, code: Mapping[str, str]) -> Template:
    """Package and transform a template as ``sam deploy`` does. ``code`` has the address of each package."""
    for name, properties in list_functions(template):
        properties["CodeUri"] = code[name]
    return transform_template(template)


@dataclass
class Stacks:
    """Emulated account with the stack of the pool and one stack for each gateway."""

    address: str
    task_root: Path
    pool: EmulatedPool = field(init=False)
    bases: dict[str, str] = field(init=False, default_factory=dict)
    clients: str = field(init=False)

    def __post_init__(self) -> None:
        self._upload()
        outputs = self._create(
            "pool", load_template("pool.yaml"), ResourceServer="orders", DomainPrefix="shop-of-tests"
        )
        self.clients = outputs["ClientIds"]
        self.pool = self._add_users(outputs)
        for name in GATEWAYS:
            self.bases[name] = self.deploy(name, load_template(f"{name}.yaml"))

    def deploy(self, name: str, template: Template) -> str:
        """Create the stack of a gateway's template, and return the base of its paths."""
        made = package_template(
            template, {"Function": _build_s3_uri("app"), "Authorizer": _build_s3_uri("ours")}
        )
        outputs = self._create(name, made, UserPoolId=self.pool.id, ClientIds=self.clients)
        for logical_id in ("Function", "Authorizer"):
            if logical_id in made["Resources"]:
                self._set_jwks_uri(name, logical_id)
        return find_base_path(outputs["Url"])

    def client(self, service: str) -> Any:
        """Make a client of one of the account's services."""
        return make_client(self.address, service)

    def _upload(self) -> None:
        s3 = self.client("s3")
        s3.create_bucket(Bucket=_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket=_BUCKET, Key="app.zip", Body=build_zip(self.task_root))
        # MiniStack unpacks and restarts a function after each error, and each refusal by a REST API's
        # authorizer is an error. A small package keeps that fast; PYTHONPATH has its libraries.
        s3.put_object(Bucket=_BUCKET, Key="ours.zip", Body=build_zip(self.task_root, *_OURS))

    def _create(self, name: str, template: Template, **parameters: str) -> dict[str, str]:
        service = self.client("cloudformation")
        service.create_stack(
            StackName=name,
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )
        deadline = time.monotonic() + _TIMEOUT
        while (stack := service.describe_stacks(StackName=name)["Stacks"][0])["StackStatus"].endswith(
            "_IN_PROGRESS"
        ):
            assert time.monotonic() < deadline, f"{name} is not ready"
            time.sleep(0.05)
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack
        return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", ())}

    def _set_jwks_uri(self, stack: str, logical_id: str) -> None:
        """Set the address of the keys: MiniStack's Cognito does not answer at Cognito's own."""
        found = self.client("cloudformation").describe_stack_resource(
            StackName=stack, LogicalResourceId=logical_id
        )["StackResourceDetail"]["PhysicalResourceId"]
        functions = self.client("lambda")
        variables = functions.get_function_configuration(FunctionName=found)["Environment"]["Variables"]
        variables["COGNITO_JWKS_URI"] = self.pool.jwks_uri
        if logical_id == "Authorizer":
            variables["PYTHONPATH"] = str(self.task_root)
        functions.update_function_configuration(FunctionName=found, Environment={"Variables": variables})

    def _add_users(self, outputs: Mapping[str, str]) -> EmulatedPool:
        cognito = self.client("cognito-idp")
        pool, machine = outputs["UserPoolId"], outputs["MachineClientId"]
        made = cognito.describe_user_pool_client(UserPoolId=pool, ClientId=machine)["UserPoolClient"]
        for username, groups in (("ada", ("admins",)), ("bob", ())):
            create_user(cognito, pool, username, groups, by_email=True)
        other = create_app_client(cognito, pool, "other")
        secret = made["ClientSecret"]
        return EmulatedPool(self.address, pool, outputs["PeopleClientId"], other, machine, secret, cognito)


def find_base_path(url: str) -> str:
    """Return MiniStack's path for an address of AWS."""
    parts = urlsplit(url)
    label, service, *_ = (parts.hostname or "").split(".")
    if service == "lambda-url":
        return f"/_aws/lambda-url/{label}"
    return f"/_aws/execute-api/{label}{parts.path or '/$default'}"


def _build_s3_uri(key: str) -> str:
    return f"s3://{_BUCKET}/{key}.zip"
