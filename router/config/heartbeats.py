"""Rules that are generated from the heartbeats in the config.

There are two rules for each heartbeat. The first, tried before all others, matches the beat's alert
and opens no incident. The last, tried after all others, sets the severity of a missed heartbeat, if
no rule in the files matches it.
"""

import re
from collections.abc import Mapping

from msgspec.structs import replace

from router.config.config_file import HeartbeatConfig
from router.config.convert import Context
from router.core.rules.heartbeat import SOURCE, Heartbeat
from router.core.rules.matcher import Matcher, MatchOp
from router.core.rules.rule import Rule
from router.core.text.template import Template

RULE = "heartbeat:"
"""The prefix of the names of these rules, reserved for them."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


def heartbeats(configs: Mapping[str, HeartbeatConfig], time_zone: str) -> dict[str, Heartbeat]:
    """Convert to the core's settings, by name. `time_zone`: the company's."""
    return {name: replace(heartbeat, company_zone=time_zone) for name, heartbeat in configs.items()}


def first_rules(configs: Mapping[str, HeartbeatConfig], summary: Template) -> list[Rule]:
    """The rules that match beats."""
    return [
        Rule(
            f"{RULE}{name}",
            (),
            summary,
            0.0,
            heartbeat.matchers,
            origin=f"heartbeats.{name}",
            heartbeat=name,
        )
        for name, heartbeat in configs.items()
        if heartbeat.matchers
    ]


def last_rules(configs: Mapping[str, HeartbeatConfig], summary: Template) -> list[Rule]:
    """The rules that match missed and failed heartbeats."""
    return [
        Rule(
            f"{RULE}{name}:missed",
            ("heartbeat",),
            summary,
            0.0,
            (Matcher("heartbeat", MatchOp.EQUAL, name),),
            source=SOURCE,
            severity=heartbeat.severity,
            runbook=heartbeat.runbook,
            origin=f"heartbeats.{name}",
        )
        for name, heartbeat in configs.items()
    ]


def check_heartbeats(context: Context) -> None:
    """Report names that can't be part of a URL or a metric."""
    for name in context.names_at(("heartbeats",)):
        if not _NAME.fullmatch(name):
            context.report(
                context.places["heartbeats", name],
                "the name of a heartbeat is part of a URL: use letters, digits, '.', '_' and '-', "
                f"not {name!r}",
            )
