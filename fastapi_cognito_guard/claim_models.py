"""Claims as a pydantic model of the app's own, without an import of pydantic."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, Self, TypeVar

from fastapi_cognito_guard.errors import ClaimInvalid, ConfigurationError
from fastapi_cognito_guard.validation import escape_for_log

_MAX_NAMED = 8  # claims that a log line lists


class ClaimsModel(Protocol):
    """Class that reads values as a pydantic model does."""

    @classmethod
    def model_rebuild(cls) -> bool | None: ...

    @classmethod
    def model_validate(cls, obj: Any) -> Self: ...


Model = TypeVar("Model", bound=ClaimsModel)


def read_model(model: type[Model], claims: dict[str, Any]) -> Model:
    """Return claims as a model. A claim that is null counts as absent, as it is behind most gateways.

    Raises `ClaimInvalid` for claims that do not fit, and `ConfigurationError` for what is no model, or if
    the model reads a claim that has to be declared first.
    """
    if not isinstance(model, type) or not hasattr(model, "model_validate"):
        raise ConfigurationError(
            "Write user.claims_as(AppClaims), with a class derived from pydantic.BaseModel."
        )
    model.model_rebuild()  # completes a deferred model, with its aliases
    for name in _list_names(model):  # older versions of pydantic read a dict past its methods
        claims.get(name)  # raises advice for a claim that is not the same at every door
    for name in [name for name, value in claims.items() if value is None]:
        del claims[name]
    try:
        return model.model_validate(claims)
    except ValueError as error:
        # Not as its cause: pydantic's text repeats the values.
        raise ClaimInvalid(_explain(model, error)) from None


def _list_names(model: Any) -> Iterator[str]:
    """List the claims that fields of a model may be read from."""
    for name, field in model.model_fields.items():
        yield name
        for alias in (field.alias, field.validation_alias):
            for choice in getattr(alias, "choices", [alias]):  # of AliasChoices
                yield from getattr(choice, "path", [choice])[:1]  # an AliasPath starts with the claim


def _explain(model: type[Any], error: Any) -> str:
    """Return the claims that do not fit, with pydantic's types of errors, and without any value."""
    errors: list[Mapping[str, Any]] = getattr(error, "errors", list)()
    wrong = {str(each["loc"][0]) if each["loc"] else "the model": str(each["type"]) for each in errors}
    named = ", ".join(f"{escape_for_log(name)} ({kind})" for name, kind in list(wrong.items())[:_MAX_NAMED])
    return (
        f"the claims do not fit {model.__name__}: {named or 'a validator refused them'}. Send the token that "
        "has these claims (attributes are in ID tokens), or give the fields defaults."
    )
