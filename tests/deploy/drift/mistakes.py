"""Mistakes in a deployed document, and what is found of each."""

from typing import Any, NamedTuple

from tests.deploy.drift.documents import REST_FORMATS
from tests.deploy.drift.shop import (
    Change,
    add,
    add_lambda,
    all_of,
    remove,
    remove_path,
    set_authorizer,
    set_cors,
    set_scheme,
    set_security,
)
from tests.deploy.exports import AUTHORIZER, ISSUER, OTHER_ISSUER, OTHER_POOL, POOL, POOL_ARN

BODIES = ("export", "swagger", "CloudFormation body", "SAM body", "Terraform body")
WITH_MOCKS = (*BODIES, "CloudFormation")
OTHER_ARN = POOL_ARN.replace(POOL.id, OTHER_POOL.id)
COGNITO = "authorizer Cognito"
PATHS = ("/files/{path+}", "/health", "/maybe", "/me", "/orders", "/orders/{id}", "/reports")


class Mistake(NamedTuple):
    change: Change
    found: set[str]
    formats: tuple[str, ...] = tuple(REST_FORMATS)
    options: dict[str, Any] = {}  # noqa: RUF012  # never changed


def mock_preflight(**headers: str) -> Change:
    parameters = {f"method.response.header.Access-Control-Allow-{k}": f"'{v}'" for k, v in headers.items()}
    integration = {"type": "mock", "responses": {"default": {"responseParameters": parameters}}}
    return lambda document: document["paths"]["/me"]["options"].update(
        {"x-amazon-apigateway-integration": integration}
    )


ANY_KIND: dict[str, Mistake] = {
    "a route is open": Mistake(set_security("POST /orders"), {"danger open-route POST /orders"}),
    "a route with a variable is open": Mistake(
        set_security("DELETE /orders/{id}"), {"danger open-route DELETE /orders/{id}"}
    ),
    "a greedy route is open": Mistake(
        set_security("GET /files/{path+}"), {"danger open-route GET /files/{path+}"}
    ),
    "a route for IAM callers is open": Mistake(
        set_security("GET /reports"), {"danger open-route GET /reports"}
    ),
    "a route has another scope": Mistake(
        set_security("GET /orders", "Cognito", scopes=["o/w"]),
        {"danger wider-scopes GET /orders", "warning narrower-scopes GET /orders"},
    ),
    "a route has one scope more": Mistake(
        set_security("GET /orders", "Cognito", scopes=["o/r", "o/x"]), {"danger wider-scopes GET /orders"}
    ),
    "a scope is like another": Mistake(
        set_security("GET /orders", "Cognito", scopes=["o/R"]),
        {"danger wider-scopes GET /orders", "warning narrower-scopes GET /orders"},
    ),
    "a route has one scope less": Mistake(
        set_security("GET /orders/{id}", "Cognito", scopes=["o/r"]),
        {"warning narrower-scopes GET /orders/{id}"},
    ),
    "a route takes one more of the scopes for all": Mistake(
        set_security("GET /me", "Cognito", scopes=["openid", "email"]), {"danger wider-scopes GET /me"}
    ),
    "a public route is closed": Mistake(
        set_security("GET /health", "Cognito", scopes=["openid"]), {"warning closed-route GET /health"}
    ),
    "a route with an optional token is closed": Mistake(
        set_security("GET /maybe", "Cognito", scopes=["openid"]), {"warning closed-route GET /maybe"}
    ),
    "a path is missing": Mistake(remove_path("/me"), {"warning missing-route GET /me"}),
    "a method is missing": Mistake(
        remove("DELETE /orders/{id}"), {"warning missing-route DELETE /orders/{id}"}
    ),
    "there is an open route that the app has not": Mistake(
        add("GET /debug"), {"warning extra-route GET /debug"}
    ),
    "there is a guarded route that the app has not": Mistake(
        add("DELETE /me", "Cognito", scopes=["openid"]), {"warning extra-route DELETE /me"}
    ),
    "an open catch-all takes a route": Mistake(
        all_of(remove_path("/me"), add("ANY /{proxy+}", like="GET /health")), {"danger open-route GET /me"}
    ),
    "a guarded catch-all takes a public route": Mistake(
        all_of(
            remove_path("/health"),
            add("ANY /{proxy+}", "Cognito", scopes=["openid"]),
            add("OPTIONS /{proxy+}"),
        ),
        {"warning closed-route GET /health"},
    ),
    "a more specific route is open": Mistake(
        all_of(add("GET /files/public"), add("OPTIONS /files/public")),
        {"danger open-route GET /files/public"},
    ),
    "an open catch-all for one part takes it": Mistake(
        all_of(remove_path("/orders/{id}"), add("ANY /orders/{rest+}")),
        {"danger open-route GET /orders/{id}", "danger open-route DELETE /orders/{id}"},
    ),
    "a route for users has IAM": Mistake(
        set_security("GET /me", "sigv4"), {"warning other-authorizer GET /me"}
    ),
    "a route for IAM callers has Cognito": Mistake(
        set_security("GET /reports", "Cognito", scopes=["openid"]), {"warning other-authorizer GET /reports"}
    ),
    "a public route has IAM": Mistake(
        set_security("GET /health", "sigv4"), {"warning closed-route GET /health"}
    ),
    "a Lambda authorizer decides": Mistake(add_lambda("GET /me"), {"undecided lambda-authorizer GET /me"}),
    "a Lambda authorizer decides for IAM callers": Mistake(
        add_lambda("GET /reports"), {"undecided lambda-authorizer GET /reports"}
    ),
    "another Lambda authorizer than the named one": Mistake(
        add_lambda("GET /me"),
        {"undecided lambda-authorizer GET /me"},
        options={"authorizer_arns": [AUTHORIZER[:-1]]},
    ),
    "a cached decision is shared by all callers": Mistake(
        add_lambda("GET /me", identitySource="context.stage"),
        {"danger shared-cache authorizer Custom", "warning identity-source authorizer Custom"},
        options={"authorizer_arns": [AUTHORIZER]},
    ),
    "a scheme is not defined": Mistake(
        set_security("GET /me", "Missing"), {"undecided unknown GET /me"}
    ),
    "a route has two authorizers": Mistake(
        set_security("GET /me", "Cognito", "sigv4"), {"undecided unknown GET /me"}, BODIES
    ),
    "security is written for all routes only": Mistake(
        lambda document: (
            document["paths"]["/me"]["get"].pop("security"),
            document.update(security=[{"Cognito": ["openid"]}]),
        ),
        {"undecided unknown GET /me"},
        BODIES,
    ),
}  # fmt: skip
REST: dict[str, Mistake] = {
    "a route has no scopes": Mistake(
        set_security("GET /orders", "Cognito"),
        {"danger wider-scopes GET /orders", "warning token-type GET /orders"},
    ),
    "a route has none of the scopes for all": Mistake(
        set_security("GET /me", "Cognito"), {"danger wider-scopes GET /me", "warning token-type GET /me"}
    ),
    "another pool": Mistake(
        set_authorizer(providerARNs=[OTHER_ARN]),
        {f"danger other-pool {COGNITO}", f"warning missing-pool {COGNITO}"},
    ),
    "one pool more": Mistake(
        set_authorizer(providerARNs=[POOL_ARN, OTHER_ARN]), {f"danger other-pool {COGNITO}"}
    ),
    "an ARN of something else": Mistake(
        set_authorizer(providerARNs=["arn:aws:s3:::bucket"]), {f"undecided unknown {COGNITO}"}
    ),
    "no pool": Mistake(set_authorizer(providerARNs=[]), {f"undecided unknown {COGNITO}"}),
    "another header": Mistake(set_scheme(name="X-Token"), {f"warning identity-source {COGNITO}"}),
    "an API key in place of a token": Mistake(
        set_security("GET /me", "api_key"), {"danger open-route GET /me"}
    ),
    "an API key for a public route": Mistake(
        set_security("GET /health", "api_key"), {"warning api-key GET /health"}
    ),
    "an API key for preflights": Mistake(
        set_security("OPTIONS /me", "api_key"), {"warning preflight OPTIONS /me"}
    ),
    "no preflights": Mistake(remove("OPTIONS /me"), {"warning preflight OPTIONS /me"}),
    "a token for preflights": Mistake(
        set_security("OPTIONS /me", "Cognito", scopes=["openid"]), {"warning preflight OPTIONS /me"}
    ),
    "preflights that do not allow the token": Mistake(
        mock_preflight(Origin="https://shop.example", Methods="GET,DELETE", Headers="Content-Type"),
        {"warning cors OPTIONS /me"},
        WITH_MOCKS,
    ),
    "preflights for another website": Mistake(
        mock_preflight(Origin="https://evil.example", Methods="GET,DELETE", Headers="Authorization"),
        {"warning cors OPTIONS /me"},
        WITH_MOCKS,
    ),
    "a path with another method hides a path with a variable": Mistake(
        all_of(add("POST /orders/all"), add("OPTIONS /orders/all")),
        {
            "warning extra-route POST /orders/all",
            "warning missing-route GET /orders/all",
            "warning missing-route DELETE /orders/all",
        },
    ),
    "a path has only a preflight": Mistake(
        all_of(remove("GET /me")), {"warning missing-route GET /me"}
    ),
}  # fmt: skip
HTTP: dict[str, Mistake] = {
    "a route has no scopes": Mistake(
        set_security("GET /orders", "Cognito"), {"danger wider-scopes GET /orders"}
    ),
    "an open $default takes a route": Mistake(
        all_of(remove_path("/me"), add("ANY /$default", like="GET /health")), {"danger open-route GET /me"}
    ),
    "an open route beside one with a variable": Mistake(
        add("GET /orders/all"), {"danger open-route GET /orders/all"}
    ),
    "another issuer": Mistake(
        set_scheme(openIdConnectUrl=f"{OTHER_ISSUER}/.well-known/openid-configuration"),
        {f"danger other-issuer {COGNITO}", f"warning missing-pool {COGNITO}"},
    ),
    "an issuer with a slash at its end": Mistake(
        set_scheme(openIdConnectUrl=f"{ISSUER}//.well-known/openid-configuration"),
        {f"danger other-issuer {COGNITO}", f"warning missing-pool {COGNITO}"},
    ),
    "another audience": Mistake(
        set_authorizer(jwtConfiguration={"audience": ["9z9example"]}),
        {f"danger other-audience {COGNITO}", f"warning missing-audience {COGNITO}"},
    ),
    "one audience more": Mistake(
        set_authorizer(jwtConfiguration={"audience": ["4b1example", "6d3example", "9z9example"]}),
        {f"danger other-audience {COGNITO}"},
    ),
    "one audience less": Mistake(
        set_authorizer(jwtConfiguration={"audience": ["4b1example"]}), {f"warning missing-audience {COGNITO}"}
    ),
    "no audience": Mistake(
        set_authorizer(jwtConfiguration={"audience": []}), {f"danger other-audience {COGNITO}"}
    ),
    "another header": Mistake(
        set_authorizer(identitySource="$request.header.X-Token"), {f"warning identity-source {COGNITO}"}
    ),
    "a query parameter": Mistake(
        set_authorizer(identitySource="$request.querystring.token"), {f"warning identity-source {COGNITO}"}
    ),
    "a simple response for one route is used for all": Mistake(
        add_lambda("GET /me", enableSimpleResponses=True),
        {"danger shared-cache authorizer Custom"},
        options={"authorizer_arns": [AUTHORIZER]},
    ),
    "no CORS": Mistake(
        lambda document: document.pop("x-amazon-apigateway-cors"),
        {f"warning preflight OPTIONS {path}" for path in PATHS},
    ),
    "CORS for another website": Mistake(
        set_cors(allowOrigins=["https://evil.example"]), {"warning cors CORS"}
    ),
    "CORS for all websites": Mistake(set_cors(allowOrigins=["*"]), {"warning cors CORS"}),
    "CORS without the token's header": Mistake(
        set_cors(allowHeaders=["content-type"]), {"warning cors CORS"}
    ),
    "CORS for all headers, which is not the token's": Mistake(
        set_cors(allowHeaders=["*"]), {"warning cors CORS"}
    ),
    "CORS without a method": Mistake(set_cors(allowMethods=["GET", "POST"]), {"warning cors CORS"}),
    "CORS with credentials": Mistake(set_cors(allowCredentials=True), {"warning cors CORS"}),
}  # fmt: skip
