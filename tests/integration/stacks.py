"""The templates of the example app as stacks: packaged, transformed and created as AWS would do it."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.integration.bundle import zipped
from tests.integration.ministack import REGION, EmulatedPool, client_of, make_client, make_user
from tests.sam import Template, list_functions, load_template, transform_template

GATEWAYS = ("rest", "http", "rest-authorizer", "http-authorizer", "function-url")
_BUCKET = "code"
_OURS = ("fastapi_cognito_guard", "example_app")
_TIMEOUT = 60.0


def packaged(template: Template, code: Mapping[str, str]) -> Template:
    """A template as ``sam deploy`` makes it; ``code``: where each function's package has been put."""
    for name, properties in list_functions(template):
        properties["CodeUri"] = code[name]
    return transform_template(template)


@dataclass
class Stacks:
    """One emulated account with the stacks in it: the pool's own first."""

    address: str
    task_root: Path
    pool: EmulatedPool = field(init=False)
    bases: dict[str, str] = field(init=False, default_factory=dict)
    clients: str = field(init=False)

    def __post_init__(self) -> None:
        self._upload()
        said = self._create(
            "pool", load_template("pool.yaml"), ResourceServer="orders", DomainPrefix="shop-of-tests"
        )
        self.clients = said["ClientIds"]
        self.pool = self._with_users(said)
        for name in GATEWAYS:
            self.bases[name] = self.deploy(name, load_template(f"{name}.yaml"))

    def deploy(self, name: str, template: Template) -> str:
        """Create a stack of a gateway's template; where its API's paths start."""
        made = packaged(template, {"Function": _s3("app"), "Authorizer": _s3("ours")})
        said = self._create(name, made, UserPoolId=self.pool.id, ClientIds=self.clients)
        for called in ("Function", "Authorizer"):
            if called in made["Resources"]:
                self._show_the_keys(name, called)
        return base_of(said["Url"])

    def client(self, service: str) -> Any:
        """A client of one of the account's services."""
        return client_of(self.address, service)

    def _upload(self) -> None:
        s3 = self.client("s3")
        s3.create_bucket(Bucket=_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket=_BUCKET, Key="app.zip", Body=zipped(self.task_root))
        # MiniStack unpacks and starts a function anew after each error, and each refusal of a REST API's
        # authorizer is one: that one finds its libraries on the path.
        s3.put_object(Bucket=_BUCKET, Key="ours.zip", Body=zipped(self.task_root, *_OURS))

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

    def _show_the_keys(self, stack: str, called: str) -> None:
        """MiniStack's Cognito does not answer at Cognito's address."""
        found = self.client("cloudformation").describe_stack_resource(
            StackName=stack, LogicalResourceId=called
        )["StackResourceDetail"]["PhysicalResourceId"]
        functions = self.client("lambda")
        variables = functions.get_function_configuration(FunctionName=found)["Environment"]["Variables"]
        variables["COGNITO_JWKS_URI"] = self.pool.jwks_uri
        if called == "Authorizer":
            variables["PYTHONPATH"] = str(self.task_root)
        functions.update_function_configuration(FunctionName=found, Environment={"Variables": variables})

    def _with_users(self, said: Mapping[str, str]) -> EmulatedPool:
        cognito = self.client("cognito-idp")
        pool, machine = said["UserPoolId"], said["MachineClientId"]
        made = cognito.describe_user_pool_client(UserPoolId=pool, ClientId=machine)["UserPoolClient"]
        for username, groups in (("ada", ("admins",)), ("bob", ())):
            make_user(cognito, pool, username, groups, by_email=True)
        other = make_client(cognito, pool, "other")
        secret = made["ClientSecret"]
        return EmulatedPool(self.address, pool, said["PeopleClientId"], other, machine, secret, cognito)


def base_of(url: str) -> str:
    """MiniStack's own form of an address of AWS."""
    parts = urlsplit(url)
    label, service, *_ = (parts.hostname or "").split(".")
    if service == "lambda-url":
        return f"/_aws/lambda-url/{label}"
    return f"/_aws/execute-api/{label}{parts.path or '/$default'}"


def _s3(key: str) -> str:
    return f"s3://{_BUCKET}/{key}.zip"
