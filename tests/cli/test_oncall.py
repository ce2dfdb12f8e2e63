"""`oncall now`, `week` and `gaps`."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from router.cli.oncall import oncall_app
from router.core.rotation import Handover, Rotate, Rotation
from router.core.schedule import Layer, Restriction, Schedule
from router.core.wall import instant
from tests.clock import SteppedClock

NOW = instant(datetime.fromisoformat("2026-10-23 12:00"), "Europe/London")
WEEKLY = Layer(Rotation(Rotate.WEEKLY, Handover(540, 0), ("ana", "ben"), start=date(2026, 10, 19)))
OFFICE = Layer(Rotation(Rotate.DAILY, Handover(540), ("cy",)), (Restriction(540, 1020),))
SCHEDULES = {
    "primary": Schedule("primary", "Europe/London", (WEEKLY,)),
    "office": Schedule("office", "Europe/London", (OFFICE,)),
    "always": Schedule("always", "UTC", (Layer(Rotation(Rotate.DAILY, Handover(0), ("dee",))),)),
    "never": Schedule("never", "UTC", ()),
}


def said(*arguments: str, schedules: Mapping[str, Schedule] = SCHEDULES) -> tuple[int, list[str]]:
    """The exit code, and the lines, with one space between words."""
    app = oncall_app(lambda _: schedules, SteppedClock(NOW))
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})
    return result.exit_code, [" ".join(line.split()) for line in result.output.splitlines()]


def test_now_says_who_is_on_call_until_when_and_who_is_next() -> None:
    """Each schedule by its own clock: the hand-over is after the clocks were set back."""
    assert said("now") == (
        0,
        [
            "schedule on call until then",
            "primary ana Mon 2026-10-26 09:00 GMT ben",
            "office cy Fri 2026-10-23 17:00 BST nobody",
            "always dee over 28d from now",
            "never nobody over 28d from now",
        ],
    )


def test_week_lists_shifts_and_gaps() -> None:
    """In order, with how long each is: a turn over the change of the clocks is an hour longer."""
    code, lines = said("week", "primary", "--weeks", "2")
    assert (code, lines[1:]) == (
        0,
        [
            "primary Fri 2026-10-23 12:00 BST Mon 2026-10-26 09:00 GMT 2d 22h ana",
            "primary Mon 2026-10-26 09:00 GMT Mon 2026-11-02 09:00 GMT 7d ben",
            "primary Mon 2026-11-02 09:00 GMT Fri 2026-11-06 11:00 GMT 4d 2h ana",
        ],
    )
    assert [line.split()[-1] for line in said("week", "office")[1][1:5]] == ["cy", "nobody", "cy", "nobody"]


def test_gaps_exits_with_1_if_there_are_any() -> None:
    """So that a check of the config can use it."""
    assert said("gaps", "primary") == (0, ["somebody is on call at all times in the next 90 days"])
    code, lines = said("gaps", "office", "--days", "1")
    assert (code, lines[1:]) == (
        1, ["office Fri 2026-10-23 17:00 BST Sat 2026-10-24 09:00 BST 16h nobody"]
    )  # fmt: skip
    code, lines = said("gaps")
    assert code == 1
    assert {line.split()[0] for line in lines[1:]} == {"office", "never"}


@pytest.mark.parametrize("command", ["now", "week", "gaps"])
def test_a_schedule_that_is_not_there_is_said(command: str) -> None:
    """With those that are; and if there are none, that."""
    code, (line,) = said(command, "primry")
    assert (code, line) == (
        1, "no schedule 'primry' is configured; there are: primary, office, always, never"
    )  # fmt: skip
    code, (line,) = said(command, schedules={})
    assert (code, line) == (1, "no schedules are configured")


def test_the_config_that_is_given_is_the_one_that_is_read() -> None:
    """`--config` goes to whoever reads it."""
    asked: list[Path | None] = []
    app = oncall_app(lambda path: asked.append(path) or SCHEDULES, SteppedClock(NOW))
    CliRunner().invoke(app, ["now", "--config", "other.yaml"])
    CliRunner().invoke(app, ["now"])
    assert asked == [Path("other.yaml"), None]
