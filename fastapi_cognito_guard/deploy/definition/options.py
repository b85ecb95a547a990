"""Arguments of `export`, and their checks."""

import re
from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple, get_args

from fastapi_cognito_guard.deploy.definition.arns import TemplateValue
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.settings import check_choice, check_whole_number

ApiKind = Literal["rest", "http"]
"""REST API or HTTP API."""

AuthorizerFor = Literal["beyond", "all"]
"""Operations of a Lambda authorizer: those that the gateway's own authorizer cannot decide, or all."""

RestAuthorizer = Literal["cognito", "jwt"]
"""Authorizer of a REST API: for user pools, or for JWTs of any issuer."""

Fallback = Literal["refuse", "app"]
"""Operations that a gateway cannot decide: refuse to export them, or leave the rest to the app."""


class ExportOptions(NamedTuple):
    """Arguments of `export`, which documents them."""

    user_pool_arn: TemplateValue | Sequence[TemplateValue] | None
    lambda_arn: TemplateValue | None
    authorizer_arn: TemplateValue | None
    authorizer_for: AuthorizerFor
    catch_all: Collection[str]
    beyond: Fallback
    issuer: TemplateValue | Sequence[TemplateValue] | None
    audience: TemplateValue | Collection[TemplateValue] | None
    leave_out: Collection[str]
    quota: int
    rest_authorizer: RestAuthorizer
    binary_media_types: Collection[str]


def check_options(kind: object, options: ExportOptions) -> None:
    """Check the arguments that can be checked without the app. Raises `ConfigurationError`."""
    check_choice("kind", kind, get_args(ApiKind))
    check_choice("authorizer_for", options.authorizer_for, get_args(AuthorizerFor))
    check_choice("beyond", options.beyond, get_args(Fallback))
    check_choice("rest_authorizer", options.rest_authorizer, get_args(RestAuthorizer))
    check_whole_number("quota", options.quota, 1)
    _check_rest_options(kind, options)
    if options.authorizer_for == "all" and options.authorizer_arn is None:
        raise ConfigurationError(
            'authorizer_for="all" is for the function of authorizer_arn, which is missing: give its ARN, or '
            "drop authorizer_for.",
            setting="authorizer_arn",
        )
    if not _is_path_list(options.leave_out):
        raise ConfigurationError(
            'leave_out lists paths: leave_out=["/docs", "/docs/*"].', setting="leave_out"
        )


def _check_rest_options(kind: object, options: ExportOptions) -> None:
    if not _is_media_type_list(options.binary_media_types):
        raise ConfigurationError(
            'binary_media_types lists media types: binary_media_types=["*/*"], or ["image/png"].',
            setting="binary_media_types",
        )
    if kind == "http" and options.binary_media_types:
        raise ConfigurationError(
            "binary_media_types is for REST APIs: drop it. An HTTP API decodes base64 by itself.",
            setting="binary_media_types",
        )
    if kind == "http" and options.rest_authorizer != "cognito":
        raise ConfigurationError(
            "rest_authorizer is for REST APIs: drop it. An HTTP API always has a JWT authorizer.",
            setting="rest_authorizer",
        )


def _is_media_type_list(value: object) -> bool:
    if isinstance(value, str) or not isinstance(value, Collection):
        return False
    return all(isinstance(each, str) and re.fullmatch(r"[\w.+*-]+/[\w.+*-]+", each) for each in value)


def _is_path_list(value: object) -> bool:
    if isinstance(value, str) or not isinstance(value, Collection):
        return False
    return all(isinstance(path, str) and path.startswith("/") for path in value)
