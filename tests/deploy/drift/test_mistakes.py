"""Each mistake in a deployed document is found in each format, and nothing else is."""

import copy

import pytest

from tests.deploy.drift.definitions import Document
from tests.deploy.drift.documents import REST_FORMATS
from tests.deploy.drift.mistakes import ANY_KIND, HTTP, REST, Mistake
from tests.deploy.drift.shop import build_shop, export_shop, find_in, list_short, set_security

SEEDED = [("rest", name, each) for name, each in {**ANY_KIND, **REST}.items()]
SEEDED += [("http", name, each) for name, each in {**ANY_KIND, **HTTP}.items()]


@pytest.fixture(scope="module")
def clean() -> dict[str, Document]:
    return {kind: export_shop(kind) for kind in ("rest", "http")}


@pytest.mark.parametrize(("kind", "mistake"), [(kind, each) for kind, _, each in SEEDED],
                         ids=[f"{kind}: {name}" for kind, name, _ in SEEDED])  # fmt: skip
def test_a_mistake_is_found_in_each_format_and_nothing_else(
    kind: str, mistake: Mistake, clean: dict[str, Document]
) -> None:
    changed = copy.deepcopy(clean[kind])
    mistake.change(changed)
    for name in mistake.formats:
        if (kind, name) != ("http", "swagger"):
            assert list_short(find_in(changed, name, **mistake.options)) == mistake.found, name


@pytest.mark.parametrize(("kind", "name"), [("rest", name) for name in REST_FORMATS] + [("http", "export")])
def test_the_unchanged_definitions_have_no_findings(kind: str, name: str, clean: dict[str, Document]) -> None:
    assert find_in(clean[kind], name) == []


def test_there_are_more_than_forty_mistakes() -> None:
    assert len({*ANY_KIND} | {f"rest {name}" for name in REST} | {f"http {name}" for name in HTTP}) > 40


def test_an_api_key_beside_a_token_is_a_note(clean: dict[str, Document]) -> None:
    changed = copy.deepcopy(clean["rest"])
    set_security("GET /orders", "Cognito", "api_key", scopes=["o/r"])(changed)
    for name in REST_FORMATS:
        assert list_short(find_in(changed, name)) == {"note api-key GET /orders"}, name


def test_an_app_without_cors_and_a_gateway_with_it_differ(clean: dict[str, Document]) -> None:
    assert list_short(find_in(clean["http"], app=build_shop(cors=False))) == {"warning cors CORS"}
