"""Docstrings start with a verb or a noun, so that they read the same way everywhere."""

import ast
import builtins
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SUBORDINATE = re.compile(r"(What|Whom|Whose|Whoever|That|Of|By|Which|Whether)\b")
"""Words that open a clause without a subject."""

type_documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of each docstring in a module, those of attributes included."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, type_documented) and (text := ast.get_docstring(node)):
            yield node.body[0].lineno, text
        body = getattr(node, "body", None)
        for before, after in pairwise(body) if isinstance(body, list) else ():
            match before, after:
                case (
                    ast.Assign() | ast.AnnAssign(),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    yield after.lineno, text


@pytest.mark.parametrize("folder", ["router", "tests"])
def test_no_docstring_opens_with_a_clause_that_has_no_subject(folder: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text.splitlines()[0]}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, text in docstrings(path)
        if SUBORDINATE.match(text)
    ]
    assert not found, "\n".join(found)


ATTRIBUTE = re.compile(r"`(router(?:\.\w+)+)`")
RAISED = re.compile(r"Raises: ([^.\n]+)")


def names(folder: str) -> set[str]:
    """Every name that the code of a folder mentions, and those of Python."""
    found = set(dir(builtins))
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Name(id=name) | ast.Attribute(attr=name) | ast.ClassDef(name=name):
                    found.add(name)
                case ast.alias(name=name):
                    found.add(name.rpartition(".")[2])
    return found


def test_docstrings_name_things_that_exist() -> None:
    """A renamed exception, module or class is renamed in the docstrings, too."""
    known = names("router")
    missing = []
    for path in sorted((ROOT / "router").rglob("*.py")):
        for line, text in docstrings(path):
            raised = {name for part in RAISED.findall(text) for name in exceptions(part)}
            dotted = {name for name in ATTRIBUTE.findall(text) if not exists(name)}
            missing += [
                f"{path.relative_to(ROOT)}:{line}: {name}"
                for name in sorted({*(raised - known), *dotted})
            ]
    assert not missing, "\n".join(missing)


def exceptions(clause: str) -> list[str]:
    """The capitalised names of a `Raises:` clause, without an explanation after them."""
    listed = re.split(r" (?:for|if|in|with) ", clause, maxsplit=1)[0]
    return re.findall(r"\b(?:HTTP)?[A-Z][a-z]\w*", listed)


def exists(dotted: str) -> bool:
    """Check a dotted name: of a module, or of something at the top of a module."""
    *module, last = dotted.split(".")
    for parts, attribute in (((*module, last), ""), (module, last), (module[:-1], module[-1])):
        path = ROOT.joinpath(*parts)
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return not attribute or attribute in top(file)
    return False


def top(file: Path) -> set[str]:
    """The names that a module defines."""
    body = ast.parse(file.read_text("utf-8")).body
    targets = [node.targets[0] for node in body if isinstance(node, ast.Assign)]
    annotated = [node.target for node in body if isinstance(node, ast.AnnAssign)]
    assigned = {node.id for node in [*targets, *annotated] if isinstance(node, ast.Name)}
    return assigned | {
        node.name
        for node in body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    }
