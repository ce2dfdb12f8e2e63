"""The rules as the routes of an Alertmanager configuration.

Only matchers are translated: a rule for sources of another kind is left out, and the receiver of a
rule with several severities is the policy of the worst.
"""

from collections.abc import Collection, Sequence
from typing import Any

from router.core.incident.settings import Settings
from router.core.rules.matcher import Matcher
from router.core.rules.rule import Rule
from router.model.incident import Severity


def configuration(settings: Settings, sources: Collection[str]) -> dict[str, Any]:
    """The configuration as plain values; `sources` are the sources of labelled alerts, by name."""
    default = settings.rules.default
    inhibitions = [one for one in settings.inhibitions if not one.rule]
    return {
        "route": _route(default, settings)
        | {
            "routes": [
                _route(rule, settings)
                | {"matchers": _texts(rule.matchers), "continue": rule.continues}
                for rule in settings.rules.rules
                if any(map(rule.is_from, sources))
            ]
        },
        "inhibit_rules": [
            {
                "source_matchers": _texts(one.source),
                "target_matchers": _texts(one.target),
                "equal": list(one.equal),
            }
            for one in inhibitions
        ],
        "receivers": [{"name": str(name)} for name in settings.policies],
    }


def _route(rule: Rule, settings: Settings) -> dict[str, Any]:
    policy = settings.policy(_worst(rule), rule.name)
    return {"receiver": str(policy.name), "group_by": list(rule.group_by)}


def _worst(rule: Rule) -> Severity:
    if rule.severity_from is not None:
        return min((*rule.severity_from.map.values(), rule.severity))
    return rule.thresholds[0][0] if rule.thresholds else rule.severity


def _texts(matchers: Sequence[Matcher]) -> list[str]:
    return [str(matcher) for matcher in matchers]
