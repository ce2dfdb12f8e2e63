"""Proof that a contact method works."""

import pytest

from router.core.oncall.recipients import ContactMethod, People
from router.core.reachability.channel_health import Health, addresses, delivered, health, standings
from router.model.decision import Entry
from router.model.reason import Reason
from tests.world import NOW


def line(
    what: Reason, at: float, incident: int = 1, channel: str = "sms/ana", **data: object
) -> Entry:
    return Entry(incident, NOW + at, what, data={"channel": channel, **data})


def test_the_last_delivery_proves_an_address() -> None:
    """Whichever incident it was about."""
    entries = [
        line(Reason.DELIVERED, 1, seq=1),
        line(Reason.DELIVERED, 5, 2, seq=1, to="ab"),
        line(Reason.DELIVERED, 3, 3, "log", seq=1),
    ]
    assert health(entries) == {"sms/ana": Health(NOW + 5, "ab"), "log": Health(NOW + 3)}
    assert delivered(entries) == {"sms/ana": NOW + 5, "log": NOW + 3}


@pytest.mark.parametrize(
    "what", [Reason.DELIVERY_FAILED, Reason.DELIVERY_RETRIED, Reason.DELIVERY_UNCERTAIN]
)
def test_a_later_message_that_does_not_arrive_makes_it_unproven(what: Reason) -> None:
    """Until one arrives again."""
    failed = [line(Reason.DELIVERED, 5, seq=1), line(what, 9, 2, seq=1, error="21610")]
    assert health(failed)["sms/ana"] == Health(NOW + 5, error="21610")
    assert health([*failed, line(Reason.DELIVERED, 10, 2, seq=1)])["sms/ana"] == Health(NOW + 10)
    assert health([line(what, 9, 2, seq=1, error="21610")])["sms/ana"] == Health(error="21610")


def test_what_the_service_gave_back_proves_nothing() -> None:
    """A receipt takes back the delivery of its incident, and the address fails until a message
    arrives again.
    """
    given_back = [
        line(Reason.DELIVERED, 5, 2, seq=1),
        line(Reason.DELIVERY_FAILED, 6, 2, error="30003"),
    ]
    assert health(given_back) == {"sms/ana": Health(error="30003")}
    assert health([line(Reason.DELIVERED, 1, seq=1), *given_back]) == {
        "sms/ana": Health(NOW + 1, error="30003")
    }
    assert health([*given_back, line(Reason.DELIVERED, 8, 2, seq=2)]) == {
        "sms/ana": Health(NOW + 8)
    }


def test_a_delivery_with_nothing_to_say_proves_nothing() -> None:
    """A call that wasn't made because somebody had acknowledged."""
    assert health([line(Reason.DELIVERED, 1, seq=1, silent=True)]) == {}


def test_the_scoreboard_has_the_unproven_first() -> None:
    """Never before long ago, and that before lately; every way to every person is on it."""
    wanted = addresses(
        ["log", "hook"], People({"ana": (ContactMethod("sms"), ContactMethod("voice", 300.0))})
    )
    assert wanted == ("log", "hook", "sms/ana", "voice/ana")
    known = {"log": NOW, "hook": NOW - 100, "sms/ana": NOW - 50, "gone": NOW}
    found = standings(wanted, {name: Health(at) for name, at in known.items()}, NOW - 60, {})
    assert [(standing.address, standing.proven) for standing in found] == [
        ("voice/ana", False), ("hook", False), ("sms/ana", True), ("log", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("known", "why"),
    [
        (Health(NOW, "ab"), ""),
        (Health(), "no delivery is on record"),
        (Health(NOW - 61, "ab"), "no delivery since 2026-02-02 02:38 UTC"),
        (Health(NOW, "ab", "21610"), "the latest message was not delivered: 21610"),
        (
            Health(NOW, "cd"),
            (
                "its number, account or URL has changed since the last delivery at 2026-02-02 "
                "02:40 UTC"
            ),
        ),
        (Health(NOW), "its last delivery is from a version that did not record the destination"),
    ],
)
def test_why_an_address_is_not_proven(known: Health, why: str) -> None:
    """Reasons are its age, its latest message and a changed destination."""
    (one,) = standings(["sms/ana"], {"sms/ana": known}, NOW - 60, {"sms/ana": "ab"})
    assert (one.proven, one.why) == (not why, why)
