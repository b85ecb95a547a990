"""Takes one check after another out of a copy of the package, and sees whether a test notices."""

import argparse
import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).parent.parent
PACKAGE = "fastapi_cognito_guard"
MODULES = ("claims.py", "untrusted.py", "credentials.py", "policy.py", "gateway/*.py", "tokens/*.py")
WORKERS = 2
DUE = 95.0  # per cent

# Where a module's tests are not in the file of its own name. They run first; all others follow.
FIRST = {
    "untrusted.py": "tests/test_claims.py",
    "tokens/base64url.py": "tests/tokens/test_jwt.py",
    "tokens/clock.py": "tests/tokens/test_key_survival.py",
    "tokens/fetch.py": "tests/tokens/test_fetch.py",
    "tokens/gaps.py": "tests/tokens/test_key_outages.py",
}
# What both doors share: all tests are about it. Else those in folders run for their package, and for these.
SHARED = ("claims.py", "untrusted.py")
ALSO = {"tokens": ("attacks",), "gateway": ("deploy",)}
# Slow, or about other things than these modules.
LEFT_OUT = set(
    """test_example_app.py test_readme.py test_public_api.py test_security.py test_openapi.py test_swagger.py
    test_audit.py test_routes.py test_metadata.py test_kit_docs.py integration cli client testing typing
    test_package.py test_templates.py test_export_cors.py test_export_document.py test_export_notes.py
    test_export_refusals.py test_export_schemes.py test_export_templates.py""".split()
)

PROFILE = """
from hypothesis import HealthCheck, Phase, settings
settings.register_profile(
    "mutants", database=None, derandomize=True, deadline=None,
    phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
)
"""

FASTER = "only saves time: what follows comes to the same"
FOR_MYPY = "says to mypy what is so anyway"
UNUSED = "a default that is never used"
# Mutants that no test can notice: place, line, mutated line, and why. An entry without a mutant is an error.
EQUIVALENT: dict[tuple[str, str, str], str] = {
    (
        "tokens/jwt:parse",
        'if first == last or token.find(".", first + 1) != last:',
        'if first == last or token.find(".", first + 2) != last:',
    ): "an empty part is no base64url either",
    (
        "tokens/jwt:_json_object",
        "if _has_boxes_in_boxes(text) and is_too_deep(value):",
        "if is_too_deep(value):",
    ): FASTER,
    (
        "tokens/jwt:_has_boxes_in_boxes",
        'return text.rfind("{") > 0 or text.find("[") != text.rfind("[")',
        'return text.rfind("{") >= 0 or text.find("[") != text.rfind("[")',
    ): FASTER,
    (
        "tokens/jwt:_has_boxes_in_boxes",
        'return text.rfind("{") > 0 or text.find("[") != text.rfind("[")',
        'return text.rfind("{") > 1 or text.find("[") != text.rfind("[")',
    ): "no object begins at its second byte with another",
    (
        "tokens/jwt:_has_boxes_in_boxes",
        'return text.rfind("{") > 0 or text.find("[") != text.rfind("[")',
        'return text.rfind("{") > 0 or text.find(\'[x\') != text.rfind("[")',
    ): FASTER,
    (
        "tokens/jwt:_has_boxes_in_boxes",
        'return text.rfind("{") > 0 or text.find("[") != text.rfind("[")',
        'return text.rfind("{") > 0 or text.find("[") != text.rfind(\'[x\')',
    ): FASTER,
    (
        "tokens/keys:KeySet.find",
        "return key if key is not None and self._clock.since(keys.at) < self._due else None",
        "return key if self._clock.since(keys.at) < self._due else None",
    ): FASTER,
    (
        "tokens/keys:KeySet._launch",
        "flight.landed.set_running_or_notify_cancel() # a waiter that is cancelled cannot cancel it",
        "pass # a waiter that is cancelled cannot cancel it",
    ): "nobody cancels it today",
    ("untrusted:is_writable", "if text.isascii():", "if False:"): FASTER,
    (
        "untrusted:is_too_deep",
        "level = [item for item in values.values() if type(item) is not str and isinstance(item, _BOXES)]",
        "level = [item for item in values.values() if isinstance(item, _BOXES)]",
    ): FASTER,
    (
        "tokens/door:TokenDoor.prove",
        "digest = digest_of(token) if self._memo.size and self._verifier.knows_header(token) else None",
        "digest = digest_of(token) if True else None",
    ): FASTER,
    (
        "tokens/door:TokenDoor.prove",
        "digest = digest_of(token) if self._memo.size and self._verifier.knows_header(token) else None",
        "digest = digest_of(token) if self._verifier.knows_header(token) else None",
    ): FASTER,
    (
        "tokens/door:TokenDoor.prove",
        "digest = digest_of(token) if self._memo.size and self._verifier.knows_header(token) else None",
        "digest = digest_of(token) if self._memo.size else None",
    ): FASTER,
    (
        "tokens/door:TokenDoor.prove",
        "if digest is not None and (known := self._memo.find(digest)) is not None:",
        "if (known := self._memo.find(digest)) is not None:",
    ): FASTER,
    (
        "tokens/door:TokenDoor._judged",
        "self._memo.keep(digest or digest_of(token), Proven(principal, starts, keys, jwt.kid, key))",
        "self._memo.keep(digest_of(token), Proven(principal, starts, keys, jwt.kid, key))",
    ): FASTER,
    (
        "credentials:token_in",
        'token = value[7:].decode("latin-1") if value.startswith(b"Bearer ") else _unusual(value)',
        'token = value[7:].decode("latin-1") if False else _unusual(value)',
    ): FASTER,
    (
        "credentials:token_in",
        'token = value[7:].decode("latin-1") if value.startswith(b"Bearer ") else _unusual(value)',
        """token = value[7:].decode("latin-1") if value.startswith(b'Bearer x') else _unusual(value)""",
    ): FASTER,
    (
        "claims:",
        'Claims = NewType("Claims", dict[str, Any])',
        "Claims = NewType('Claimsx', dict[str, Any])",
    ): FOR_MYPY,
    (
        "claims:_scopes",
        'return scopes if "" not in scopes else scopes - {""}',
        'return scopes if False else scopes - {""}',
    ): FASTER,
    (
        "claims:_check_client",
        'if use == "id" or (pool.resource is None and "aud" not in values):',
        'if use == "id":',
    ): FASTER,
    (
        "tokens/base64url:",
        '_PADDING = ("", "===", "==", "=")',
        """_PADDING = ("", '===x', "==", "=")""",
    ): "no length asks for it: _LAST refuses first",
    (
        "tokens/fetch:FetchFailed.__init__",
        "super().__init__(reason)",
        "pass",
    ): "BaseException.__new__ keeps the reason, too",
    (
        "policy:Requirement._held",
        'return _as_text(principal.claim(self.claim or ""))',
        "return _as_text(principal.claim(self.claim))",
    ): FOR_MYPY,
    (
        "policy:Requirement._held",
        'return _as_text(principal.claim(self.claim or ""))',
        "return _as_text(principal.claim(self.claim or 'x'))",
    ): FOR_MYPY,
    ("tokens/gaps:Gap", "seconds: float = 0.0", "seconds: float = 1.0"): "counts from no moment",
    (
        "tokens/gaps:backoff",
        "gap = min(first * 2.0 ** min(failures - 1, 64), longest)",
        "gap = min(first * 2.0 ** min(failures - 1, 65), longest)",
    ): "far above the cap",
    (
        "tokens/gaps:backoff",
        "gap = min(first * 2.0 ** min(failures - 1, 64), longest)",
        "gap = min(first * 2.0 ** min(failures - 1, 63), longest)",
    ): "far above the cap",
    (
        "tokens/jwks:_integer",
        'octets = decode(text) if isinstance(text, str) else b"\\0"',
        """octets = decode(text) if isinstance(text, str) else b'\\x00x'""",
    ): "only the first byte is looked at",
    ("tokens/jwks:_integer", "return 0", "return 1"): "is neither a modulus nor an exponent, as 0",
    (
        "tokens/jwks:_integer",
        'return int.from_bytes(octets, "big") if octets[0] else 0',
        'return int.from_bytes(octets, "big") if octets[0] else 1',
    ): "is neither a modulus nor an exponent, as 0",
    (
        "tokens/keys:KeySet.key",
        "if flight is not None and mine and patience > 0 and self._age() >= self._policy.max_age:",
        "if mine and patience > 0 and self._age() >= self._policy.max_age:",
    ): FOR_MYPY,
    (
        "tokens/keys:KeySet.key",
        "if flight is not None and mine and patience > 0 and self._age() >= self._policy.max_age:",
        "if flight is not None and mine and self._age() >= self._policy.max_age:",
    ): FASTER,
    (
        "tokens/keys:KeySet.key",
        "if flight is not None and mine and patience > 0 and self._age() >= self._policy.max_age:",
        "if flight is not None and mine and patience >= 0 and self._age() >= self._policy.max_age:",
    ): FASTER,
    (
        "tokens/keys:KeySet.key",
        "if key is not None:",
        "if False:",
    ): FASTER,
    (
        "untrusted:check_text",
        'if "".join(values).isascii() and "".join(values.values()).isascii():',
        "if False:",
    ): FASTER,
    (
        "untrusted:check_text",
        'if "".join(values).isascii() and "".join(values.values()).isascii():',
        "if 'x'.join(values).isascii() and \"\".join(values.values()).isascii():",
    ): "what stands between does not matter",
    (
        "untrusted:check_text",
        'if "".join(values).isascii() and "".join(values.values()).isascii():',
        "if \"\".join(values).isascii() and 'x'.join(values.values()).isascii():",
    ): "what stands between does not matter",
    (
        "tokens/keys:KeySet._refresh",
        "return None, False # an answer has landed since the caller looked",
        "return None, True # an answer has landed since the caller looked",
    ): "nobody asks whether no flight is new",
    (
        "tokens/keys:KeySet._refresh",
        "return None, False",
        "return None, True",
    ): "nobody asks whether no flight is new",
    (
        "tokens/offline:MappingKeys.key",
        "async def key(self, kid: str, *, patience: float = 0.0) -> PublicKey:",
        "async def key(self, kid: str, *, patience: float = 1.0) -> PublicKey:",
    ): UNUSED,
    (
        "tokens/offline:FileKeys.key",
        "async def key(self, kid: str, *, patience: float = 0.0) -> PublicKey:",
        "async def key(self, kid: str, *, patience: float = 1.0) -> PublicKey:",
    ): UNUSED,
    ("untrusted:is_too_deep", "if not level:", "if False:"): FASTER,
    (
        "tokens/verifier:Verifier.knows_header",
        'return token[: token.find(".")] in self._headers.kids and token.isascii()',
        "return token.isascii()",
    ): FASTER,
    (
        "tokens/verifier:KeySource.key",
        "async def key(self, kid: str, *, patience: float = 0.0) -> PublicKey: ...",
        "async def key(self, kid: str, *, patience: float = 1.0) -> PublicKey: ...",
    ): UNUSED,
    ("tokens/offline:MappingKeys.warm_up", 'self.find("")', "self.find('x')"): "any kid will do",
    ("tokens/offline:FileKeys.warm_up", 'self.find("")', "self.find('x')"): "any kid will do",
}

# Only texts for the log are made here.
_TEXTS = {"__str__", "__repr__", "_wrong_use", "wrong_type", "_unreadable"}
_WEAKER: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="), ast.In: ("in", "not in"), ast.NotIn: (r"not\s+in", "in"),
    ast.Is: ("is", "is not"), ast.IsNot: (r"is\s+not", "is"),
}  # fmt: skip
_SWAPPED = {"max": "min", "min": "max", "any": "all", "all": "any"}

Span = tuple[int, int]
Edit = tuple[Span, str]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One check less: ``source`` is the module without it."""

    module: str
    place: str
    line: int
    before: str
    after: str
    source: bytes

    def __str__(self) -> str:
        return f"{PACKAGE}/{self.module}:{self.line} ({self.place})\n    - {self.before}\n    + {self.after}"

    @property
    def key(self) -> tuple[str, str, str]:
        return f"{self.module.removesuffix('.py')}:{self.place}", self.before, self.after


class Code:
    """A module's bytes, and where its nodes are in them."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.tree = ast.parse(source)
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self.errors = {
            alias.name
            for node in self.tree.body
            if isinstance(node, ast.ImportFrom) and (node.module or "").endswith(".errors")
            for alias in node.names
        }

    def span(self, node: ast.AST) -> Span:
        """From the first to after the last byte of a node."""
        assert isinstance(node, ast.expr | ast.stmt)
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self._starts[node.lineno - 1] + node.col_offset
        return start, self._starts[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: ast.AST) -> str:
        """A node as it is written."""
        start, end = self.span(node)
        return self.source[start:end].decode()

    def mutant(self, module: str, place: str, edit: Edit) -> Mutant:
        """The module with one edit, and the lines that it touches."""
        (start, end), text = edit
        first = self.source.rfind(b"\n", 0, start) + 1
        last = self.source.find(b"\n", end)
        before = self.source[first:last].decode()
        after = self.source[first:start].decode() + text + self.source[end:last].decode()
        source = self.source[:start] + text.encode() + self.source[end:]
        line = self.source.count(b"\n", 0, start) + 1
        return Mutant(module, place, line, " ".join(before.split()), " ".join(after.split()), source)


def conditions(node: ast.AST, code: Code, parent: ast.AST) -> Iterator[Edit]:
    """``if`` never (and, where it chooses between values, always); filters that let everything pass."""
    if isinstance(node, ast.If | ast.IfExp):
        yield code.span(node.test), "False"
    if isinstance(node, ast.IfExp):
        yield code.span(node.test), "True"
    if isinstance(node, ast.comprehension):
        for test in node.ifs:
            yield code.span(test), "True"


def operands(node: ast.AST, code: Code, parent: ast.AST) -> Iterator[Edit]:
    """Each operand of ``and`` and ``or`` dropped."""
    if isinstance(node, ast.BoolOp):
        texts = [
            f"({code.text(value)})" if isinstance(value, ast.BoolOp | ast.IfExp) else code.text(value)
            for value in node.values
        ]
        word = " and " if isinstance(node.op, ast.And) else " or "
        for dropped in range(len(texts)):
            yield code.span(node), word.join(text for at, text in enumerate(texts) if at != dropped)


def comparisons(node: ast.AST, code: Code, parent: ast.AST) -> Iterator[Edit]:
    """Bounds moved by one, the others turned round."""
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
            written, mutated = _WEAKER[type(operator)]
            start, end = code.span(left)[1], code.span(right)[0]
            found = re.search(written, code.source[start:end].decode())
            assert found is not None
            yield (start + found.start(), start + found.end()), mutated


def numbers(node: ast.AST, code: Code, parent: ast.AST) -> Iterator[Edit]:
    """One more and one less; a tenth for fractions. Constants of a module that are sums are one number."""
    if is_computed(node):
        assert isinstance(node, ast.Assign)
        for change in ("+ 1", "- 1"):
            yield code.span(node.value), f"{code.text(node.value)} {change}"
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        step = 1 if node.value == int(node.value) else node.value / 10  # type: ignore[arg-type,operator]  # a number
        yield code.span(node), repr(node.value + step)  # type: ignore[operator]  # a number
        if node.value:  # nothing here is less than none
            yield code.span(node), repr(node.value - step)  # type: ignore[operator]  # a number


def texts(node: ast.AST, code: Code, parent: ast.AST) -> Iterator[Edit]:
    """A name or a value that is looked for becomes another, except where `comparisons` did as much.

    What has spaces in it is read by people.
    """
    if (
        isinstance(node, ast.Constant)
        and not is_default(node, parent)
        and not isinstance(parent, ast.Compare)
    ):
        if isinstance(node.value, str) and (node.value == " " or " " not in node.value):
            yield code.span(node), repr(node.value + "x")
        if isinstance(node.value, bytes):
            yield code.span(node), repr(node.value + b"x")


def booleans(node: ast.AST, code: Code, parent: ast.AST) -> Iterator[Edit]:
    """True for False, in what is returned, given or assumed."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield code.span(node), repr(not node.value)


def raises(node: ast.AST, code: Code, parent: ast.AST) -> Iterator[Edit]:
    """Errors swallowed. Under an ``if``, `conditions` does the same."""
    if isinstance(node, ast.Raise) and not isinstance(parent, ast.If):
        yield code.span(node), "pass"


def handlers(node: ast.AST, code: Code, parent: ast.AST) -> Iterator[Edit]:
    """Each of several errors no longer caught."""
    if isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Tuple):
        names = [code.text(name) for name in node.type.elts]
        for dropped in names:
            rest = ", ".join(name for name in names if name != dropped)
            yield code.span(node.type), f"({rest},)"


def calls(node: ast.AST, code: Code, parent: ast.AST) -> Iterator[Edit]:
    """Calls made for what they do left out; the most for the least, any for all."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await):
        yield code.span(node), "pass"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _SWAPPED:
        yield code.span(node.func), _SWAPPED[node.func.id]


def defaults(node: ast.AST, code: Code, parent: ast.AST) -> Iterator[Edit]:
    """What ``get`` gives for a name that is not there."""
    if isinstance(node, ast.Call) and len(node.args) == 2 and is_default(node.args[1], node):
        yield code.span(node.args[1]), "None"


Rule = Callable[[ast.AST, Code, ast.AST], Iterator[Edit]]
RULES: tuple[Rule, ...] = (
    conditions, operands, comparisons, numbers, texts, booleans, raises, handlers, calls, defaults,
)  # fmt: skip


def is_default(node: ast.AST, parent: ast.AST) -> bool:
    """Whether it is the second argument of a ``get``."""
    is_get = isinstance(parent, ast.Call) and isinstance(parent.func, ast.Attribute)
    return is_get and parent.func.attr == "get" and parent.args[1:] == [node]  # type: ignore[attr-defined]  # see above


def is_computed(node: ast.AST) -> bool:
    """Whether it is a constant that is written as a sum."""
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp)


def is_silent(node: ast.AST, code: Code) -> bool:
    """Whether nothing within is a check: log texts, types, what is only imported for types."""
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in code.text(node.test)
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign):
        return (
            is_computed(node) or isinstance(node.value, ast.Subscript) or "__" in code.text(node.targets[0])
        )
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in code.errors | _TEXTS
    if isinstance(node, ast.FunctionDef):
        return node.name in _TEXTS
    return isinstance(node, ast.JoinedStr | ast.Raise | ast.Import | ast.ImportFrom)


def children(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node that run, so no annotations and no decorators."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from (*node.args.defaults, *filter(None, node.args.kw_defaults), *node.body)
    elif isinstance(node, ast.ClassDef):
        yield from node.body
    elif isinstance(node, ast.AnnAssign):
        yield from filter(None, [node.value])
    elif not (isinstance(node, ast.keyword) and node.arg in ("name", "repr")):
        yield from ast.iter_child_nodes(node)


def walk(node: ast.AST, code: Code, place: str) -> Iterator[tuple[str, Edit]]:
    """Every edit below a node, with the name of the function that it is in."""
    for child in children(node):
        inner = place
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = f"{place}.{child.name}".lstrip(".")
        if not (isinstance(child, ast.If) and is_silent(child, code)):
            for rule in RULES:
                yield from ((inner, edit) for edit in rule(child, code, node))
        if not is_silent(child, code):
            yield from walk(child, code, inner)


def mutants_of(package: Path, wanted: Sequence[str]) -> list[Mutant]:
    """All mutants of the modules that are wanted; of all modules where none is named."""
    found = []
    for path in sorted(path for pattern in MODULES for path in package.glob(pattern)):
        module = path.relative_to(package).as_posix()
        if not wanted or {module, module.removesuffix(".py"), path.stem} & set(wanted):
            code = Code(path.read_bytes())
            found += [code.mutant(module, place, edit) for place, edit in walk(code.tree, code, "")]
    return found


def is_relevant(folder: str, module: str) -> bool:
    """Whether the tests in a folder may notice what is done to a module."""
    package = Path(module).parent.name
    return module in SHARED or folder in ("tests", package, *ALSO.get(package, ()))


class Bench:
    """A copy of the project, in which one mutant after another is tried."""

    def __init__(self, folder: Path, project: Path) -> None:
        self.folder = folder
        self.timeout = 600.0
        folder.mkdir()
        (folder / "conftest.py").write_text(PROFILE)
        shutil.copy2(project / "pyproject.toml", folder)
        for part in (PACKAGE, "tests"):
            shutil.copytree(project / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))

    def tests_for(self, module: str) -> list[str]:
        """The files of the fast tests, the most relevant first."""
        path = Path("tests", module)
        mirror = FIRST.get(module, str(path.with_name(f"test_{path.name}")))
        files = sorted(self.folder.glob("tests/**/test_*.py"))
        names = [
            str(file.relative_to(self.folder))
            for file in files
            if not LEFT_OUT & set(file.parts) and is_relevant(file.parent.name, module)
        ]
        return sorted(names, key=lambda name: (name != mirror, Path(name).parent != path.parent))

    def check(self) -> None:
        """That all is well without a mutant; how long that takes, and compiled tests for what follows."""
        started = time.monotonic()
        tests = self.tests_for("claims.py")
        killer = self._run(tests, compiling=True) and self._run(tests)  # once more: machines are busy
        if killer is not None:
            raise SystemExit(f"Without any mutant the tests fail already: {killer}")
        self.timeout = 30 + 2 * (time.monotonic() - started)

    def killer_of(self, mutant: Mutant) -> str | None:
        """The test that notices the mutant, or None."""
        path = self.folder / PACKAGE / mutant.module
        original, times = path.read_bytes(), path.stat()
        path.write_bytes(mutant.source)
        try:
            first, *others = self.tests_for(mutant.module)
            # Apart: the first kills nearly all, and only to collect the others takes longer than it.
            return self._run([first]) or self._run(others)
        finally:
            path.write_bytes(original)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    def _run(self, tests: Sequence[str], *, compiling: bool = False) -> str | None:
        options = "-x -q --tb=no --no-cov -p no:cacheprovider --hypothesis-profile=mutants".split()
        command = [sys.executable, "-m", "pytest", *options, *tests]
        variables = {"PYTHONDONTWRITEBYTECODE": "" if compiling else "1"}
        log = self.folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=self.folder, env=os.environ | variables, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            try:
                status = process.wait(self.timeout)
            except subprocess.TimeoutExpired:
                return "a timeout"
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - |$)", log.read_text(errors="replace"), re.MULTILINE)
        return None if status == 0 else failed[1] if failed else f"status {status}"


@dataclass(frozen=True, slots=True)
class Report:
    """What came of the mutants, in their order."""

    killers: dict[Mutant, str | None]

    @property
    def survivors(self) -> list[Mutant]:
        return [mutant for mutant, killer in self.killers.items() if killer is None]

    @property
    def unexplained(self) -> list[Mutant]:
        return [mutant for mutant in self.survivors if mutant.key not in EQUIVALENT]

    def figure(self, module: str | None = None) -> tuple[str, float]:
        """The figure for a module or for all, in words and in per cent."""
        total, alive = (
            sum(module in (None, mutant.module) for mutant in mutants)
            for mutants in (self.killers, self.unexplained)
        )
        excused = sum(module in (None, mutant.module) for mutant in self.survivors) - alive
        total -= excused
        share = 100 * (total - alive) / total if total else 100.0
        return f"killed {total - alive} of {total} ({share:.1f} %), {excused} equivalent", share


def say(line: str) -> None:
    """To whoever waits."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def result_of(mutant: Mutant, killer: str | None) -> str:
    """What came of a mutant, in words."""
    if killer is not None:
        return f"killed by {killer}"
    why = EQUIVALENT.get(mutant.key)
    return f"survived, as it may ({why})" if why else "SURVIVED"


def stale(mutants: Sequence[Mutant], wanted: Sequence[str]) -> list[str]:
    """What `EQUIVALENT` excuses and the code no longer has."""
    known = {mutant.key for mutant in mutants}
    return [] if wanted else [" | ".join(key) for key in EQUIVALENT if key not in known]


def tried(mutants: Sequence[Mutant], folder: Path, survivors_only: bool) -> Report:
    """Try every mutant, as many at a time as there are benches."""
    benches: SimpleQueue[Bench] = SimpleQueue()
    killers: dict[Mutant, str | None] = {}

    def killer_of(mutant: Mutant) -> str | None:
        bench = benches.get()
        try:
            return bench.killer_of(mutant)
        finally:
            benches.put(bench)

    with ThreadPoolExecutor(WORKERS) as pool:
        for bench in (made := [Bench(folder / f"bench{n}", folder / "project") for n in range(WORKERS)]):
            benches.put(bench)
        list(pool.map(Bench.check, made))
        try:
            for mutant, killer in zip(mutants, pool.map(killer_of, mutants), strict=True):
                killers[mutant] = killer
                if killer is None or not survivors_only:
                    say(f"{result_of(mutant, killer)}: {mutant}")
        finally:
            pool.shutdown(cancel_futures=True)
    return Report(killers)


def verdict(report: Report, mutants: Sequence[Mutant], wanted: Sequence[str]) -> int:
    """Print the figures, and what is wrong with `EQUIVALENT`. 0 if all is well."""
    for mutant, killer in report.killers.items():
        if killer is not None and mutant.key in EQUIVALENT:
            say(f"in EQUIVALENT, but killed by {killer}: {mutant}")
    for module in Counter(mutant.module for mutant in report.killers):
        say(f"{module}: {report.figure(module)[0]}")
    dead = stale(mutants, wanted)
    for key in dead:
        say(f"in EQUIVALENT, but no longer in the code: {key}")
    words, share = report.figure()
    say(words)
    return int(share < DUE or bool(dead))


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/mutants", description=__doc__)
    parser.add_argument(
        "--module", action="append", default=[], help="such as claims or tokens/jwt; repeatable"
    )
    parser.add_argument("--list", action="store_true", help="show the mutants, try none")
    parser.add_argument("--survivors-only", action="store_true", help="say nothing of the killed ones")
    parser.add_argument("--limit", type=int, help="at most so many mutants, evenly spread")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Bench(folder / "project", ROOT)  # others may go on editing the checkout meanwhile
        mutants = mutants_of(folder / "project" / PACKAGE, options.module)
        step = ceil(len(mutants) / options.limit) if options.limit else 1
        if not options.list:
            return verdict(tried(mutants[::step], folder, options.survivors_only), mutants, options.module)
        for mutant in mutants[::step]:
            say(str(mutant))
        say(f"{len(mutants[::step])} mutants")
    return 0


if __name__ == "__main__":
    sys.exit(main())
