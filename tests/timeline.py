"""Timelines: what happens when, by the clock on a wall, and all that must follow. Anything extra
fails.

A line says a time, what is done then (maybe nothing), and all that follows then. Between two lines
nothing does.

    play(world, '''
        Mon 03-23 08:59  alert  page(sms/ana)
        Mon 03-23 09:04         page(sms/ben) ended
    ''')
"""

import re
from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from router.core.oncall.local_time import instant
from router.model.alert import Alert, AlertStatus
from router.model.event import Command
from router.model.incident import Severity
from router.model.reason import Reason
from tests.world import World, alert

YEAR = 2026
LONDON = "Europe/London"

LINE = re.compile(
    r"(\w{3}) ((?:\d{4}-)?\d\d-\d\d \d\d:\d\d) *((?:alert|over|ack|escalate|P1)(?= |$)|) *(.*)"
)
WORDS = {
    Reason.STEPS_ENDED: "ended",
    Reason.NOBODY_REACHED: "nobody({target})",
    Reason.CONDITION_FAILED: "not-for-this",
    Reason.STEPS_REPEATED: "again",
    Reason.UNANSWERED: "unanswered",
    Reason.PROMOTED: "promoted({severity})",
    Reason.RESPONSE_OVERDUE: "overdue",
    Reason.UPDATE_OVERDUE: "update-due",
}


def play(world: World, script: str, seen_as: Alert | None = None) -> None:
    """Run each line in order; the first sets the world's time.

    `seen_as` is the alert in question.
    """
    fires = seen_as or alert()
    seen: list[tuple[float, str]] = []
    for line in script.strip().splitlines():
        found = LINE.fullmatch(line.strip())
        assert found, f"not a line: {line}"
        at = _instant(found[1], found[2])
        if seen:
            assert at > world.now, f"goes back in time: {line}"
            world.advance(at - world.now)
        world.now = at
        _do(world, found[3], fires)
        happened = sorted(_happened(world))
        seen += [(at, what) for what in found[4].split()]
        assert happened == sorted(seen), line


def _instant(weekday: str, text: str) -> float:
    local = datetime.fromisoformat(text if text[4] == "-" else f"{YEAR}-{text}")
    assert f"{local:%a}" == weekday, f"{text} isn't a {weekday}"
    return instant(local, LONDON)


def _do(world: World, what: str, fires: Alert) -> None:
    match what:
        case "alert":
            world.see(replace(fires, starts_at=world.now))
        case "over":
            world.see(replace(fires, status=AlertStatus.RESOLVED))
        case "escalate":
            world.command(Command.ESCALATE)
        case "ack":
            world.command(Command.ACKNOWLEDGE)
        case "P1":
            world.command(Command.SEVERITY, severity=Severity.P1)


def _happened(world: World) -> Iterator[tuple[float, str]]:
    for queued in world.queued:
        yield queued.at, f"page({queued.channel})"
    for entry in world.timeline:
        if word := WORDS.get(entry.what):
            yield entry.at, word.format(**entry.data)
