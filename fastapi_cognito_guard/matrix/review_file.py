"""The reviewed file: Markdown that a person reads in a pull request, and the same facts as lines of JSON.

Both have one line for a route, in the order of paths, so that a changed route changes two lines.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.matrix.changes import describe_guard
from fastapi_cognito_guard.matrix.markdown import format_code, format_row
from fastapi_cognito_guard.matrix.snapshot import APP, GuardAccess, PoolAccess, RouteAccess, Snapshot
from fastapi_cognito_guard.policy import Requirement
from fastapi_cognito_guard.remedies import RequirementKind
from fastapi_cognito_guard.request_state import GatewayMode

_BEGIN, _END = "<!-- cognito-guard matrix 1", "-->"
FILE_BEGINS = "# Who may do what\n"
_HEAD = f"""\
{FILE_BEGINS}
Written by `cognito-guard matrix --write`. Review its changes; do not edit it.

"""
_MOST = 10_000_000  # characters
_ADVICE = "Write it anew: cognito-guard matrix main:app --write authz.md."


def write_snapshot(snapshot: Snapshot) -> str:
    """Return the text of a reviewed file."""
    rows = [format_row(["route", "who may call it"]), format_row(["---", "---"])]
    rows += [
        format_row([format_code(name), f"**{access.words}**" if access.nobody else format_code(access.words)])
        for name, access in snapshot.routes.items()
    ]
    settings = [
        f"- Settings{_name_guard(name)}: {format_code(describe_guard(guard))}"
        for name, guard in snapshot.guards.items()
    ]
    lines = [_dump(entry) for entry in _list_entries(snapshot)]
    return "\n".join([_HEAD + "\n".join(rows), "", *settings, "", _BEGIN, *lines, _END, ""])


def read_snapshot(text: str) -> Snapshot:
    """Read the facts of a reviewed file. Raises `ConfigurationError` for another text."""
    _, begin, rest = text.partition(f"{_BEGIN}\n")
    body, end, _ = rest.partition(f"\n{_END}")
    if not begin or not end or len(text) > _MOST:
        raise ConfigurationError(f"This is no file of who may do what. {_ADVICE}")
    try:
        entries = [json.loads(line) for line in body.splitlines()]
        guards = {each["guard"]: _read_guard(each) for each in entries if "route" not in each}
        routes = {each["route"]: _read_route(each) for each in entries if "route" in each}
        snapshot = Snapshot(guards, routes)
        if APP not in guards or any(route.guard not in guards for route in routes.values()):
            raise ValueError("a guard is missing")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ConfigurationError):
        raise ConfigurationError(f"The facts at the end of the file cannot be read. {_ADVICE}") from None
    return snapshot


def _name_guard(name: str) -> str:
    return "" if name == APP else f" for {format_code(name)}"


def _list_entries(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    for name, guard in snapshot.guards.items():
        pools = {pool: access._asdict() for pool, access in guard.pools.items()}
        yield {"guard": name, **guard._asdict(), "pools": pools}
    for name, route in snapshot.routes.items():
        requirements = [_write_requirement(each) for each in route.requirements]
        yield {"route": name, **route._asdict(), "requirements": requirements}


def _dump(entry: Mapping[str, Any]) -> str:
    """Return one line of JSON that cannot end the comment around it."""
    return json.dumps(entry).replace(">", "\\u003e").replace("<", "\\u003c")


def _write_requirement(requirement: Requirement) -> dict[str, Any]:
    if requirement.alternatives:
        return {"any": [_write_requirement(each) for each in requirement.alternatives]}
    facts: dict[str, Any] = {"kind": requirement.kind, "any_of": list(requirement.any_of)}
    facts |= {"claim": requirement.claim} if requirement.claim is not None else {}
    return facts | ({"max_age": requirement.max_age} if requirement.max_age is not None else {})


def _read_requirement(facts: Mapping[str, Any]) -> Requirement:
    if "any" in facts:
        alternatives = tuple(map(_read_requirement, facts["any"]))
        names = tuple(name for each in alternatives for name in each.any_of)
        return Requirement(kind="any", any_of=names, alternatives=alternatives)
    claim, max_age = facts.get("claim"), facts.get("max_age")
    return Requirement(
        kind=_check_choice(facts["kind"], get_args(RequirementKind)),
        any_of=_read_texts(facts["any_of"]),
        claim=None if claim is None else _check_type(claim, str),
        max_age=None if max_age is None else _check_type(max_age, int),
    )


def _read_route(facts: Mapping[str, Any]) -> RouteAccess:
    return RouteAccess(
        guard=_check_type(facts["guard"], str),
        nobody=_check_type(facts["nobody"], bool),
        optional=_check_type(facts["optional"], bool),
        user=_check_type(facts["user"], bool),
        iam=_check_type(facts["iam"], bool),
        guarded=_check_type(facts["guarded"], bool),
        requirements=tuple(map(_read_requirement, facts["requirements"])),
    )


def _read_guard(facts: Mapping[str, Any]) -> GuardAccess:
    return GuardAccess(
        semantics=_check_choice(facts["semantics"], get_args(Semantics)),
        gateway=_check_choice(facts["gateway"], get_args(GatewayMode)),
        leeway=_check_type(facts["leeway"], int, float),
        directory=_check_type(facts["directory"], bool),
        deny_by_default=_check_type(facts["deny_by_default"], bool),
        public=_read_texts(facts["public"]),
        pools={_check_type(name, str): _read_pool(pool) for name, pool in facts["pools"].items()},
    )


def _read_pool(facts: Mapping[str, Any]) -> PoolAccess:
    resource = facts["resource"]
    return PoolAccess(
        clients=_read_texts(facts["clients"]),
        token_use=_read_texts(facts["token_use"]),
        resource=None if resource is None else _check_type(resource, str),
        levels=_read_texts(facts["levels"]),
    )


def _read_texts(given: object) -> tuple[str, ...]:
    return tuple(_check_type(each, str) for each in _check_type(given, list))


def _check_type(value: Any, *kinds: type) -> Any:
    if type(value) not in kinds:
        raise TypeError
    return value


def _check_choice(value: Any, choices: tuple[Any, ...]) -> Any:
    if value not in choices:
        raise ValueError
    return value
