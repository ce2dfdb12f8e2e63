"""How the API shows things: times as RFC 3339 UTC, no field that is only the router's own."""

from datetime import UTC, datetime
from typing import Any

from router.core.deployments.suspect import minutes_before
from router.core.explain.alert import Explanation, RuleOutcome
from router.core.messages.timeline import describe
from router.core.oncall.business_hours import written
from router.core.oncall.recipients import Recipients
from router.core.oncall.schedule import Schedule, gaps, on_call, shifts
from router.model.decision import Entry
from router.model.deployment import Deployment
from router.model.incident import Incident
from router.model.notification import Notification
from router.ports.store import AlertRow


def when(at: float | None) -> str | None:
    """RFC 3339, UTC, to the millisecond."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def incident(one: Incident) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "key": one.key,
        "rule": one.rule,
        "source": one.source,
        "title": one.title,
        "severity": one.severity,
        "status": one.status,
        "open": one.is_open,
        "opened_at": when(one.opened_at),
        "updated_at": when(one.updated_at),
        "acknowledged_at": when(one.acknowledged_at),
        "acknowledged_by": one.acknowledged_by or None,
        "lead": one.lead or None,
        "closed_at": when(one.closed_at),
        "closed_by": one.closed_by or None,
        "firing": one.firing,
        "alerts": one.alerts,
        "reopened": one.reopened,
        "labels": one.labels,
        "annotations": one.annotations,
        "url": one.url or None,
        "runbook": one.runbook or None,
        "component": one.component or None,
        "public_title": one.public_title or None,
        "published_at": when(one.published_at),
        "announced_at": when(one.announced_at),
        "drill": one.drill,
        "suspect": suspect(one),
        "channels": one.told,
        "muted": one.muted and {"reason": one.muted[0], "by": one.muted[1]},
    }


def suspect(one: Incident) -> dict[str, Any] | None:
    """The deployment that may be the cause."""
    found = one.suspect
    return deployment(found) | {"minutes_before": minutes_before(found, one)} if found else None


def deployment(one: Deployment) -> dict[str, Any]:
    return {
        "id": one.id,
        "at": when(one.at),
        "name": one.name,
        "services": one.services,
        "outcome": one.outcome,
        "version": one.version or None,
        "commit": one.commit or None,
        "previous": one.previous or None,
        "repository": one.repository or None,
        "environment": one.environment or None,
        "branch": one.branch or None,
        "author": one.author or None,
        "url": one.url or None,
        "compare": one.compare or None,
        "source": one.source,
    }


def entry(one: Entry) -> dict[str, Any]:
    return {
        "id": one.id,
        "at": when(one.at),
        "what": one.what,
        "by": one.by or None,
        "text": describe(one),
        "data": one.data,
    }


def alert(row: AlertRow) -> dict[str, Any]:
    rule_match, one = row.rule_match, row.alert
    return {
        "fingerprint": one.fingerprint,
        "source": one.source,
        "status": rule_match.status,
        "labels": one.labels,
        "annotations": one.annotations,
        "starts_at": when(one.starts_at),
        "ends_at": when(one.ends_at),
        "last_seen": when(rule_match.last_seen),
        "url": one.url or None,
        "rule": rule_match.rule,
        "severity": rule_match.severity,
        "reason": rule_match.reason,
        "incident": rule_match.incident_id,
    }


def notification(one: Notification) -> dict[str, Any]:
    return {
        "incident": one.incident_id,
        "channel": one.channel,
        "state": one.state,
        "reason": one.reason,
        "owed_at": when(one.owed_at),
        "due_at": when(one.due_at),
        "attempts": one.attempts,
        "sent": one.sent,
        "ref": one.ref or None,
        "error": one.error or None,
        "may_be_doubled": one.may_be_doubled,
    }


def explanation(one: Explanation) -> dict[str, Any]:
    return {
        "fingerprint": one.alert.fingerprint,
        "labels": one.alert.labels,
        "rules": [
            {
                "rule": verdict.rule.name,
                "at": verdict.rule.origin,
                "reason": verdict.reason,
                "matcher": str(verdict.failed) if verdict.failed else None,
            }
            for verdict in one.verdicts
        ],
        "quiet": one.quiet
        and {"reason": one.quiet.reason, "by": one.quiet.by, "until": when(one.quiet.until)},
        "outcomes": [_outcome(outcome) for outcome in one.outcomes],
    }


def _outcome(one: RuleOutcome) -> dict[str, Any]:
    judgement = one.judgement
    return {
        "rule": one.rule.name,
        "incident_key": one.key,
        "severity": judgement.severity,
        "reason": judgement.reason,
        "value": judgement.value,
        "read": judgement.read,
        "threshold": judgement.threshold.text if judgement.threshold else None,
        "policy": one.policy.name if one.policy else None,
        "steps": [
            {
                "after": written(step.after),
                "notify": step.notify,
                "unless": step.unless,
                "when": step.when.source if step.when else None,
                "taken": holds,
                **_reached(reached),
            }
            for step, reached, holds in zip(
                one.policy.steps if one.policy else (), one.reached, one.holds, strict=True
            )
        ],
    }


def _reached(one: Recipients) -> dict[str, Any]:
    return {
        "channels": one.now,
        "later": [{"after": after, "channel": address} for after, address in one.later],
        "problems": [f"{target}: {why}" for target, why in one.problems],
    }


def schedule(one: Schedule, now: float, start: float, end: float) -> dict[str, Any]:
    """Who is on call now, and the shifts and gaps from `start` until `end`."""
    return {
        "name": one.name,
        "time_zone": one.time_zone,
        "on_call": on_call(one, now),
        "shifts": [
            {"contact": shift.contact, "start": when(shift.start), "end": when(shift.end)}
            for shift in shifts(one, start, end)
        ],
        "gaps": [{"start": when(gap.start), "end": when(gap.end)} for gap in gaps(one, start, end)],
    }
