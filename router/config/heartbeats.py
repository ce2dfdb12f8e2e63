"""Heartbeats of the config: what is expected, and the rules that are made of it.

Two for each. The first, tried before all others, takes the alert that is the beat, and opens
nothing. The last, tried after all others, says how bad it is when the heartbeat stays away, unless
a rule of the files has taken that.
"""

import re
from collections.abc import Mapping

from router.config.convert import Context
from router.config.document import HeartbeatDocument
from router.core.rules.heartbeat import SOURCE, Heartbeat
from router.core.rules.matcher import Matcher, MatchOp
from router.core.rules.rule import Rule
from router.core.text.template import Template

RULE = "heartbeat:"
"""What the names of the rules made here start with, and no other's may."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


def heartbeats(documents: Mapping[str, HeartbeatDocument]) -> dict[str, Heartbeat]:
    """What the core is told, by name."""
    return {
        name: Heartbeat(name, one.every, one.grace, _matchers(one))
        for name, one in documents.items()
    }


def first_rules(documents: Mapping[str, HeartbeatDocument], summary: Template) -> list[Rule]:
    """Those that take what is a beat."""
    return [
        Rule(
            f"{RULE}{name}",
            (),
            summary,
            0.0,
            _matchers(one),
            origin=f"heartbeats.{name}",
            heartbeat=name,
        )
        for name, one in documents.items()
        if one.match
    ]


def last_rules(documents: Mapping[str, HeartbeatDocument], summary: Template) -> list[Rule]:
    """Those that take what a heartbeat that stays away, or says that it failed, is told as."""
    return [
        Rule(
            f"{RULE}{name}:missed",
            ("heartbeat",),
            summary,
            0.0,
            (Matcher("heartbeat", MatchOp.EQUAL, name),),
            source=SOURCE,
            severity=one.severity,
            runbook=one.runbook,
            origin=f"heartbeats.{name}",
        )
        for name, one in documents.items()
    ]


def check_heartbeats(context: Context) -> None:
    """A name is part of a URL and of metrics."""
    for name in context.names_at(("heartbeats",)):
        if not _NAME.fullmatch(name):
            context.report(
                context.places["heartbeats", name],
                f"the name of a heartbeat is part of a URL: use letters, digits, '.', '_' and '-', not {name!r}",
            )


def _matchers(document: HeartbeatDocument) -> tuple[Matcher, ...]:
    return tuple(matcher for matchers in document.match for matcher in matchers)
