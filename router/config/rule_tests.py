"""The format of a file of rule tests, before it is checked against the config."""

from typing import NewType

from msgspec import Struct
from msgspec.structs import replace

from router.config.shapes import Hooks
from router.config.times import parse_moment
from router.core.virtual.scenario import Failing
from router.model.alert import AlertStatus
from router.model.event import Command
from router.model.incident import Severity, Status
from router.model.reason import Reason
from router.model.scalars import Duration, Moment, TimeZone

START = Moment(parse_moment("2026-01-05 09:00"))
"""The default start of a test: a Monday morning, far from any change of the clocks."""

Recipient = NewType("Recipient", str)
"""The recipient of a message: a channel (`log`, `channel:log`) or a person (`contact:ana`).

A person over one contact method is `text/ana`.
"""


class ShownAlert(Struct, frozen=True, kw_only=True):
    """An alert that a source reports.

    `times` is the number of events, for a source like Sentry, which reports events.
    """

    labels: dict[str, str]
    annotations: dict[str, str] = {}
    status: AlertStatus = AlertStatus.FIRING
    times: int = 0


class TimelineStep(Struct, frozen=True, kw_only=True):
    """Events at a time, after its timers: alerts, a webhook, a command, or failing channels."""

    at: Duration
    alerts: list[ShownAlert] = []
    payload: str = ""
    source: str = "alertmanager"
    resource: str = "event_alert"
    do: Command | None = None
    by: str = "somebody"
    incident: int | None = None
    text: str = ""
    severity: Severity | None = None
    status: Status | None = None
    title: str = ""
    fails: dict[str, Failing] = {}
    works: list[str] = []

    def __post_init__(self) -> None:
        if not (self.alerts or self.payload or self.do or self.fails or self.works):
            raise ValueError(
                "nothing happens in this step: give it alerts, payload, do, fails or works"
            )
        if (self.do is Command.SEVERITY) != (self.severity is not None):
            raise ValueError("`do: severity` needs `severity`, and nothing else allows it")
        if (self.do is Command.STATUS) != (self.status is not None):
            raise ValueError("`do: status` needs `status`, and nothing else allows it")
        if (self.do is Command.ASSIGN) > bool(self.text):
            raise ValueError("`do: assign` needs the lead as `text`")


class ExpectedMessage(Struct, frozen=True, kw_only=True):
    """Messages that must arrive at a time, or up to `within` later, one for each of `to`."""

    at: Duration
    to: list[Recipient]
    within: Duration = Duration(0.0)
    reason: Reason | None = None
    severity: Severity | None = None
    title: str | None = None


class ExpectedIncident(Struct, frozen=True, kw_only=True):
    """An incident that must exist at a time, or at the end.

    All incidents of that time must be listed.
    """

    at: Duration | None = None
    rule: str | None = None
    key: str | None = None
    severity: Severity | None = None
    status: Status | None = None
    title: str | None = None
    acknowledged_by: str | None = None
    lead: str | None = None
    firing: int | None = None
    reopened: int | None = None


class ExpectedReason(Struct, frozen=True, kw_only=True):
    """A decision that must have been made at a time."""

    at: Duration
    reason: Reason


class Expected(Struct, frozen=True, kw_only=True):
    """The expected results.

    Any message that is not listed fails the test; incidents are compared only if some are listed.
    """

    notified: list[ExpectedMessage] = []
    incidents: list[ExpectedIncident] | None = None
    reasons: list[ExpectedReason] = []


class RuleTest(Struct, frozen=True, kw_only=True):
    """One test: events in virtual time, and the expected results.

    It ends at `until`, or at the last time in it.
    """

    name: str
    timeline: list[TimelineStep]
    expect: Expected
    start: Moment = START
    time_zone: TimeZone | None = None
    until: Duration | None = None


class RuleTests(Struct, frozen=True, kw_only=True):
    """A file of tests of the rules and policies in a config."""

    tests: list[RuleTest]


def parse_recipient(text: str) -> Recipient:
    """Raises: ValueError."""
    kind, colon, name = text.partition(":")
    if colon and (kind not in {"channel", "contact"} or not name):
        raise ValueError(f"expected a channel, contact:NAME or CHANNEL/NAME, found '{text}'")
    return Recipient(name if kind == "channel" and colon else text)


def hooks(config_hooks: Hooks) -> Hooks:
    """The hooks of the config, and those for parts that only tests have."""
    return replace(config_hooks, parsers={**config_hooks.parsers, Recipient: parse_recipient})
