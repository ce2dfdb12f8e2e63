"""The ledger checker finds a planted violation of each kind, and none in a ledger without."""

from typing import Any

import msgspec
import pytest

from tests.chaos.ledger import CHECKS, Accepted, Answer, Arrival, Run, check, pagerduty_alerts

START = 1_767_269_400.0
"""2026-01-01 12:10 UTC."""

KEY = 'page{service="a"}'


def entry(after: float, what: str, by: str | None = None, **data: Any) -> dict[str, Any]:
    at = f"2026-01-01T12:10:{after:06.3f}Z"
    return {"at": at, "what": what, "by": by, "data": data}


INCIDENT: dict[str, Any] = {
    "id": 1,
    "key": KEY,
    "open": False,
    "firing": 0,
    "reopened": 1,
    "acknowledged_at": "2026-01-01T12:10:02Z",
    "lead": "ana",
    "timeline": [
        entry(0, "opened"),
        entry(1, "step_due", step=2),
        entry(2, "acknowledged", "ana"),
        entry(3, "step_skipped", step=3),
        entry(4, "resolved"),
        entry(6, "reopened"),
        entry(7, "resolved"),
    ],
    "notifications": [
        {"channel": name, "state": "sent", "error": None} for name in ("hook", "pager", "text/ana")
    ],
}


def arrival(channel: str, after: float, state: str, *, late: float = 0.0, **rest: Any) -> Arrival:
    return Arrival(START + after, START + after + late, channel, 1, state, **rest)


HOOK = [
    arrival("hook", 0, "open", seq=1, key="a", news="opened"),
    arrival("hook", 1, "open", seq=1, key="a", news="opened", marked=True),
    arrival("hook", 2, "acknowledged", seq=2, key="b"),
    arrival("hook", 7, "resolved", seq=4, key="d"),
]
PAGER = [
    arrival("pager", 0, "open", life=0, key="alert-router:INC-1:0"),
    arrival("pager", 4, "resolved", life=0, key="alert-router:INC-1:0"),
    arrival("pager", 6, "open", life=1, key="alert-router:INC-1:1"),
    arrival("pager", 7, "resolved", life=1, key="alert-router:INC-1:1"),
]
TEXT = [
    arrival("text/ana", 1, "open", seq=1),
    arrival("text/ana", 3, "open", seq=1, marked=True),
    arrival("text/ana", 7, "resolved", seq=2),
]

RUN = Run(
    incidents=[INCIDENT],
    alerts={"a-1": {"status": "resolved", "incident": 1}},
    arrivals=[*HOOK, *PAGER, *TEXT],
    accepted=[Accepted("a-1", KEY, "resolved")],
    answers=[Answer(1, "ana")],
    steps=(0.0, 1.0, 3.0),
    over=START + 20,
)


def with_(*more: Arrival, without: str = "", **changes: Any) -> Run:
    kept = [arrival for arrival in RUN.arrivals if arrival.channel != without]
    return msgspec.structs.replace(RUN, **{"arrivals": [*kept, *more], **changes})


def with_incident(**changes: Any) -> Run:
    return with_(incidents=[INCIDENT | changes])


def timeline(*without: int, more: tuple[dict[str, Any], ...] = ()) -> Run:
    kept = [arrival for place, arrival in enumerate(INCIDENT["timeline"]) if place not in without]
    return with_incident(timeline=sorted([*kept, *more], key=lambda arrival: str(arrival["at"])))


def test_a_ledger_without_violations_is_clean() -> None:
    verdict = check(RUN)
    assert verdict.counts == dict.fromkeys(CHECKS, 0)
    assert verdict.marked_doubles == 2


VIOLATIONS = [
    ("lost", with_(alerts={})),
    ("lost", with_(alerts={"a-1": {"status": "firing", "incident": 1}})),
    ("lost", with_(alerts={"a-1": {"status": "resolved", "incident": 2}})),
    ("lost", with_incident(open=True, firing=1)),
    ("undelivered", with_(without="hook")),
    (
        "undelivered",
        with_incident(notifications=[{"channel": "hook", "state": "dead", "error": "HTTP 404"}]),
    ),
    ("out of order", with_(arrival("hook", 8, "resolved", seq=3, key="c"))),
    (
        "out of order",
        with_(
            arrival("text/ana", 8, "open", seq=3),
            arrival("text/ana", 9, "resolved", seq=4),
            arrival("text/ana", 10, "open", seq=5),
        ),
    ),
    ("wrong final state", with_(arrival("hook", 3, "open", late=9, seq=2, key="b", marked=True))),
    ("wrong final state", with_(*PAGER[:3], without="pager")),
    ("wrong final state", with_(PAGER[0], *PAGER[2:], without="pager")),
    ("wrong final state", with_incident(open=True)),
    ("unmarked doubles", with_(arrival("text/ana", 8, "resolved", seq=2))),
    ("unmarked doubles", with_(arrival("hook", 8, "resolved", seq=4, key="e"))),
    ("unmarked doubles", with_(arrival("hook", 8, "resolved", seq=5, key="e", news="opened"))),
    (
        "unmarked doubles",
        with_(arrival("slack", 1, "open"), arrival("slack", 7, "resolved")),
    ),
    ("wrong steps", timeline(more=(entry(3.5, "step_skipped", step=3),))),
    ("wrong steps", timeline(1, 3, 4, 5, 6)),  # neither step within the grace of a long life
    ("wrong steps", timeline(1, more=(entry(0.5, "step_due", step=2),))),
    ("wrong steps", timeline(1, 3, 4, 5, 6, more=(entry(19, "step_due", step=2),))),
    ("lost acknowledgements", timeline(2)),
]


@pytest.mark.parametrize(("kind", "run"), VIOLATIONS)
def test_a_planted_violation_is_found(kind: str, run: Run) -> None:
    assert check(run).counts[kind], kind


def test_each_kind_of_violation_is_planted() -> None:
    assert {kind for kind, _ in VIOLATIONS} == set(CHECKS)


def test_an_outage_excuses_a_step() -> None:
    late = timeline(
        1, 3, 4, 5, 6, more=(entry(19, "step_due", step=2), entry(19, "step_due", step=3))
    )
    assert check(late).counts["wrong steps"] == 2
    excused = msgspec.structs.replace(late, outages=[(START + 0.5, START + 18)])
    assert check(excused).counts["wrong steps"] == 0


def test_late_processing_is_counted_and_is_not_out_of_order() -> None:
    """The newest was received last, so the router kept the order."""
    late = arrival("hook", 2.5, "acknowledged", late=2, seq=2, key="b", marked=True)
    verdict = check(with_(late, arrival("hook", 3, "acknowledged", seq=3, key="c")))
    assert verdict.overtaken == 1
    assert verdict.counts == dict.fromkeys(CHECKS, 0)


def test_a_text_that_the_provider_sends_late_is_not_the_routers_last() -> None:
    late = arrival("text/ana", 6.5, "open", late=9, seq=1, marked=True)
    assert check(with_(TEXT[0], late, TEXT[2], without="text/ana")).counts == dict.fromkeys(
        CHECKS, 0
    )


def test_pagerduty_ignores_events_for_a_resolved_alert_and_opens_it_by_a_trigger() -> None:
    key = "alert-router:INC-1:0"
    states = ["resolved", "open", "acknowledged", "open", "resolved", "acknowledged"]
    arrivals = [arrival("pager", n, state, key=key) for n, state in enumerate(states)]
    shown = [pagerduty_alerts(arrivals[: n + 1]).get(key) for n in range(len(states))]
    assert shown == [None, "open", "acknowledged", "acknowledged", "resolved", "resolved"]
    assert pagerduty_alerts([*arrivals, arrival("pager", 9, "open", key=key)]) == {key: "open"}
