"""Alerts in answers, with the result of a rule."""

from msgspec import Struct

from router.model.alert import AlertStatus
from router.model.incident import Severity
from router.model.reason import Reason
from router.ports.store import AlertRow
from router.web.api.content import Time
from router.web.api.views.times import exactly, when


class AlertView(Struct, frozen=True):
    """An alert with the result of one rule: `rule`, `severity`, `reason` and `incident`."""

    fingerprint: str
    source: str
    status: AlertStatus
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: Time
    ends_at: Time | None
    last_seen: Time
    url: str | None
    rule: str
    severity: Severity | None
    reason: Reason
    incident: int | None


def alert(row: AlertRow) -> AlertView:
    rule_match, stored = row.rule_match, row.alert
    return AlertView(
        fingerprint=stored.fingerprint,
        source=stored.source,
        status=rule_match.status,
        labels=stored.labels,
        annotations=stored.annotations,
        starts_at=exactly(stored.starts_at),
        ends_at=when(rule_match.ended_at if stored.lifetime else stored.ends_at),
        last_seen=exactly(rule_match.last_seen),
        url=stored.url or None,
        rule=rule_match.rule,
        severity=rule_match.severity,
        reason=rule_match.reason,
        incident=rule_match.incident_id,
    )
