"""The post-mortem as Markdown, as a real CommonMark parser reads it."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from msgspec.structs import replace

from router.core.deployments.suspect import Deploys
from router.core.postmortem.document import Case, deployed_around, document, sections
from router.core.postmortem.durations import Durations, durations, in_words
from router.core.postmortem.markdown import contained, escaped
from router.core.text.plain import plain
from router.model.decision import Entry
from router.model.deployment import Deployment
from router.model.event import Command
from router.model.incident import Severity, Status
from router.model.postmortem import Item, Written
from router.model.reason import Reason
from tests.world import NOW, World, alert, over

PARSER = MarkdownIt("gfm-like", {"linkify": False})
TITLES = [
    "Summary",
    "Timeline",
    "Durations",
    "Root Cause",
    "Impact",
    "Resolution",
    "Action Items",
    "Lessons Learned",
]

hostile = st.text(
    st.sampled_from(list("`*_[]()<>&#!|~\\-+.1 \n\tab:/@{}$=\"'")), max_size=60
) | st.text(max_size=40)
HOSTILE = [
    "![x](http://evil/x.png)",
    "<script>alert(1)</script>",
    "\n\n## Root Cause\n\nall is well",
    "```\n",
    "[a]: http://evil",
    "&lt;b&gt; <!-- ",
    "| a | b |\n|---|---|",
    "~~~",
    "http://evil.example/ www.evil.example a@b.example",
]


def story(title: str = "Payments", text: str = "rolling back", by: str = "ana") -> Case:
    """A finished incident of 65 minutes."""
    world = World()
    world.see(alert())
    world.now += 300
    world.command(Command.ACKNOWLEDGE, by=by, text=text)
    world.now += 1800
    world.command(Command.STATUS, by=by, status=Status.MONITORING)
    world.deliver()
    world.now += 1800
    world.see(over())
    incident = replace(world.incident, title=title, onset=NOW - 120)
    return Case(incident, world.memory.timeline, zone="Europe/Berlin")


def text_of(tokens: list[Token]) -> str:
    return "".join(" " if child.type == "softbreak" else child.content for child in tokens)


def headings(markdown: str) -> list[str]:
    tokens = PARSER.parse(markdown)
    return [
        tokens[at + 1].content
        for at, token in enumerate(tokens)
        if token.type == "heading_open" and token.tag == "h2"
    ]


def test_the_whole_of_it() -> None:
    """The plan's template, filled in: in the company's time zone, with what people wrote."""
    case = story()
    items = (
        Item(1, "Add an index", "ana", NOW + 864_000, "ana", NOW),
        Item(2, "Alert earlier", "ben", NOW + 864_000, "ana", NOW, done_at=NOW + 9, done_by="ben"),
    )
    written = Written(
        summary="The **pool** ran dry.",
        root_cause="A leak.",
        revenue="$4,000",
        went_well="- Paging",
    )
    deployment = Deployment("d1", NOW - 420, "github", ("api",), version="v7", author="cem")
    made = document(
        replace(
            case,
            incident=replace(case.incident, items=items),
            written=written,
            deployments=[deployment],
        )
    )
    assert made.startswith(
        "# Post-Mortem: Payments\n\n**Incident:** INC-1  \n**Date:** 2026-02-02  "
        "\n**Incident Lead:** ana  \n"
        "**Severity:** P0  \n**Duration:** 1 hour 5 minutes\n\n## Summary\n\nThe **pool** "
        "ran dry.\n\n## Timeline\n\n"
        "Times are those of Europe/Berlin.\n\n"
        "- 03:33 - Deployment v7 of api by cem: success\n"
        "- 03:38 - Onset: the first alert started to fire\n"
        "- 03:40 - Incident detected: Payments at 20% (threshold \\> 10%)\n"
    )
    for line in (
        "- 03:45 - Acknowledged by ana: rolling back",
        "- 04:15 - Status set to monitoring by ana",
        "- 04:15 - Message delivered to slack",
        "- 04:45 - Resolved: all alerts stayed clear",
        "- **Detected:** 2 minutes after it began",
        "- **Acknowledged:** 5 minutes after that",
        "- **Mitigated:** 35 minutes after it was detected",
        "- **Resolved:** 1 hour 5 minutes after it was detected",
        "- **Revenue Impact:** $4,000".replace("$", "\\$"),
        "- **Users Affected:** *to be written*",
        "- **Services Affected:** api",
        "1. [ ] Add an index - ana - 2026-02-12",
        "2. [x] Alert earlier - ben - 2026-02-12",
    ):
        assert line in made.splitlines(), line
    assert "**What went well:**\n\n- Paging\n" in made
    assert headings(made) == TITLES
    assert [section.title for section in sections(case)] == ["", *TITLES]


def test_what_is_about_the_postmortem_is_no_part_of_it() -> None:
    case = story()
    for what in (Reason.POSTMORTEM_DUE, Reason.ITEM_ADDED, Reason.POSTMORTEM_SHARED):
        later = replace(
            case, timeline=[*case.timeline, Entry(1, NOW + 9999, what, "ana", {"text": "x"})]
        )
        assert document(later) == document(case)


def test_deployments_of_other_services_or_times_are_left_out() -> None:
    incident = story().incident
    known = [
        Deployment("in", NOW - 60, "api", ("api",)),
        Deployment("fix", NOW + 60, "api", ("web", "api")),
        Deployment("other", NOW, "api", ("web",)),
        Deployment("old", NOW - 9000, "api", ("api",)),
        Deployment("after", NOW + 9000, "api", ("api",)),
    ]
    assert [deployment.id for deployment in deployed_around(incident, known, Deploys())] == [
        "in",
        "fix",
    ]


@given(text=hostile)
@example(HOSTILE[0])
@example(HOSTILE[1])
@example(HOSTILE[8])
def test_escaped_text_is_itself(text: str) -> None:
    """A line of the timeline reads, once rendered, as the plain text that it is, and nothing in it
    is marked up.
    """
    tokens = PARSER.parse(f"- 12:00 - {escaped(text)}")
    assert [token.type for token in tokens] == [
        "bullet_list_open", "list_item_open", "paragraph_open", "inline",
        "paragraph_close", "list_item_close", "bullet_list_close",
    ]  # fmt: skip
    children = tokens[3].children or []
    assert {child.type for child in children} <= {"text", "text_special"}
    assert text_of(children).replace("@\u200b", "@") == f"12:00 - {plain(text)}".rstrip()


def shape(markdown: str) -> list[tuple[str, str, int]]:
    return [(token.type, token.tag, token.level) for token in PARSER.parse(markdown)]


@given(title=hostile, text=hostile, by=hostile)
@example(title=HOSTILE[2], text=HOSTILE[3], by=HOSTILE[5])
@example(title=HOSTILE[4], text=HOSTILE[6], by=HOSTILE[7])
def test_no_text_of_an_alert_breaks_it(title: str, text: str, by: str) -> None:
    """Any title, note and name result in the same blocks as harmless ones."""
    marked: dict[str, Any] = {"title": f"x{title}", "text": f"x{text}", "by": f"x{by}"}
    assert shape(document(story(**marked))) == shape(document(story("x", "x", "x")))


@given(texts=st.lists(hostile | st.sampled_from(HOSTILE), min_size=9, max_size=9))
@example(HOSTILE)
def test_no_words_of_people_get_out_of_their_section(texts: list[str]) -> None:
    """People write any Markdown; all sections are still there after it, each with its own text."""
    made = document(replace(story(), written=Written(*texts)))
    assert headings(made) == TITLES
    tokens = PARSER.parse(made)
    assert [
        token.tag for token in tokens if token.type == "heading_open" and token.level == 0
    ].count("h1") == 1
    assert not any(token.type == "html_block" for token in tokens)


@pytest.mark.parametrize(
    "text", ["a **b**\n\n- c\n- d", "```sh\nls # x\n```", "### Detail\n\nx", "> quoted"]
)
def test_markdown_of_people_is_left_alone(text: str) -> None:
    assert contained(text) == text


@pytest.mark.parametrize("text", ["```\nls", "# Big", "a\n---", "<!-- x", "~~~\n````"])
def test_what_would_get_out_is_shown_as_typed(text: str) -> None:
    tokens = PARSER.parse(contained(text))
    assert [(token.type, token.content) for token in tokens] == [("fence", text + "\n")]


def test_durations() -> None:
    """Missing events have no duration; for repeated events the first counts."""
    case = story()
    assert durations(case.incident, case.timeline) == Durations(120.0, 300.0, 2100.0, 3900.0)
    again = [*case.timeline, Entry(1, NOW + 5000, Reason.ACKNOWLEDGED, "ben")]
    assert durations(case.incident, again).acknowledge == 300.0
    assert durations(replace(case.incident, closed_at=None, onset=0.0), []) == Durations(
        0.0, None, None, None
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "under a minute"),
        (60, "1 minute"),
        (3600, "1 hour"),
        (3900, "1 hour 5 minutes"),
        (180_000, "50 hours"),
    ],
)
def test_how_long_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_a_mild_one_that_goes_on() -> None:
    """It can be written at any time, and says what is unknown."""
    case = story()
    going_on = replace(
        case.incident, closed_at=None, severity=Severity.P3, title="", lead="", acknowledged_by=""
    )
    made = document(Case(going_on, []))
    assert "# Post-Mortem: INC-1\n" in made
    assert "**Duration:** not over yet" in made
    assert "- **Resolved:** not yet" in made
    assert "**Incident Lead:** nobody" in made
