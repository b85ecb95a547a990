"""examples/function_url: the handler, called with events of a function URL."""

from typing import Any

from fastapi_cognito_guard.testing import FakeUserPool, trusting
from tests.examples.conftest import Load


def test_the_function_verifies_each_token_itself(
    load: Load, settings: dict[str, str], cognito: FakeUserPool
) -> None:
    example = load("function_url.main", **settings)
    token = cognito.access_token("ada", scopes=["orders/read"])
    strangers = FakeUserPool(cognito.id, client_id=cognito.client_id).access_token("ada")

    def call(
        path: str, token: str | None = None, kind: Any = "function-url", *, vouched: bool = False
    ) -> int:
        event = cognito.event(kind, token, vouched=vouched, path=path)
        status: int = example.handler(event, None)["statusCode"]
        return status

    with trusting(example.app, cognito):
        assert (call("/health"), call("/me"), call("/none")) == (200, 401, 401)
        assert (call("/me", token), call("/orders", token)) == (200, 200)
        assert call("/orders", cognito.access_token("ada")) == 403
        assert call("/me", strangers) == 401
        # An event that says that a gateway has verified the claims is not believed.
        assert call("/me", strangers, "http", vouched=True) == 401
