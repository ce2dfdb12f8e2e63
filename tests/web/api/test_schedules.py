"""On-call people in the API and in calendar programs."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from icalendar import Calendar

from tests.clock import SteppedClock
from tests.core.oncall.test_ical_import import calendar, event
from tests.daemon import Answer, Daemon, write_config
from tests.senders.kit import Peer, Reply
from tests.web.webhooks.test_endpoint import is_problem

Router = Callable[..., Daemon]

MONDAY = datetime(2026, 3, 23, 12, tzinfo=UTC).timestamp()
"""The clocks of London go forward on the Sunday after."""

PEOPLE: dict[str, Any] = {
    "external_url": "https://router.example.com",
    "company": {"time_zone": "Europe/London"},
    "contacts": {"ana": {"name": "Ana Lima"}, "ben": {}},
    "schedules": {
        "primary": {
            "layers": [
                {
                    "rotate": "weekly",
                    "handover": "Mon 09:00",
                    "contacts": ["ana", "ben"],
                    "start": "2026-03-23",
                }
            ]
        },
        "office": {
            "time_zone": "America/New_York",
            "layers": [
                {
                    "rotate": "daily",
                    "handover": "09:00",
                    "contacts": ["ana"],
                    "restrict": [{"days": ["Mon"], "from": "09:00", "to": "17:00"}],
                }
            ],
        },
    },
}
TOKEN = "of-a-viewer"
AUTH = {
    "tokens": {"calendar": {"sha256": hashlib.sha256(TOKEN.encode()).hexdigest(), "role": "viewer"}}
}


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(MONDAY)


async def feed(daemon: Daemon, path: str, **query: str) -> Answer:
    return await daemon.get(f"/api/v1{path}.ics", params=query)


async def test_schedules_show_who_is_on_call_and_the_next_two_weeks(
    router: Router, clock: SteppedClock
) -> None:
    """The hand-over stays at nine when the clocks change, and the time that nobody has is named."""
    async with router(clock=clock, **PEOPLE) as daemon:
        primary, office = (await daemon.get("/api/v1/schedules")).json["schedules"]
    assert (primary["name"], primary["time_zone"], primary["on_call"]) == (
        "primary",
        "Europe/London",
        ["ana"],
    )
    assert primary["shifts"] == [
        {"contact": "ana", "start": "2026-03-23T12:00:00.000Z", "end": "2026-03-30T08:00:00.000Z"},
        {"contact": "ben", "start": "2026-03-30T08:00:00.000Z", "end": "2026-04-06T08:00:00.000Z"},
        {"contact": "ana", "start": "2026-04-06T08:00:00.000Z", "end": "2026-04-06T12:00:00.000Z"},
    ]
    assert primary["gaps"] == []
    assert (office["on_call"], len(office["shifts"]), len(office["gaps"])) == ([], 2, 3)
    assert office["gaps"][0] == {
        "start": "2026-03-23T12:00:00.000Z",
        "end": "2026-03-23T13:00:00.000Z",
    }


async def test_a_schedule_and_a_person_have_a_calendar(router: Router, clock: SteppedClock) -> None:
    """A schedule's feed has everybody's shifts, a person's feed their shifts in all schedules."""
    async with router(clock=clock, **PEOPLE) as daemon:
        answer = await feed(daemon, "/schedules/primary")
        assert (answer.status, answer.headers["Content-Type"]) == (
            200,
            "text/calendar; charset=utf-8",
        )
        primary = Calendar.from_ical(answer.body)
        hers = Calendar.from_ical((await feed(daemon, "/contacts/ana")).body)
    said = {str(event["summary"]) for event in primary.events}
    assert said == {"On call: Ana Lima (primary)", "On call: ben (primary)"}
    assert all(str(event["uid"]).endswith("@router.example.com") for event in primary.events)
    assert str(hers["x-wr-calname"]) == "On call: Ana Lima"
    assert {str(event["summary"]) for event in hers.events} == {
        "On call: Ana Lima (primary)", "On call: Ana Lima (office)",
    }  # fmt: skip


@pytest.mark.parametrize("path", ["/schedules/nobody", "/contacts/nobody", "/contacts/primary"])
async def test_a_calendar_of_nobody_is_a_404(router: Router, path: str) -> None:
    async with router(**PEOPLE) as daemon:
        assert is_problem(await feed(daemon, path), 404)


async def test_a_calendar_program_can_show_its_token_in_the_url(router: Router) -> None:
    """Since it can send no header; nothing else takes a token there."""
    async with router(auth=AUTH, **PEOPLE) as daemon:
        assert (await feed(daemon, "/schedules/primary", token=TOKEN)).status == 200
        assert (await feed(daemon, "/contacts/ana", token=TOKEN)).status == 200
        assert is_problem(await feed(daemon, "/contacts/ana", token="wrong"), 401)
        assert is_problem(await feed(daemon, "/contacts/ana"), 401)
        assert is_problem(await daemon.get("/api/v1/schedules", params={"token": TOKEN}), 401)


async def test_a_reload_changes_who_is_on_call(router: Router, clock: SteppedClock) -> None:
    """Calendar programs get a new version."""
    async with router(clock=clock, **PEOPLE) as daemon:
        before = Calendar.from_ical((await feed(daemon, "/schedules/primary")).body).events[0]
        turns = {"rotate": "weekly", "handover": "Mon 09:00", "contacts": ["ben"]}
        write_config(daemon.path.parent, **PEOPLE | {"schedules": {"primary": {"layers": [turns]}}})
        await clock.advance(600)
        await daemon.app.reload()
        (primary,) = (await daemon.get("/api/v1/schedules")).json["schedules"]
        after = Calendar.from_ical((await feed(daemon, "/schedules/primary")).body).events[0]
    assert primary["on_call"] == ["ben"]
    assert after["sequence"] > before["sequence"]


async def test_a_calendar_changes_with_what_people_arrange(
    router: Router, clock: SteppedClock
) -> None:
    """And is the same, byte for byte, as long as nothing is arranged."""
    async with router(clock=clock, **PEOPLE) as daemon:
        before = (await feed(daemon, "/schedules/primary")).body
        await clock.advance(600)
        assert (await feed(daemon, "/schedules/primary")).body == before
        override = {"contact": "ben", "to": "2026-03-24 09:00"}
        await daemon.ask("POST", "/api/v1/schedules/primary/overrides", json=override)
        after = (await feed(daemon, "/schedules/primary")).body
    sequences = {int(Calendar.from_ical(body).events[0]["sequence"]) for body in (before, after)}
    assert len(sequences) == 2


async def test_so_many_days_are_shown_as_asked(router: Router, clock: SteppedClock) -> None:
    """From one to a year."""
    async with router(clock=clock, **PEOPLE) as daemon:
        for days, shown in (("1", 1), ("0", 1), ("9999", 366)):
            answer = (await daemon.get("/api/v1/schedules", params={"days": days})).json
            end = datetime.fromisoformat(answer["schedules"][0]["shifts"][-1]["end"]).timestamp()
            assert end == MONDAY + shown * 86_400
        assert is_problem(await daemon.get("/api/v1/schedules", params={"days": "all"}), 400)


async def test_the_clocks_of_contacts_are_told(router: Router, clock: SteppedClock) -> None:
    """For contacts with a time zone of their own."""
    contacts = {"ana": {"time_zone": "Asia/Kolkata"}, "ben": {}}
    async with router(clock=clock, **PEOPLE | {"contacts": contacts}) as daemon:
        assert (await daemon.get("/api/v1/schedules")).json["time_zones"] == {"ana": "Asia/Kolkata"}


async def test_turns_are_taken_from_a_calendar_elsewhere(
    router: Router, clock: SteppedClock
) -> None:
    """At once, after a restart without the service, and with an override on top."""
    text = calendar(event("20260323T000000Z", "20260330T000000Z", "On call: Ana Lima"))
    async with Peer(answer=lambda _: Reply(body=text)) as peer:
        layers = [
            *PEOPLE["schedules"]["primary"]["layers"],
            {"calendar": {"url": f"{peer.url}/s3cret.ics"}},
        ]
        layers[0] = layers[0] | {"contacts": ["ben"]}
        changes = PEOPLE | {"schedules": {"primary": {"layers": layers}}}

        async def on_call(daemon: Daemon) -> list[str]:
            (primary,) = (await daemon.get("/api/v1/schedules")).json["schedules"]
            return primary["on_call"]  # type: ignore[no-any-return]

        async def hers(daemon: Daemon) -> bool:
            return await on_call(daemon) == ["ana"]

        async with router(clock=clock, **changes) as daemon:
            await clock.settle(lambda: hers(daemon), "the calendar's turn", 0.5)
            stored = daemon.app.parts.calendars._records
            await clock.settle(stored.find, "the copy")
        peer.answer = lambda _: Reply(status=500)
        async with router(clock=clock, **changes) as daemon:
            assert await on_call(daemon) == ["ana"]
            override = {"contact": "ben", "to": "2026-03-24 09:00"}
            await daemon.ask("POST", "/api/v1/schedules/primary/overrides", json=override)
            assert await on_call(daemon) == ["ben"]
            assert "s3cret" not in (await daemon.get("/api/v1/schedules")).body.decode()
