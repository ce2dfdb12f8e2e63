"""What has to be read of the store before a group of events can be decided on.

Twice: first what the events name themselves, then what the rules make of the alerts among them.
What it finds out about an alert on the way, its digest and which rules take it, is kept for the
deciding.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from router.core.incident.dedup import digest, is_repeat
from router.core.incident.mute import may_be_held_back
from router.core.incident.settings import Settings
from router.core.incident.snapshot import ReadPlan, Snapshot
from router.core.incident.suppression import NO_INCIDENT, may_be_inhibited, rechecked
from router.core.rules.rule import Rule
from router.model.alert import Alert, AlertStatus
from router.model.event import (
    AlertSeen,
    Commanded,
    DeliverySettled,
    Event,
    Recorded,
    SilencesChanged,
    Undelivered,
)


class ReadPlanner:
    """By the position of an alert's event: `digests` of those that were looked at, `takers` (with
    keys) of the news.
    """

    def __init__(self, settings: Settings, events: Sequence[Event]) -> None:
        self._settings = settings
        self._events = events
        self.digests: dict[int, str] = {}
        self.matching_rules: dict[int, list[tuple[Rule, str]]] = {}

    def first(self) -> ReadPlan:
        """What the events name themselves."""
        alerts = [event.alert for event in self._events if isinstance(event, AlertSeen)]
        again = [fingerprint for event in self._events if (fingerprint := rechecked(event)[0])]
        incidents = {
            _incident_id(event) for event in self._events if not isinstance(event, AlertSeen)
        }
        return ReadPlan(
            fingerprints=list({*again, *(alert.fingerprint for alert in alerts)}),
            alerts=again,
            receipts=[receipt for event in self._events if (receipt := receipt_of(event))],
            incident_ids=list(incidents - {NO_INCIDENT}),
        )

    def second(self, view: Snapshot) -> ReadPlan:
        """What the rules make of the alerts that are news: their incidents and windows."""
        revision = self._settings.rules.revision
        keys: set[str] = set()
        windows: set[str] = set()
        incident_ids: set[int] = set()
        firing = may_be_held_back(self._settings, self._events, view)
        inhibitors = bool(firing and self._settings.inhibitions)
        # An alert that comes twice may be news the second time, even if it's a repeat of what is
        # stored. So may one whose incident somebody closes meanwhile.
        times = Counter(
            event.alert.fingerprint for event in self._events if isinstance(event, AlertSeen)
        )
        commanded = {event.incident_id for event in self._events if isinstance(event, Commanded)}
        for position, event in enumerate(self._events):
            alert = self._alert_of(event, view, times)
            if alert is None:
                continue
            mark = self.digests[position] = digest(alert, revision)
            rule_matches = view.rule_matches.get(alert.fingerprint, ())
            repeat = times[alert.fingerprint] == 1 and is_repeat(rule_matches, mark)
            if repeat and commanded.isdisjoint(
                rule_match.incident_id for rule_match in rule_matches
            ):
                continue
            incident_ids.update(
                rule_match.incident_id
                for rule_match in rule_matches
                if rule_match.incident_id is not None
            )
            if alert.status is AlertStatus.FIRING:
                matching_rules = self.matching_rules[position] = [
                    (rule, rule.key(alert)) for rule in self._settings.rules.matching_rules(alert)
                ]
                keys.update(key for _, key in matching_rules)
                windows.update(key for rule, key in matching_rules if rule.count_over is not None)
                inhibitors = inhibitors or may_be_inhibited(self._settings, alert.labels)
        return ReadPlan(
            keys=list(keys),
            windows=list(windows),
            incident_ids=[i for i in incident_ids if i not in view.incidents],
            firing=firing,
            open=inhibitors,
        )

    @staticmethod
    def _alert_of(event: Event, view: Snapshot, times: Mapping[str, int]) -> Alert | None:
        """The alert that the event is about: as it came, or as it's stored if it's to be looked at
        again.

        A state that comes along just now is looked at anyway, and as it is now.
        """
        if isinstance(event, AlertSeen):
            return event.alert
        alert = view.alerts.get(rechecked(event))
        if alert is None or alert.status is AlertStatus.RESOLVED:
            return None
        return alert if alert.event_id or alert.fingerprint not in times else None


def receipt_of(event: Event) -> str:
    """By what it's known when it comes again; "" if it never does."""
    match event:
        case AlertSeen():
            # A state is compared with the stored one instead: the same content may follow another
            # state.
            return "" if event.alert.is_state else event.alert.event_id
        case Commanded() | Undelivered() | Recorded():
            return event.receipt
        case _:
            return ""


def _incident_id(event: Event) -> int:
    match event:
        case AlertSeen():
            raise AssertionError("an alert names no incident")
        case DeliverySettled():
            return event.notification.incident_id
        case SilencesChanged():
            return NO_INCIDENT
        case _:
            return event.incident_id
