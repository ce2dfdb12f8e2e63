"""The table of reasons: one row for each, in the order of the enum.

The reference in the docs has the first column, and is compared with it.
"""

from router.model.reason import Reason as R  # noqa: N817 - the table's first column
from router.model.reason_row import Row
from router.model.reason_row import Trait as T  # noqa: N817

_CHANGE = T.NOTIFIES | T.STAKEHOLDERS
_BEGINS = _CHANGE | T.ALERT_ENTERS | T.SUPPRESSIBLE | T.STARTS_POLICY | T.WAITS | T.COUNTED
_ENDS = T.STAKEHOLDERS | T.TURNING_POINT | T.ANSWERS | T.ENDS
_ENDED = _ENDS | T.ENDS_BY_PERSON | T.SHOWN
_ATTEMPT = T.DELIVERY | T.ATTEMPT
_ARRIVED = _ATTEMPT | T.ARRIVED | T.UNLOGGED
_FAILED = _ATTEMPT | T.FAILED | T.OBSTACLE
_ABOUT = "[: #{number}][ {action}]"
_ITEM = "[: {text}][ ({owner}, by {due})]"

ROWS: dict[R, Row] = {
    # What a rule made of an alert
    R.MATCHED: Row("The rule matches the alert."),
    R.SOURCE_DIFFERS: Row("The rule is for another source."),
    R.MATCHER_FAILED: Row("A matcher of the rule, which is named, doesn't match."),
    R.TAKEN_BEFORE: Row("A rule above matched the alert."),
    R.VALUE_UNREADABLE: Row(
        "The measured value is missing or unreadable, so the lowest tier applies.",
        "Value is missing or unreadable, so the lowest severity applies[: {alert}][ reported {unread}]",
        T.WARNING,
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
        T.WARNING,
    ),
    R.HEARTBEAT: Row(
        "The alert is a [heartbeat](../how-to/heartbeats.md): it is stored and opens nothing.",
        "Alert is a heartbeat[: {alert}]",
        refusal="it's a heartbeat, which opens nothing as long as it arrives",
    ),
    R.IGNORED: Row(
        "`default_rule.ignore` names the alert: it is stored and opens nothing.",
        "Alert is ignored by default_rule[: {alert}]",
        refusal="default_rule.ignore names it, so it opens nothing unless a rule matches it",
    ),
    # What happened to an alert
    R.OPENED: Row(
        "A new incident.",
        "Incident detected[: {alert}][ at {value}][ (threshold {threshold})]",
        _BEGINS,
        reply="Opened {name} ({severity}).",
        event="incident.opened",
    ),
    R.JOINED: Row(
        "Another alert joined an open incident.",
        "Alert joined[: {alert}][ at {value}]",
        T.ALERT_ENTERS | T.SUPPRESSIBLE | T.UNLOGGED,
        reply="Already open: {standing}",
    ),
    R.REPEATED: Row("The alert repeats what is known.", traits=T.NO_EFFECT),
    R.CHANGED: Row(
        "The alert changed, with no consequence.",
        "Alert changed[: {alert}][ at {value}]",
        reply="Already open: {standing}",
    ),
    R.CLEARED: Row(
        "The alert is resolved.",
        "Alert resolved[: {alert}]",
        T.UNLOGGED,
        refusal="it's resolved",
    ),
    R.NEVER_FIRED: Row("The alert is resolved, and never fired here.", traits=T.NO_EFFECT),
    R.REPLAYED: Row(
        "The same request was received before.",
        traits=T.NO_EFFECT | T.NOTHING_DONE | T.SHOWN | T.TAKEN,
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
        traits=T.NO_EFFECT,
    ),
    R.LATE_FIRING: Row("The firing had ended before it arrived.", traits=T.NO_EFFECT),
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
    R.REPORTED_AGAIN: Row(
        "A stale alert was reported again.",
        "Alert is reported again[: {alert}]",
        reply="Already open: {standing}",
    ),
    # What happened to an incident
    R.SEVERITY_RAISED: Row(
        "An alert is worse than the incident was.",
        "Severity raised[ from {from}][ to {severity}][: {alert}][ at {value}][ (threshold {threshold})]",
        _CHANGE | T.SUPPRESSIBLE | T.STARTS_POLICY | T.LOUD,
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
        _CHANGE | T.STARTS_POLICY,
        reply="{name} is {severity} now.",
        event="incident.severity_changed",
        short="now {severity}[, was {from}][, set by {by}]",
    ),
    R.PROMOTED: Row(
        "Not resolved in time, so the severity was raised.",
        "Not resolved in time: severity raised[ from {from}][ to {severity}]",
        _CHANGE | T.STARTS_POLICY | T.COUNTED,
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
        _BEGINS | T.TURNING_POINT | T.LOUD,
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
        "The end of a snooze: pages go on.",
        "Snooze ended[ (set by {name})]",
        T.NOTIFIES,
        short="snooze ended",
    ),
    R.ESCALATED: Row(
        "A person escalated: the next step runs now, and an acknowledgement is void.",
        "Escalated[ by {by}][: {text}]",
        T.NOTIFIES | T.PAGES | T.WAITS | T.SHOWN,
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
        "Escalated to the next step[: {channels}]",
        T.NOTIFIES | T.PAGES | T.COUNTED,
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
    R.TOLD_AGAIN: Row(
        "All steps ran without an answer, and their targets are reminded.",
        "Reminder[ {time}][: {channels}]",
        T.NOTIFIES | T.PAGES,
        short="reminder[ {time}]",
    ),
    R.UNANSWERED: Row(
        "The policy ended, and nobody acknowledged.",
        "NOBODY ACKNOWLEDGED, and the policy has no further step",
        T.NOTIFIES | T.PAGES | T.TURNING_POINT | T.COUNTED | T.WARNING,
        short="nobody acknowledged",
    ),
    R.STEPS_ENDED: Row("The policy has no further step.", "The policy has no further step"),
    R.NEXT_WAY: Row(
        "A person is notified by the next contact method.",
        "Next contact method[: {channels}]",
        T.NOTIFIES | T.PAGES,
    ),
    R.NOBODY_REACHED: Row(
        "A target has no recipient: nobody is on call, or no contact method applies.",
        "Nobody to notify[: {target}][, {why}]",
        T.OBSTACLE | T.COUNTED | T.WARNING,
    ),
    # Deployments
    R.SUSPECTED: Row("A deployment may have caused the incident.", "Suspect[: {suspect}]"),
    R.NOT_SUSPECTED: Row("A deployment of another service or time, or one that failed."),
    R.DEPLOYMENT_RECORDED: Row("A deployment was recorded."),
    R.DEPLOYMENT_ELSEWHERE: Row(
        "The deployment is of no service in the config.",
        refusal="no service under `deployments` is deployed by it",
        short="suspect deployment found",
    ),
    # Actions
    R.ACTION_REQUESTED: Row(
        "A person requested an action, or the undoing of one.",
        "Action requested[ by {by}][: #{number}][ {action}][ ({parameters})][, to undo #{undoes}]",
    ),
    R.ACTION_CHECKED: Row(
        "The dry run succeeded, and the action waits for approval.",
        "Dry run succeeded[: #{number}][ {action}] waits for approval",
    ),
    R.ACTION_CHECK_FAILED: Row(
        "The dry run failed or broke off, so the action can't be approved.",
        f"Dry run failed{_ABOUT}",
        T.ENDS_ACTION,
    ),
    R.ACTION_STARTED: Row(
        "A person approved the action, and it runs.",
        f"Action approved[ by {{by}}]{_ABOUT}",
    ),
    R.ACTION_CONFIRMED: Row(
        "A person did a step of a guide.",
        f"Step[ {{step}}] confirmed[ by {{by}}]{_ABOUT}[: {{text}}]",
    ),
    R.ACTION_DONE: Row("The action succeeded.", f"Action succeeded{_ABOUT}", T.ENDS_ACTION),
    R.ACTION_FAILED: Row("The action failed.", f"Action failed{_ABOUT}", T.ENDS_ACTION),
    R.ACTION_TIMED_OUT: Row(
        "The action was stopped by its time-out.",
        f"Action timed out{_ABOUT}",
        T.ENDS_ACTION,
    ),
    R.ACTION_MAY_HAVE_RUN: Row(
        "The router stopped during the action, or the result is unknown. It isn't run again.",
        f"Action may have run{_ABOUT}; it isn't run again automatically",
        T.ENDS_ACTION,
    ),
    R.ACTION_PRACTISED: Row(
        "A person approved the action in a drill, so it isn't run.",
        f"Action approved[ by {{by}}], and not run in a drill{_ABOUT}",
        T.ENDS_ACTION,
    ),
    R.ACTION_DECLINED: Row(
        "A person declined the action.",
        f"Action declined[ by {{by}}]{_ABOUT}[: {{text}}]",
        T.ENDS_ACTION,
    ),
    R.ACTION_EXPIRED: Row(
        "Nobody approved the action in time.",
        f"Action expired without approval{_ABOUT}",
        T.ENDS_ACTION | T.REFUSED,
        refusal="the request has expired: request it again",
    ),
    R.SECOND_PERSON_NEEDED: Row(
        "The person who requested the action can't approve it.",
        f"Approval refused[: {{by}} requested the action]{_ABOUT}",
        T.REFUSED,
        refusal="a person other than the one who requested it has to approve it",
    ),
    R.WRONG_CONFIRMATION: Row(
        "The typed words differ from those that the guide's step asks for.",
        f"Confirmation mistyped[ by {{by}}]{_ABOUT}",
        T.REFUSED,
        refusal="the typed words differ from those that the step asks for",
    ),
    R.ACTION_CHANGED: Row(
        "The action's config changed after the request: it would run something else.",
        f"Action's config changed since the request{_ABOUT}",
        T.REFUSED,
        refusal="the action's config changed since the request: request it again",
    ),
    R.ACTION_NOT_OFFERED: Row(
        "The incident's rule doesn't name the action, or there is nothing to undo.",
        traits=T.REFUSED,
        refusal="the incident's rule doesn't name this action, or there is nothing to undo",
    ),
    R.ACTION_NOT_WAITING: Row(
        "The request isn't in a state that allows this.",
        traits=T.REFUSED,
        refusal="the request isn't in a state that allows this",
    ),
    # Follow-up
    R.POSTMORTEM_DUE: Row(
        "The incident is over, and its severity needs a post-mortem.",
        "Post-mortem is due[ by {due}]",
        T.FOLLOW_UP,
    ),
    R.POSTMORTEM_REMINDED: Row(
        "The lead is reminded of the post-mortem.",
        "Reminder: the post-mortem is due[ by {due}][ (lead: {lead})]",
        T.FOLLOW_UP,
    ),
    R.POSTMORTEM_OVERDUE: Row(
        "The post-mortem is overdue.",
        "Post-mortem is overdue[ since {due}][ (lead: {lead})]",
        T.FOLLOW_UP,
    ),
    R.POSTMORTEM_WRITTEN: Row(
        "A person edited the post-mortem.",
        "Post-mortem edited[ by {by}]",
        T.FOLLOW_UP,
    ),
    R.POSTMORTEM_SHARED: Row(
        "A person shared the post-mortem: it is done.",
        "Post-mortem shared[ by {by}][: {text}]",
        T.FOLLOW_UP,
    ),
    R.ITEM_ADDED: Row(
        "A person added an action item.",
        f"Action item[ {{number}}] added[ by {{by}}]{_ITEM}",
        T.FOLLOW_UP,
    ),
    R.ITEM_CHANGED: Row(
        "A person changed or reopened an action item.",
        f"Action item[ {{number}}] changed[ by {{by}}]{_ITEM}",
        T.FOLLOW_UP,
    ),
    R.ITEM_DONE: Row(
        "A person completed an action item.",
        "Action item[ {number}] done[ (set by {by})][: {text}]",
        T.FOLLOW_UP,
    ),
    R.ITEM_REMINDED: Row(
        "The owner is reminded of an action item.",
        "Reminder: action item[ {number}] is due[ by {due}][: {text}][ ({owner})]",
        T.FOLLOW_UP,
    ),
    R.ITEM_OVERDUE: Row(
        "An action item is overdue.",
        "Action item[ {number}] is overdue[ since {due}][: {text}][ ({owner})]",
        T.FOLLOW_UP,
    ),
    # What happened to a message
    R.DELIVERED: Row(
        "The channel has the message.",
        "Message delivered[ to {channel}][, together with {with}]",
        _ARRIVED | T.PROOF,
    ),
    R.BUNDLED: Row(
        "The channel has the message, as a part of the message about another incident.",
        "Message delivered[ to {channel}][, in the message about {with}]",
        _ARRIVED,
    ),
    R.DELIVERY_RETRIED: Row(
        "The attempt failed, and the message will be tried again.",
        "Message will be tried again[ on {channel}][ (attempt {attempts})][: {error}]",
        _FAILED | T.PROOF,
    ),
    R.DELIVERY_UNCERTAIN: Row(
        "The message may have arrived, and is sent again.",
        "Message may have arrived[ on {channel}] and is sent again[: {error}]",
        _FAILED | T.PROOF,
    ),
    R.DELIVERY_FAILED: Row(
        "The message was given up.",
        "Message not delivered[ to {channel}][ (attempt {attempts})][: {error}]",
        _FAILED | T.PROOF | T.ERROR,
    ),
    R.FALLBACK: Row(
        "The policy's fallback channels are notified.",
        "Fallback[ for {channel}][: {channels}]",
        T.DELIVERY | T.NOTIFIES,
    ),
    R.RESENT: Row(
        "A person had the message sent again.",
        "Message sent again[ to {channel}][ by {by}]",
        T.DELIVERY | T.NOTIFIES | T.STAKEHOLDERS,
        short="sent again[ by {by}]",
    ),
    # Why a request had no effect
    R.ALREADY_DONE: Row(
        "The incident already was as requested.",
        "No change[ for {by}][ ({command})]: already done",
        T.NOTHING_DONE,
        reply="{name} is already acknowledged[ by {acknowledged_by}].",
    ),
    R.ALREADY_CLOSED: Row(
        "The incident was already closed.",
        "No change[ for {by}][ ({command})]: already closed",
        T.NOTHING_DONE | T.REFUSED,
        refusal="the incident is closed",
    ),
    R.UNKNOWN_INCIDENT: Row("No such incident.", traits=T.NO_EFFECT),
    R.TIMER_OUTDATED: Row("A deadline that no longer applies.", traits=T.NO_EFFECT),
    R.COMMAND_OUTDATED: Row(
        "The request was about the incident before it was reopened.",
        "No change[ for {by}][ ({command})]: the incident was reopened since",
        T.NOTHING_DONE,
        reply="{name} was reopened since: nothing done.",
    ),
    R.COMMAND_OVERTAKEN: Row(
        "A change at another service arrived late, after a newer one.",
        "No change[ for {by}][ ({command})]: a newer change arrived before",
        reply="{name} has a newer change: nothing done.",
    ),
    R.NOT_PUBLIC: Row(
        "A drill is never published.",
        "Not published[ for {by}]: a drill is never public",
        reply="{name} is a drill, which is never public.",
    ),
    R.NOT_RESOLVED: Row(
        "Customers are mailed only once the incident is resolved.",
        "Customers not mailed[ for {by}]: the incident isn't resolved",
        T.REFUSED,
        reply="{name} isn't resolved, so customers can't be mailed yet.",
        refusal="the incident isn't resolved",
    ),
    R.NO_CUSTOMERS: Row(
        "The config has no customers to mail.",
        "Customers not mailed[ for {by}]: no customers are configured",
        T.REFUSED,
        reply="No customers are configured (`communication`).",
        refusal="no customers are configured",
    ),
    R.NOT_MERGED: Row(
        "The incident can't be merged into that one.",
        "Not merged[ into {other}][ for {by}][: {why}]",
        T.REFUSED,
        reply="{name} can't be merged into that incident: nothing done.",
        refusal="the incident can't be merged into that one",
    ),
    R.NOT_LINKED: Row(
        "The incident can't be linked with that one.",
        "Not linked[ with {other}][ for {by}][: {why}]",
        T.REFUSED,
        reply="{name} can't be linked with that incident: nothing done.",
        refusal="the incident can't be linked with that one",
    ),
    R.ANOTHER_OPEN: Row(
        "The incident can't be reopened: another one with the same key is open.",
        "Not reopened[ for {by}]: another incident with this key is open[ ({other})]",
        T.REFUSED,
        reply="Another incident with the key of {name} is open: nothing done.",
        refusal="another incident with the same key is open",
    ),
    R.SILENCES_CHANGED: Row("Silences changed, so muted alerts are checked again."),
    R.STILL_OPEN: Row(
        "The incident is still open, so there is nothing to share.", traits=T.NO_EFFECT
    ),
    R.UNKNOWN_ITEM: Row("The incident has no such action item.", traits=T.NO_EFFECT),
}
