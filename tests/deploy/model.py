"""Models of API Gateway and of IAM, written from their documentation, to compare the package with."""

import re
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

Document = dict[str, Any]


class Token(NamedTuple):
    """Parts of a valid token that an authorizer reads."""

    use: str
    scopes: frozenset[str] = frozenset()
    issuer: str = ""
    audience: frozenset[str] = frozenset()
    claims: Mapping[str, str] = MappingProxyType({})


class ModelGateway:
    """Gateway of an imported definition, which routes and authorizes as the developer guide says."""

    def __init__(self, document: Document, kind: str) -> None:
        self.kind = kind
        self.schemes: Mapping[str, Any] = document["components"]["securitySchemes"]
        self.paths: Mapping[str, Mapping[str, Any]] = document["paths"]

    def operation(self, method: str, path: str) -> Mapping[str, Any] | None:
        """Return the operation for a request; None if the gateway has none."""
        if self.kind == "rest":  # a REST API ignores a trailing slash
            path = path.removesuffix("/") or "/"
        matching = sorted(
            (each for each in self.paths if _compile(each).fullmatch(path)),
            key=lambda each: [_rank(segment) for segment in each.split("/")],
        )
        if self.kind == "rest":  # finds the path first, then the method
            matching = matching[:1]
        return next((item for each in matching if (item := self.paths[each].get(method.lower()))), None)

    def status(self, method: str, path: str, token: Token | None) -> int:
        """Return the status of the gateway's refusal; 200 for a request that passes."""
        operation = self.operation(method, path)
        if operation is None:
            return 403 if self.kind == "rest" else 404
        statuses = [
            self._decide(self.schemes[name], scopes, token)
            for entry in operation["security"]
            for name, scopes in entry.items()
        ]
        return max(statuses, default=200)

    def _decide(self, scheme: Document, scopes: Collection[str], token: Token | None) -> int:
        if token is None:
            return 401
        authorizer = scheme["x-amazon-apigateway-authorizer"]
        if self.kind == "rest" and authorizer["type"] == "jwt":
            trusted = any(_trusts(each, token) for each in authorizer["jwtConfiguration"]["issuers"])
            return 200 if trusted and (not scopes or not token.scopes.isdisjoint(scopes)) else 401
        if self.kind == "http":
            return 403 if scopes and token.scopes.isdisjoint(scopes) else 200
        if token.use != ("access" if scopes else "id"):
            return 401
        return 401 if scopes and token.scopes.isdisjoint(scopes) else 200


def _trusts(issuer: Document, token: Token) -> bool:
    """Return True if a REST API's JWT authorizer trusts the token by this issuer.

    ``aud`` must have one of the audiences: nothing says that ``client_id`` counts.
    """
    rules = issuer.get("additionalClaims", ())
    return (
        issuer["issuer"] == token.issuer
        and not token.audience.isdisjoint(issuer["audiences"])
        and all(token.claims.get(rule["claimName"]) in rule["expectedValues"] for rule in rules)
    )


def _compile(path: str) -> re.Pattern[str]:
    return re.compile("/".join(_build_regex(segment) for segment in path.split("/")))


def _build_regex(segment: str) -> str:
    if not segment.startswith("{"):
        return re.escape(segment)
    return ".+" if segment.endswith("+}") else "[^/]+"


def _rank(segment: str) -> int:
    return segment.startswith("{") + segment.endswith("+}")


def allows(policy: Mapping[str, Any], arn: str) -> bool:
    """Return True if an Allow matches and no Deny does, as in IAM.

    ``*`` is any text, with slashes, too, and ``${*}`` the character.
    """
    effects = {
        statement["Effect"]
        for statement in policy["Statement"]
        for resource in _list_resources(statement["Resource"])
        if re.fullmatch(r"\*".join(map(_build_glob, resource.split("${*}"))), arn)
    }
    return effects == {"Allow"}


def _build_glob(text: str) -> str:
    return re.escape(text).replace(r"\*", ".*")


def _list_resources(resources: object) -> Iterator[str]:
    yield from [resources] if isinstance(resources, str) else resources  # type: ignore[misc]  # a list
