"""The read plan: data to read from the store before a batch of events can be decided.

In rounds: objects that the events name, data that the rules need for the alerts among them, and the
incidents that others were merged into. Digests and matching rules are found on the way and kept for
the decisions.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from router.core.incident.dedup import digest, is_repeat
from router.core.incident.escalation import PAGING
from router.core.incident.expiry import expiring
from router.core.incident.settings import Settings
from router.core.incident.snapshot import ReadPlan, Snapshot
from router.core.incident.suppression import NO_INCIDENT, rechecked
from router.core.incident.timeout import ending
from router.core.rules.rule import Rule
from router.model.alert import Alert, AlertStatus
from router.model.event import (
    AlertSeen,
    Commanded,
    DeliverySettled,
    Event,
    Recorded,
    SilencesChanged,
    TimerDue,
    Undelivered,
)


class ReadPlanner:
    """Plans the reads of a batch.

    By the position of an alert's event: `digests` of the evaluated alerts, and `matching_rules`,
    with their keys, of the alerts with news.
    """

    def __init__(self, settings: Settings, events: Sequence[Event], view: Snapshot) -> None:
        self._settings = settings
        self._events = events
        self._view = view
        self.digests: dict[int, str] = {}
        self.matching_rules: dict[int, list[tuple[Rule, str]]] = {}

    def plans(self) -> Iterator[ReadPlan]:
        """Each plan, once the earlier ones were read into the view."""
        yield self._named()
        if wanted := self._for_rules():
            yield wanted
        incidents, asked = self._view.incidents, set[int]()
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
        """The reads that the events name themselves."""
        fingerprints, again, receipts = dict[str, None](), dict[str, None](), list[str]()
        incidents, firing = dict[int, None](), dict[int, None]()
        for event in self._events:
            if receipt := receipt_of(event):
                receipts.append(receipt)
            if isinstance(event, AlertSeen):
                fingerprints[event.alert.fingerprint] = None
            elif fingerprint := rechecked(event)[0] or ending(event):
                fingerprints[fingerprint] = again[fingerprint] = None
            elif stale := expiring(event):
                incidents[stale] = firing[stale] = None
            else:
                incidents |= dict.fromkeys(_incident_ids(event))
        incidents.pop(NO_INCIDENT, None)
        return ReadPlan(
            [*fingerprints], [*incidents], receipts=receipts, alerts=[*again], firing=[*firing]
        )

    def _for_rules(self) -> ReadPlan:
        """The reads that the rules need for news: incidents, windows, silences and inhibitions."""
        kinds = {type(event) for event in self._events}
        keys: set[str] = set(self._keys_to_reopen()) if Commanded in kinds else set()
        windows: set[str] = set()
        incident_ids = set(self._incidents_to_leave()) if TimerDue in kinds else set()
        muted: list[dict[str, str]] = []
        for position, alert in self._news():
            rule_matches = self._view.rule_matches.get(alert.fingerprint, ())
            incident_ids.update(
                rule_match.incident_id
                for rule_match in rule_matches
                if rule_match.incident_id is not None
            )
            firing = alert.status is AlertStatus.FIRING
            if not firing and rule_matches:
                continue
            matching_rules = [
                (rule, rule.key(alert)) for rule in self._settings.rules.matching_rules(alert)
            ]
            self.matching_rules[position] = matching_rules
            if firing:
                keys.update(key for _, key in matching_rules)
                windows.update(key for rule, key in matching_rules if rule.count_over is not None)
                muted.append(alert.labels)
        paging = self._may_be_held_back() if TimerDue in kinds else []
        named: list[str] = []
        besides: list[str] | None = None
        if self._settings.inhibitions:
            named, besides = self._sources(muted, everything=bool(paging))
        return ReadPlan(
            keys=list(keys),
            windows=list(windows),
            incident_ids=[i for i in incident_ids if i not in self._view.incidents],
            firing=paging,
            open=named,
            open_besides=besides,
        )

    def _incidents_to_leave(self) -> Iterator[int]:
        """The incidents of alerts whose end is due."""
        for event in self._events:
            for rule_match in self._view.rule_matches.get(ending(event), ()):
                if rule_match.counted and rule_match.incident_id is not None:
                    yield rule_match.incident_id

    def _news(self) -> Iterator[tuple[int, Alert]]:
        """The alerts that don't repeat the stored ones, with the positions of their events."""
        # A second report may be news, even if it repeats the stored alert. So may an alert whose
        # incident somebody closes in the same batch.
        times = Counter(
            event.alert.fingerprint for event in self._events if isinstance(event, AlertSeen)
        )
        commanded = {event.incident_id for event in self._events if isinstance(event, Commanded)}
        for position, event in enumerate(self._events):
            alert = self._alert_of(event, times)
            if alert is None:
                continue
            mark = self.digests[position] = digest(alert, self._settings.rules.revision)
            rule_matches = self._view.rule_matches.get(alert.fingerprint, ())
            repeat = times[alert.fingerprint] == 1 and is_repeat(rule_matches, mark)
            if not repeat or not commanded.isdisjoint(
                rule_match.incident_id for rule_match in rule_matches
            ):
                yield position, alert

    def _alert_of(self, event: Event, times: Mapping[str, int]) -> Alert | None:
        """The alert of the event: as reported, or as stored for a recheck.

        A state that is also reported in this batch is evaluated with its current report.
        """
        if isinstance(event, AlertSeen):
            return event.alert
        alert = self._view.alerts.get(rechecked(event))
        if alert is None or alert.status is AlertStatus.RESOLVED:
            return None
        return alert if alert.event_id or alert.fingerprint not in times else None

    def _keys_to_reopen(self) -> Iterator[str]:
        """Keys of incidents to reopen: another incident with the key may be open now."""
        for event in self._events:
            incident = (
                self._view.incidents.get(event.incident_id)
                if isinstance(event, Commanded)
                else None
            )
            if incident and not incident.is_open:
                yield incident.key

    def _may_be_held_back(self) -> list[int]:
        """The incidents with a due deadline that pages people unless it's muted."""
        ats = {
            event.at
            for event in self._events
            if isinstance(event, TimerDue) and event.name in PAGING
        }
        muting = {at for at in ats if self._settings.keeps_quiet(at)}
        due = dict.fromkeys(
            event.incident_id
            for event in self._events
            if isinstance(event, TimerDue) and event.name in PAGING and event.at in muting
        )
        return [i for i in due if i in self._view.incidents and self._view.incidents[i].is_open]

    def _sources(
        self, alerts: Iterable[dict[str, str]], *, everything: bool
    ) -> tuple[list[str], list[str] | None]:
        """The rules whose open incidents may inhibit these alerts, or the rules whose can't."""
        mutes = self._settings.mutes
        targeting = (one for labels in alerts for one in mutes.targeting(labels))
        inhibitions = dict.fromkeys(self._settings.inhibitions if everything else targeting)
        named = dict.fromkeys(one.rule for one in inhibitions if one.rule)
        others = [
            mutes.rules_besides(one, self._settings.rules) for one in inhibitions if not one.rule
        ]
        if not others:
            return [*named], None
        return [*named], sorted(frozenset.intersection(*others) - named.keys())


def receipt_of(event: Event) -> str:
    """The id that identifies a repeated event; "" if it is never repeated."""
    match event:
        case AlertSeen():
            # A state is compared with the stored one instead: the same content may follow another
            # state.
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
