"""What proves that a channel works, and what doesn't."""

from router.core.oncall.recipients import ContactMethod, People
from router.core.reachability.channel_health import addresses, proven, standings
from router.model.decision import Entry
from router.model.reason import Reason
from tests.world import NOW


def line(
    what: Reason, at: float, incident: int = 1, channel: str = "sms/ana", **data: object
) -> Entry:
    return Entry(incident, NOW + at, what, data={"channel": channel, **data})


def test_the_last_delivery_proves_an_address() -> None:
    """Whichever incident it was about; an attempt that failed takes nothing back."""
    entries = [
        line(Reason.DELIVERED, 1, seq=1),
        line(Reason.DELIVERED, 5, 2, seq=1),
        line(Reason.DELIVERY_FAILED, 9, seq=2),
        line(Reason.DELIVERED, 3, 3, "log", seq=1),
    ]
    assert proven(entries) == {"sms/ana": NOW + 5, "log": NOW + 3}


def test_what_the_service_gave_back_proves_nothing() -> None:
    """A receipt takes back the delivery of its incident, and no earlier one's; what is sent again
    counts again.
    """
    given_back = [
        line(Reason.DELIVERED, 5, 2, seq=1),
        line(Reason.DELIVERY_FAILED, 6, 2, error="30003"),
    ]
    assert proven(given_back) == {}
    assert proven([line(Reason.DELIVERED, 1, seq=1), *given_back]) == {"sms/ana": NOW + 1}
    assert proven([*given_back, line(Reason.DELIVERED, 8, 2, seq=2)]) == {"sms/ana": NOW + 8}


def test_a_delivery_with_nothing_to_say_proves_nothing() -> None:
    """A call that wasn't made because somebody had acknowledged."""
    assert proven([line(Reason.DELIVERED, 1, seq=1, silent=True)]) == {}


def test_the_scoreboard_has_the_unproven_first() -> None:
    """Never before long ago, and that before lately; every way to every person is on it."""
    wanted = addresses(
        ["log", "hook"], People({"ana": (ContactMethod("sms"), ContactMethod("voice", 300.0))})
    )
    assert wanted == ("log", "hook", "sms/ana", "voice/ana")
    found = standings(
        wanted, {"log": NOW, "hook": NOW - 100, "sms/ana": NOW - 50, "gone": NOW}, NOW - 60
    )
    assert [(one.address, one.proven) for one in found] == [
        ("voice/ana", False), ("hook", False), ("sms/ana", True), ("log", True),
    ]  # fmt: skip
