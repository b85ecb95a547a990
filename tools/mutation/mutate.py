"""Run mutmut on a copy of the project, with mutations added that remove a check.

mutmut reads its configuration where it is imported, so this is a script of its own, run in that copy.
"""

import sys
from collections.abc import Iterator
from math import ceil
from pathlib import Path

import libcst as cst
from mutmut.__main__ import cli
from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.mutation.mutators import mutation_operators
from mutmut.utils.format_utils import get_mutant_name


def skip_branch(node: cst.If) -> Iterator[cst.If]:
    """Never enter the branch."""
    yield node.with_changes(test=cst.Name("False"))


def drop_operand(node: cst.BooleanOperation) -> Iterator[cst.BaseExpression]:
    """Keep one side of ``and`` or ``or``."""
    for side in (node.left, node.right):
        yield side.with_changes(lpar=node.lpar, rpar=node.rpar) if node.lpar and not side.lpar else side


def drop_raise(node: cst.Raise) -> Iterator[cst.Pass]:
    """Do not raise the error."""
    yield cst.Pass()


def drop_call(node: cst.Expr) -> Iterator[cst.Pass]:
    """Do not make a call whose result is not used, such as a check."""
    if isinstance(node.value, cst.Call | cst.Await):
        yield cst.Pass()


mutation_operators += [
    (cst.If, skip_branch),
    (cst.BooleanOperation, drop_operand),
    (cst.Raise, drop_raise),
    (cst.Expr, drop_call),
]


def draw_mutants(modules: list[Path], limit: int) -> list[str]:
    """Return the names of so many mutants, evenly spread."""
    names = [
        get_mutant_name(module, name)
        for module in modules
        for name in mutate_file_contents(str(module), module.read_text()).mutant_names
    ]
    return names[:: max(1, ceil(len(names) / limit))]


if __name__ == "__main__":
    limit, *modules = sys.argv[1:]
    names = draw_mutants([Path(module) for module in modules], int(limit)) if int(limit) else []
    cli(["run", *names])
