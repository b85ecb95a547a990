"""Output of the commands: no control characters, no markup, no whole token."""

from io import StringIO

import pytest
from rich.console import Console

from fastapi_cognito_guard.cli import output
from fastapi_cognito_guard.testing import FakeUserPool
from tests.cli.running import Result, cognito_guard

BELL = "\x1b]0;pwned\x07\x1b[2J"
MARKUP = ["[/x]", "[red]", "[link=https://evil.example]email[/link]", BELL, "\u202egnp.exe"]


def is_harmless(result: Result) -> bool:
    """Return True if no character controls the terminal or reverses the text."""
    return all(char.isprintable() or char == "\n" for char in result.out + result.err)


@pytest.mark.parametrize("terminal", [True, False])
def test_errors_are_wrapped_at_a_terminal_only(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    written = StringIO()
    console = Console(file=written, force_terminal=terminal, width=80, no_color=True, highlight=False)
    monkeypatch.setattr(output, "err", console)
    output.print_error("word " * 30 + "end")
    lines = written.getvalue().splitlines()
    assert (len(lines) > 1, all(len(line) <= 80 for line in lines)) == (terminal, terminal)
    assert " ".join(written.getvalue().split()) == "cognito-guard: " + "word " * 30 + "end"


def test_wrapped_results_have_no_trailing_blanks(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_text("word " * 30 + "end")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 1
    assert lines == [line.rstrip() for line in lines]


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
