"""Timelines: what happens when, by the clock on a wall, and all that must follow. Anything extra fails.

A line says a time, what is done then (maybe nothing), and all that follows then. Between two lines nothing does.

    play(world, '''
        Mon 03-23 08:59  alert  page(sms/ana)
        Mon 03-23 09:04         page(sms/ben) ended
    ''')
"""

import re
from collections.abc import Iterator
from datetime import datetime

from router.core.wall import instant
from router.model.event import Command
from router.model.incident import Severity
from router.model.reason import Reason
from tests.world import World, alert, over

YEAR = 2026
LONDON = "Europe/London"

LINE = re.compile(r"(\w{3} \d\d-\d\d \d\d:\d\d) *(alert|over|ack|P1|) *(.*)")
WORDS = {Reason.STEPS_ENDED: "ended", Reason.NOBODY_REACHED: "nobody({target})"}


def play(world: World, script: str) -> None:
    """Let each line happen in its turn; the first brings the world to its time."""
    seen: list[tuple[float, str]] = []
    for line in script.strip().splitlines():
        found = LINE.fullmatch(line.strip())
        assert found, f"not a line: {line}"
        at = _instant(found[1])
        if seen:
            assert at > world.now, f"goes back in time: {line}"
            world.advance(at - world.now)
        world.now = at
        _do(world, found[2])
        happened = sorted(_happened(world))
        seen += [(at, what) for what in found[3].split()]
        assert happened == sorted(seen), line


def _instant(text: str) -> float:
    local = datetime.fromisoformat(f"{YEAR}-{text[4:]}")
    assert f"{local:%a}" == text[:3], f"{text} isn't a {text[:3]}"
    return instant(local, LONDON)


def _do(world: World, what: str) -> None:
    match what:
        case "alert":
            world.see(alert())
        case "over":
            world.see(over())
        case "ack":
            world.command(Command.ACKNOWLEDGE)
        case "P1":
            world.command(Command.SEVERITY, severity=Severity.P1)


def _happened(world: World) -> Iterator[tuple[float, str]]:
    for owed in world.owed:
        yield owed.at, f"page({owed.channel})"
    for entry in world.timeline:
        if word := WORDS.get(entry.what):
            yield entry.at, word.format(**entry.data)
