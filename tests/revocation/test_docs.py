"""The example of docs/revocation.md does what the page says."""

import re
from pathlib import Path
from typing import Any

from fastapi_cognito_guard.testing import FakeUserPool, trusting
from tests.apps import bearer, client_of

PAGE = (Path(__file__).parents[2] / "docs/revocation.md").read_text()


def test_after_the_sign_out_of_the_docs_no_token_of_the_user_is_accepted() -> None:
    example = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]
    code = example.replace("DynamoDBBackend", "MemoryBackend").replace(
        '"revoked-tokens", region="eu-west-1"', ""
    )
    names: dict[str, Any] = {}
    exec(compile(code, "revocation.md", "exec"), names)
    pool = FakeUserPool("eu-west-1_Abc123Xyz", client_id="4b1example")
    tokens, bob = pool.sign_in("ada"), pool.access_token("bob")
    with trusting(names["app"], pool):
        client = client_of(names["app"])
        assert client.post("/sign-out", headers=bearer(bob)).status_code == 200
        assert client.post("/sign-out", headers=bearer(tokens.access_token)).status_code == 200
        assert client.post("/sign-out", headers=bearer(tokens.access_token)).status_code == 401
        assert tokens.refresh_token is not None
        refreshed = pool.refresh(tokens.refresh_token).access_token
        assert client.post("/sign-out", headers=bearer(refreshed)).status_code == 401
