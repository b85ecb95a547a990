"""Callers that signed with AWS credentials: known to the gateway, but no users of a pool.

They have no claims, scopes or groups. Somebody who got the credentials from an identity pool may have
signed in to a user pool before; then the event tells the ``sub``, and nothing else of the token.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.gateway.event import Event, find_authorizer
from fastapi_cognito_guard.principal import NotAParameter
from fastapi_cognito_guard.validation import is_writable

Authentication = Literal["authenticated", "unauthenticated"]

# Anchored: the last part of another provider's text is chosen by whoever runs that provider.
_SIGN_IN = (
    r"(?:https://)?cognito-idp\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/([A-Za-z0-9_-]+):CognitoSignIn:([^,:\s]+)"
)
# What the console's "test" puts there: the operator's own identity, and nobody's who calls the API.
_CONSOLE = {"apiKey": "test-invoke-api-key", "sourceIp": "test-invoke-source-ip"}


@dataclass(frozen=True, kw_only=True)
class IamIdentity:
    """Who signed the request, as API Gateway or a function URL says.

    ``user_arn``          for example ``arn:aws:sts::123456789012:assumed-role/Auth/Session``
    ``account_id``        the AWS account of the credentials
    ``caller_id``         the principal's id, for example ``AROAEXAMPLE:session``
    ``access_key``        the id of the access key (never its secret)
    ``identity_id``       of the identity pool that gave the credentials, None for other credentials
    ``identity_pool_id``  the same
    ``authentication``    ``"unauthenticated"`` is an identity pool's guest; None for other credentials
    ``sub``               of the user, who signed in to a pool of this guard; None if that is not certain
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
    """Who signed the request, or None. ``pools`` are the ids of user pools whose ``sub`` counts."""
    if not isinstance(event, dict):
        return None
    version = event.get("version")
    if version == "2.0":
        return _http(event, pools)
    return _rest(event, pools) if "version" not in event else None


def _http(event: Event, pools: Collection[str]) -> IamIdentity | None:
    """HTTP API and function URL: ``authorizer.iam``."""
    authorizer = find_authorizer(event)
    iam = authorizer.get("iam")
    if not isinstance(iam, dict) or len(authorizer) != 1 or not _text(iam, "userArn"):
        return None
    cognito = iam.get("cognitoIdentity")
    cognito = cognito if isinstance(cognito, dict) else {}
    amr = cognito.get("amr")
    methods = [item for item in amr if isinstance(item, str)] if isinstance(amr, list) else []
    return IamIdentity(
        user_arn=iam["userArn"],
        account_id=_text(iam, "accountId"),
        caller_id=_text(iam, "callerId"),
        access_key=_text(iam, "accessKey"),
        identity_id=_text(cognito, "identityId"),
        identity_pool_id=_text(cognito, "identityPoolId"),
        authentication=_authentication(methods[0] if methods else None),
        sub=_sub(methods, pools),
    )


def _rest(event: Event, pools: Collection[str]) -> IamIdentity | None:
    """REST API: ``requestContext.identity``, which is there for everybody, but then full of nulls."""
    context = event.get("requestContext")
    identity = context.get("identity") if isinstance(context, dict) else None
    if not isinstance(identity, dict) or find_authorizer(event) or not _text(identity, "userArn"):
        return None
    if any(identity.get(name) == value for name, value in _CONSOLE.items()):
        return None
    provider = _text(identity, "cognitoAuthenticationProvider")
    return IamIdentity(
        user_arn=identity["userArn"],
        account_id=_text(identity, "accountId"),
        caller_id=_text(identity, "caller"),
        access_key=_text(identity, "accessKey"),
        identity_id=_text(identity, "cognitoIdentityId"),
        identity_pool_id=_text(identity, "cognitoIdentityPoolId"),
        authentication=_authentication(identity.get("cognitoAuthenticationType")),
        sub=None if provider is None else _sub(provider.split(","), pools),
    )


def _text(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    return value if isinstance(value, str) and value and is_writable(value) else None


def _authentication(value: object) -> Authentication | None:
    return next((known for known in get_args(Authentication) if known == value), None)


def _sub(providers: Collection[str], pools: Collection[str]) -> str | None:
    """The one ``sub`` of a known pool. None for none, and for several."""
    signed_in = (re.fullmatch(_SIGN_IN, provider) for provider in providers)
    subs = {match[2] for match in signed_in if match and match[1] in pools}
    return subs.pop() if len(subs) == 1 else None
