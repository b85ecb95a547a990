"""Checks of an app's own, as FastAPI dependencies that get the principal first."""

import inspect
from collections.abc import Callable
from typing import Any

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.principal import Principal

_ADVICE = (
    'Write require(is_owner, name="owner"), with a function, sync or async, that gets the principal first '
    "and returns True or False. Its other parameters are FastAPI's, as those of any dependency."
)


def check_function(function: object, name: object) -> str:
    """Return the name of a check. Raises `ConfigurationError` for what cannot be one."""
    if not callable(function) or inspect.isclass(function):
        raise ConfigurationError(_ADVICE)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise ConfigurationError(_ADVICE)
    if not inspect.signature(function).parameters:
        raise ConfigurationError(_ADVICE)
    known = getattr(function, "__name__", None) if name is None else name
    if not isinstance(known, str) or not known.isprintable() or not 0 < len(known.strip()) <= 128:
        raise ConfigurationError("The name of a check is a text of 1 to 128 characters.", setting="name")
    if known == "<lambda>":
        raise ConfigurationError('Name the check: require(lambda user: ..., name="owner").', setting="name")
    return known


def build_dependency(function: Callable[..., Any], user: object) -> Callable[..., Any]:
    """Return the dependency that runs a check. ``user`` is the annotation of the principal's parameter.

    FastAPI runs it like any other: in a thread if it is sync, once a request.
    """
    signature = inspect.signature(function, eval_str=True)
    _, *others = signature.parameters.values()

    def read_result(result: object) -> bool:
        # Not by truth value: a coroutine, or any text, would be true.
        if result is not True and result is not False:
            raise ConfigurationError(f"A check returns True or False, and not {type(result).__name__}.")
        return result

    def run(principal: Principal, **values: Any) -> bool:
        return read_result(function(principal, **values))

    async def run_async(principal: Principal, **values: Any) -> bool:
        return read_result(await function(principal, **values))

    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - the method of an object, to see if it is async
    )
    dependency: Any = run_async if is_async else run
    principal = inspect.Parameter("principal", inspect.Parameter.KEYWORD_ONLY, annotation=user)
    named = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in others]
    dependency.__signature__ = inspect.Signature([principal, *named])
    return dependency  # type: ignore[no-any-return]  # one of the two functions
