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

# Anchored: the last part of another provider's text is that provider's to choose.
_SIGN_IN = (
    r"(?:https://)?cognito-idp\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/([A-Za-z0-9_-]+):CognitoSignIn:([^,:\s]+)"
)
# The console's "test" feature writes the operator's own identity, not a caller's.
_CONSOLE = {"apiKey": "test-invoke-api-key", "sourceIp": "test-invoke-source-ip"}


@dataclass(frozen=True, kw_only=True)
class IamIdentity:
    """Caller who signed a request with AWS credentials, as API Gateway or a function URL reports it.

    ``user_arn``          for example ``arn:aws:sts::123456789012:assumed-role/Auth/Session``
    ``account_id``        the AWS account of the credentials
    ``caller_id``         the id of the AWS principal, for example ``AROAEXAMPLE:session``
    ``access_key``        the id of the access key (never its secret)
    ``identity_id``       in the identity pool that issued the credentials; None for other credentials
    ``identity_pool_id``  the identity pool; None for other credentials
    ``authentication``    ``"unauthenticated"`` for a guest of an identity pool; None for other credentials
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
    if not isinstance(iam, dict) or len(authorizer) != 1 or not _read_text(iam, "userArn"):
        return None
    cognito = iam.get("cognitoIdentity")
    cognito = cognito if isinstance(cognito, dict) else {}
    amr = cognito.get("amr")
    methods = [item for item in amr if isinstance(item, str)] if isinstance(amr, list) else []
    return IamIdentity(
        user_arn=iam["userArn"],
        account_id=_read_text(iam, "accountId"),
        caller_id=_read_text(iam, "callerId"),
        access_key=_read_text(iam, "accessKey"),
        identity_id=_read_text(cognito, "identityId"),
        identity_pool_id=_read_text(cognito, "identityPoolId"),
        authentication=_read_authentication(methods[0] if methods else None),
        sub=_read_sub(methods, pools),
    )


def _read_rest(event: Event, pools: Collection[str]) -> IamIdentity | None:
    """Read the caller of a REST API: ``requestContext.identity``, all nulls for other callers."""
    context = event.get("requestContext")
    identity = context.get("identity") if isinstance(context, dict) else None
    if not isinstance(identity, dict) or find_authorizer(event) or not _read_text(identity, "userArn"):
        return None
    if any(identity.get(name) == value for name, value in _CONSOLE.items()):
        return None
    provider = _read_text(identity, "cognitoAuthenticationProvider")
    return IamIdentity(
        user_arn=identity["userArn"],
        account_id=_read_text(identity, "accountId"),
        caller_id=_read_text(identity, "caller"),
        access_key=_read_text(identity, "accessKey"),
        identity_id=_read_text(identity, "cognitoIdentityId"),
        identity_pool_id=_read_text(identity, "cognitoIdentityPoolId"),
        authentication=_read_authentication(identity.get("cognitoAuthenticationType")),
        sub=None if provider is None else _read_sub(provider.split(","), pools),
    )


def _read_text(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    return value if isinstance(value, str) and value and is_encodable(value) else None


def _read_authentication(value: object) -> Authentication | None:
    return next((known for known in get_args(Authentication) if known == value), None)


def _read_sub(providers: Collection[str], pools: Collection[str]) -> str | None:
    """Return the ``sub`` of a known pool, or None if there is not exactly one."""
    signed_in = (re.fullmatch(_SIGN_IN, provider) for provider in providers)
    subs = {match[2] for match in signed_in if match and match[1] in pools}
    return subs.pop() if len(subs) == 1 else None
