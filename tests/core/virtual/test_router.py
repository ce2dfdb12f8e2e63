"""A router in virtual time: messages are sent at once, timers fire when due."""

from router.core.virtual.router import VirtualRouter
from router.model.event import AlertSeen, Command, Commanded
from router.model.notification import Notification, NotificationState, Rejected, Result, Retry, Sent
from router.model.reason import Reason
from tests.world import NOW, alert, over, settings


def delivered(router: VirtualRouter) -> list[tuple[float, str, Reason]]:
    return [(delivery.at - NOW, delivery.address, delivery.reason) for delivery in router.delivered]


def test_an_alert_nobody_answers_runs_to_the_end_of_its_policy() -> None:
    """Each step at its very time, however far time is let run."""
    router = VirtualRouter(settings(), NOW)
    assert router.happen(AlertSeen(NOW, alert())) == [Reason.OPENED]
    router.run_until(NOW + 86_400)
    assert delivered(router) == [
        (0, "pager", Reason.OPENED),
        (0, "slack", Reason.OPENED),
        (300, "phone", Reason.STEP_DUE),
        (1800, "cto", Reason.STEP_DUE),
        *(
            (2700, channel, Reason.UNANSWERED)
            for channel in ("cto", "mail", "pager", "phone", "slack")
        ),
    ]
    assert (router.now, router.next_due) == (NOW + 86_400, None)


def test_what_was_told_keeps_the_incident_as_it_was() -> None:
    """So that a message can be judged by what it said then."""
    router = VirtualRouter(settings(), NOW)
    router.happen(AlertSeen(NOW, alert()))
    router.happen(AlertSeen(NOW, over()))
    assert [
        (delivery.incident.is_open, delivery.reason)
        for delivery in router.delivered
        if delivery.address == "slack"
    ] == [
        (True, Reason.OPENED),
        (False, Reason.RESOLVED),
    ]


def test_a_person_ends_what_would_have_come() -> None:
    router = VirtualRouter(settings(), NOW)
    router.happen(AlertSeen(NOW, alert()))
    router.run_until(NOW + 60)
    router.happen(Commanded(router.now, 1, "ana", Command.ACKNOWLEDGE))
    router.run_until(NOW + 3600)
    assert [address for _, address, reason in delivered(router) if reason is Reason.STEP_DUE] == [
        "cto"
    ]


def test_a_refused_message_falls_back_at_once() -> None:
    """Only the fallback appears as notified."""

    def refuse(message: Notification, _at: float) -> Result:
        return Rejected("gone") if message.channel == "pager" else Sent()

    router = VirtualRouter(settings(), NOW, refuse)
    router.happen(AlertSeen(NOW, alert()))
    assert delivered(router) == [(0, "slack", Reason.OPENED), (0, "mail", Reason.FALLBACK)]
    assert router.memory.outbox[1, "pager"].state is NotificationState.DEAD


def test_a_channel_that_is_down_is_tried_again_until_it_works() -> None:
    """It gets the incident's latest state; the fallback is notified meanwhile."""
    back_at = NOW + 900

    def down(message: Notification, at: float) -> Result:
        return Retry("503") if message.channel == "slack" and at < back_at else Sent()

    router = VirtualRouter(settings(), NOW, down)
    router.happen(AlertSeen(NOW, alert()))
    router.run_until(NOW + 3600)
    late = min(at for at, address, _ in delivered(router) if address == "slack")
    fallback = min(at for at, address, _ in delivered(router) if address == "mail")
    assert 900 <= late <= 1200
    assert 60 <= fallback <= 120


def test_two_messages_to_one_address_in_a_transaction_are_one() -> None:
    """As in the outbox: the last reason, once."""
    router = VirtualRouter(settings(), NOW)
    router.happen(AlertSeen(NOW, alert(value="2%")), AlertSeen(NOW, alert("f2", value="20%")))
    assert [(address, reason) for _, address, reason in delivered(router)].count(
        ("slack", Reason.SEVERITY_RAISED)
    ) == 1
    assert len(router.delivered) == 2
