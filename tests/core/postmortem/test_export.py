"""A file that the router and people both write: whose change is whose, and none lost."""

from hypothesis import given
from hypothesis import strategies as st

from router.core.postmortem.document import Section
from router.core.postmortem.export import Exported, exported

MADE = [
    Section("", "# Post-Mortem: x"),
    Section("Summary", "to be written"),
    Section("Timeline", "- 12:00 - x"),
]


def remade(**texts: str) -> list[Section]:
    return [
        Section(element.title, texts.get(element.title or "head", element.text)) for element in MADE
    ]


def test_a_new_file() -> None:
    made = exported("INC-1", MADE, None)
    assert made.conflicts == ()
    assert made.text.startswith('---\nincident: INC-1\nsections: {"": "')
    assert made.text.endswith(
        "---\n\n# Post-Mortem: x\n\n## Summary\n\nto be written\n\n## Timeline\n\n- 12:00 - x\n"
    )
    assert exported("INC-1", MADE, made.text) == made


def test_whoever_alone_changed_a_section_has_it() -> None:
    """People's summary and the router's timeline come together, again and again."""
    first = exported("INC-1", MADE, None).text
    edited = first.replace("to be written", "It broke.\n\n## Not one of ours\n\nx")
    later = exported("INC-1", remade(Timeline="- 12:00 - x\n- 12:05 - y"), edited)
    assert later.conflicts == ()
    assert "It broke.\n\n## Not one of ours\n\nx\n" in later.text
    assert "- 12:05 - y" in later.text
    again = exported("INC-1", remade(Timeline="- 12:00 - z"), later.text)
    assert again.conflicts == ()
    assert "It broke." in again.text
    assert "- 12:00 - z" in again.text


def test_what_both_changed_is_said_and_left() -> None:
    edited = exported("INC-1", MADE, None).text.replace("to be written", "mine")
    assert exported("INC-1", remade(Summary="theirs"), edited) == Exported(edited, ("Summary",))
    assert exported("INC-1", remade(Summary="mine"), edited).conflicts == ()


def test_a_file_that_isnt_ours_is_left() -> None:
    """Nothing is known of who changed what where the front matter or a heading is gone."""
    assert exported("INC-1", MADE, "# My own\n") == Exported("# My own\n", ("the whole file",))
    headless = exported("INC-1", MADE, None).text.replace("## Timeline", "## What went on")
    assert exported("INC-1", MADE, headless).conflicts == ("the whole file",)


@given(
    edits=st.lists(st.text(st.sampled_from("ab#\n -"), max_size=20), min_size=3, max_size=3),
    news=st.text("xy", max_size=5),
)
def test_no_edit_is_ever_lost(edits: list[str], news: str) -> None:
    """Every word of a person's edit is kept."""
    text = exported("INC-1", MADE, None).text
    for one, edit in zip(MADE, edits, strict=True):
        text = text.replace(one.text, f"{one.text}\nEDIT {edit}")
    for made in (MADE, remade(Timeline=f"- {news}"), remade(Summary=news)):
        after = exported("INC-1", made, text).text
        assert after.count("EDIT") == 3
