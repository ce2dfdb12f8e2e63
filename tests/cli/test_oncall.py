"""`oncall`: what it says of the schedules, and what it asks of the router."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from router.cli.oncall import DAY, oncall_app
from router.cli.oncall_tables import ScheduleShifts, from_schedule
from router.core.oncall.local_time import instant
from router.core.oncall.rotation import Handover, Rotate, Rotation
from router.core.oncall.schedule import Layer, Restriction, Schedule
from router.telemetry import logs
from tests.cli.test_incidents import run
from tests.clock import SteppedClock
from tests.daemon import Daemon, write_config
from tests.web.api.test_schedules import MONDAY, PEOPLE

Router = Callable[..., Daemon]

NOW = instant(datetime.fromisoformat("2026-10-23 12:00"), "Europe/London")
WEEKLY = Layer(Rotation(Rotate.WEEKLY, Handover(540, 0), ("ana", "ben"), start=date(2026, 10, 19)))
OFFICE = Layer(Rotation(Rotate.DAILY, Handover(540), ("cy",)), (Restriction(540, 1020),))
SCHEDULES = {
    "primary": Schedule("primary", "Europe/London", (WEEKLY,)),
    "office": Schedule("office", "Europe/London", (OFFICE,)),
    "always": Schedule("always", "UTC", (Layer(Rotation(Rotate.DAILY, Handover(0), ("dee",))),)),
    "never": Schedule("never", "UTC", ()),
}


@pytest.fixture(autouse=True)
def _logs_elsewhere() -> None:
    logs.configure()


def said(*arguments: str, schedules: Mapping[str, Schedule] = SCHEDULES) -> tuple[int, list[str]]:
    """The exit code, and the lines, with one space between words."""

    def computed(days: float) -> list[ScheduleShifts]:
        return [from_schedule(schedule, NOW, NOW + days * DAY) for schedule in schedules.values()]

    app = oncall_app(lambda _router, days: (computed(days), {"ana": "Asia/Kolkata"}))
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
    assert [line.split()[-1] for line in said("week", "office")[1][1:5]] == [
        "cy",
        "nobody",
        "cy",
        "nobody",
    ]


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
        1, "no schedule 'primry' is configured; the schedules are: primary, office, always, never"
    )  # fmt: skip
    code, (line,) = said(command, schedules={})
    assert (code, line) == (1, "no schedules are configured")


@pytest.mark.parametrize(
    ("zone", "until"),
    [
        ("Asia/Tokyo", ["Mon 2026-10-26 18:00 JST", "Sat 2026-10-24 01:00 JST"]),
        ("own", ["Mon 2026-10-26 14:30 IST", "Fri 2026-10-23 17:00 BST"]),
    ],
)
def test_times_by_another_clock(zone: str, until: list[str]) -> None:
    """A time zone given by option is used, else the on-call person's own."""
    code, lines = said("now", "--time-zone", zone)
    assert code == 0
    assert [line for line, shown in zip(lines[1:], until, strict=False) if shown in line] == lines[
        1:3
    ]
    assert said("now", "--time-zone", "Europe/Londn")[0] == 1


# --- by the router, and without it


async def test_the_router_knows_what_people_have_arranged(router: Router) -> None:
    """Set, swap, list and remove; each says who is on call then, and `week` shows it."""
    async with router(clock=SteppedClock(MONDAY), **PEOPLE) as daemon:
        code, out, _ = await run(
            daemon, "oncall", "override", "primary", "--contact", "ben", "--replaces", "ana",
            "--from", "2026-03-24 09:00", "--to", "2026-03-25 09:00",
        )  # fmt: skip
        assert code == 0
        assert "is set" in out
        assert "ben" in out.splitlines()[-1]
        assert (
            await run(
                daemon, "oncall", "swap", "primary", "ana", "ben", "--after", "2026-03-26 00:00"
            )
        )[0] == 0
        _, out, _ = await run(daemon, "oncall", "overrides", "primary")
        assert [line.split()[5:] for line in out.splitlines()[1:]] == [
            ["ben", "ana", "ana"], ["ben", "ana", "ana"], ["ana", "ben", "ana"],
        ]  # fmt: skip
        _, week, _ = await run(daemon, "oncall", "week", "primary", "--weeks", "3")
        assert [line.split()[-1] for line in week.splitlines()[1:]] == ["ana", "ben", "ana", "ben"]
        assert (await run(daemon, "oncall", "remove", "primary", out.splitlines()[1].split()[0]))[
            0
        ] == 0
        _, out, _ = await run(daemon, "oncall", "overrides", "primary")
        assert len(out.splitlines()) == 3
        code, _, error = await run(
            daemon, "oncall", "override", "primary", "--contact", "ben", "--replaces", "ben",
            "--from", "2026-03-31 09:00", "--to", "2026-04-01 09:00",
        )  # fmt: skip
        assert (code, error) == (
            0, "warning: ben has none of these shifts, because ben has none to replace\n",
        )  # fmt: skip
        code, out, error = await run(
            daemon, "oncall", "override", "primary", "--contact", "gus", "--to", "2026-04-01 09:00"
        )
        assert (code, out) == (1, "")
        assert "no contact 'gus'" in error


async def test_without_the_router_it_is_the_config_alone_and_that_is_said(
    router: Router, tmp_path: Path
) -> None:
    """On standard error, so that the table can be piped."""
    path = write_config(tmp_path, **PEOPLE)
    code, out, error = await run("http://127.0.0.1:1", "oncall", "now", "--config", str(path))
    assert code == 0
    assert out.splitlines()[1].split()[0] == "primary"
    assert error.startswith("Using the config only")
    assert error.count("\n") == 1


async def test_a_line_for_a_shift_in_a_pipe(router: Router) -> None:
    """However long the names are."""
    layer = {"rotate": "daily", "handover": "09:00", "contacts": ["a" * 90]}
    async with router(contacts={"a" * 90: {}}, schedules={"s" * 90: {"layers": [layer]}}) as daemon:
        _, out, _ = await run(daemon, "oncall", "week")
        assert "a" * 90 in out.splitlines()[1]
        assert "s" * 90 in out.splitlines()[1]
