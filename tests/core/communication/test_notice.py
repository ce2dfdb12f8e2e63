"""Public notices contain published text and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.communication.notice import UNTITLED, Span, clean, notice, paragraphs
from router.model.incident import Severity, Status
from router.model.statuspage import ComponentState, Published
from tests.core.statuspage.published import NOW, published, said


def test_nothing_is_public_without_a_published_entry() -> None:
    assert notice(published()) is None


def test_a_drill_is_never_public() -> None:
    """Not even if somebody published it."""
    assert notice(published(said(1, NOW), drill=True)) is None


def test_only_what_was_published_is_told() -> None:
    """No label, internal title, name of a person or link of the incident is in it."""
    public = notice(published(said(1, NOW - 600), said(2, NOW - 60, "identified", "Found.")))
    assert "internal" not in repr(public)
    assert "ana" not in repr(public)


def test_updates_are_newest_first_and_the_last_says_how_it_is() -> None:
    public = notice(published(said(2, NOW - 60, "identified", "Found."), said(1, NOW - 600)))
    assert public is not None
    assert [(update.id, update.status) for update in public.updates] == [
        (2, Status.IDENTIFIED),
        (1, Status.INVESTIGATING),
    ]
    assert (public.status, public.is_open, public.updated_at, public.published_at) == (
        Status.IDENTIFIED, True, NOW - 60, NOW - 600,
    )  # fmt: skip


def test_the_title_is_the_last_one_given() -> None:
    public = notice(
        published(
            said(1, NOW - 9, title="First"),
            said(2, NOW - 8, title="Second"),
            said(3, NOW, title=""),
        )
    )
    assert public is not None
    assert public.title == "Second"


def test_without_a_public_title_the_internal_one_stays_internal() -> None:
    public = notice(published(said(1, NOW, title="")))
    assert public is not None
    assert public.title == UNTITLED


@pytest.mark.parametrize(
    ("severity", "impact"),
    [
        (Severity.P0, ComponentState.MAJOR),
        (Severity.P1, ComponentState.PARTIAL),
        (Severity.P2, ComponentState.DEGRADED),
        (Severity.P3, ComponentState.OPERATIONAL),
    ],
)
def test_the_impact_is_by_severity(severity: Severity, impact: ComponentState) -> None:
    public = notice(published(said(1, NOW), severity=severity))
    assert public is not None
    assert public.impact is impact


def test_it_lasted_from_the_opening_to_the_published_end_and_again_when_it_came_back() -> None:
    """A delay before the end is published doesn't shorten the duration."""
    sequence = published(
        said(1, NOW - 3000), said(2, NOW - 2000, "resolved"), said(3, NOW - 1000, "investigating"),
        opened_at=NOW - 3600,
    )  # fmt: skip
    public = notice(sequence)
    assert public is not None
    assert public.spans == (Span(NOW - 3600, NOW - 2000), Span(NOW - 1000, None))
    assert public.reached(Status.RESOLVED) is None, "it isn't over"


def test_what_was_only_published_when_it_was_over_lasted_all_the_same() -> None:
    public = notice(published(said(1, NOW, "resolved"), opened_at=NOW - 600))
    assert public is not None
    assert public.spans == (Span(NOW - 600, NOW),)


def test_a_false_positive_is_over_and_was_no_outage() -> None:
    """Once that is published."""
    public = notice(published(said(1, NOW - 60), said(2, NOW, "false_positive")))
    assert public is not None
    assert (public.status, public.is_open, public.impact) == (
        Status.RESOLVED,
        False,
        ComponentState.OPERATIONAL,
    )


@given(st.text())
def test_words_are_plain_lines(text: str) -> None:
    """Any text becomes lines that are valid in HTML, XML, JSON and mail."""
    for line in (*paragraphs(text), clean(text)):
        assert line == line.strip()
        assert all(
            ord(character) >= 32 and character not in "\ufffe\uffff\u2028\u202e"
            for character in line
        )
        line.encode()


@given(
    st.lists(
        st.tuples(st.floats(0, 1e6), st.sampled_from(["investigating", "monitoring", "resolved"])),
        min_size=1,
    )
)
def test_spans_are_in_order_and_only_the_last_is_open(said_at: list[tuple[float, str]]) -> None:
    """And one is open exactly while the incident is."""
    entries = [said(number, NOW - 1e6 + at, status) for number, (at, status) in enumerate(said_at)]
    public = notice(Published(published().incident, tuple(entries)))
    assert public is not None
    edges = [edge for span in public.spans for edge in (span.start, span.end)]
    assert edges[-1:] != [None] or public.is_open
    closed = [edge for edge in edges if edge is not None]
    assert closed == sorted(closed)
    assert None not in edges[:-1]
    assert public.is_open == (edges[-1] is None)
