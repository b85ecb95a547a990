"""An API Gateway made of nothing but the document that it imports: which operation, and who may call it."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

Document = dict[str, Any]


class Token(NamedTuple):
    """What an authorizer looks at in a good token."""

    use: str
    scopes: frozenset[str] = frozenset()


class ModelGateway:
    """Finds and decides as the developer guide says; written against it, and not against the exporter."""

    def __init__(self, document: Document, kind: str) -> None:
        self.kind = kind
        self.paths: Mapping[str, Mapping[str, Any]] = document["paths"]

    def operation(self, method: str, path: str) -> Mapping[str, Any] | None:
        """The one that a request is for; None where the gateway knows none."""
        if self.kind == "rest":  # which does not see a slash at the end
            path = path.removesuffix("/") or "/"
        fitting = sorted(
            (said for said in self.paths if _regex(said).fullmatch(path)),
            key=lambda said: [_rank(segment) for segment in said.split("/")],
        )
        if self.kind == "rest":  # the resource first, then its methods
            fitting = fitting[:1]
        return next((item for said in fitting if (item := self.paths[said].get(method.lower()))), None)

    def status(self, method: str, path: str, token: Token | None) -> int:
        """200 where it lets the request through."""
        operation = self.operation(method, path)
        if operation is None:
            return 403 if self.kind == "rest" else 404
        statuses = [
            self._decide(scopes, token) for entry in operation["security"] for scopes in entry.values()
        ]
        return max(statuses, default=200)

    def _decide(self, scopes: Collection[str], token: Token | None) -> int:
        if token is None:
            return 401
        if self.kind == "http":
            return 403 if scopes and token.scopes.isdisjoint(scopes) else 200
        if token.use != ("access" if scopes else "id"):
            return 401
        return 401 if scopes and token.scopes.isdisjoint(scopes) else 200


def _regex(said: str) -> re.Pattern[str]:
    return re.compile("/".join(_part(segment) for segment in said.split("/")))


def _part(segment: str) -> str:
    if not segment.startswith("{"):
        return re.escape(segment)
    return ".+" if segment.endswith("+}") else "[^/]+"


def _rank(segment: str) -> int:
    return segment.startswith("{") + segment.endswith("+}")


def allows(policy: Mapping[str, Any], arn: str) -> bool:
    """IAM's rule: an Allow that fits, and no Deny that does. ``*`` is any text, slashes too."""
    effects = {
        statement["Effect"]
        for statement in policy["Statement"]
        for resource in _listed(statement["Resource"])
        if re.fullmatch(re.escape(resource).replace(r"\*", ".*"), arn)
    }
    return effects == {"Allow"}


def _listed(resources: object) -> Iterator[str]:
    yield from [resources] if isinstance(resources, str) else resources  # type: ignore[misc]  # a list
