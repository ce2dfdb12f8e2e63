"""The report: what it says, and that no text from outside is markup in it."""

import re

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from router.core.drill import progress
from router.core.drill.previews import previews
from router.core.drill.report import cell, report
from router.model.drill import DrillStep, Ending, Kind, Tick
from router.model.event import Command
from router.model.notification import Rejected
from tests.core.drill.play import PEOPLE, Play
from tests.world import NOW

EXPECTED = (
    DrillStep(Kind.DELIVERED, "delivered", within=120.0),
    DrillStep(Kind.ACKNOWLEDGED, "acknowledged", within=300.0),
    DrillStep(Kind.COMMUNICATED, "words", within=300.0, items=("fine",)),
)


def written(play: Play) -> str:
    texts = previews(play.drill, play.scene, play.world.settings)
    return report(play.drill, play.scene, play.outcomes, PEOPLE, texts)


def test_it_says_who_got_what_when() -> None:
    """Delays, failures with reasons, acknowledgements and finished checklist items."""
    play = Play(*EXPECTED)
    play.world.advance(3)
    play.world.deliver("slack")
    play.world.deliver("pager", result=Rejected("no such | key"))
    play.world.advance(57)
    play.world.command(Command.ACKNOWLEDGE, by="Ana Lee")
    text = written(play)
    assert "- The drill is still running." in text
    assert "| INC-1 | slack | 3s | 1 |  |" in text
    assert "| INC-1 | pager | **not delivered** |  | no such \\| key |" in text
    assert "| acknowledged | 5m | met | 1m | Ana Lee |" in text
    assert "| ana |  | 1m |  |" in text
    assert "- [ ] fine" in text
    assert "[DRILL] Payments on api" in text


def test_it_says_how_it_ended() -> None:
    play = Play(*EXPECTED)
    ended = progress.ended(play.drill, Ending.STOPPED, "ben", NOW + 90)
    assert ended
    play.drill = ended
    text = written(play)
    assert "after 1m 30s: stopped, by ben" in text
    assert "- Expectations met: 0 of 3" in text


@given(st.text(max_size=40))
def test_no_text_is_markup(text: str) -> None:
    """One line; nothing in it opens a link, a tag, a code span, a cell or emphasis."""
    shown = cell(text)
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]<>|#~!]", shown)


@given(st.text(min_size=1, max_size=40), st.text(max_size=40))
def test_every_row_keeps_its_columns(name: str, by: str) -> None:
    """With any names of steps, items and people."""
    play = Play(replace(EXPECTED[1], name=name), replace(EXPECTED[2], name=name, items=(name,)))
    play.drill = replace(play.drill, ticks=(Tick(2, 0, by, NOW),))
    play.world.command(Command.ACKNOWLEDGE, by=by)
    lines = written(play).partition("## What would be said")[0].splitlines()
    table = lines[lines.index("## Expectations") + 2 : lines.index("## Messages") - 1]
    assert {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in table} == {6}
