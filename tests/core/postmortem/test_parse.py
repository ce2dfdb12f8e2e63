"""Markdown in, Markdown out: what people wrote is read back, and none of their text is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from router.core.postmortem.document import Case, document
from router.core.postmortem.parse import parsed
from router.model.postmortem import Extra, Words, Written
from tests.core.postmortem.test_document import story

CASE = story()

FULL = Written(
    summary="The pool ran dry.\n\n- one\n- two",
    root_cause="A leak in `pool.py`:\n\n```python\n## not a heading\n```",
    users_affected="12 % of [all] users_",
    revenue="$ 1,200",
    services="api and web",
    resolution="Rolled back.",
    went_well="The *alert*.",
    improve="Nobody watched.",
    prevent="A test.",
    extra=(Extra("Who was told", "Ana\n\nBen"), Extra("Costs", "None.")),
)


def case(written: Written = FULL) -> Case:
    return replace(CASE, written=written)


@pytest.mark.parametrize("written", [FULL, Written(), Written(summary="Only this.")])
def test_what_was_written_is_read_back(written: Written) -> None:
    """Also into another version of the document, as after a restart of the editor."""
    text = document(case(written))
    assert parsed(text, case(written)).written == written
    assert parsed(text, case(Written())).problems == ()
    assert parsed(text, case(Written())).written == written


words = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=60)


@given(st.fixed_dictionaries(dict.fromkeys(Words.__struct_fields__, words)))
def test_any_text_survives_a_round_trip(texts: dict[str, str]) -> None:
    """An unchanged document changes nothing."""
    written = Written(**texts)
    assert parsed(document(case(written)), case(written)).written == written


def test_a_heading_of_ones_own_is_kept() -> None:
    """With its text, in its order; and it's in the document afterwards."""
    text = document(case()).replace("## Timeline", "## Decisions\n\nWe waited.\n\n## Timeline")
    found = parsed(text, case())
    assert found.problems == ()
    assert found.written.extra == (Extra("Decisions", "We waited."), *FULL.extra)
    assert "## Decisions\n\nWe waited." in document(case(found.written))


def test_a_heading_twice_loses_neither() -> None:
    text = document(case(Written())) + "\n## Summary\n\nA second one.\n"
    assert parsed(text, case(Written())).written.extra == (Extra("Summary", "A second one."),)


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ("## Durations", "A remark.\n\n## Durations", "Timeline"),
        ("## Action Items", "## Action Items\n\n9. [ ] Mine", "Action Items"),
        ("- **Duration:**", "- **Cost:** high\n- **Duration:**", "Impact"),
        ("**What went well:**", "In short:\n\n**What went well:**", "Lessons Learned"),
        ("# Post-Mortem:", "# My title:", "head"),
    ],
)
def test_text_in_a_part_of_the_routers_is_a_problem(before: str, after: str, where: str) -> None:
    """It's named, and nothing is written."""
    text = document(case(Written()))
    assert before in text
    found = parsed(text.replace(before, after, 1), case(Written()))
    assert [problem.partition(":")[0] for problem in found.problems] == [where]


def test_a_part_that_is_emptied_is_blank() -> None:
    text = document(case()).replace("Rolled back.", "")
    assert parsed(text, case()).written == replace(FULL, resolution="")
