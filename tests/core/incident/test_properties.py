"""Invariants over any sequence of alerts, commands, deadlines, deliveries and rule changes.

`Life` applies random events to a world, and checks the invariants after each step.
"""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition
from hypothesis.stateful import rule as move
from msgspec.structs import replace

from router.core.incident.escalation import STEP
from router.core.incident.follow_up import POSTMORTEM, POSTMORTEM_OVERDUE
from router.core.incident.policy import Policy, Step, Unless
from router.core.incident.postmortem_plan import PostMortemPlan
from router.core.incident.settings import Settings
from router.core.incident.suppression import NO_INCIDENT, RECHECK, SUPPRESSED, suppression
from router.core.oncall.recipients import ContactMethod, People
from router.core.rules.matcher import parse_matchers
from router.core.rules.rule import Flapping
from router.core.suppression.inhibition import Inhibition
from router.core.suppression.recurring_silence import RecurringSilence, TimeSpan
from router.model.alert import Alert, AlertStatus
from router.model.event import (
    AlertSeen,
    Command,
    Commanded,
    Event,
    ItemPut,
    PostMortemShared,
    Resent,
    SilencesChanged,
)
from router.model.incident import Incident, Severity, Status
from router.model.notification import NotificationState, Rejected, Result, Retry, Sent, Uncertain
from router.model.reason import Reason
from tests.world import NOW, POLICIES, World, alert, rule, settings

CONFIGS = [
    settings(),
    settings(
        rule(resolve_after=300.0, continues=True),
        rule("all", "", severity=Severity.P3, group_by=()),
    ),
    settings(
        rule("web", "service=web", thresholds={"P2": "> 1%"}, flapping=Flapping(changes=2)),
        rule(group_by=("alertname",), resolve_after=60.0, flapping=Flapping(changes=3)),
    ),
    settings(
        rule("often", count_over=300.0, thresholds={"P0": "> 3", "P2": "> 1"}, continues=True),
        rule(severity=Severity.P1),
        policies=POLICIES
        | {
            "critical": Policy(
                "critical",
                (Step(after=60, notify=("phone",), unless=Unless.ACKNOWLEDGED),),
                ("mail",),
            )
        },
    ),
    settings(rule(), policies=POLICIES | {"high": POLICIES["low"], "low": Policy("low", ())}),
    settings(
        rule(continues=True, resolve_after=60.0),
        rule("often", count_over=300.0, thresholds={"P0": "> 3", "P2": "> 0"}),
        silences=(
            RecurringSilence(
                "api-for-a-while", parse_matchers("service=api"), TimeSpan(NOW + 60, NOW + 3600)
            ),
            RecurringSilence(
                "web-later", parse_matchers("service=web"), TimeSpan(NOW + 1800, NOW + 7200)
            ),
        ),
    ),
    settings(
        rule("web", "service=web", severity=Severity.P1),
        rule(),
        silences=(
            RecurringSilence(
                "web-later", parse_matchers("service=web"), TimeSpan(NOW + 1800, NOW + 7200)
            ),
        ),
        inhibitions=(Inhibition(parse_matchers("service=api"), rule="web", equal=("alertname",)),),
    ),
    settings(
        rule(),
        postmortems=PostMortemPlan(
            frozenset(Severity), due=1800.0, remind=301.0, again=600.0, tickets=("tickets",)
        ),
        people=People(
            contacts={"ana": (ContactMethod("mail"),), "ben": (ContactMethod("chat", after=60.0),)}
        ),
    ),
]
ONCE = {
    Reason.ALREADY_DONE,
    Reason.ALREADY_CLOSED,
    Reason.ANOTHER_OPEN,
    Reason.NOT_MERGED,
    Reason.NOT_LINKED,
    Reason.UNKNOWN_INCIDENT,
}
HELD = {Reason.HELD_RESOLVED, Reason.HELD_FALSE_POSITIVE, *SUPPRESSED}
ENDS = {Reason.STEPS_ENDED, Reason.UNANSWERED}
STARTS = {
    Reason.OPENED, Reason.REOPENED, Reason.SEVERITY_RAISED, Reason.SEVERITY_SET, Reason.PROMOTED,
    Reason.UNACKNOWLEDGED, Reason.REOPENED_BY_PERSON,
}  # fmt: skip

states = st.builds(
    alert,
    st.sampled_from(["f1", "f2", "f3"]),
    st.sampled_from(["20%", "2%", "0.1%", "lots"]),
    service=st.sampled_from(["api", "web"]),
    status=st.sampled_from([AlertStatus.FIRING, AlertStatus.FIRING, AlertStatus.RESOLVED]),
    starts_at=st.sampled_from([NOW, NOW + 1]),
)
occurrences = st.builds(
    alert,
    st.sampled_from(["s1", "s2"]),
    service=st.sampled_from(["api", "web"]),
    source=st.just("sentry"),
    event_id=st.integers(1, 20).map(str),
)
alerts = states | occurrences
commands = st.sampled_from(Command)
severities = st.sampled_from(Severity)
spans = st.sampled_from([0.0, 1.0, 59.0, 60.0, 300.0, 601.0, 1800.0, 7200.0])
results = st.sampled_from(
    [Sent("ref"), Retry("503"), Retry("429", 600.0), Uncertain("reset"), Rejected("gone")]
)


def particulars(command: Command, severity: Severity) -> dict[str, Any]:
    return {
        Command.SEVERITY: {"severity": severity},
        Command.STATUS: {"status": Status.IDENTIFIED},
        Command.ASSIGN: {"text": "cem"},
        Command.NOTE: {"text": "hm"},
        Command.SNOOZE: {"until": NOW + 100_000.0},
        Command.MERGE: {"other": 1},
        Command.LINK: {"other": 2},
    }.get(command, {})


class Life(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World(CONFIGS[0])
        self.worst: dict[int, tuple[Severity, int]] = {}
        self.known = 0

    # --- what may happen

    @move(seen=st.lists(alerts, min_size=1, max_size=4))
    def webhook(self, seen: list[Alert]) -> None:
        self.world.see(*seen)

    @move(seen=alerts)
    def webhook_twice(self, seen: Alert) -> None:
        """The same alert again has no second effect; one that is held back is looked at again, and
        nothing more.
        """
        self.world.see(seen)
        held = any(rule_match.reason in HELD for rule_match in self.world.rule_matches.values())
        changes, _ = self.world.decide(AlertSeen(self.world.now, seen))
        if held:
            changes.rule_matches.clear()
            changes.history.clear()
            changes.timers.clear()
        assert not changes

    @precondition(lambda self: self.world.incidents)
    @move(data=st.data(), command=commands, severity=severities)
    def person(self, data: st.DataObject, command: Command, severity: Severity) -> None:
        """A repeated command notifies once, except for notes and escalation, which goes to the last
        step.
        """
        chosen = data.draw(st.sampled_from(sorted(self.world.incidents)))
        self.world.command(command, chosen, **particulars(command, severity))
        before = len(self.world.queued)
        if command not in {Command.NOTE, Command.PUBLISH, Command.ESCALATE}:
            again = self.world.command(command, chosen, "ben", **particulars(command, severity))
            refused = {Reason.NO_CUSTOMERS} if command is Command.ANNOUNCE else set()
            assert again in ONCE | refused
            assert len(self.world.queued) == before

    @precondition(lambda self: self.world.incidents)
    @move(
        data=st.data(),
        command=commands,
        severity=severities,
        seen=st.lists(alerts, min_size=1, max_size=3),
    )
    def person_and_webhook(
        self, data: st.DataObject, command: Command, severity: Severity, seen: list[Alert]
    ) -> None:
        """In one transaction."""
        chosen = data.draw(st.sampled_from(sorted(self.world.incidents)))
        said = Commanded(self.world.now, chosen, "ana", command, **particulars(command, severity))
        self.world.happen(said, *(AlertSeen(self.world.now, each) for each in seen))

    @move(seconds=spans)
    def time(self, seconds: float) -> None:
        self.world.advance(seconds)

    @move(seconds=spans, seen=st.lists(alerts, max_size=3))
    def timers_late(self, seconds: float, seen: list[Alert]) -> None:
        """They were claimed, and then came in one transaction with alerts, after them."""
        self.world.now += seconds
        claimed = self.world.due(self.world.now)
        self.world.happen(*(AlertSeen(self.world.now, each) for each in seen), *claimed)
        self.world.advance(0)

    @move(result=results)
    def delivery(self, result: Result) -> None:
        self.world.deliver(result=result)

    @move(seen=alerts, channel=st.sampled_from(["slack", "pager", "mail"]), result=results)
    def webhook_meanwhile(self, seen: Alert, channel: str, result: Result) -> None:
        """While a message is under way."""
        held = list(self.world.claim(channel))
        self.world.see(seen)
        for message in held:
            self.world.settle(message, result)

    @precondition(lambda self: self.world.outbox)
    @move(data=st.data())
    def sent_again(self, data: st.DataObject) -> None:
        incident_id, channel = data.draw(st.sampled_from(sorted(self.world.outbox)))
        self.world.happen(Resent(self.world.now, incident_id, channel, "ana"))

    @precondition(lambda self: self.world.incidents)
    @move(data=st.data(), shares=st.booleans())
    def postmortem(self, data: st.DataObject, shares: bool) -> None:
        chosen = data.draw(st.sampled_from(sorted(self.world.incidents)))
        now, new = (
            self.world.now,
            {"text": "index", "owner": "ben", "due_at": self.world.now + data.draw(spans)},
        )
        changed = data.draw(
            st.sampled_from([{"number": 1, "done": True}, {"number": 1, "done": False}, new])
        )
        self.world.happen(
            PostMortemShared(now, chosen, "ana")
            if shares
            else ItemPut(now, chosen, "ana", **changed)
        )
        self.world.advance(0)

    @move(number=st.sampled_from(range(len(CONFIGS))))
    def reload(self, number: int) -> None:
        self.world.settings = CONFIGS[number]
        self.world.happen(SilencesChanged(self.world.now))
        self.world.advance(0)

    # --- the laws

    @invariant()
    def nobody_is_forgotten(self) -> None:
        """An open incident that nobody has answered has a next step due, or its policy's end on
        record since then.
        """
        for incident in self.open():
            due = self.world.timers.get((incident.id, STEP))
            story = self.world.story(incident.id)
            started = max(n for n, what in enumerate(story) if what in STARTS)
            ended = ENDS & {*story[started:]} or incident.acknowledged_at is not None
            assert ended if due is None else due > self.world.now

    @invariant()
    def quiet_ends(self) -> None:
        """An open incident that no alert holds open has a deadline to be resolved, unless a person
        reopened it so.
        """
        for incident in self.open():
            quiet = (incident.id, "resolve") in self.world.timers
            assert quiet is (incident.quiet_since is not None)
            assert not quiet or incident.firing == 0
            assert (
                quiet
                or incident.firing
                or Reason.REOPENED_BY_PERSON in self.world.story(incident.id)
            )

    @invariant()
    def what_flaps_settles(self) -> None:
        """It is open, no P0, and has a deadline to settle or to be resolved."""
        for incident in self.world.incidents.values():
            if incident.flapping_since is not None:
                assert incident.is_open
                assert incident.severity is not Severity.P0
                end = "settle" if incident.firing else "resolve"
                assert (incident.id, end) in self.world.timers

    @invariant()
    def one_is_open_per_key(self) -> None:
        keys = [incident.key for incident in self.open()]
        assert len(keys) == len(set(keys))

    @invariant()
    def firing_is_what_is_counted(self) -> None:
        rule_matches = self.world.rule_matches.values()
        for incident in self.world.incidents.values():
            assert incident.firing == sum(
                rule_match.counted and rule_match.incident_id == incident.id
                for rule_match in rule_matches
            )

    @invariant()
    def what_is_closed_has_only_the_deadlines_of_what_follows_it(self) -> None:
        """Its post-mortem has exactly one while it's due, and so has each action item that isn't
        done.
        """
        assert {incident_id for incident_id, _ in self.world.timers} <= {
            NO_INCIDENT,
            *self.world.incidents,
        }
        for incident in self.world.incidents.values():
            names = [name for incident_id, name in self.world.timers if incident_id == incident.id]
            items = [name.rpartition(":")[2] for name in names if name.startswith("item")]
            assert sorted(items) == sorted(
                str(item.number) for item in incident.items if item.is_open
            )
            about = [name for name in names if name in {POSTMORTEM, POSTMORTEM_OVERDUE}]
            assert len(about) == (incident.postmortem_due is not None)
            assert not about or not incident.is_open
            assert incident.is_open or len(names) == len(items) + len(about)

    @invariant()
    def no_alert_is_lost(self) -> None:
        """One that fires and is bad enough holds an incident open, or is held back, or is looked at
        next time.
        """
        for rule_match in self.world.rule_matches.values():
            if rule_match.status is not AlertStatus.FIRING or rule_match.severity is None:
                assert not rule_match.counted
            elif rule_match.incident_id is not None:
                assert self.world.incidents[rule_match.incident_id].is_open or not rule_match.digest
            else:
                assert rule_match.digest == ""

    @invariant()
    def what_is_kept_quiet_is_so_for_now(self) -> None:
        """Something mutes it now, and a timer will check it again, whatever its source does."""
        config, now = self.world.settings, self.world.now
        for (fingerprint, name), rule_match in self.world.rule_matches.items():
            seen = self.world.alerts[fingerprint, name]
            quiet = rule_match.status is AlertStatus.FIRING and rule_match.reason in SUPPRESSED
            if quiet and name in {taker.name for taker in config.rules.matching_rules(seen)}:
                due = self.world.timers[NO_INCIDENT, f"{RECHECK}{fingerprint} {name}"]
                assert due == now or suppression(
                    config, seen.labels, now, self.world.incidents.values()
                )
                assert due >= now

    @invariant()
    def a_silenced_alert_does_nothing(self) -> None:
        """It opens no incident, joins none and makes none worse."""
        for entry in self.world.timeline[self.known :]:
            incident = self.world.incidents[entry.incident_id]
            if (
                entry.what in STARTS | {Reason.JOINED}
                and "fingerprint" in entry.data
                and "service" in incident.key
            ):
                service = "web" if 'service="web"' in incident.key else "api"
                labels = {"alertname": "Payments", "service": service}
                assert not any(
                    silence.until(labels, entry.at) for silence in self.world.settings.silences
                )
        self.known = len(self.world.timeline)

    @invariant()
    def only_people_lower_a_severity(self) -> None:
        for incident in self.world.incidents.values():
            times_set = self.world.story(incident.id).count(Reason.SEVERITY_SET)
            before, times_before = self.worst.get(incident.id, (incident.severity, times_set))
            assert not before.worse_than(incident.severity) or times_set > times_before
            self.worst[incident.id] = (incident.severity, times_set)

    @invariant()
    def who_was_told_hears_the_end(self) -> None:
        """Everybody who was notified of an incident gets its end, and nobody else."""
        for incident in self.world.incidents.values():
            assert {channel for i, channel in self.world.outbox if i == incident.id} == set(
                incident.notified
            )
            if incident.closed_at is not None:
                since = incident.closed_at
                assert set(incident.notified) <= {
                    o.channel
                    for o in self.world.queued
                    if o.incident_id == incident.id and o.at >= since
                }

    @invariant()
    def timelines_are_in_order(self) -> None:
        ids = [entry.id for entry in self.world.timeline]
        assert ids == sorted(set(ids))
        assert [entry.at for entry in self.world.timeline] == sorted(
            entry.at for entry in self.world.timeline
        )

    def teardown(self) -> None:
        """Once the channels work again, nothing stays unsent."""
        self.world.now += 7200
        self.world.deliver()
        assert not any(row.state is NotificationState.PENDING for row in self.world.outbox.values())

    def open(self) -> list[Incident]:
        return [incident for incident in self.world.incidents.values() if incident.is_open]


TestLife = Life.TestCase
TestLife.settings = run(deadline=None, stateful_step_count=40)


timed = st.lists(
    alerts
    | st.builds(
        lambda command, incident_id, severity: Commanded(
            NOW, incident_id, "ana", command, **particulars(command, severity)
        ),
        commands,
        st.integers(1, 3),
        severities,
    ),
    max_size=12,
).map(
    lambda events: [
        AlertSeen(NOW + at, event) if isinstance(event, Alert) else replace(event, at=NOW + at)
        for at, event in enumerate(events)
    ]
)


def state(world: World) -> tuple[object, ...]:
    """State that the next decision depends on, and the timeline.

    The number of writes doesn't count.
    """
    incidents = {i: replace(incident, version=0) for i, incident in world.incidents.items()}
    queued = {(o.incident_id, o.channel) for o in world.queued}
    return (
        incidents,
        world.rule_matches,
        world.timers,
        world.windows,
        world.receipts,
        world.timeline,
        queued,
    )


def in_groups(config: Settings, events: Sequence[Event], ends: Sequence[int]) -> World:
    """A world to which the events happened, a transaction up to each of the ends."""
    world = World(config)
    for start, end in zip([0, *ends], [*ends, len(events)], strict=True):
        world.happen(*events[start:end])
    return world


@pytest.mark.parametrize("config", CONFIGS, ids=range(len(CONFIGS)))
@run(deadline=None)
@given(events=timed, data=st.data())
def test_who_shares_a_transaction_makes_no_difference(
    config: Settings, events: Sequence[Event], data: st.DataObject
) -> None:
    """Events have the same result one by one or grouped with others at the same time."""
    ends = sorted(data.draw(st.sets(st.integers(0, len(events)))))
    together = in_groups(config, events, ends)
    one_by_one = in_groups(config, events, range(1, len(events)))
    assert state(together) == state(one_by_one)


@pytest.mark.parametrize("config", CONFIGS, ids=range(len(CONFIGS)))
@run(deadline=None)
@given(events=timed)
def test_the_same_events_over_the_same_store_give_the_same_changes(
    config: Settings, events: Sequence[Event]
) -> None:
    """So what lost a race can be decided again."""
    world = in_groups(config, events, [len(events) // 2])
    assert world.decide(*events) == world.decide(*events)
