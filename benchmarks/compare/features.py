"""Facts about the libraries that were read in their code and pages."""

from typing import NamedTuple

READ_AT = {
    "aws-lambda-powertools": "3.37.0",
    "aws-jwt-verify": "5.2.1",
    "fastapi-cognito": "2.10.0",
    "fastapi-cloudauth": "0.4.3",
    "pyjwt": "2.15.1",
    "python-jose": "3.5.0",
    "fastapi-oidc-guard": "0.4.0",
    "fastmcp": "4.2.3",
}
"""Versions whose code was read. The page says so where another one ran."""


class Facts(NamedTuple):
    """Facts about one library."""

    issuers: str
    id_tokens: str
    requirements: str
    gateway: str
    tests: str


TITLES = (
    "issuers",
    "ID tokens",
    "checks per route",
    "API Gateway",
    "for your tests",
)

FACTS = {
    "this guard": Facts(
        "Cognito only, several pools",
        "by `token_use`",
        "groups, scopes, claims, levels, own functions",
        "reads its claims; is a Lambda authorizer; exports the API's configuration",
        "pool, gateway, fixtures, forged tokens",
    ),
    "Powertools": Facts(
        "any OIDC issuer, several",
        "not with its Cognito profile",
        "scopes (`require`)",
        "is a Lambda authorizer; middleware for its own event handler",
        "`mock_claims`",
    ),
    "aws-jwt-verify": Facts(
        "any OIDC issuer, load balancers, several",
        "by `tokenUse`",
        "groups and scopes, given at each call",
        "nothing; examples of authorizers",
        "`cacheJwks`",
    ),
    "fastapi-cognito": Facts(
        "Cognito only, several pools",
        "with a model of your own",
        "nothing",
        "nothing",
        "nothing",
    ),
    "fastapi-cloudauth": Facts(
        "Cognito, Auth0, Firebase",
        "`CognitoCurrentUser`",
        "scopes or groups (`scope`)",
        "nothing",
        "nothing",
    ),
    "PyJWT recipe": Facts("any", "your own code", "your own code", "your own code", "your own code"),
    "python-jose recipe": Facts("any", "your own code", "your own code", "your own code", "your own code"),
    "fastapi-oidc-guard": Facts(
        "any OIDC issuer; asks its UserInfo by default",
        "your own code",
        "the function that makes the user",
        "nothing",
        "nothing",
    ),
    "FastMCP": Facts(
        "any, and Cognito's sign-in for MCP clients",
        "no",
        "scopes, for the whole server",
        "nothing",
        "`RSAKeyPair`",
    ),
}
