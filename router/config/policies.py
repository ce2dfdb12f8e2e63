"""Checks of severities and policies, which are decoded straight into the core's structs."""

from router.config.convert import Context, Trail
from router.core.incident.policy import Policy, Repeat, SeverityPlan, Step, Target
from router.core.oncall.business_hours import NextBusinessDay
from router.core.text.template import mistyped
from router.model.incident import Severity

SHORTEST = 60.0
"""Minimum seconds between two repeats, to leave time to answer."""


def parse_target(text: str) -> Target:
    """Raises: ValueError."""
    match text.partition(":"):
        case ("channel", ":", name) if name and ":" not in name:
            return Target(name)
        case ("contact" | "role" | "schedule", ":", name) if name:
            return Target(text)
    raise ValueError(
        f"expected channel:NAME, contact:NAME, role:NAME or schedule:NAME, found '{text}'"
    )


def check_policies(context: Context) -> None:
    """Report steps and policies that notify nobody, and promotions without effect."""
    for trail, step in context.all_of(Step):
        if not step.notify:
            context.report(context.place_of(trail), "notify is empty: the step would notify nobody")
        for name in mistyped(step.when) if step.when else ():
            place = context.place_of((*trail, "when"))
            context.warn(place, f"{name} is a text: compare it with one, as in {name} == 'true'")
    for trail, repeat in context.all_of(Repeat):
        if repeat.every < SHORTEST or repeat.times < 1:
            context.report(
                context.place_of(trail),
                f"expected to repeat at least once, and every {SHORTEST:.0f}s or less often",
            )
    for trail, policy in context.all_of(Policy):
        if not policy.steps:
            context.report(
                context.place_of(trail),
                "steps is empty: the policy would notify nobody. "
                "A channel of type console writes to the log",
            )
        _check_promotion(trail, policy, context)


def _check_promotion(trail: Trail, policy: Policy, context: Context) -> None:
    """Check that `promote` raises at least one of the severities with this policy."""
    if policy.promote is None:
        return
    to = policy.promote.to
    plans = {trail: plan.policy for trail, plan in context.all_of(SeverityPlan)}
    users = [
        severity
        for severity in Severity
        if plans.get(("severities", severity.value)) == policy.name
    ]
    useless = [severity for severity in users if not to.worse_than(severity)]
    place = context.place_of((*trail, "promote", "to"))
    names = ", ".join(useless)
    message = f"policy '{policy.name}' promotes to {to}, which isn't more severe than {names}"
    if useless == users and users:
        context.report(place, f"{message}: the incident would keep its severity")
    elif useless:
        context.warn(place, f"{message}: those incidents keep their severity")


def in_order(policy: Policy) -> tuple[Step, ...]:
    """The steps in order of time. Steps on the next business day come after all delays in hours."""
    return tuple(sorted(policy.steps, key=_order))


def _order(step: Step) -> tuple[bool, float]:
    if isinstance(step.after, NextBusinessDay):
        return True, step.after.minute or 0.0
    return False, step.after
