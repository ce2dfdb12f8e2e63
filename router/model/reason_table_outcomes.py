"""Rows of the reasons about messages, and about requests without effect: see `reason_table`."""

from router.model.reason import Reason as R  # noqa: N817 - the table's first column
from router.model.reason_row import Row
from router.model.reason_row import Trait as T  # noqa: N817

_ATTEMPT = T.DELIVERY | T.ATTEMPT
_ARRIVED = _ATTEMPT | T.ARRIVED | T.UNLOGGED
_FAILED = _ATTEMPT | T.FAILED | T.OBSTACLE

OUTCOMES: dict[R, Row] = {
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
        "Fallback[ for {channel}][: {channels}][; later, unless acknowledged: {later}]",
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
