"""The router's own metrics. Names and labels are a public contract (see the reference)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial

import prometheus_client as prometheus
from prometheus_client import CollectorRegistry, Gauge, Histogram

from router import __version__
from router.core.incident.snapshot import Writes
from router.core.incident.suppression import SUPPRESSED
from router.model.alert import AlertStatus
from router.model.decision import Entry
from router.model.difference import Reconciliation
from router.model.event import AlertSeen, DeliverySettled, Event
from router.model.incident import Incident, Severity, Status
from router.model.notification import Attempt, NotificationState, channel_of
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having
from router.ports.store import Gauges

PREFIX = "alert_router"

HUMAN_SECONDS = (30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 28800, 86400)
"""Buckets for people's response times, including the promised 5 min, 30 min, 2 h and 8 h."""

DELIVERY_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600)
COMMIT_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)

MILESTONES = having(Trait.COUNTED)
"""Changes of an incident that are counted. (Changes of alerts are too frequent.)"""

ACTION_OUTCOMES = having(Trait.ENDS_ACTION)
"""Final states of a request for an action."""

ARRIVED = having(Trait.ARRIVED)
OUTCOMES = ("sent", "retry", "rejected", "uncertain")


UNREADABLE = having(Trait.UNMEASURED)

COUNTED = MILESTONES | ACTION_OUTCOMES | ARRIVED | UNREADABLE
"""Timeline entries with a metric. Most entries have none."""


ALERTMANAGER = "0.25.0"
"""The version of Alertmanager that tests compare the router's API with."""


class Metrics:
    """All metrics of one router, in its own registry."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        counter = partial(prometheus.Counter, namespace=PREFIX, registry=registry)
        gauge = partial(Gauge, namespace=PREFIX, registry=registry)
        histogram = partial(Histogram, namespace=PREFIX, registry=registry)
        channel_outcome = ["channel", "outcome"]
        self.alerts_received = counter(
            "alerts_received_total", "Alerts accepted.", ["source", "status"]
        )
        self.unreadable = counter(
            "values_unreadable_total",
            "Alerts with the lowest severity, since their value couldn't be read.",
            ["rule"],
        )
        self.suppressed = counter(
            "alerts_suppressed_total",
            "Muted alerts, each time they were checked.",
            ["reason"],
        )
        self.webhooks_rejected = counter(
            "webhooks_rejected_total",
            "Webhooks, or alerts in them, that were refused.",
            ["source", "reason"],
        )
        self.alerts_dropped = counter(
            "alerts_dropped_total", "Alerts that were read and had no effect.", ["source", "reason"]
        )
        self.alert_warnings = counter(
            "alert_warnings_total", "Malformed values that were corrected.", ["source"]
        )
        self.requests_refused = counter(
            "requests_refused_total", "Requests and connections refused, on any path.", ["reason"]
        )
        self.incidents = gauge("incidents", "Incidents.", ["severity", "status"])
        self.incidents_opened = counter(
            "incidents_opened_total", "Incidents opened or reopened.", ["severity", "rule"]
        )
        self.time_to_acknowledge = histogram(
            "time_to_acknowledge_seconds",
            "Seconds from opening to acknowledgement.",
            ["severity"],
            buckets=HUMAN_SECONDS,
        )
        self.time_to_resolve = histogram(
            "time_to_resolve_seconds",
            "Seconds from opening to the end.",
            ["severity"],
            buckets=HUMAN_SECONDS,
        )
        self.escalations = counter(
            "escalations_total",
            "Policy steps that ran because nobody had acknowledged.",
            ["severity"],
        )
        self.late = counter(
            "responses_overdue_total",
            "Incidents not acknowledged in the promised time.",
            ["severity"],
        )
        self.unanswered = counter(
            "unanswered_total", "Escalations that ended without an acknowledgement.", ["severity"]
        )
        self.promoted = counter(
            "promotions_total",
            "Incidents not resolved in time, by their new severity.",
            ["severity"],
        )
        self.unreached = counter(
            "unreached_total", "Targets of a step without a recipient.", ["severity"]
        )
        self._by_severity = {
            Reason.STEP_DUE: self.escalations,
            Reason.NOBODY_REACHED: self.unreached,
            Reason.RESPONSE_OVERDUE: self.late,
            Reason.UNANSWERED: self.unanswered,
            Reason.PROMOTED: self.promoted,
        }
        self.notifications = counter(
            "notifications_total", "Messages delivered or given up.", channel_outcome
        )
        self.attempts = counter(
            "delivery_attempts_total", "Attempts to deliver a message.", channel_outcome
        )
        self.actions = counter(
            "actions_total", "Actions, by their final state.", ["action", "outcome"]
        )
        self.pending = gauge("notifications_pending", "Messages waiting for delivery.", ["channel"])
        self.dead = gauge(
            "notifications_dead", "Messages given up, which can be sent again.", ["channel"]
        )
        self.latency = histogram(
            "notification_latency_seconds",
            "Seconds from decided to delivered.",
            ["channel"],
            buckets=DELIVERY_SECONDS,
        )
        self.proven = gauge(
            "channel_proven_timestamp_seconds",
            "When a message last arrived.",
            ["channel"],
        )
        self.drill_overdue = gauge(
            "drill_overdue_seconds", "Seconds since the regular drill was due."
        )
        self.drill_last = gauge(
            "drill_last_timestamp_seconds", "When the regular drill last took place; 0 if never."
        )
        self.subscriber_mails = counter(
            "subscriber_mails_total",
            "Mails to subscribers of the status page, by result.",
            ["outcome"],
        )
        self.status_export_time = gauge(
            "status_export_last_success_timestamp_seconds",
            "When the status page was last written to files.",
        )
        self.timers_overdue = gauge("timers_overdue_seconds", "Delay of the most overdue deadline.")
        self.postmortems_overdue = gauge("postmortems_overdue", "Overdue post-mortems.")
        self.items_overdue = gauge("action_items_overdue", "Overdue action items.")
        self.oncall_gap = gauge(
            "oncall_gap_seconds",
            "Seconds of the coming week without anybody on call.",
            ["schedule"],
        )
        self.calendar_fetched = gauge(
            "calendar_fetched_timestamp_seconds",
            "When an imported calendar was last fetched.",
            ["schedule"],
        )
        self.commit = histogram(
            "commit_seconds", "Seconds from deciding to committed.", buckets=COMMIT_SECONDS
        )
        self.differences = gauge(
            "differences",
            "Differences between the router and a service, by the last comparison.",
            ["place", "kind"],
        )
        self.compared = gauge(
            "compared_timestamp_seconds",
            "When the state of a channel or source was last compared.",
            ["place"],
        )
        self.heartbeat_last = gauge(
            "heartbeat_last_timestamp_seconds",
            "When a heartbeat last arrived.",
            ["heartbeat"],
        )
        self.heartbeat_missed = gauge(
            "heartbeat_missed",
            "1 if the heartbeat is missing, or reports a failure.",
            ["heartbeat"],
        )
        self.heartbeats_sent = counter(
            "heartbeats_sent_total",
            "Heartbeats that the router sent to its own monitoring.",
            ["outcome"],
        )
        self.reload_successful = gauge(
            "config_last_reload_successful", "1 if the last reload of the config succeeded."
        )
        self.reload_time = gauge(
            "config_last_reload_success_timestamp_seconds", "When the current config was loaded."
        )
        self._channels: tuple[str, ...] = ()
        gauge("build_info", "Always 1; the version is the label.", ["version"]).labels(
            __version__
        ).set(1)
        # karma reads the version of an Alertmanager from this metric, and fails without it.
        compared = Gauge(
            "alertmanager_build_info",
            "Always 1; the version of Alertmanager whose API the router implements.",
            ["version"],
            registry=registry,
        )
        compared.labels(ALERTMANAGER).set(1)

    def expect(self, sources: Iterable[str], channels: Iterable[str]) -> None:
        """Start known series at 0: rate() doesn't see a counter that first appears as 1."""
        for source in sources:
            self._expect_source(source)
        for reason in SUPPRESSED:
            self.suppressed.labels(reason.value)
        self._channels = tuple(channels)
        for channel in self._channels:
            for outcome in OUTCOMES:
                self.attempts.labels(channel, outcome)
            for state in (NotificationState.SENT, NotificationState.DEAD):
                self.notifications.labels(channel, state.value)
        for outcome in ("sent", "failed"):
            self.subscriber_mails.labels(outcome)
        for severity in Severity:
            for metric in self._by_severity.values():
                metric.labels(severity.value)

    def _expect_source(self, source: str) -> None:
        for status in AlertStatus:
            self.alerts_received.labels(source, status.value)
        for reason in ("replayed", "never_fired", "late_resolve", "late_firing", "ignored"):
            self.alerts_dropped.labels(source, reason)
        self.alert_warnings.labels(source)

    def committed(
        self, events: Iterable[Event], changes: Writes, incidents: Mapping[int, Incident]
    ) -> None:
        """Count a committed transaction. `incidents` are those of its entries, as far as known."""
        received = Counter(
            (e.alert.source, e.alert.status) for e in events if isinstance(e, AlertSeen)
        )
        for (source, status), alerts in received.items():
            self.alerts_received.labels(source, status.value).inc(alerts)
        muted = Counter(
            rule_match.reason
            for rule_match, _ in changes.rule_matches.values()
            if rule_match.reason in SUPPRESSED
        )
        for reason, looks in muted.items():
            self.suppressed.labels(reason.value).inc(looks)
        for event in events:
            if isinstance(event, DeliverySettled):
                self._attempted(channel_of(event.notification.channel), event.attempts)
        for settled, _, _ in changes.settled:
            if settled.state is not NotificationState.PENDING:
                self.notifications.labels(channel_of(settled.channel), settled.state.value).inc()
        for entry in changes.entries:
            if entry.what in COUNTED:
                self._noted(entry, incidents.get(entry.incident_id))

    def _attempted(self, channel: str, attempts: Iterable[Attempt]) -> None:
        for attempt in attempts:
            self.attempts.labels(channel, type(attempt.result).__name__.lower()).inc()

    def _noted(self, entry: Entry, incident: Incident | None) -> None:
        """Count an entry. Incidents of drills aren't counted."""
        what, data = entry.what, entry.data
        if what in UNREADABLE:
            self.unreadable.labels(data["rule"]).inc()
        elif what in ACTION_OUTCOMES:
            self.actions.labels(data["action"], what.removeprefix("action_")).inc()
        elif what in ARRIVED:
            self.latency.labels(channel_of(data["channel"])).observe(data["late"])
        elif incident is not None and not incident.drill:
            severity, lasted = incident.severity.value, entry.at - incident.opened_at
            if what in {Reason.OPENED, Reason.REOPENED}:
                self.incidents_opened.labels(severity, incident.rule).inc()
            elif what is Reason.ACKNOWLEDGED:
                self.time_to_acknowledge.labels(severity).observe(lasted)
            elif what in {Reason.RESOLVED, Reason.RESOLVED_BY_PERSON}:
                self.time_to_resolve.labels(severity).observe(lasted)
            elif counter := self._by_severity.get(what):
                counter.labels(severity).inc()

    def reconciled(self, found: Reconciliation) -> None:
        """Set the metrics of a comparison."""
        self.differences.clear()
        for place, kind in {
            (difference.place, difference.kind) for difference in found.differences
        }:
            same = [
                difference
                for difference in found.differences
                if (difference.place, difference.kind) == (place, kind)
            ]
            self.differences.labels(place, kind.value).set(len(same))
        for place in found.compared:
            self.compared.labels(place).set(found.at)

    def heard(self, heartbeats: Mapping[str, tuple[float | None, bool]]) -> None:
        """Set for each heartbeat when it last arrived, in UTC seconds, and whether it's missed."""
        self.heartbeat_last.clear()
        self.heartbeat_missed.clear()
        for name, (last, missed) in heartbeats.items():
            self.heartbeat_missed.labels(name).set(missed)
            if last is not None:
                self.heartbeat_last.labels(name).set(last)

    def worked(self, addresses: Mapping[str, float]) -> None:
        """Set the time at which each address last worked, in UTC seconds.

        A person's address also proves its channel.
        """
        for address in sorted(addresses, key=addresses.__getitem__):
            self.proven.labels(channel_of(address)).set(addresses[address])

    def show(self, gauges: Gauges) -> None:
        """Set the gauges from the store's counts."""
        self.incidents.clear()
        for severity in Severity:
            for status in Status:
                count = gauges.incidents.get((severity, status), 0)
                self.incidents.labels(severity.value, status.value).set(count)
        for metric, counts in ((self.pending, gauges.pending), (self.dead, gauges.dead)):
            metric.clear()
            for channel in self._channels:
                metric.labels(channel)
            for address, count in counts.items():
                metric.labels(channel_of(address)).inc(count)
        self.timers_overdue.set(gauges.timers_overdue)
        self.postmortems_overdue.set(gauges.postmortems_overdue)
        self.items_overdue.set(gauges.items_overdue)
