"""Template of the user pool for the other templates: a resource server, clients, a group."""

from example_app.deploy.parts import Part, build_output, build_resource, build_sub, build_template

_SCOPES = {
    "read": "Read everything",
    "write": "Add and change",
    "admin": "Everything else",
}
_PARAMETERS: Part = {
    "ResourceServer": {
        "Type": "String",
        "Default": "myapi",
        "Description": "Prefix of the scopes: myapi/read. The example app requires orders/read",
    },
    "DomainPrefix": {
        "Type": "String",
        "AllowedPattern": "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?",
        "Description": (
            "First part of the address of the sign-in pages, unique in the region. "
            "It must not contain aws, amazon or cognito"
        ),
    },
    "CallbackUrl": {
        "Type": "String",
        "Default": "http://localhost:8000/docs/oauth2-redirect",
        "Description": "Address to which people return after they have signed in",
    },
}
_POOL = {"UserPoolId": {"Ref": "UserPool"}}


def build_pool() -> Part:
    """Build the template. The pool has a stack of its own, so that its users outlive the APIs."""
    return build_template(
        "A user pool: a resource server with scopes, a client for people and one for machines, a group",
        _PARAMETERS,
        {
            "UserPool": _build_user_pool(),
            "Domain": _build_cognito_resource("UserPoolDomain", **_POOL, Domain={"Ref": "DomainPrefix"}),
            "Scopes": _build_cognito_resource(
                "UserPoolResourceServer",
                **_POOL,
                Identifier={"Ref": "ResourceServer"},
                Name={"Ref": "ResourceServer"},
                Scopes=[{"ScopeName": name, "ScopeDescription": text} for name, text in _SCOPES.items()],
            ),
            "People": _build_people_client(),
            "Machine": _build_machine_client(),
            "Admins": _build_cognito_resource("UserPoolGroup", **_POOL, GroupName="admins"),
        },
        _build_outputs(),
    )


def _build_outputs() -> Part:
    return {
        "UserPoolId": build_output("Parameter of the API's template", {"Ref": "UserPool"}),
        "UserPoolArn": build_output("For cognito-guard export", {"Fn::GetAtt": ["UserPool", "Arn"]}),
        "ClientIds": build_output("Parameter of the API's template", build_sub("${People},${Machine}")),
        "PeopleClientId": build_output("Client of the web app in which people sign in", {"Ref": "People"}),
        "MachineClientId": build_output(
            "Client of a program; its secret is in the console", {"Ref": "Machine"}
        ),
        "SignIn": build_output(
            "Address at which people sign in, and machines get tokens",
            build_sub("https://${DomainPrefix}.auth.${AWS::Region}.amazoncognito.com"),
        ),
    }


def _build_user_pool() -> Part:
    return {
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        **_build_cognito_resource(
            "UserPool",
            UserPoolName={"Ref": "AWS::StackName"},
            UsernameAttributes=["email"],
            AutoVerifiedAttributes=["email"],
            AdminCreateUserConfig={"AllowAdminCreateUserOnly": True},
            Policies={"PasswordPolicy": {"MinimumLength": 12}},
            UserAttributeUpdateSettings={"AttributesRequireVerificationBeforeUpdate": ["email"]},
        ),
    }


def _build_people_client() -> Part:
    """Build the client of a web app. It has no secret, which a browser could not keep, and uses PKCE instead.

    Sign-in by password alone, for trying things out, needs AWS credentials for the pool.
    """
    return _build_client(
        ClientName="people",
        ExplicitAuthFlows=[
            "ALLOW_USER_SRP_AUTH",
            "ALLOW_REFRESH_TOKEN_AUTH",
            "ALLOW_ADMIN_USER_PASSWORD_AUTH",
        ],
        SupportedIdentityProviders=["COGNITO"],
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid", "email", _build_scope("read"), _build_scope("write")],
        CallbackURLs=[{"Ref": "CallbackUrl"}],
    )


def _build_machine_client() -> Part:
    return _build_client(
        ClientName="machine",
        GenerateSecret=True,
        # By default Cognito would also allow sign-in of users with the client's secret.
        ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"],
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=[_build_scope(name) for name in _SCOPES],
    )


def _build_client(**properties: object) -> Part:
    client = _build_cognito_resource(
        "UserPoolClient",
        **_POOL,
        AllowedOAuthFlowsUserPoolClient=True,
        PreventUserExistenceErrors="ENABLED",
        **properties,
    )
    return {"DependsOn": "Scopes", **client}  # its scopes must exist first


def _build_scope(name: str) -> object:
    return build_sub("${ResourceServer}/" + name)


def _build_cognito_resource(kind: str, **properties: object) -> Part:
    return build_resource(f"AWS::Cognito::{kind}", **properties)
