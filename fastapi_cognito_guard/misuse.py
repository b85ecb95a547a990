"""Advice where something is written that FastAPI would take for a parameter, or would not run.

FastAPI reads the signatures of dependencies when a route is defined, so that most mistakes fail there.
"""

from collections.abc import Iterable
from inspect import Parameter, Signature, isfunction
from typing import Annotated, Any, NoReturn

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.policy import Requirement
from fastapi_cognito_guard.principal import NotAParameter

_known: list[tuple[object, str]] = []


def advise_on_misuse(target: Any, advice: str) -> None:
    """Let a route fail with ``advice`` that has a dependency for an annotation, or the reverse.

    ``target``: a dependency, which belongs into ``Depends``; or an annotation that holds ``Depends`` already.
    """
    _known.append((target, advice))
    refusal = NotAParameter(advice)
    if isfunction(target):
        vars(target)["__get_pydantic_core_schema__"] = refusal.__get_pydantic_core_schema__
    else:
        parameter = Parameter("misused", Parameter.KEYWORD_ONLY, annotation=Annotated[str, refusal])
        target.__signature__ = Signature([parameter])  # FastAPI reads it from a dependency


def find_advice(value: object) -> str | None:
    """Return what to write instead of ``value`` itself, or None."""
    if isinstance(value, Requirement):
        return f"Write Depends({value})."
    return next((advice for target, advice in _known if target is value), None)


NO_DECORATOR = (
    'A requirement is no decorator: write @app.get("/orders", dependencies=[Depends(require_scope(...))]).'
)
_GUARD = (
    "A guard is no dependency: write guard.install(app) once, right after app = FastAPI(), and "
    "`user: CurrentUser` in the routes."
)
NO_GUARD = NotAParameter(_GUARD)


class NotADependency:
    """Base of the guard: written as a dependency or as a parameter, or called, it fails with advice."""

    def __call__(self, *misused: Annotated[Any, NO_GUARD], **others: Any) -> NoReturn:
        """Raise `ConfigurationError`."""
        raise ConfigurationError(_GUARD)

    @property
    def dependency(self) -> NoReturn:
        """Attribute that FastAPI reads from the items of a list of dependencies."""
        raise ConfigurationError(_GUARD)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> NoReturn:
        raise ConfigurationError(_GUARD)


def check_nodes(nodes: Iterable[Any]) -> None:
    """Raise `ConfigurationError` for what FastAPI has taken without the meaning that it seems to have.

    ``nodes``: the endpoint of a route, and then its dependencies.
    """
    for index, node in enumerate(nodes):
        if index == 0 and isinstance(node.call, Requirement):
            raise ConfigurationError(NO_DECORATOR)
        if isinstance(getattr(node.call, "__self__", None), NotADependency):
            raise ConfigurationError(f"Depends(guard.{node.call.__name__}): {_GUARD}")
        for field in (*node.query_params, *node.body_params):
            advice = find_advice(field.field_info.default)
            if advice is not None:
                raise ConfigurationError(f"FastAPI does not run the default of {field.name!r}. {advice}")
