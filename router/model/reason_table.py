"""The table of reasons: one row for each, in the order of the enum.

`alert-router reasons` prints the first column.
"""

from router.model.reason import Reason as R  # noqa: N817 - the table's first column
from router.model.reason_row import Row
from router.model.reason_row import Trait as T  # noqa: N817
from router.model.reason_table_outcomes import OUTCOMES
from router.model.reason_table_work import WORK

_CHANGE = T.NOTIFIES | T.STAKEHOLDERS
_BEGINS = _CHANGE | T.ALERT_ENTERS | T.SUPPRESSIBLE | T.STARTS_POLICY | T.WAITS | T.COUNTED
_ENDS = T.STAKEHOLDERS | T.TURNING_POINT | T.ANSWERS | T.ENDS
_ENDED = _ENDS | T.ENDS_BY_PERSON | T.SHOWN

_INCIDENTS: dict[R, Row] = {
    # What a rule made of an alert
    R.MATCHED: Row("The rule matches the alert."),
    R.SOURCE_DIFFERS: Row("The rule is for another source."),
    R.MATCHER_FAILED: Row("A matcher of the rule, which is named, doesn't match."),
    R.TAKEN_BEFORE: Row("A rule above matched the alert."),
    R.VALUE_UNREADABLE: Row(
        "The measured value is missing or unreadable, so the lowest tier applies.",
        "Value is missing or unreadable, so the lowest severity applies"
        "[: {alert}][ reported {unread}]",
        T.WARNING | T.UNMEASURED,
    ),
    R.ABOVE_THRESHOLD: Row("A threshold is crossed."),
    R.WITHIN_HYSTERESIS: Row("The threshold was crossed, and its `until` isn't reached yet."),
    R.BELOW_THRESHOLD: Row(
        "No threshold is crossed: the alert is stored and opens nothing.",
        "Alert is below every threshold[: {alert}][ at {value}]",
        refusal="its value is below every threshold",
    ),
    R.SEVERITY_MAPPED: Row("A label or an annotation gives the severity (`severity_from`)."),
    R.SEVERITY_UNMAPPED: Row(
        "The label of `severity_from` is missing or not in its `map`: the lowest severity applies.",
        "No severity is configured[ for {label}], so the lowest applies[: {alert}]",
        T.WARNING | T.UNMEASURED,
    ),
    R.HEARTBEAT: Row(
        "The alert is a heartbeat: it is stored and opens nothing.",
        "Alert is a heartbeat[: {alert}]",
        refusal="it's a heartbeat, which opens nothing as long as it arrives",
    ),
    R.IGNORED: Row(
        "The rule has `ignore`, or `default_rule.ignore` names the alert: it opens nothing.",
        "Alert is ignored by the rule[: {alert}]",
        refusal="its rule ignores it, or default_rule.ignore names it, so it opens nothing",
    ),
    # What happened to an alert
    R.OPENED: Row(
        "A new incident.",
        "Incident detected[: {alert}][ at {value}][ (threshold {threshold})]",
        _BEGINS | T.STARTS_REPEAT,
        reply="Opened {name} ({severity}).",
        event="incident.opened",
    ),
    R.JOINED: Row(
        "Another alert joined an open incident.",
        "Alert joined[: {alert}][ at {value}]",
        T.ALERT_ENTERS | T.SUPPRESSIBLE | T.UNLOGGED,
        reply="Already open: {state}",
    ),
    R.REPEATED: Row("The alert repeats what is known.", traits=T.NO_EFFECT),
    R.CHANGED: Row(
        "The alert changed, with no consequence.",
        "Alert changed[: {alert}][ at {value}]",
        reply="Already open: {state}",
    ),
    R.CLEARED: Row(
        "The alert is resolved.",
        "Alert resolved[: {alert}]",
        T.UNLOGGED,
        refusal="it's resolved",
    ),
    R.NEVER_FIRED: Row(
        "The alert is resolved, and never fired here.", traits=T.NO_EFFECT | T.DROPPED
    ),
    R.REPLAYED: Row(
        "The same request was received before.",
        traits=T.NO_EFFECT | T.NOTHING_DONE | T.SHOWN | T.TAKEN | T.DROPPED,
        refusal="already received",
    ),
    R.HELD_RESOLVED: Row(
        "A person resolved the incident, and the same firing continues.",
        "Alert held back: the incident was resolved by hand[: {alert}]",
        T.HELD,
        refusal="a person resolved the incident, and this is the same firing",
    ),
    R.HELD_FALSE_POSITIVE: Row(
        "A person marked the incident as a false positive, and the same firing continues.",
        "Alert held back: it was marked as a false positive[: {alert}]",
        T.HELD,
        refusal="a person marked it as a false positive, and this is the same firing",
    ),
    R.RULES_CHANGED: Row(
        "Another rule matches the alert since the rules changed.",
        "Alert left the incident, because the rules changed[: {alert}]",
    ),
    R.SILENCED: Row(
        "A silence mutes the alert, which opens nothing, or the incident, which pages nobody.",
        "Silenced[ by {name}][: {alert}][: {pages}]",
        T.MUTES | T.OBSTACLE,
        refusal="it's silenced",
    ),
    R.INHIBITED: Row(
        "An open incident mutes the alert or the incident in the same way.",
        "Inhibited[ by {name}][: {alert}][: {pages}]",
        T.MUTES | T.OBSTACLE,
        refusal="it's inhibited by an open incident",
    ),
    R.LATE_RESOLVE: Row(
        "The resolve is of an earlier firing: it ended before the present one began.",
        traits=T.NO_EFFECT | T.DROPPED,
    ),
    R.LATE_FIRING: Row("The firing had ended before it arrived.", traits=T.NO_EFFECT | T.DROPPED),
    R.MOVED: Row(
        "The alert belongs to another incident now.",
        "Alert moved[ to {to}][: {alert}]",
    ),
    R.STALE: Row(
        "No report of the alert came for longer than `expire_after`.",
        "Alert is stale, no report came[ since {since}][: {alert}][. {ask}]",
        T.OBSTACLE | T.WARNING,
        short="alert is stale",
    ),
    R.TIMED_OUT: Row(
        "The alert's `endsAt` passed, and no report extended it.",
        "Alert timed out: no report extended it[: {alert}]",
        T.UNLOGGED,
    ),
    R.REPORTED_AGAIN: Row(
        "A stale alert was reported again.",
        "Alert is reported again[: {alert}]",
        reply="Already open: {state}",
    ),
    # What happened to an incident
    R.SEVERITY_RAISED: Row(
        "An alert is worse than the incident was.",
        "Severity raised[ from {from}][ to {severity}]"
        "[: {alert}][ at {value}][ (threshold {threshold})]",
        _CHANGE | T.SUPPRESSIBLE | T.STARTS_POLICY | T.LOUD | T.STARTS_REPEAT,
        reply="Already open: {name} is {severity} now.",
        event="incident.severity_changed",
        short="now {severity}[, was {from}]",
    ),
    R.SEVERITY_LOWERED: Row(
        "The alert is milder than it was, and its rule says `follow: true`.",
        "Severity lowered[ from {from}][ to {severity}] with the alert[: {alert}][ at {value}]",
        T.STAKEHOLDERS | T.STARTS_POLICY,
        reply="Already open: {name} is {severity} now.",
        event="incident.severity_changed",
        short="now {severity}[, was {from}]",
    ),
    R.SEVERITY_SET: Row(
        "A person set the severity.",
        "Severity set[ from {from}][ to {severity}][ by {by}][: {text}]",
        _CHANGE | T.STARTS_POLICY | T.STARTS_REPEAT,
        reply="{name} is {severity} now.",
        event="incident.severity_changed",
        short="now {severity}[, was {from}][, set by {by}]",
    ),
    R.PROMOTED: Row(
        "Not resolved in time, so the severity was raised.",
        "Not resolved in time: severity raised[ from {from}][ to {severity}]",
        _CHANGE | T.STARTS_POLICY | T.COUNTED | T.STARTS_REPEAT,
        short="not resolved in time, now {severity}[, was {from}]",
    ),
    R.STATUS_SET: Row(
        "A person set the status: investigating, identified or monitoring.",
        "Status set[ to {status}][ by {by}][: {text}]",
        T.STAKEHOLDERS,
        reply="{name} is {status} now.",
        short="{status}",
    ),
    R.ASSIGNED: Row(
        "The incident has a lead.",
        "Lead[: {lead}][ (set by {by})]",
        T.NOTIFIES | T.SHOWN,
        reply="{lead} leads {name} now.",
        short="[{lead} leads]",
    ),
    R.ROLE_SET: Row(
        "A responder has a role, such as scribe.",
        "Role[: {person} is {role}][ (set by {by})]",
        T.NOTIFIES | T.SHOWN,
        reply="Assigned in {name}: {roles}.",
        short="[{person} is {role}]",
    ),
    R.PUBLISHED: Row(
        "An update was published on the status page.",
        "Published[ by {by}][: {text}]",
        reply="Published as '{public_title}'.",
    ),
    R.ANNOUNCED: Row(
        "Customers are mailed that the incident is over.",
        "Customers mailed[ by {by}][: {title}]",
        reply="Customers are being mailed.",
    ),
    R.UPDATE_OVERDUE: Row(
        "No responder gave an update within `update_every`.",
        "An update is overdue[: {say}]",
        short="update overdue",
    ),
    R.RESPONSE_OVERDUE: Row(
        "Nobody acknowledged within `respond_within`.",
        "Nobody acknowledged within the promised time",
        T.COUNTED | T.WARNING,
        short="nobody acknowledged in time",
    ),
    R.QUIET: Row(
        "No alert keeps the incident open: `resolve_after` runs.",
        "No alert keeps the incident open, and it resolves soon[: {why}]",
    ),
    R.FLAPPING: Row(
        "The incident changed too often (`flapping`): it stays open, and changes notify nobody.",
        "Flapping[: {changes} changes][ within {within}]. Changes are not sent"
        "[ until there is none for {settle}]",
        T.OBSTACLE | T.TURNING_POINT | T.LOUD | T.WARNING,
        short="flapping",
    ),
    R.SETTLED: Row(
        "The incident no longer flaps.",
        "No longer flapping[: {why}]",
        T.TURNING_POINT | T.LOUD,
        short="no longer flapping",
    ),
    R.RESOLVED: Row(
        "The incident resolved, because no alert was firing.",
        "Resolved[: {why}]",
        _ENDS | T.COUNTED,
        event="incident.resolved",
    ),
    R.RESOLVED_BY_PERSON: Row(
        "A person resolved the incident.",
        "Resolved[ by {by}][: {text}]",
        _ENDED | T.COUNTED,
        reply="Resolved {name}.",
        event="incident.resolved",
    ),
    R.FALSE_POSITIVE: Row(
        "A person marked the incident as a false positive.",
        "Marked as a false positive[ by {by}][: {text}]",
        _ENDED,
        reply="Marked {name} as a false positive.",
        event="incident.false_positive",
    ),
    R.REOPENED: Row(
        "The alert fired again soon after the incident closed.",
        "Reopened[: {alert} fires again][ at {value}]",
        _BEGINS | T.TURNING_POINT | T.LOUD | T.STARTS_REPEAT,
        reply="Reopened {name} ({severity}), which closed a short time ago.",
        event="incident.reopened",
        short="reopened",
    ),
    R.REOPENED_BY_PERSON: Row(
        "A person reopened the incident.",
        "Reopened[ by {by}][: {text}]",
        _CHANGE | T.STARTS_POLICY | T.WAITS | T.TURNING_POINT | T.LOUD,
        reply="Reopened {name} ({severity}).",
        event="incident.reopened",
        short="reopened[ by {by}]",
    ),
    R.MERGED: Row(
        "The incident is part of another one now.",
        "Merged[ into {into}][ by {by}][: {text}]",
        _ENDS,
        reply="Merged {name} into {into}.",
        event="incident.merged",
        short="[part of {into} now]",
    ),
    R.ABSORBED: Row(
        "Another incident was merged into this one.",
        "Merged into this incident[: {merged}][ {title}][ (by {by})]",
    ),
    R.LINKED: Row(
        "A person linked two incidents.",
        "Linked[ with {other}][ by {by}][: {text}]",
        reply="Linked {name} with {linked}.",
    ),
    R.ACKNOWLEDGED: Row(
        "A person acknowledged the incident.",
        "Acknowledged[ by {by}][: {text}]",
        T.TURNING_POINT | T.ANSWERS | T.COUNTED | T.SHOWN,
        reply="Acknowledged {name}.",
        event="incident.acknowledged",
    ),
    R.UNACKNOWLEDGED: Row(
        "A person withdrew the acknowledgement: the policy starts over.",
        "Acknowledgement withdrawn[ by {by}][: {text}]",
        T.NOTIFIES | T.STARTS_POLICY | T.WAITS | T.TURNING_POINT,
        reply="Withdrew the acknowledgement of {name}: its policy starts over.",
        event="incident.unacknowledged",
        short="acknowledgement withdrawn[ by {by}]",
    ),
    R.SNOOZED: Row(
        "A person paused the pages until a time.",
        "Snoozed[ by {name}][ by {by}][ until {until}][: {text}][: {pages}]",
        T.OBSTACLE,
        reply="Snoozed {name}.",
        event="incident.snoozed",
    ),
    R.SNOOZE_ENDED: Row(
        "The snooze ended: pages continue.",
        "Snooze ended[ (set by {name})]",
        T.NOTIFIES,
        short="snooze ended",
    ),
    R.ESCALATED: Row(
        "A person escalated: the next step runs now, and an acknowledgement is void.",
        "Escalated[ by {by}][: {text}]",
        T.NOTIFIES | T.PAGES | T.WAITS | T.SHOWN | T.STARTS_REPEAT,
        reply="Escalated {name}: the next step is being notified.",
        short="escalated[ by {by}]",
    ),
    R.JUST_ESCALATED: Row(
        "Another escalation came a moment before: only one step is taken.",
        "No change[ for {by}]: escalated a moment before",
        T.NOTHING_DONE,
        reply="{name} was escalated a moment ago[ by {escalated_by}].",
    ),
    R.NOTED: Row(
        "A person wrote a note.",
        "[{text}][ ({by})]",
        T.TAKEN,
        reply="Noted on {name}.",
        event="incident.noted",
        short="note[ by {by}]",
    ),
    R.STEP_DUE: Row(
        "The policy's next step ran.",
        "Escalated to the next step[: {channels}][; later, unless acknowledged: {later}]",
        T.NOTIFIES | T.PAGES | T.COUNTED | T.STARTS_REPEAT,
        event="incident.escalated",
        short="escalated[ to step {step}]",
    ),
    R.STEP_SKIPPED: Row(
        "A step, or a rise in severity, was no longer needed.",
        "Step no longer needed[: {channels}]",
        T.OBSTACLE | T.SKIPS_STEP,
    ),
    R.CONDITION_FAILED: Row(
        "A step's `when` is false for this incident.",
        "Skipped[ {channels}] (condition is false)",
        T.DELIVERY | T.OBSTACLE | T.SKIPS_STEP,
    ),
    R.STEPS_REPEATED: Row(
        "All steps ran without an answer, and their targets are reminded.",
        "Reminder[ {time}][: {channels}][; later, unless acknowledged: {later}]",
        T.NOTIFIES | T.PAGES | T.STARTS_REPEAT,
        short="reminder[ {time}]",
    ),
    R.UNANSWERED: Row(
        "The policy ended, and nobody acknowledged.",
        "NOBODY ACKNOWLEDGED, and the policy has no further step",
        T.NOTIFIES | T.PAGES | T.TURNING_POINT | T.COUNTED | T.WARNING,
        short="nobody acknowledged",
    ),
    R.STEPS_ENDED: Row(
        "The policy has no further step; its repeats may follow.",
        "The policy has no further step[; reminders that may follow: {reminders}]",
    ),
    R.NEXT_METHOD: Row(
        "A person is notified by the next contact method.",
        "Next contact method[: {channels}]",
        T.NOTIFIES | T.PAGES,
    ),
    R.NOBODY_REACHED: Row(
        "A target has no recipient: nobody is on call, or no contact method applies.",
        "Nobody to notify[: {target}][, {why}]",
        T.OBSTACLE | T.COUNTED | T.WARNING,
    ),
}

ROWS = _INCIDENTS | WORK | OUTCOMES
"""All reasons, in the order of the enum."""
