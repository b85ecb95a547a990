"""Answers of each dialect, literally. The README's table and the parity tests are compared with them."""

from typing import NamedTuple

from fastapi_cognito_guard.claims import Semantics

SEMANTICS: tuple[Semantics, ...] = ("strict", "rest", "http")
PLAIN = {
    401: '{"message":"Unauthorized"}',
    403: '{"message":"Forbidden"}',
    503: '{"message":"Service Unavailable"}',
}
_UNAUTHORIZED = {"x-amzn-ErrorType": "UnauthorizedException"}
_DENIED = {"x-amzn-ErrorType": "AccessDeniedException"}
_NOT_AUTHORIZED = '{"Message":"User is not authorized to access this resource"}'


class Answer(NamedTuple):
    """Refusal. In headers ``...`` stands for the text of the case."""

    status: int
    headers: dict[str, str]
    body: str = ""
    note: str = ""

    @property
    def content(self) -> str:
        """Body, byte for byte."""
        return self.body or PLAIN[self.status]

    @property
    def cell(self) -> str:
        """Cell of the README's table."""
        challenge = self.headers.get("WWW-Authenticate") or self.headers.get("www-authenticate")
        parts = [str(self.status)]
        if challenge:
            parts.append(f"`{challenge}`")
        elif self.status == 401:
            parts.append("no challenge")
        if "Retry-After" in self.headers:
            parts.append("`Retry-After`")
        if self.body:
            parts.append(f"`{self.body}`")
        return ", ".join(parts) + (f" ({self.note})" if self.note else "")


ANSWERS: dict[str, dict[Semantics, Answer]] = {
    "no token": {
        "strict": Answer(401, {"WWW-Authenticate": "Bearer"}),
        "rest": Answer(401, _UNAUTHORIZED),
        "http": Answer(401, {"www-authenticate": "Bearer"}),
    },
    "invalid token": {
        "strict": Answer(401, {"WWW-Authenticate": 'Bearer error="invalid_token", error_description="..."'}),
        "rest": Answer(401, _UNAUTHORIZED),
        "http": Answer(
            401, {"www-authenticate": 'Bearer scope="" error="invalid_token" error_description="..."'}
        ),
    },
    "expired token": {
        "strict": Answer(401, {"WWW-Authenticate": 'Bearer error="invalid_token", error_description="..."'}),
        "rest": Answer(401, _UNAUTHORIZED, '{"message":"The incoming token has expired"}'),
        "http": Answer(
            401, {"www-authenticate": 'Bearer scope="" error="invalid_token" error_description="..."'}
        ),
    },
    "scope missing": {
        "strict": Answer(403, {"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="..."'}),
        "rest": Answer(401, _UNAUTHORIZED, note="`rest_scope_status=403` makes it 403"),
        "http": Answer(
            403,
            {
                "www-authenticate": 'Bearer scope="..." error="insufficient_scope" '
                'error_description="expected scopes: [...]"'
            },
        ),
    },
    "group or claim missing": {
        "strict": Answer(403, {}),
        "rest": Answer(403, _DENIED, _NOT_AUTHORIZED),
        "http": Answer(403, {}),
    },
    "keys unavailable": {
        "strict": Answer(503, {"Retry-After": "..."}),
        "rest": Answer(500, {"x-amzn-ErrorType": "AuthorizerConfigurationException"}, '{"message":null}'),
        "http": Answer(
            401,
            {"www-authenticate": 'Bearer scope="" error="invalid_token" error_description="..."'},
        ),
    },
}


def build_table() -> list[str]:
    """Build the rows of the README's table."""
    return [
        f"| {case} | {' | '.join(answers[semantics].cell for semantics in SEMANTICS)} |"
        for case, answers in ANSWERS.items()
    ]
