"""The read plan: data to read from the store before a batch of events can be decided.

The rounds read the objects that events name, then the data that rules need for the alerts among
them, then incidents that others were merged into. The digests and matching rules that are computed
for this are kept for the decisions.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from msgspec import json

from router.core.incident.escalation import PAGING
from router.core.incident.expiry import expiring
from router.core.incident.settings import Settings
from router.core.incident.snapshot import ReadPlan, Snapshot
from router.core.incident.suppression import NO_INCIDENT, rechecked
from router.core.incident.timeout import ending
from router.core.rules.rule import Rule
from router.core.suppression.inhibition import Inhibition
from router.model.alert import Alert, AlertStatus, RuleMatch
from router.model.event import (
    AlertSeen,
    Command,
    Commanded,
    DeliverySettled,
    Event,
    Recorded,
    SilencesChanged,
    TimerDue,
    Undelivered,
)


class SeenAlert(NamedTuple):
    """A report of an alert, with its digest. `at` is the time of the report, or of the recheck.

    rules: the rules that match, each with the key of its incident; () for a repeat.
    inhibitions: those whose target is the alert.
    """

    at: float
    alert: Alert
    mark: str
    seen: float
    rules: Sequence[tuple[Rule, str]] = ()
    inhibitions: Sequence[Inhibition] = ()


def digest(alert: Alert, revision: str) -> str:
    """A hash of the alert's data that these rules depend on. It's the same for a repeat."""
    content: tuple[object, ...] = (
        revision,
        alert.status,
        alert.labels,
        alert.annotations,
        alert.starts_at,
        alert.url,
        alert.event_id,
    )
    if alert.lifetime:
        content = (*content, alert.lifetime)
    return blake2b(json.encode(content), digest_size=8).hexdigest()


def is_repeat(rule_matches: Sequence[RuleMatch], mark: str) -> bool:
    return bool(rule_matches) and all(rule_match.digest == mark for rule_match in rule_matches)


@dataclass(slots=True)
class ReadPlanner:
    """Plans the reads of a batch into `view`.

    reports: the evaluated alerts with their digests, by the position of their event. Alerts that
    aren't repeats also have the rules that match.
    """

    settings: Settings
    events: Sequence[Event]
    view: Snapshot
    reports: dict[int, SeenAlert] = field(default_factory=dict)
    _reported: dict[str, int] = field(default_factory=dict)
    """The number of reports in this batch by fingerprint."""

    def plans(self) -> Iterator[ReadPlan]:
        """Each plan, once the earlier ones were read into the view."""
        yield self._named()
        if plan := self._for_news():
            yield plan
        incidents, asked = self.view.incidents, set[int]()
        while (
            missing := {
                incident.merged_into
                for incident in incidents.values()
                if incident.merged_into and incident.merged_into not in incidents
            }
            - asked
        ):
            asked |= missing
            yield ReadPlan(incident_ids=sorted(missing))

    def _named(self) -> ReadPlan:
        """The reads of objects that the events name."""
        reported, again, receipts = self._reported, dict[str, None](), list[str]()
        incidents, firing = dict[int, None](), dict[int, None]()
        for event in self.events:
            if isinstance(event, AlertSeen):
                alert = event.alert
                reported[alert.fingerprint] = reported.get(alert.fingerprint, 0) + 1
                if alert.event_id and (receipt := receipt_of(event)):
                    receipts.append(receipt)
                continue
            if isinstance(event, TimerDue):
                if fingerprint := rechecked(event)[0] or ending(event):
                    again[fingerprint] = None
                    continue
                if stale := expiring(event):
                    incidents[stale] = firing[stale] = None
                    continue
            elif receipt := receipt_of(event):
                receipts.append(receipt)
            incidents |= dict.fromkeys(_incident_ids(event))
        incidents.pop(NO_INCIDENT, None)
        return ReadPlan(
            [*(reported | again)],
            [*incidents],
            receipts=receipts,
            alerts=[*again],
            firing=[*firing],
        )

    def _for_news(self) -> ReadPlan | None:
        """The reads that the rules need for alerts that aren't repeats: incidents and windows."""
        kinds, incidents = {type(event) for event in self.events}, self.view.incidents
        # To reopen an incident: another incident with its key may be open now.
        keys = {
            incident.key
            for event in self.events
            if isinstance(event, Commanded) and event.command is Command.REOPEN
            if (incident := incidents.get(event.incident_id)) and not incident.is_open
        }
        windows = set[str]()
        incident_ids = set(self._incidents_to_leave()) if TimerDue in kinds else set[int]()
        inhibitions: dict[Inhibition, None] = {}
        for report in self._news():
            rule_matches = self.view.rule_matches.get(report.alert.fingerprint, ())
            incident_ids.update(match.incident_id for match in rule_matches if match.incident_id)
            if report.alert.status is AlertStatus.FIRING:
                inhibitions |= dict.fromkeys(report.inhibitions)
                for rule, key in report.rules:
                    keys.add(key)
                    if rule.count_over is not None:
                        windows.add(key)
        paging = self._may_be_held_back() if TimerDue in kinds else []
        if paging:
            inhibitions = dict.fromkeys(self.settings.inhibitions)
        named, besides = self._inhibiting(inhibitions) if inhibitions else ([], None)
        missing = [i for i in incident_ids if i not in incidents]
        if not (keys or missing or paging or named or besides is not None):
            return None
        return ReadPlan(
            keys=list(keys),
            windows=list(windows),
            incident_ids=missing,
            firing=paging,
            open=named,
            open_besides=besides,
        )

    def _incidents_to_leave(self) -> Iterator[int]:
        """The incidents of alerts whose end is due."""
        for event in self.events:
            ended = ending(event) if isinstance(event, TimerDue) else ""
            for rule_match in self.view.rule_matches.get(ended, ()):
                if rule_match.counted and rule_match.incident_id is not None:
                    yield rule_match.incident_id

    def _news(self) -> Iterator[SeenAlert]:
        """The reports that don't repeat the stored ones."""
        # A second report in the batch is evaluated even if it repeats the stored alert, and so is
        # an alert whose incident somebody closes in the batch.
        commanded = {event.incident_id for event in self.events if isinstance(event, Commanded)}
        settings = self.settings
        for position, event in enumerate(self.events):
            if isinstance(event, AlertSeen):
                alert, often = event.alert, self._reported[event.alert.fingerprint]
            elif isinstance(event, TimerDue) and (stored := self._to_recheck(event)):
                alert, often = stored, self._reported.get(stored.fingerprint, 0)
            else:
                continue
            mark = digest(alert, settings.rules.revision)
            rule_matches = self.view.rule_matches.get(alert.fingerprint, ())
            if (often == 1 and is_repeat(rule_matches, mark)) and (
                not commanded or commanded.isdisjoint(match.incident_id for match in rule_matches)
            ):
                self.reports[position] = SeenAlert(event.at, alert, mark, event.at)
                continue
            rules: Sequence[tuple[Rule, str]] = ()
            targeting: Sequence[Inhibition] = ()
            if alert.status is AlertStatus.FIRING or not rule_matches:
                rules = [(rule, rule.key(alert)) for rule in settings.rules.matching_rules(alert)]
                if settings.inhibitions:
                    targeting = settings.mutes.targeting(alert.labels)
            report = SeenAlert(event.at, alert, mark, event.at, rules, targeting)
            self.reports[position] = report
            yield report

    def _to_recheck(self, due: TimerDue) -> Alert | None:
        """The stored alert of a due recheck.

        None if the batch has a report of the alert, which is evaluated instead.
        """
        alert = self.view.alerts.get(rechecked(due))
        if alert is None or alert.status is AlertStatus.RESOLVED:
            return None
        return alert if alert.event_id or alert.fingerprint not in self._reported else None

    def _may_be_held_back(self) -> list[int]:
        """The incidents with a due deadline that pages people unless the incident is muted."""
        ats = {
            event.at
            for event in self.events
            if isinstance(event, TimerDue) and event.name in PAGING
        }
        muting = {at for at in ats if self.settings.may_mute(at)}
        due = dict.fromkeys(
            event.incident_id
            for event in self.events
            if isinstance(event, TimerDue) and event.name in PAGING and event.at in muting
        )
        return [i for i in due if i in self.view.incidents and self.view.incidents[i].is_open]

    def _inhibiting(self, inhibitions: Iterable[Inhibition]) -> tuple[list[str], list[str] | None]:
        """The rules that inhibitions name; if some name none, the rules that can't be a source."""
        named = dict.fromkeys(inhibition.rule for inhibition in inhibitions if inhibition.rule)
        others = [
            self.settings.mutes.rules_besides(inhibition, self.settings.rules)
            for inhibition in inhibitions
            if not inhibition.rule
        ]
        if not others:
            return [*named], None
        return [*named], sorted(frozenset.intersection(*others) - named.keys())


def receipt_of(event: Event) -> str:
    """The id that identifies a repeated event; "" if it is never repeated."""
    match event:
        case AlertSeen():
            # Alerts with a state are compared with the stored state instead, because the same
            # report may come again after another state.
            return "" if event.alert.is_state else event.alert.event_id
        case Commanded() | Undelivered() | Recorded():
            return event.receipt
        case _:
            return ""


def _incident_ids(event: Event) -> tuple[int, ...]:
    match event:
        case DeliverySettled():
            return (event.notification.incident_id,)
        case SilencesChanged() | AlertSeen():
            return ()
        case Commanded():
            return (event.incident_id, event.other)
        case _:
            return (event.incident_id,)
