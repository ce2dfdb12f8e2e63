"""Docstrings start with a verb or a noun, so that they read the same way everywhere."""

import ast
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
