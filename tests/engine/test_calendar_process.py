"""Reading calendars in a process of their own: the same turns, and limits that hold."""

import asyncio
import time

import pytest

from router.core.oncall.ical_import import read_turns
from router.engine import calendar_process
from router.engine.calendar_process import turns_of
from tests.core.oncall.test_ical_import import BEGIN, END, calendar, event
from tests.core.oncall.test_schedule import LONDON

ENDLESS = "RRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30"


def endless(count: int) -> str:
    """Events that never come, which takes a second each to find out."""
    one = event("20260316T090000Z", "20260316T100000Z", "ana", "", ENDLESS)
    return calendar(*[one] * count).decode()


async def test_the_turns_are_those_of_the_core() -> None:
    """With and without an offset, as they cross the border as JSON."""
    text = calendar(
        event("20260323T090000Z", "20260330T090000Z"),
        event("20260330T090000", "20260406T090000", "ben", LONDON),
        event("20260406T090000", "20260413T090000", "ana"),
        "DTSTART;VALUE=DATE:20260501\nSUMMARY:ben on vacation",
    )
    assert await turns_of(text.decode(), BEGIN, END) == read_turns(text, BEGIN, END)


async def test_an_error_is_passed_on() -> None:
    with pytest.raises(ValueError, match="not a readable iCalendar"):
        await turns_of("<html>", BEGIN, END)


async def test_a_calendar_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calendar_process, "DEADLINE", 0.5)
    began = time.monotonic()
    with pytest.raises(ValueError, match="take more than"):
        await turns_of(endless(200), BEGIN, END)
    assert time.monotonic() - began < 5


async def test_the_process_ends_with_the_task_that_waits_for_it() -> None:
    """So SIGTERM isn't held up, and no process is left."""
    task = asyncio.create_task(turns_of(endless(200), BEGIN, END))
    await asyncio.sleep(0.3)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 2
