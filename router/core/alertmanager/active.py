"""The alerts that are active now, each with its receivers and its mutes.

Its receiver is the policy for its rule and severity. An alert without a severity opens no incident:
it's shown as unprocessed, without a receiver.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from router.core.incident.settings import Settings
from router.core.rules.fingerprint import fingerprint
from router.core.rules.matcher import Matcher, match_all
from router.core.suppression.inhibition import Inhibitors
from router.core.suppression.recurring_silence import TimeSpan
from router.model.alert import Alert, AlertStatus, RuleMatch
from router.model.incident import Incident

LASTS = 300.0
"""Seconds: an alert without an end is shown as ending this long from now."""

_FINGERPRINT = re.compile(r"(?:.*:)?([0-9a-f]{16})")
"""The fingerprint of most alerts contains Alertmanager's, so it needn't be computed, which is slow.
"""

RECEIVER = "receiver"
"""The label name in a matcher that compares receivers."""


class State(StrEnum):
    ACTIVE = "active"
    SUPPRESSED = "suppressed"
    UNPROCESSED = "unprocessed"


class Group(Struct, frozen=True, order=True):
    """Alerts of one incident, also of one that a mute prevents: its labels, receiver and key."""

    labels: tuple[tuple[str, str], ...]
    receiver: str
    key: str


class ActiveAlert(Struct, frozen=True):
    """An alert that is firing, over all rules that match it. Times are UTC seconds.

    `silenced_by` has ids of silences, `muted_by` names of silences of the config, and
    `inhibited_by` fingerprints of other alerts.
    """

    fingerprint: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    url: str
    starts_at: float
    ends_at: float
    updated_at: float
    state: State
    groups: tuple[Group, ...]
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    muted_by: tuple[str, ...] = ()

    @property
    def receivers(self) -> list[str]:
        return list(dict.fromkeys(group.receiver for group in self.groups))


class AlertFilter(Struct, frozen=True):
    """The alerts to show. Each flag that is false leaves out alerts in that state.

    `receiver_labels` compare labels of receivers, which policies don't have.
    """

    matchers: tuple[Matcher, ...] = ()
    receiver: Matcher | None = None
    active: bool = True
    silenced: bool = True
    inhibited: bool = True
    unprocessed: bool = True
    muted: bool = True
    receiver_labels: tuple[Matcher, ...] = ()

    def has(self, alert: ActiveAlert) -> bool:
        left_out = (
            (not self.active and alert.state is State.ACTIVE)
            or (not self.unprocessed and alert.state is State.UNPROCESSED)
            or (not self.silenced and alert.silenced_by)
            or (not self.inhibited and alert.inhibited_by)
            or (not self.muted and alert.muted_by)
        )
        some = self.receiver is not None or self.receiver_labels
        named = not some or any(map(self.receives, alert.receivers))
        return not left_out and named and match_all(self.matchers, alert.labels)

    def receives(self, receiver: str) -> bool:
        named = self.receiver is None or self.receiver.matches({RECEIVER: receiver})
        return named and match_all(self.receiver_labels, {})


Reports = Sequence[tuple[RuleMatch, Alert]]
"""An alert with each rule that matches it."""


class Mutes(NamedTuple):
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    muted_by: tuple[str, ...] = ()


def active_alerts(
    stored: Iterable[tuple[RuleMatch, Alert]],
    incidents: Iterable[Incident],
    settings: Settings,
    now: float,
) -> list[ActiveAlert]:
    """The alerts that fire now, in order of fingerprint; `incidents` are the open ones.

    Drills and tests of channels are left out.
    """
    reports: dict[str, list[tuple[RuleMatch, Alert]]] = {}
    for rule_match, alert in stored:
        if not (alert.is_drill or alert.to) and _fires(rule_match, now):
            reports.setdefault(_identity(alert), []).append((rule_match, alert))
    view = _View(reports, incidents, settings, now)
    return [view.alert(identity, reports[identity]) for identity in sorted(reports)]


def _fires(rule_match: RuleMatch, now: float) -> bool:
    """Check if the alert still fires: it may have ended before its deadline is processed."""
    over = rule_match.ended_at is not None and rule_match.ended_at <= now
    return rule_match.status is AlertStatus.FIRING and not over


def _identity(alert: Alert) -> str:
    """Alertmanager's fingerprint of the labels."""
    known = _FINGERPRINT.fullmatch(alert.fingerprint)
    return known[1] if known else fingerprint(alert.labels)


class _View:
    """All alerts, with indexes to find their mutes."""

    def __init__(
        self,
        reports: Mapping[str, Reports],
        incidents: Iterable[Incident],
        settings: Settings,
        now: float,
    ) -> None:
        self._settings = settings
        self._now = now
        self._incidents = {
            incident.id: incident
            for incident in incidents
            if incident.is_open and not incident.drill
        }
        self._inhibitors = Inhibitors()
        for incident in self._incidents.values():
            self._inhibitors.add(incident, settings.mutes.sourced_by(incident))
        self._members: dict[int | None, dict[str, None]] = {}
        for identity, rows in reports.items():
            for rule_match, _ in rows:
                self._members.setdefault(rule_match.incident_id, {})[identity] = None

    def alert(self, identity: str, reports: Reports) -> ActiveAlert:
        newest, alert = max(reports, key=lambda report: report[0].last_seen)
        mutes = Mutes() if alert.by else self._mutes(alert.labels, reports)
        groups = tuple(
            dict.fromkeys(group for report in reports for group in self._groups(*report))
        )
        ends = [report.ended_at for report, _ in reports if report.ended_at is not None]
        return ActiveAlert(
            identity,
            alert.labels,
            alert.annotations,
            alert.url,
            min(report.starts_at for report, _ in reports),
            max(ends, default=self._now + LASTS),
            newest.last_seen,
            State.SUPPRESSED if any(mutes) else State.ACTIVE if groups else State.UNPROCESSED,
            groups,
            *mutes,
        )

    def _mutes(self, labels: dict[str, str], reports: Reports) -> Mutes:
        silences = self._settings.mutes.silences(labels, self._now)
        made = {silence.name: isinstance(silence.when, TimeSpan) for silence, _ in silences}
        own = {rule_match.incident_id for rule_match, _ in reports}
        targeting = self._settings.mutes.targeting(labels)
        cause = self._inhibitors.find(targeting, labels, self._incidents, own)
        members = self._members.get(cause.id, ()) if cause else ()
        return Mutes(
            tuple(name for name in made if made[name]),
            (tuple(members) or (cause.name,)) if cause else (),
            tuple(name for name in made if not made[name]),
        )

    def _groups(self, rule_match: RuleMatch, alert: Alert) -> Iterable[Group]:
        """The group of the alert under one rule; none without a severity."""
        incident = self._incidents.get(rule_match.incident_id or 0)
        severity = incident.severity if incident else rule_match.severity
        if severity is None:
            return
        rule = self._settings.rules.named(rule_match.rule)
        labels = ((name, alert.labels.get(name, "")) for name in sorted(rule.group_by))
        yield Group(
            tuple((name, value) for name, value in labels if value),
            str(self._settings.policy(severity, rule_match.rule).name),
            rule.key(alert),
        )


def grouped(alerts: Iterable[ActiveAlert], wanted: AlertFilter) -> dict[Group, list[ActiveAlert]]:
    """Return the alerts that pass the filter, by group."""
    groups: dict[Group, list[ActiveAlert]] = {}
    for alert in alerts:
        for group in alert.groups if wanted.has(alert) else ():
            if wanted.receives(group.receiver):
                groups.setdefault(group, []).append(alert)
    return {group: groups[group] for group in sorted(groups)}
