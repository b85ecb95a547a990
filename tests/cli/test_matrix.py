"""Command `matrix`: who may do what, as a table, as JSON, and as a file that CI compares with the app."""

import json
from pathlib import Path

import pytest

from tests.cli.running import cognito_guard

pytestmark = pytest.mark.usefixtures("shop")

TABLE = """\
Who may do what in FastAPI, reached directly.

 1  nobody
 2  any user
 3  group admins
 4  scope orders/admin
 5  scope orders/write
 6  tier 1
 7  group admins + tier 1
 8  machine
 9  machine with all scopes
10  IAM caller

Route                1    2    3    4    5    6    7    8
GET /me              401  yes  yes  yes  yes  yes  yes  yes
POST /orders         401  403  403  yes  yes  403  403  403
DELETE /orders/{id}  401  403  403  403  403  403  yes  403
GET /maybe           yes  yes  yes  yes  yes  yes  yes  yes
GET /reports         403  403  403  403  403  403  403  403

Route                9    10
GET /me              yes  401
POST /orders         yes  401
DELETE /orders/{id}  403  401
GET /maybe           yes  yes
GET /reports         403  403

yes: may call it. check: a check of the app's own decides. 401, 403: refused.
"""


def test_the_matrix_is_a_table() -> None:
    result = cognito_guard("matrix", "shop:app")
    assert result.code == 0
    assert result.out == TABLE
    assert "not an answer" in result.err


def test_answers_that_differ_between_doors_are_marked_and_listed() -> None:
    result = cognito_guard("matrix", "shop:app", "--door", "all")
    assert "POST /orders 401 403* 403* yes yes" in result.text
    assert "rest 401 403 5 POST /orders for any user" in result.text
    assert "rest yes 403 1 GET /reports for IAM caller" in result.text
    assert cognito_guard("matrix", "shop:empty", "--door", "all").out == "The app has no routes of its own.\n"


def test_one_door_can_be_chosen() -> None:
    assert "behind a REST API with an authorizer" in cognito_guard("matrix", "shop:app", "--door", "rest").out
    assert cognito_guard("matrix", "shop:app", "--door", "window").code == 2


def test_the_matrix_is_json() -> None:
    result = cognito_guard("matrix", "shop:app", "--json", "--door", "all")
    found = json.loads(result.out)
    assert set(found["doors"]) == {"standalone", "rest", "http", "lambda"}
    delete = {each["route"]: each for each in found["doors"]["standalone"]}["DELETE /orders/{id}"]
    assert delete["answers"]["any user"] == {
        "status": 403, "code": "insufficient_group", "rule": "group admins", "by": "app",
    }  # fmt: skip
    assert delete["answers"]["group admins + tier 1"]["status"] == 200


def test_the_matrix_is_markdown() -> None:
    lines = cognito_guard("matrix", "shop:app", "--markdown").out.splitlines()
    assert lines[0].startswith("| route | `nobody` | `any user` |")
    assert lines[2] == "| `GET /me` | 401 | yes | yes | yes | yes | yes | yes | yes | yes | 401 |"


def test_callers_of_ones_own_are_the_columns() -> None:
    Path("callers.toml").write_text('[[caller]]\nname = "boss"\ngroups = ["admins"]\nclaims = {tier = "1"}\n')
    result = cognito_guard("matrix", "shop:app", "--callers", "callers.toml")
    assert "DELETE /orders/{id}  yes" in result.out


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a = ", "not TOML: Invalid value (at"),
        ("[caller]\n", "[[caller]]"),
        ("other = 1\n", "[[caller]]"),
        ('[[caller]]\ngroups = ["a"]\n', "has a name"),
        ('[[caller]]\nname = "a"\nrole = "b"\n', "unknown field role: there are actor, age"),
        ('[[caller]]\nname = "a"\ngroup = ["b"]\n', "unknown field group: did you mean groups?"),
        ('[[caller]]\nnmae = "a"\n', "unknown field nmae: did you mean name?"),
        ('[[caller]]\nname = "a"\nkind = "machine"\ngroups = ["b"]\n', "has no groups"),
        ('[[caller]]\nname = "a"\ntoken_use = "refresh"\n', "token_use is one of 'id', 'access'"),
        ('[[caller]]\nname = "a"\nlevel = "gold"\n', "has the level gold, and the pools have urn:cognito"),
        ('[[caller]]\nname = "a"\n\n[[caller]]\nname = "a"\n', "Two callers"),
        ('[[caller]]\nname = "a"\ngroups = "b"\n', "groups is a list"),
        ('[[caller]]\nname = "a"\nkind = "robot"\n', "kind is one of"),
        ('[[caller]]\nname = "a"\nkind = "nobody"\ngroups = ["b"]\n', "no token"),
        ('[[caller]]\nname = "a"\nage = true\n', "age"),
    ],
)
def test_callers_that_cannot_be_are_refused(text: str, reason: str) -> None:
    Path("callers.toml").write_text(text)
    result = cognito_guard("matrix", "shop:app", "--callers", "callers.toml")
    assert result.code == 2
    assert reason in result.err
    assert result.err.count("cognito-guard:") == 1


def test_a_pool_that_the_guard_does_not_have_is_refused() -> None:
    Path("callers.toml").write_text('[[caller]]\nname = "a"\npool_id = "eu-west-1_Nobody"\n')
    result = cognito_guard("matrix", "shop:app", "--callers", "callers.toml")
    assert (result.code, "no pool eu-west-1_Nobody" in result.err) == (2, True)


def test_the_matrix_can_be_measured() -> None:
    result = cognito_guard("matrix", "shop:app", "--measure", "--door", "all")
    assert result.code == 0
    assert "rest: 50 cells measured, all as computed." in result.out


def test_a_measured_difference_ends_with_1() -> None:
    Path("later.py").write_text(
        "from shop import app, current_user\napp.dependency_overrides[current_user] = lambda: None\n"
    )
    result = cognito_guard("matrix", "later:app", "--measure", "--door", "all")
    assert result.code == 1
    for door in ("standalone", "rest", "http", "lambda"):
        assert f"Measuring {door} ..." in result.err
    assert "any user, door lambda" in result.text  # also after a door that differs
    assert "GET /me, nobody, door standalone: computed 401 (token_missing), measured 200" in result.text


def test_a_written_file_is_up_to_date() -> None:
    assert cognito_guard("matrix", "shop:app", "--write", "authz.md").out == "Wrote authz.md.\n"
    result = cognito_guard("matrix", "shop:app", "--check", "authz.md")
    assert (result.code, result.out) == (0, "authz.md is up to date: 5 routes.\n")


def test_a_change_of_the_app_ends_with_1_and_says_for_whom() -> None:
    cognito_guard("matrix", "shop:app", "--write", "authz.md")
    Path("changed.py").write_text(
        "from shop import *\n"
        "app.router.routes = [each for each in app.routes if 'id' not in each.path]\n"
        "app.delete('/orders/{id}', dependencies=[gold])(create_app)\n"
        "app.get('/new')(create_app)\n".replace("gold", 'Depends(require_claim("tier", 1))')
    )
    result = cognito_guard("matrix", "changed:app", "--check", "authz.md")
    assert result.code == 1
    assert result.out == (
        "PUBLIC    GET /new\n"
        "          now: anybody\n"
        "WIDER     DELETE /orders/{id}\n"
        "          was: tier: 1 and group admins\n"
        "          now: tier: 1\n"
        "          may now: tier 1\n"
    )
    assert "differs from authz.md" in result.err
    table = cognito_guard("matrix", "changed:app", "--check", "authz.md", "--markdown")
    assert "| **wider** | `DELETE /orders/{id}` | `tier: 1 and group admins` | `tier: 1` |" in table.out


def test_a_file_that_was_edited_by_hand_is_found() -> None:
    cognito_guard("matrix", "shop:app", "--write", "authz.md")
    file = Path("authz.md")
    file.write_text(file.read_text().replace("| `tier: 1 and group admins` |", "| `group owners` |"))
    result = cognito_guard("matrix", "shop:app", "--check", "authz.md")
    assert (result.code, "in another form" in result.err) == (1, True)


@pytest.mark.parametrize(
    "text", ["", "# Who may do what\n", "\ufeff", "<!-- cognito-guard matrix 1\n[]\n-->\n"]
)
def test_a_file_of_another_form_is_wrong_use(text: str) -> None:
    Path("authz.md").write_text(text)
    result = cognito_guard("matrix", "shop:app", "--check", "authz.md")
    assert (result.code, result.out) == (2, "")
    assert "Write it anew" in result.err


def test_a_file_that_cannot_be_read_or_written_is_wrong_use() -> None:
    assert cognito_guard("matrix", "shop:app", "--check", "nowhere.md").code == 2
    assert cognito_guard("matrix", "shop:app", "--write", "nowhere/authz.md").code == 2
    assert cognito_guard("matrix", "shop:app", "--callers", ".").code == 2


@pytest.mark.parametrize(
    "options",
    [
        "matrix --json --measure", "matrix --json --markdown", "matrix --html a --door rest",
        "matrix --measure --markdown", "matrix --check a --door rest", "matrix --check a --callers b",
        "matrix --write a --check a", "routes --diff HEAD --json", "routes --diff HEAD --fail-on-public",
    ],
)  # fmt: skip
def test_options_of_which_one_would_be_ignored_exclude_each_other(options: str) -> None:
    command, *others = options.split()
    result = cognito_guard(command, "shop:app", *others)
    assert (result.code, "exclude each other" in result.err) == (2, True)


@pytest.mark.parametrize("option", ["--allow-wider", "--markdown"])
def test_options_of_a_comparison_need_one(option: str) -> None:
    result = cognito_guard("routes", "shop:app", option)
    assert (result.code, "go with --diff" in result.err) == (2, True)


@pytest.mark.parametrize("option", ["--write", "--html"])
def test_another_file_is_not_overwritten(option: str) -> None:
    before = Path("shop.py").read_text()
    result = cognito_guard("matrix", "shop:app", option, "shop.py")
    assert (result.code, "shop.py is another file" in result.err) == (2, True)
    assert Path("shop.py").read_text() == before
    for _ in range(2):
        assert cognito_guard("matrix", "shop:app", option, "mine").code == 0


def test_a_file_with_the_line_ends_of_windows_is_the_same() -> None:
    cognito_guard("matrix", "shop:app", "--write", "authz.md")
    text = Path("authz.md").read_text(encoding="utf-8")
    Path("authz.md").write_bytes(text.replace("\n", "\r\n").encode())
    assert cognito_guard("matrix", "shop:app", "--check", "authz.md").code == 0


def test_a_file_that_is_not_there_says_how_to_create_it() -> None:
    assert "create it with --write authz.md" in cognito_guard("matrix", "shop:app", "--check", "authz.md").err


def test_an_app_without_a_guard_is_wrong_use() -> None:
    assert "has no guard" in cognito_guard("matrix", "shop:bare").err


def test_the_matrix_is_a_page_for_all_doors() -> None:
    assert cognito_guard("matrix", "shop:app", "--html", "matrix.html").out == "Wrote matrix.html.\n"
    text = Path("matrix.html").read_text(encoding="utf-8")
    assert "DELETE" in text
    assert "Lambda authorizer" in text
    assert cognito_guard("matrix", "shop:app", "--html", "-").out == text
