"""What the core is told by the config."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from router.core.deployments.suspect import Deploys
from router.core.incident.action_binding import ActionPlan
from router.core.incident.policy import Policy, SeverityPlan
from router.core.incident.postmortem_plan import PostMortemPlan
from router.core.messages.templates import Wording
from router.core.oncall.business_hours import Calendar
from router.core.oncall.recipients import People
from router.core.rules.heartbeat import Heartbeat
from router.core.rules.rule import RuleSet
from router.core.suppression.inhibition import Inhibition
from router.core.suppression.recurring_silence import RecurringSilence
from router.model.incident import Incident, Severity
from router.model.scalars import Key

_NO_PLAN = SeverityPlan("")
_NO_POLICY = Policy(Key(""), ())


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that decisions depend on beside what happened. Lengths of time are in seconds.

    `reopen_within`: an alert that returns this soon reopens its incident instead of opening
    another. `fallback_after`: a message that is this late is also owed to the policy's fallback
    channels. `give_up_after`: a message that is this late is dead-lettered. `people`: whom the
    targets of policies mean. `actions`: what may be run against an incident, by name, where its
    rule names it. `calendar`: when the company's business days are. `heartbeats`: what has to come
    again and again, by name. `deployments`: those that may have caused an incident, and how that's
    judged. `silences`, `inhibitions`: which alerts are kept quiet. `postmortems`: which incidents
    need one, by when, and whom it concerns. `edited`: the channels whose message is edited in
    place, which therefore hear of every change. `destinations`: for each address (`sms/ana`), a
    digest of the number, account or URL that it stands for. `rings`: the channels that keep silent
    about what somebody has answered. `wording`: how what is said is worded. `public`: the channels
    that show the public what is published, and hear of nothing else. `customers`: the channels that
    mail customers what is announced, and nothing else.
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
    rings: frozenset[str] = frozenset()
    actions: Mapping[str, ActionPlan] = field(default_factory=dict)
    public: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()
    wording: Wording = field(default_factory=Wording)
    deployments: Deploys = field(default_factory=Deploys)
    destinations: Mapping[str, str] = field(default_factory=dict)
    reopen_within: float = 600.0
    fallback_after: float = 120.0
    give_up_after: float = 86_400.0

    def plan_of(self, incident: Incident) -> SeverityPlan:
        """What is promised for the incident; nothing for a canary."""
        return _NO_PLAN if incident.canary else self.severities[incident.severity]

    def policy_of(self, incident: Incident) -> Policy:
        """What is done about the incident over time; nothing about a canary."""
        return _NO_POLICY if incident.canary else self.policy(incident.severity)

    def policy(self, severity: Severity) -> Policy:
        return self.policies[self.severities[severity].policy]

    def keeps_quiet(self, at: float) -> bool:
        """Is there anything that could keep an alert quiet at `at`?"""
        return bool(self.inhibitions) or any(
            silence.when.is_active(at) for silence in self.silences
        )

    def is_inhibitor(self, incident: Incident) -> bool:
        """May the incident, while it's open, keep alerts quiet?"""
        return any(inhibition.is_source(incident) for inhibition in self.inhibitions)
