"""examples/ownership: a check of the app's own decides."""

from fastapi_cognito_guard.testing import as_user
from tests.apps import client_of
from tests.examples.conftest import Load


def test_only_the_owner_reads_and_cancels_an_order_and_support_reads_all(
    load: Load, settings: dict[str, str]
) -> None:
    app = load("ownership.main", **settings).app
    client = client_of(app)
    with as_user(app, "ada"):
        assert client.post("/orders/tea").json() == 1
        assert client.get("/orders/1").json() == "tea"
    with as_user(app, "bob"):  # who does not learn which orders exist
        assert [client.get(f"/orders/{order}").status_code for order in (1, 2)] == [403, 403]
        assert [client.delete(f"/orders/{order}").status_code for order in (1, 2)] == [403, 403]
    with as_user(app, "eve", groups=["support"]):
        assert client.get("/orders/1").json() == "tea"
        assert client.get("/orders/2").status_code == 404
        assert client.delete("/orders/1").status_code == 403
    with as_user(app, "ada"):
        assert client.delete("/orders/1").status_code == 204
        assert client.get("/orders/1").status_code == 403
    assert client.get("/orders/1").status_code == 401
