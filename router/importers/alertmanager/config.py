"""Convert an alertmanager.yml to a config and its rules."""

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

from msgspec import Struct

from router.config.located import Invalid, Problem
from router.core.suppression.recurring_silence import check_matchers
from router.importers.alertmanager.intervals import (
    DAY,
    Mute,
    Window,
    mutes,
    read_intervals,
    silence_matchers,
)
from router.importers.alertmanager.receivers import Channels
from router.importers.alertmanager.rules import Rules
from router.importers.alertmanager.tree import Outcome, Route, matchers_at, outcomes, read_route
from router.importers.files import Written
from router.importers.source import Report, Section, read_section
from router.importers.text import block, listing, literal, slug, unique

RULES = "rules/routes.yaml"

HEAD = """\
listen: 127.0.0.1:9095
storage: sqlite:///alert-router.db
rules: [rules/*.yaml]
"""
SOURCES = """\
# On loopback, anybody may send alerts. Otherwise use a bearer_token.
sources:
  alertmanager: {insecure: true}
"""


class Converted(Struct, frozen=True):
    """The result: the files, the channels of each receiver, the route tree, and the remarks."""

    written: Written
    channels: dict[str, list[str]]
    root: Route
    report: Report


def convert(text: str, file: str) -> Converted:
    """Convert an alertmanager.yml. Raises: Invalid, with every error and its place."""
    report = Report()
    top = read_section(text, file, report)
    if "route" not in top:
        raise Invalid([Problem(top.place, "there is no `route`: is this an alertmanager.yml?")])
    channels = _channels(top)
    root = read_route(top.section("route"))
    decisions = outcomes(root)
    rules = Rules(channels.of_receiver, report)
    rules.add(decisions)
    silences = _silences(top, root, decisions, report)
    inhibit = list(_inhibitions(top))
    for node in top.items("templates"):
        message = "Go templates aren't converted: see `summary` of a rule, and `templates`"
        report.add(node.place, message)
    top.finish()
    name = PurePath(file).name
    files = {
        "config.yaml": literal(_config(name, channels, rules, silences, inhibit)),
        RULES: literal(rules.rules_text(name)),
    }
    return Converted(
        Written(files, channels.secrets.files),
        channels.of_receiver,
        root,
        report,
    )


def _channels(top: Section) -> Channels:
    defaults = top.section("global")
    channels = Channels()
    for receiver in top.sections("receivers"):
        channels.read(receiver, defaults)
    if "resolve_timeout" in defaults:
        message = (
            "`resolve_timeout` applies to alerts without an end, which Prometheus doesn't send"
        )
        defaults.remark("resolve_timeout", message)
    defaults.skip("smtp_hello", "smtp_auth_identity")
    defaults.rest("no channel uses it here: left out")
    return channels


def _config(
    file: str, channels: Channels, rules: Rules, silences: list[Any], inhibit: list[Any]
) -> str:
    if not channels.found:
        channels.found["log"] = {"type": "console"}
    if not rules.policies:
        policies = "policies:\n  log: {steps: [{notify: [channel:log]}]}\n"
        first = "log"
    else:
        policies = rules.policies_text()
        first = rules.found[-1][1].get("policy") or next(iter(rules.policies.values()))
    severities = {name: {"policy": first} for name in ("P0", "P1", "P2", "P3")}
    parts = [
        f"# Converted from {file}. report.txt lists what needs a review.\n{HEAD}",
        SOURCES,
        block("channels", channels.found, channels.comments),
        "# Each rule names its policy; these are for incidents that people declare.\n"
        + block("severities", severities),
        policies,
        listing("silences", silences),
        listing("inhibit", inhibit),
    ]
    return "\n".join(part for part in parts if part)


# --- silences and inhibition


def _silences(
    top: Section, root: Route, decisions: Sequence[Outcome], report: Report
) -> list[dict[str, Any]]:
    sections = (*top.sections("time_intervals"), *top.sections("mute_time_intervals"))
    silences: list[dict[str, Any]] = []
    for mute in mutes(root, read_intervals(sections), report):
        for matchers in silence_matchers(mute, decisions, report):
            check_matchers(matchers, exclusion=True)
            texts = [str(matcher) for matcher in matchers]
            for window in mute.windows:
                name = unique(slug(mute.name), [silence["name"] for silence in silences])
                silences.append({"name": name, "match": texts, **_window(window, mute)})
    return silences


def _window(window: Window, mute: Mute) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if len(window.days) < 7:
        made["days"] = [WEEKDAYS[day] for day in sorted(window.days)]
    if window.start:
        made["from"] = _clock(window.start)
    if window.end != DAY:
        made["to"] = _clock(window.end)
    comment = f"time interval {mute.name} of receiver {mute.route.receiver}"
    return {**made, "time_zone": window.zone, "comment": comment}


WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _inhibitions(top: Section) -> Iterator[dict[str, Any]]:
    for section in top.sections("inhibit_rules"):
        section.skip("name")
        source = list(matchers_at(section, "source_match", "source_match_re", "source_matchers"))
        target = list(matchers_at(section, "target_match", "target_match_re", "target_matchers"))
        equal = section.texts("equal")
        if not source or not target:
            message = "an inhibition needs matchers of both source and target: left out"
            section.leave_out(message)
            continue
        made = {
            "source": [str(matcher) for matcher in source],
            "target": [str(matcher) for matcher in target],
        }
        yield {**made, "equal": equal} if equal else made
