"""IAM callers: requests that are signed with AWS credentials and carry no token.

They have no claims, scopes or groups. If the credentials come from an identity pool, their user may have
signed in to a user pool; the event then holds the ``sub``, and nothing else of the token.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.gateway.event import Event, find_authorizer
from fastapi_cognito_guard.principal import NotAParameter
from fastapi_cognito_guard.validation import is_encodable

Authentication = Literal["authenticated", "unauthenticated"]

# In full, as an identity pool writes it: the pool, then the pool with the user. Any other provider's part is
# that provider's to choose, so that a text with more parts names no user.
_PROVIDER = r"(?:https://)?cognito-idp\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/([A-Za-z0-9_-]+)"
_SIGN_IN = rf"({_PROVIDER}),\1:CognitoSignIn:([^,:\s]+)"
_PARTITION = r"aws|aws-cn|aws-us-gov|aws-eusc|aws-iso|aws-iso-b|aws-iso-e|aws-iso-f"
_USER_ARN = rf"arn:(?:{_PARTITION}):(?:iam|sts)::[0-9]{{12}}:[!-~]+"
# CloudFront signs requests to a function URL with a role of its own account: anybody's requests.
_CLOUDFRONT = r"arn:aws:sts::856369053181:assumed-role/OriginAccessControlRole/.*"
# The console's "test" feature writes the operator's own identity, not a caller's.
_CONSOLE = {"apiKey": "test-invoke-api-key", "sourceIp": "test-invoke-source-ip"}


@dataclass(frozen=True, kw_only=True)
class IamIdentity:
    """Caller who signed a request with AWS credentials, as API Gateway or a function URL reports it.

    ``user_arn``          of IAM or STS: ``arn:aws:sts::123456789012:assumed-role/Auth/Session``
    ``account_id``        the AWS account of the credentials
    ``caller_id``         the id of the AWS principal, for example ``AROAEXAMPLE:session``
    ``access_key``        the id of the access key (never its secret)
    ``identity_id``       in the identity pool that issued the credentials; None for other credentials
    ``identity_pool_id``  the identity pool; None for other credentials
    ``authentication``    ``"unauthenticated"`` for a guest of an identity pool, who may be anybody; None for
                          other credentials
    ``sub``               of the user, if they signed in to a pool of this guard; None if that is not certain
    """

    user_arn: Annotated[
        str,
        NotAParameter("An IamIdentity is never built from a request: write `caller: IamCaller`."),
    ]
    account_id: str | None = None
    caller_id: str | None = None
    access_key: str | None = field(default=None, repr=False)
    identity_id: str | None = None
    identity_pool_id: str | None = None
    authentication: Authentication | None = None
    sub: str | None = None

    def __init_subclass__(cls) -> None:
        raise ConfigurationError("IamIdentity has no subclasses: wrap one in a class of your own.")

    @property
    def is_guest(self) -> bool:
        """True for a guest of an identity pool. ``deny_by_default`` does not take one for a caller."""
        return self.authentication == "unauthenticated"


def read_iam_identity(event: object, pools: Collection[str]) -> IamIdentity | None:
    """Return the IAM caller of an event, or None. ``pools``: ids of the user pools whose ``sub`` counts."""
    if not isinstance(event, dict):
        return None
    version = event.get("version")
    if version == "2.0":
        return _read_http(event, pools)
    return _read_rest(event, pools) if "version" not in event else None


def _read_http(event: Event, pools: Collection[str]) -> IamIdentity | None:
    """Read the caller of an HTTP API or a function URL: ``authorizer.iam``."""
    authorizer = find_authorizer(event)
    iam = authorizer.get("iam")
    user_arn = _read_user_arn(iam) if isinstance(iam, dict) and len(authorizer) == 1 else None
    if not isinstance(iam, dict) or user_arn is None:
        return None
    cognito = iam.get("cognitoIdentity")
    cognito = cognito if isinstance(cognito, dict) else {}
    amr = cognito.get("amr")
    methods = [item for item in amr if isinstance(item, str)] if isinstance(amr, list) else []
    return IamIdentity(
        user_arn=user_arn,
        account_id=_read_text(iam, "accountId"),
        caller_id=_read_text(iam, "callerId"),
        access_key=_read_text(iam, "accessKey"),
        identity_id=_read_text(cognito, "identityId"),
        identity_pool_id=_read_text(cognito, "identityPoolId"),
        authentication=_read_authentication(methods[0] if methods else None),
        sub=None if any("," in method for method in methods) else _read_sub(",".join(methods[1:]), pools),
    )


def _read_rest(event: Event, pools: Collection[str]) -> IamIdentity | None:
    """Read the caller of a REST API: ``requestContext.identity``, all nulls for other callers."""
    context = event.get("requestContext")
    identity = context.get("identity") if isinstance(context, dict) else None
    user_arn = _read_user_arn(identity) if isinstance(identity, dict) and not find_authorizer(event) else None
    if not isinstance(identity, dict) or user_arn is None:
        return None
    if any(identity.get(name) == value for name, value in _CONSOLE.items()):
        return None
    provider = _read_text(identity, "cognitoAuthenticationProvider")
    return IamIdentity(
        user_arn=user_arn,
        account_id=_read_text(identity, "accountId"),
        caller_id=_read_text(identity, "caller"),
        access_key=_read_text(identity, "accessKey"),
        identity_id=_read_text(identity, "cognitoIdentityId"),
        identity_pool_id=_read_text(identity, "cognitoIdentityPoolId"),
        authentication=_read_authentication(identity.get("cognitoAuthenticationType")),
        sub=None if provider is None else _read_sub(provider, pools),
    )


def _read_text(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    return value if isinstance(value, str) and value and is_encodable(value) else None


def _read_authentication(value: object) -> Authentication | None:
    return next((known for known in get_args(Authentication) if known == value), None)


def _read_user_arn(values: Mapping[str, Any]) -> str | None:
    """Return the ARN of the caller. Any other text is not a caller's: emulators write their own names."""
    text = _read_text(values, "userArn")
    if text is None or not re.fullmatch(_USER_ARN, text) or re.fullmatch(_CLOUDFRONT, text):
        return None
    return text


def _read_sub(providers: str, pools: Collection[str]) -> str | None:
    """Return the ``sub`` of a user of a known pool, or None if the text names another provider, too."""
    match = re.fullmatch(_SIGN_IN, providers)
    return match[3] if match and match[2] in pools else None
