"""The glossary and the public class names of the core hold together."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages import ROOT, names, rows

TABLE = rows("docs/reference/glossary.md")
TERMS = [row[0] for row in TABLE]

INVENTED = [
    "Taking",
    "Wanted",
    "View",
    "Changes",
    "Fold",
    "Sighting",
    "HeldBack",
    "Parcel",
    "Pace",
    "Courier",
    "Reached",
    "Way",
    "Arrangement",
    "Specimen",
    "Mention",
    "Twin",
    "Aside",
    "Prompt",
    "Asked",
    "Handled",
    "Site",
    "Desk",
    "DrillHall",
    "Casebook",
    "Roll",
    "Shelf",
    "InForce",
    "Pulse",
    "Told",
    "Happening",
    "Played",
    "Doubt",
    "Past",
]
"""Invented nouns, each replaced by a term of the field."""


def classes(*folders: str) -> Iterator[str]:
    """The public classes and type aliases in the modules of these folders."""
    for folder in folders:
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.parse(file.read_text()).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    yield node.name
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    yield node.targets[0].id


def test_the_terms_are_sorted_and_unique() -> None:
    assert sorted(set(TERMS)) == TERMS


@pytest.mark.parametrize("name", names(TABLE, column=2))
def test_each_class_of_the_glossary_exists(name: str) -> None:
    assert name in {*classes("router")}


@pytest.mark.parametrize(
    "name", sorted(set(classes("router/core", "router/model", "router/ports")))
)
def test_no_public_class_has_an_invented_noun(name: str) -> None:
    """A reader from the field knows each name, or finds it in the glossary."""
    assert name not in INVENTED


def test_a_class_name_means_one_thing() -> None:
    """No two public classes of the model share a name."""
    trees = [ast.parse(file.read_text()) for file in (ROOT / "router/model").rglob("*.py")]
    found = [node.name for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)]
    assert sorted(name for name in {*found} if found.count(name) > 1) == []


@pytest.mark.parametrize("term", TERMS)
def test_each_term_is_used_in_the_docs(term: str) -> None:
    """Nothing is explained that nobody reads."""
    pages = [page for page in (ROOT / "docs").rglob("*.md") if page.name != "glossary.md"]
    text = "\n".join(Path(page).read_text().lower() for page in pages)
    assert re.search(rf"\b{re.escape(term[:-1])}", text)
