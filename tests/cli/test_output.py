"""Output of the commands: no control characters, no markup, no whole token."""

import pytest

from fastapi_cognito_guard.testing import FakeUserPool
from tests.cli.running import Result, cognito_guard

BELL = "\x1b]0;pwned\x07\x1b[2J"
MARKUP = ["[/x]", "[red]", "[link=https://evil.example]email[/link]", BELL, "\u202egnp.exe"]


def is_harmless(result: Result) -> bool:
    """Return True if no character controls the terminal or reverses the text."""
    return all(char.isprintable() or char == "\n" for char in result.out + result.err)


@pytest.mark.parametrize("text", MARKUP)
@pytest.mark.parametrize("claim", [None, "aud", "iss", "scope"])
def test_claims_do_not_control_the_terminal(text: str, claim: str | None) -> None:
    token = FakeUserPool().id_token(claims={text: "x"} if claim is None else {claim: text})
    result = cognito_guard("inspect", given=token)
    assert result.code in (0, 1)
    assert is_harmless(result)


@pytest.mark.parametrize(
    "arguments",
    [["inspect", "Bearer"], ["verify", "Bearer"], [], ["verify", "-", "--jwks"], ["routes"], ["doctor"],
     ["jwks", "pull"], ["pool", "--file"], ["token", "--file"]],
    ids=" ".join,
)  # fmt: skip
def test_a_token_in_the_wrong_place_is_not_repeated(arguments: list[str]) -> None:
    """Standard error is often logged. `cognito_guard` checks that no output has a whole token."""
    token = FakeUserPool().access_token()
    result = cognito_guard(*arguments, token, given="x", env={"COGNITO_CLIENT_IDS": "x"})
    assert result.code in (1, 2)
    assert token[:40] not in result.out + result.err
    assert is_harmless(result)
