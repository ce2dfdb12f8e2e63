"""The columns of the table of reasons."""

from enum import Flag, auto

from msgspec import Struct


class Trait(Flag):
    """A yes-or-no property of a reason."""

    # Who is notified
    NOTIFIES = auto()
    """Explains why a person is paged, and not only informed."""
    PAGES = auto()
    """Sent only to those recipients who are asked to act."""
    STAKEHOLDERS = auto()
    """Sent to stakeholders, too."""
    LOUD = auto()
    """Also announced in the channel, because people might miss an edit or a thread reply."""
    OBSTACLE = auto()
    """May explain why somebody was not paged."""
    TURNING_POINT = auto()
    """Changes who has to act, so that `explain` shows it at the end."""

    # Alerts
    ALERT_ENTERS = auto()
    """Brings an alert into an incident."""
    SUPPRESSIBLE = auto()
    """Suppressed while the alert is muted."""
    MUTES = auto()
    """Mutes an alert, or the pages of an incident."""
    UNMEASURED = auto()
    """The severity is the lowest only because the right severity is unknown."""
    DROPPED = auto()
    """A report of an alert that has no effect, although it isn't a repeat."""
    HELD = auto()
    """The same firing continues after a person closed its incident."""
    NO_EFFECT = auto()
    """Changes nothing that a replay needs, so the history leaves it out."""

    # The life of an incident
    STARTS_POLICY = auto()
    """Starts the policy from its first step."""
    STARTS_REPEAT = auto()
    """Starts the wait until the policy repeats."""
    SKIPS_STEP = auto()
    """Reports that a step of the policy was skipped."""
    WAITS = auto()
    """Starts the wait for an acknowledgement."""
    ANSWERS = auto()
    """Ends the wait for an acknowledgement."""
    ENDS = auto()
    """Closes the incident."""
    ENDS_BY_PERSON = auto()
    """Closes the incident by a person's decision."""
    FOLLOW_UP = auto()
    """The post-mortem and its action items."""
    COUNTED = auto()
    """Has its own metric."""

    # Actions
    ENDS_ACTION = auto()
    """The last state of a request for an action."""

    # Deliveries
    DELIVERY = auto()
    """About the delivery of a message, which readers of messages don't need to know."""
    ATTEMPT = auto()
    """The result of an attempt to deliver a message."""
    ARRIVED = auto()
    """The message arrived."""
    FAILED = auto()
    """The message did not arrive, or may not have."""
    PROOF = auto()
    """Shows whether a channel works."""

    # Replies and logs
    REFUSED = auto()
    """A request that was refused: HTTP 409, with the refusal as its text."""
    NOTHING_DONE = auto()
    """A request that changed nothing."""
    SHOWN = auto()
    """The edited message shows the outcome, so a reply would repeat it."""
    TAKEN = auto()
    """Reports that the note of a form was accepted."""
    UNLOGGED = auto()
    """Not logged, because it's too frequent. The timeline has it."""
    WARNING = auto()
    """Logged as a warning."""
    ERROR = auto()
    """Logged as an error: an operator has to act."""


class Row(Struct, frozen=True):
    """One reason.

    means: for `alert-router reasons`.
    timeline: the sentence on a timeline. `{name}` is a value of the entry's data. A part in
        brackets is left out if its value is missing. "" if the reason isn't on timelines.
    reply: the answer to the person who sent the command, with fields of the incident; "" for the
        incident's state.
    refusal: why a request was refused or an alert opens nothing, as a part of a sentence.
    short: a few words for a text message or a call.
    event: the `type` of a webhook event.
    """

    means: str
    timeline: str = ""
    traits: Trait = Trait(0)
    reply: str = ""
    refusal: str = ""
    short: str = ""
    event: str = "incident.updated"
