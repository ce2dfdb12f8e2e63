"""The named reasons: one word for each decision of the core.

`explain`, the timeline, the outbox and the metrics share them. `reason_table` has their properties.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why the core did or didn't do something.

    Stored history, rule tests and clients may still use former names: see `_missing_`.
    """

    # Results of a rule
    MATCHED = "matched"
    SOURCE_DIFFERS = "source_differs"
    MATCHER_FAILED = "matcher_failed"
    TAKEN_BEFORE = "taken_before"
    VALUE_UNREADABLE = "value_unreadable"
    ABOVE_THRESHOLD = "above_threshold"
    WITHIN_HYSTERESIS = "within_hysteresis"
    BELOW_THRESHOLD = "below_threshold"
    SEVERITY_MAPPED = "severity_mapped"
    SEVERITY_UNMAPPED = "severity_unmapped"
    HEARTBEAT = "heartbeat"
    IGNORED = "ignored"

    # What happened to an alert
    OPENED = "opened"
    JOINED = "joined"
    REPEATED = "repeated"
    CHANGED = "changed"
    CLEARED = "cleared"
    NEVER_FIRED = "never_fired"
    REPLAYED = "replayed"
    HELD_RESOLVED = "held_resolved"
    HELD_FALSE_POSITIVE = "held_false_positive"
    RULES_CHANGED = "rules_changed"
    SILENCED = "silenced"
    INHIBITED = "inhibited"
    LATE_RESOLVE = "late_resolve"
    LATE_FIRING = "late_firing"
    MOVED = "moved"
    STALE = "stale"
    TIMED_OUT = "timed_out"
    REPORTED_AGAIN = "reported_again"

    # What happened to an incident
    SEVERITY_RAISED = "severity_raised"
    SEVERITY_LOWERED = "severity_lowered"
    SEVERITY_SET = "severity_set"
    PROMOTED = "promoted"
    STATUS_SET = "status_set"
    ASSIGNED = "assigned"
    ROLE_SET = "role_set"
    PUBLISHED = "published"
    ANNOUNCED = "announced"
    UPDATE_OVERDUE = "update_overdue"
    RESPONSE_OVERDUE = "response_overdue"
    QUIET = "quiet"
    FLAPPING = "flapping"
    SETTLED = "settled"
    RESOLVED = "resolved"
    RESOLVED_BY_PERSON = "resolved_by_person"
    FALSE_POSITIVE = "false_positive"
    REOPENED = "reopened"
    REOPENED_BY_PERSON = "reopened_by_person"
    MERGED = "merged"
    ABSORBED = "absorbed"
    LINKED = "linked"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    SNOOZED = "snoozed"
    SNOOZE_ENDED = "snooze_ended"
    ESCALATED = "escalated"
    JUST_ESCALATED = "just_escalated"
    NOTED = "noted"
    STEP_DUE = "step_due"
    STEP_SKIPPED = "step_skipped"
    CONDITION_FAILED = "condition_failed"
    STEPS_REPEATED = "steps_repeated"
    UNANSWERED = "unanswered"
    STEPS_ENDED = "steps_ended"
    NEXT_METHOD = "next_method"
    NOBODY_REACHED = "nobody_reached"

    # Deployments
    SUSPECTED = "suspected"
    NOT_SUSPECTED = "not_suspected"
    DEPLOYMENT_RECORDED = "deployment_recorded"
    DEPLOYMENT_ELSEWHERE = "deployment_elsewhere"

    # Actions
    ACTION_REQUESTED = "action_requested"
    ACTION_CHECKED = "action_checked"
    ACTION_CHECK_FAILED = "action_check_failed"
    ACTION_STARTED = "action_started"
    ACTION_CONFIRMED = "action_confirmed"
    ACTION_DONE = "action_done"
    ACTION_FAILED = "action_failed"
    ACTION_TIMED_OUT = "action_timed_out"
    ACTION_MAY_HAVE_RUN = "action_may_have_run"
    ACTION_PRACTISED = "action_practised"
    ACTION_DECLINED = "action_declined"
    ACTION_EXPIRED = "action_expired"
    SECOND_PERSON_NEEDED = "second_person_needed"
    WRONG_CONFIRMATION = "wrong_confirmation"
    ACTION_CHANGED = "action_changed"
    ACTION_NOT_OFFERED = "action_not_offered"
    ACTION_NOT_WAITING = "action_not_waiting"

    # Follow-up
    POSTMORTEM_DUE = "postmortem_due"
    POSTMORTEM_REMINDED = "postmortem_reminded"
    POSTMORTEM_OVERDUE = "postmortem_overdue"
    POSTMORTEM_WRITTEN = "postmortem_written"
    POSTMORTEM_SHARED = "postmortem_shared"
    POSTMORTEM_WAIVED = "postmortem_waived"
    ITEM_ADDED = "item_added"
    ITEM_CHANGED = "item_changed"
    ITEM_DONE = "item_done"
    ITEM_REMINDED = "item_reminded"
    ITEM_OVERDUE = "item_overdue"

    # What happened to a message
    DELIVERED = "delivered"
    BUNDLED = "bundled"
    DELIVERY_RETRIED = "delivery_retried"
    DELIVERY_UNCERTAIN = "delivery_uncertain"
    DELIVERY_FAILED = "delivery_failed"
    FALLBACK = "fallback"
    RESENT = "resent"

    # Why an event had no effect
    ALREADY_DONE = "already_done"
    ALREADY_CLOSED = "already_closed"
    UNKNOWN_INCIDENT = "unknown_incident"
    TIMER_OUTDATED = "timer_outdated"
    COMMAND_OUTDATED = "command_outdated"
    COMMAND_OVERTAKEN = "command_overtaken"
    NOT_PUBLIC = "not_public"
    NOT_RESOLVED = "not_resolved"
    NO_CUSTOMERS = "no_customers"
    NOT_MERGED = "not_merged"
    NOT_LINKED = "not_linked"
    ANOTHER_OPEN = "another_open"
    SILENCES_CHANGED = "silences_changed"
    STILL_OPEN = "still_open"
    UNKNOWN_ITEM = "unknown_item"

    @classmethod
    def _missing_(cls, value: object) -> "Reason | None":
        return {"told_again": cls.STEPS_REPEATED, "next_way": cls.NEXT_METHOD}.get(str(value))
