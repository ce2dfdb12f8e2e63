"""The rules as the routes of an Alertmanager configuration.

Only matchers are translated. Rules for other kinds of sources are left out, and the receiver of a
rule with several severities is the policy of the worst one.
"""

from collections.abc import Collection, Sequence
from typing import Any

from router.core.incident.settings import Settings
from router.core.rules.matcher import Matcher
from router.core.rules.rule import Rule
from router.model.incident import Severity

NOBODY = "none"
"""The receiver of rules that open no incident."""


def configuration(settings: Settings, sources: Collection[str]) -> dict[str, Any]:
    """The configuration as plain values; `sources` are the sources of labelled alerts, by name."""
    default = settings.rules.default
    inhibitions = [inhibition for inhibition in settings.inhibitions if not inhibition.rule]
    routes = [
        _route(rule, settings) | {"matchers": _texts(rule.matchers), "continue": rule.continues}
        for rule in settings.rules.rules
        if any(map(rule.is_from, sources))
    ]
    quiet = [NOBODY] if any(route["receiver"] == NOBODY for route in routes) else []
    return {
        "route": _route(default, settings) | {"routes": routes},
        "inhibit_rules": [
            {
                "source_matchers": _texts(inhibition.source),
                "target_matchers": _texts(inhibition.target),
                "equal": list(inhibition.equal),
            }
            for inhibition in inhibitions
        ],
        "receivers": [{"name": str(name)} for name in (*settings.policies, *quiet)],
    }


def _route(rule: Rule, settings: Settings) -> dict[str, Any]:
    opens = not rule.ignores and not rule.heartbeat
    receiver = str(settings.policy(_worst(rule), rule.name).name) if opens else NOBODY
    return {"receiver": receiver, "group_by": list(rule.group_by)}


def _worst(rule: Rule) -> Severity:
    if rule.severity_from is not None:
        return min((*rule.severity_from.map.values(), rule.severity))
    return rule.thresholds[0][0] if rule.thresholds else rule.severity


def _texts(matchers: Sequence[Matcher]) -> list[str]:
    return [str(matcher) for matcher in matchers]
