"""Names and values in requirements, checked when a requirement is written."""

import re
from collections.abc import Sequence

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.principal import as_claim_text
from fastapi_cognito_guard.validation import NQCHAR, is_encodable

# RFC 6749 section 3.3. A scope is written into a challenge, and must not be able to end its quotes. Levels,
# client ids and ids of pools have the same letters.
_NAME = f"{NQCHAR}+"
_GROUP = r"\S(?:[^\x00-\x1f\x7f]{0,126}\S)?"


def check_scope_names(names: Sequence[object]) -> tuple[str, ...]:
    """Return names of scopes. Raises `ConfigurationError` for none, or for one that is not a scope."""
    return _check_names(
        names, _NAME, 'require_scope("orders/read", ...): at least one name, each a string without spaces'
    )


def check_group_names(names: Sequence[object]) -> tuple[str, ...]:
    """Return names of groups. Raises `ConfigurationError` for none, or for one that is not a group name."""
    return _check_names(
        names, _GROUP, 'require_group("admins", ...): at least one name, each of 1 to 128 characters'
    )


def check_claim_values(values: Sequence[object]) -> tuple[str, ...]:
    """Return values of a claim as the text that both doors deliver. Raises `ConfigurationError`."""
    texts = [as_claim_text(value) for value in values]
    if not all(texts) or not texts or not all(is_encodable(text) for (text,) in texts):
        raise ConfigurationError(
            'Write require_claim("custom:tier", "gold", ...): values are text, whole numbers or booleans.'
            + _find_hint(values)
        )
    return tuple(text for (text,) in texts)


def check_actor_names(names: Sequence[object]) -> tuple[str, ...]:
    """Return subjects of actors. Raises `ConfigurationError` for none, or for one that is no client id."""
    return _check_names(
        names, _NAME, 'require_actor("4b1example", ...): at least one client id of a party that may act'
    )


def check_pool_ids(ids: Sequence[object]) -> tuple[str, ...]:
    """Return ids of pools. Raises `ConfigurationError` for none, or for one that is no id of a pool."""
    return _check_names(
        ids, _NAME, 'require_pool("eu-west-1_Abc123Xyz", ...): at least one id of a pool of the guard'
    )


def check_level(name: object, max_age: object) -> tuple[str, ...]:
    """Return the name of a level. Raises `ConfigurationError` for another value, or a wrong age."""
    is_age = isinstance(max_age, int) and not isinstance(max_age, bool) and max_age >= 1
    if max_age is not None and not is_age:
        raise ConfigurationError(
            "max_age is a whole number of seconds, 1 or more: require_level(..., max_age=300).",
            setting="max_age",
        )
    return _check_names(
        [name], _NAME, 'require_level("urn:cognito:loa:3"), with the name of one of the pool\'s levels'
    )


def _check_names(names: Sequence[object], form: str, usage: str) -> tuple[str, ...]:
    texts = [name for name in names if isinstance(name, str) and is_encodable(name)]
    good = tuple(name for name in texts if re.fullmatch(form, name))
    if not good or len(good) != len(names):
        raise ConfigurationError(f"Write {usage}.{_find_hint(names)}")
    return good


def _find_hint(names: Sequence[object]) -> str:
    """Return what else is wrong with names that are none, or an empty text."""
    if any(isinstance(name, list | tuple | set | frozenset) for name in names):
        return " Leave out the list around them."
    if any(map(callable, names)):
        return " It is no decorator: it belongs into dependencies=[Depends(...)] of the route."
    return ""
