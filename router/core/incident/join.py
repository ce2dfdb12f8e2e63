"""A short path for most alerts in a storm: those that only join the open incident of their rule.

The result is the same as that of `alerts.see`, but without steps that such alerts don't need. A
property test compares the two.
"""

from msgspec.structs import replace

from router.core.incident.escalation import edited
from router.core.incident.expiry import stale_timer
from router.core.incident.fired import WARNINGS, facts_of, worst
from router.core.incident.mute import mute_of
from router.core.incident.read_plan import SeenAlert
from router.core.incident.transaction import Transaction
from router.core.rules.rule import Judgement, Rule, judge
from router.model.alert import AlertStatus, RuleMatch
from router.model.decision import Entry, Queued
from router.model.incident import Incident, Severity
from router.model.reason import Reason


def join(tx: Transaction, report: SeenAlert, incident: Incident) -> bool:
    """Let a new firing alert join the incident of its rule. Returns False if it has other effects.

    Only one rule matches the alert, and it has no stored match.
    """
    alert, rule = report.alert, report.rules[0][0]
    if rule.count_over is not None or alert.lifetime:
        return False
    if incident.closed_at is not None or incident.quiet_since is not None:
        return False
    judgement = judge(rule, alert)
    severity = judgement.severity
    if severity is None or severity.worse_than(incident.severity) or judgement.reason in WARNINGS:
        return False
    may_be_muted = tx.settings.silences or report.inhibitions
    if may_be_muted and mute_of(tx, alert, report.at, (incident.id,), report.inhibitions):
        return False
    _write_incident(tx, report, incident, judgement, severity)
    _write_match(tx, report, incident, rule, judgement)
    return True


def _write_incident(
    tx: Transaction,
    report: SeenAlert,
    incident: Incident,
    judgement: Judgement,
    severity: Severity,
) -> None:
    at, alert, changes = report.at, report.alert, tx.changes
    joined = replace(
        incident,
        version=incident.version + (incident.id not in changes.incidents),
        updated_at=at,
        firing=incident.firing + 1,
        alerts=incident.alerts + 1,
        stale_since=None,
        measured=worst(incident.measured, judgement, at),
    )
    tx.view.incidents[incident.id] = changes.incidents[incident.id] = joined
    by = alert.by or f"source:{alert.source}"
    facts = facts_of(alert, judgement, severity, tx.settings)
    changes.entries.append(Entry(incident.id, at, Reason.JOINED, by, facts))
    changes.queued += [
        Queued(incident.id, channel, Reason.JOINED, at) for channel in edited(joined, tx.settings)
    ]


def _write_match(
    tx: Transaction, report: SeenAlert, incident: Incident, rule: Rule, judgement: Judgement
) -> None:
    alert = report.alert
    rule_match = RuleMatch(
        alert.fingerprint,
        rule.name,
        report.mark,
        AlertStatus.FIRING,
        Reason.JOINED,
        alert.starts_at,
        report.seen,
        incident.id,
        judgement.severity,
        judgement.value,
    )
    tx.view.rule_matches[alert.fingerprint] = [rule_match]
    tx.changes.rule_matches[alert.fingerprint, rule.name] = (rule_match, alert)
    if (due_at := tx.settings.stale_at(rule, alert, rule_match)) is not None:
        tx.set_timer(stale_timer(incident.id, due_at))
