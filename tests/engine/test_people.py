"""Messages to people over a channel: addresses, and messages without a recipient."""

import logging
from dataclasses import replace

import pytest
from prometheus_client import generate_latest

from router.core.incident.policy import Policy, SeverityPlan, Step
from router.core.messages.render import content
from router.core.oncall.recipients import ContactMethod, People
from router.model.incident import Severity
from router.model.notification import NotificationState
from router.model.reason import Reason
from router.telemetry import logs
from tests.engine.office import Office, seen

SENT, DEAD = NotificationState.SENT, NotificationState.DEAD
PEOPLE = People(
    {"ana": (ContactMethod("hook"),), "ben": (ContactMethod("hook"),)}, {"all": ("ana", "ben")}
)
ADDRESSES = {"ana": "+441", "ben": "+442"}


@pytest.fixture(autouse=True)
def people(office: Office) -> None:
    """The channel and both people get every message."""
    policy = Policy("loud", (Step(after=0, notify=("hook", "role:all")),), fallback=("spare",))
    office.applier.settings = replace(
        office.applier.settings,
        people=PEOPLE,
        severities=dict.fromkeys(Severity, SeverityPlan("loud")),
        policies={"loud": policy},
    )


async def test_each_person_has_a_message_of_their_own(office: Office) -> None:
    """To their own address, by the channel's single worker; the channel's own message has no
    address.
    """
    hook = office.open("hook", people=ADDRESSES)
    await office.submit(seen())
    for channel in ("hook", "hook/ana", "hook/ben"):
        await office.until(SENT, channel)
    assert sorted((message.channel, message.to) for message in hook.messages) == [
        ("hook", ""), ("hook/ana", "+441"), ("hook/ben", "+442"),
    ]  # fmt: skip


async def test_a_contact_of_the_channel_s_name_is_not_the_channel(office: Office) -> None:
    """The channel's messages go to its own destination."""
    hook = office.open("hook", people=ADDRESSES | {"hook": "+443"})
    await office.submit(seen())
    await office.until(SENT, "hook")
    assert [message.to for message in hook.messages if message.channel == "hook"] == [""]


async def test_each_person_reads_times_by_their_own_clock(office: Office) -> None:
    """A contact's own time zone is used if there is one; everybody else, and the channel, in
    UTC.
    """
    office.words = replace(office.words, time_zones={"ana": "Asia/Kolkata"})
    hook = office.open("hook", people=ADDRESSES)
    await office.submit(seen())
    await office.until_sent(hook, 3, step=0.1)
    said = {
        message.channel: (content(message).started, content(message).updates[0][0])
        for message in hook.messages
    }
    utc = ("2026-02-02 02:40 UTC", "02:40")
    assert said == {"hook": utc, "hook/ana": ("2026-02-02 08:10 IST", "08:10"), "hook/ben": utc}


async def test_who_has_left_the_config_is_told_nothing_and_the_fallback_is(office: Office) -> None:
    """Also not over the channel's own address: given up at once, with the reason."""
    hook = office.open("hook", people={"ana": "+441"})
    spare = office.open("spare")
    await office.submit(seen())
    assert "no longer has this contact" in (await office.until(DEAD, "hook/ben")).error
    await office.until_sent(spare, 1, step=0.1)
    assert {message.to for message in hook.messages} == {"", "+441"}
    assert Reason.FALLBACK in await office.timeline()


async def test_the_metrics_name_the_channel_and_no_person(office: Office) -> None:
    """Labels stay few, and contain no person's name."""
    office.metrics.expect(["alertmanager"], ["hook"])
    office.open("hook", people=ADDRESSES)
    await office.submit(seen())
    for channel in ("hook", "hook/ana", "hook/ben"):
        await office.until(SENT, channel)
    office.metrics.show(await office.store.gauges(office.clock.now()))
    text = generate_latest(office.metrics.registry).decode()
    assert 'alert_router_notifications_total{channel="hook",outcome="sent"} 3.0' in text
    assert 'alert_router_notifications_pending{channel="hook"} 0.0' in text
    assert "hook/" not in text


async def test_what_waits_for_people_counts_as_the_channels(office: Office) -> None:
    await office.submit(seen())
    office.metrics.show(await office.store.gauges(office.clock.now()))
    assert (
        'notifications_pending{channel="hook"} 3.0'
        in generate_latest(office.metrics.registry).decode()
    )


async def test_who_cannot_be_reached_is_counted_and_warned_of(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """The router's operators get it as well as readers of the timeline."""
    logs.configure()
    logging.getLogger().addHandler(caplog.handler)
    office.applier.settings = replace(
        office.applier.settings, people=People({"ana": (), "ben": ()}, PEOPLE.roles)
    )
    await office.submit(seen())
    text = generate_latest(office.metrics.registry).decode()
    assert 'alert_router_unreached_total{severity="P0"} 2.0' in text
    first, _ = [record for record in caplog.records if "nobody_reached" in record.getMessage()]
    assert first.levelname == "WARNING"
    assert "contact:ana" in first.getMessage()
