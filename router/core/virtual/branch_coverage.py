"""Branch coverage: the branches of rules and policies that the tests took."""

from collections.abc import Collection, Iterator
from enum import StrEnum

from msgspec import Struct

from router.core.incident.settings import Settings
from router.core.incident.snapshot import Writes
from router.core.oncall.business_hours import written
from router.core.text.units import duration
from router.core.virtual.router import VirtualRouter
from router.model.incident import Incident, Severity
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having

SKIPPED = having(Trait.SKIPS_STEP)


class BranchKind(StrEnum):
    RULE = "rule"
    TIER = "tier"
    STEP = "step"
    FALLBACK = "fallback"
    REPEAT = "repeat"
    PROMOTION = "promotion"


_OF_POLICY = {
    Reason.FALLBACK: BranchKind.FALLBACK,
    Reason.STEPS_REPEATED: BranchKind.REPEAT,
    Reason.PROMOTED: BranchKind.PROMOTION,
}
"""The timeline entries that show which branch of a policy was taken."""


class Branch(Struct, frozen=True):
    """A branch: a rule or one of its severity tiers, or a part of a policy; steps count from 1."""

    kind: BranchKind
    name: str
    part: str = ""


class Coverage:
    """The branches of some settings, and those that were taken.

    Pass `watch` to `play`, any number of times.
    """

    def __init__(self, settings: Settings) -> None:
        self.taken: set[Branch] = set()
        self.branches = dict(_branches(settings))
        self._settings = settings

    @property
    def missed(self) -> list[str]:
        """A sentence for each branch that was not taken, in the order of rules and policies."""
        return [
            f"{words} is never tested"
            for branch, words in self.branches.items()
            if branch not in self.taken
        ]

    @property
    def ratio(self) -> float:
        """The share of branches that were taken, from 0 to 1."""
        return len(self.taken & self.branches.keys()) / len(self.branches)

    def watch(self, router: VirtualRouter, changes: Writes) -> None:
        """Record the branches behind these changes, before they are stored."""
        for rule_match, _ in changes.rule_matches.values():
            self.taken.add(Branch(BranchKind.RULE, rule_match.rule))
            if rule_match.severity is not None:
                self.taken.add(Branch(BranchKind.TIER, rule_match.rule, rule_match.severity))
        skipped = {
            (e.incident_id, e.data.get("step")) for e in changes.entries if e.what in SKIPPED
        }
        for incident in changes.incidents.values():
            self._steps(router.memory.incidents.get(incident.id), incident, skipped)
        for entry in changes.entries:
            if kind := _OF_POLICY.get(entry.what):
                incident = changes.incidents[entry.incident_id]
                severity = entry.data.get("from", incident.severity)
                policy = self._settings.policy(severity, incident.rule)
                self.taken.add(Branch(kind, policy.name))

    def _steps(
        self, before: Incident | None, after: Incident, skipped: Collection[tuple[int, int | None]]
    ) -> None:
        goes_on = before and (before.severity, before.reopened) == (after.severity, after.reopened)
        first = before.step if before and goes_on else 0
        for step in range(first + 1, after.step + 1):
            if (after.id, step) not in skipped:
                policy = self._settings.policy(after.severity, after.rule)
                self.taken.add(Branch(BranchKind.STEP, policy.name, str(step)))


def _branches(settings: Settings) -> Iterator[tuple[Branch, str]]:
    rules = settings.rules
    for rule in (*rules.rules, rules.default):
        yield Branch(BranchKind.RULE, rule.name), f"rule {rule.name}"
        for severity, threshold in rule.thresholds:
            yield (
                Branch(BranchKind.TIER, rule.name, severity),
                f"the {severity} tier of {rule.name} ({threshold.text})",
            )
    own = [rule.policy for rule in (*rules.rules, rules.default) if rule.policy]
    of_severities = [settings.severities[severity].policy for severity in Severity]
    for name in dict.fromkeys((*of_severities, *own)):
        policy = settings.policies[name]
        for number, step in enumerate(policy.steps, 1):
            when = f"after {written(step.after)}" if step.after else "at once"
            yield (
                Branch(BranchKind.STEP, name, str(number)),
                f"step {number} of policy {name} ({when})",
            )
        if policy.fallback:
            yield Branch(BranchKind.FALLBACK, name), f"the fallback of policy {name}"
        if policy.repeat:
            yield (
                Branch(BranchKind.REPEAT, name),
                f"the repeat of policy {name} (every {duration(policy.repeat.every)})",
            )
        if policy.promote:
            to, when = policy.promote.to, duration(policy.promote.after)
            yield (
                Branch(BranchKind.PROMOTION, name),
                f"the promotion of policy {name} (to {to} after {when})",
            )
