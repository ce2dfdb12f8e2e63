"""The file that `postmortem edit` opens: no text is lost on the way in or out."""

from hypothesis import given
from hypothesis import strategies as st

from router.cli.postmortem_form import FIELDS, form, read

EMPTY = dict.fromkeys(FIELDS, "")
HEADINGS = [f"## {label}" for label in FIELDS.values()]
LINES = st.one_of(
    st.text(st.characters(exclude_characters="\n"), max_size=12),
    st.sampled_from([*HEADINGS, "\\## Summary", "\\\\## Summary", "## Other", "```", ""]),
)
TEXTS = st.lists(LINES, max_size=6).map("\n".join)


@given(st.fixed_dictionaries(dict.fromkeys(FIELDS, TEXTS)))
def test_a_form_that_nobody_edits_changes_nothing(written: dict[str, str]) -> None:
    """Except for empty lines around a text, and spaces behind a heading."""
    bare = {name: text.strip("\n") for name, text in written.items()}
    assert read(form(bare)) == bare


@given(st.lists(LINES, max_size=20))
def test_no_line_is_lost(lines: list[str]) -> None:
    """All lines survive any edit of the headings."""
    kept = "\n".join(read("\n".join(lines)).values()).split("\n")
    for line in lines:
        if line.strip() not in HEADINGS:
            assert line in kept or line[1:] in kept


def test_other_headings_stay_in_their_section() -> None:
    """Also above the first heading, and where one was misspelt."""
    text = "# Title\nfirst\n## Sumary\nx\n## Root cause\n\n### Timeline\n\nlater\n## Extra\nmore\n"
    found = read(text)
    assert found["summary"] == "# Title\nfirst\n## Sumary\nx"
    assert found["root_cause"] == "### Timeline\n\nlater\n## Extra\nmore"
    assert found == EMPTY | {key: found[key] for key in ("summary", "root_cause")}
