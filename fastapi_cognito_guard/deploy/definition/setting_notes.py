"""Notes on the settings of an export: answers of bytes, CORS, and what a JWT authorizer compares."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fastapi_cognito_guard.deploy.definition.byte_answers import list_byte_answers
from fastapi_cognito_guard.deploy.definition.cors import read_cors
from fastapi_cognito_guard.deploy.definition.jwt import list_token_uses, list_unknown_audiences
from fastapi_cognito_guard.deploy.definition.notes import join_first, logger
from fastapi_cognito_guard.deploy.definition.options import ExportOptions
from fastapi_cognito_guard.deploy.definition.security import GatewayRules
from fastapi_cognito_guard.guard import CognitoGuard

if TYPE_CHECKING:
    from fastapi import FastAPI


def log_setting_notes(
    app: "FastAPI", guard: CognitoGuard, rules: GatewayRules, options: ExportOptions
) -> None:
    """Log each note: for information, or as a warning if it may be a mistake."""
    cors = read_cors(app)
    if rules.kind == "http" and cors is not None and cors.gateway_max_age != cors.max_age:
        logger.info(
            "max_age=%s of the CORSMiddleware becomes %s: an HTTP API takes -1 to 86400 seconds.",
            cors.max_age,
            cors.gateway_max_age,
        )
    answers = list(list_byte_answers(app, options.leave_out)) if rules.kind == "rest" else []
    if answers and not options.binary_media_types:
        logger.warning(
            "The app answers with bytes (%s), and a REST API sends their base64 text to clients: give "
            'binary_media_types=["*/*"].',
            join_first(answers),
        )
    for note in _list_jwt_notes(guard, rules, options):
        logger.warning("%s", note)


def _list_jwt_notes(guard: CognitoGuard, rules: GatewayRules, options: ExportOptions) -> Iterator[str]:
    if rules.is_for_user_pools:
        return
    for name in list_unknown_audiences(options, guard.pools, guard.semantics):
        yield f"audience has {name}, no client and no resource of the guard: the app refuses its tokens."
    if rules.kind == "http":
        return
    yield (
        "The JWT authorizer is written with the names of AWS's service model, because no document with one "
        "has been published: compare the authorizer after the import."
    )
    for pool in guard.pools:
        if pool.resource is None and "access" in list_token_uses(pool, guard.semantics):
            yield (
                f"The gateway refuses access tokens of {pool.id}, which have no aud, and the app takes them: "
                'write UserPool(..., resource="https://api.example.com"), or token_use={"id"}.'
            )
