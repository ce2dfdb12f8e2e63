"""The settings that decisions depend on, made from the config."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from router.core.deployments.suspect import Deploys
from router.core.incident.action_binding import ActionPlan
from router.core.incident.policy import Policy, SeverityPlan
from router.core.incident.postmortem_plan import PostMortemPlan
from router.core.messages.templates import Wording
from router.core.oncall.business_hours import Calendar
from router.core.oncall.recipients import People
from router.core.outbox.rate_limit import Limit
from router.core.rules.heartbeat import Heartbeat
from router.core.rules.rule import Rule, RuleSet
from router.core.suppression.inhibition import Inhibition
from router.core.suppression.mute_index import MuteIndex
from router.core.suppression.recurring_silence import RecurringSilence
from router.model.alert import Alert, RuleMatch
from router.model.incident import Incident, Severity
from router.model.notification import person_of
from router.model.scalars import Key

INTERVALS = 4
"""The default: an alert is stale after this many observed repeat intervals without a report."""

AT_LEAST = 18_000.0
"""Minimum seconds of this default.

Alertmanager repeats every 4 hours, and more often while a group changes.
"""

_NO_PLAN = SeverityPlan("")
_NO_POLICY = Policy(Key(""), ())


@dataclass(frozen=True, slots=True)
class Settings:
    """All inputs of decisions other than events and stored data. Lengths of time are in seconds.

    people: the recipients behind the targets of policies.
    calendar: the company's business days.
    heartbeats: the signals expected at intervals, by name.
    silences, inhibitions: conditions that mute alerts; `mutes` is an index over them.
    postmortems: incidents that need one, due times, and recipients.
    edited: the channels whose message is edited in place, which therefore get every change.
    paging: the paging channels, which stay silent about answered incidents.
    actions: the actions that rules may offer for their incidents, by name.
    public: the channels that show published updates to the public, and get nothing else.
    throttles: the rate limits of channels.
    customers: the channels that mail announcements to customers, and nothing else.
    wording: the templates of messages.
    deployments: possible causes of incidents, and the criteria for a suspect.
    destinations: for each address (`sms/ana`), a digest of its number, account or URL.
    reopen_within: an alert that returns this soon reopens its incident.
    fallback_after: a message that is this late is also sent to the policy's fallback channels.
    give_up_after: a message that is this late is dead-lettered.
    expire_after: how long the alerts of a source, by its name, may go without a report.
    resumed_at: when the router started (UTC seconds). Before that no report could arrive.
    """

    rules: RuleSet
    severities: Mapping[Severity, SeverityPlan]
    policies: Mapping[str, Policy]
    people: People = field(default_factory=People)
    calendar: Calendar = field(default_factory=Calendar)
    heartbeats: Mapping[str, Heartbeat] = field(default_factory=dict)
    silences: tuple[RecurringSilence, ...] = ()
    inhibitions: tuple[Inhibition, ...] = ()
    postmortems: PostMortemPlan = field(default_factory=PostMortemPlan)
    edited: frozenset[str] = frozenset()
    paging: frozenset[str] = frozenset()
    actions: Mapping[str, ActionPlan] = field(default_factory=dict)
    public: tuple[str, ...] = ()
    throttles: Mapping[str, Limit] = field(default_factory=dict)
    customers: tuple[str, ...] = ()
    wording: Wording = field(default_factory=Wording)
    deployments: Deploys = field(default_factory=Deploys)
    destinations: Mapping[str, str] = field(default_factory=dict)
    reopen_within: float = 600.0
    fallback_after: float = 120.0
    give_up_after: float = 86_400.0
    expire_after: Mapping[str, float] = field(default_factory=dict)
    resumed_at: float = 0.0
    mutes: MuteIndex = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "mutes", MuteIndex(self.silences, self.inhibitions))

    def limit_of(self, address: str) -> Limit | None:
        """The rate limit of an address, a channel's or a person's; None if it has none."""
        if person := person_of(address):
            return self.people.limits.get(person)
        return self.throttles.get(address)

    def plan_of(self, incident: Incident) -> SeverityPlan:
        """The promises of the incident's severity; none for a canary."""
        return _NO_PLAN if incident.canary else self.severities[incident.severity]

    def policy_of(self, incident: Incident) -> Policy:
        """The policy of the incident's rule or severity; an empty one for a canary."""
        return _NO_POLICY if incident.canary else self.policy(incident.severity, incident.rule)

    def policy(self, severity: Severity, rule: str = "") -> Policy:
        """The policy of the rule with that name if it has one, else of the severity."""
        return self.policies[self.rules.named(rule).policy or self.severities[severity].policy]

    def stale_at(self, rule: Rule, alert: Alert, rule_match: RuleMatch) -> float | None:
        """The time at which the alert is stale unless it is reported; None if there's no limit.

        An alert with a lifetime ends by itself (`router.core.incident.timeout`).
        """
        if alert.lifetime:
            return None
        after, gap = rule.expire_after, rule_match.longest_gap
        if after is None:
            after = self.expire_after.get(alert.source)
        if after is None and gap > 0 and not (alert.event_id or alert.by or alert.is_drill):
            after = max(AT_LEAST, INTERVALS * gap)
        return None if after is None else rule_match.last_seen + after

    def may_mute(self, at: float) -> bool:
        """Check if anything could mute an alert at `at` (UTC seconds)."""
        return bool(self.inhibitions) or any(
            silence.when.is_active(at) for silence in self.silences
        )

    def is_inhibitor(self, incident: Incident) -> bool:
        """Check if the incident may mute alerts while it's open."""
        return bool(self.inhibitions) and bool(self.mutes.sourced_by(incident))
