"""Alerts in answers, with the result of a rule."""

from msgspec import Struct

from router.model.alert import AlertStatus
from router.model.incident import Severity
from router.model.reason import Reason
from router.ports.store import AlertRow
from router.web.api.content import Time
from router.web.api.views.times import exactly, when


class AlertView(Struct, frozen=True):
    """An alert, and the result of one rule: `rule`, `severity`, `reason` and `incident`."""

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
    rule_match, one = row.rule_match, row.alert
    return AlertView(
        fingerprint=one.fingerprint,
        source=one.source,
        status=rule_match.status,
        labels=one.labels,
        annotations=one.annotations,
        starts_at=exactly(one.starts_at),
        ends_at=when(rule_match.ended_at if one.lifetime else one.ends_at),
        last_seen=exactly(rule_match.last_seen),
        url=one.url or None,
        rule=rule_match.rule,
        severity=rule_match.severity,
        reason=rule_match.reason,
        incident=rule_match.incident_id,
    )
