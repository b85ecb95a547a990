"""The user pool that the other templates are given: a resource server, clients, a group."""

from example_app.deploy.parts import Part, output, resource, sub, template

_SCOPES = {
    "read": "Look at everything",
    "write": "Add and change",
    "admin": "All the rest",
}
_PARAMETERS: Part = {
    "ResourceServer": {
        "Type": "String",
        "Default": "myapi",
        "Description": "What the scopes begin with: myapi/read. The example app asks for orders/read",
    },
    "DomainPrefix": {
        "Type": "String",
        "AllowedPattern": "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?",
        "Description": (
            "Of the sign-in pages' address; nobody else in the region may have it. "
            "It must not hold aws, amazon or cognito"
        ),
    },
    "CallbackUrl": {
        "Type": "String",
        "Default": "http://localhost:8000/docs/oauth2-redirect",
        "Description": "Where people come back to after they have signed in",
    },
}
_POOL = {"UserPoolId": {"Ref": "UserPool"}}


def pool() -> Part:
    """A stack of its own: APIs come and go, users stay."""
    return template(
        "A user pool: a resource server with scopes, a client for people and one for machines, a group",
        _PARAMETERS,
        {
            "UserPool": _user_pool(),
            "Domain": _resource("UserPoolDomain", **_POOL, Domain={"Ref": "DomainPrefix"}),
            "Scopes": _resource(
                "UserPoolResourceServer",
                **_POOL,
                Identifier={"Ref": "ResourceServer"},
                Name={"Ref": "ResourceServer"},
                Scopes=[{"ScopeName": name, "ScopeDescription": text} for name, text in _SCOPES.items()],
            ),
            "People": _people(),
            "Machine": _machine(),
            "Admins": _resource("UserPoolGroup", **_POOL, GroupName="admins"),
        },
        _outputs(),
    )


def _outputs() -> Part:
    return {
        "UserPoolId": output("For the API's template", {"Ref": "UserPool"}),
        "UserPoolArn": output("For cognito-guard export", {"Fn::GetAtt": ["UserPool", "Arn"]}),
        "ClientIds": output("For the API's template", sub("${People},${Machine}")),
        "PeopleClientId": output("Of the web app in which people sign in", {"Ref": "People"}),
        "MachineClientId": output("Of a program; its secret is in the console", {"Ref": "Machine"}),
        "SignIn": output(
            "Where people sign in, and machines get tokens",
            sub("https://${DomainPrefix}.auth.${AWS::Region}.amazoncognito.com"),
        ),
    }


def _user_pool() -> Part:
    return {
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        **_resource(
            "UserPool",
            UserPoolName={"Ref": "AWS::StackName"},
            UsernameAttributes=["email"],
            AutoVerifiedAttributes=["email"],
            AdminCreateUserConfig={"AllowAdminCreateUserOnly": True},
            Policies={"PasswordPolicy": {"MinimumLength": 12}},
            UserAttributeUpdateSettings={"AttributesRequireVerificationBeforeUpdate": ["email"]},
        ),
    }


def _people() -> Part:
    """Without a secret: what runs in a browser cannot keep one. PKCE takes its place.

    With a password alone, only who has AWS credentials for the pool signs somebody in, to try things out.
    """
    return _client(
        ClientName="people",
        ExplicitAuthFlows=[
            "ALLOW_USER_SRP_AUTH",
            "ALLOW_REFRESH_TOKEN_AUTH",
            "ALLOW_ADMIN_USER_PASSWORD_AUTH",
        ],
        SupportedIdentityProviders=["COGNITO"],
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid", "email", _scope("read"), _scope("write")],
        CallbackURLs=[{"Ref": "CallbackUrl"}],
    )


def _machine() -> Part:
    return _client(
        ClientName="machine",
        GenerateSecret=True,
        # Without any named, Cognito would let whoever has the secret sign people in.
        ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"],
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=[_scope(name) for name in _SCOPES],
    )


def _client(**properties: object) -> Part:
    made = _resource(
        "UserPoolClient",
        **_POOL,
        AllowedOAuthFlowsUserPoolClient=True,
        PreventUserExistenceErrors="ENABLED",
        **properties,
    )
    return {"DependsOn": "Scopes", **made}  # a client's scopes have to be there before it


def _scope(name: str) -> object:
    return sub("${ResourceServer}/" + name)


def _resource(kind: str, **properties: object) -> Part:
    return resource(f"AWS::Cognito::{kind}", **properties)
