"""Write a setup as the files of a config."""

from collections.abc import Iterable
from typing import Any

from router.core.text.units import duration
from router.importers.files import Written
from router.importers.pagers.model import DAY, WEEK, Change, Escalation, Person, Rota, Setup, Turns
from router.importers.pagers.week import NAMES, clock, restrictions
from router.importers.text import block, inline, literal, slug, unique

LEVELS = {"critical": "P0", "error": "P1", "warning": "P2", "info": "P3"}

HEAD = """\
# Converted from {file}. report.txt lists what needs a review.
listen: 127.0.0.1:9095
storage: sqlite:///alert-router.db
rules: [rules/*.yaml]

# On loopback, anybody may send alerts. Otherwise use a bearer_token.
sources:
  alertmanager: {{insecure: true}}

# These print to the terminal, so that nobody is paged yet. Replace them by real channels.
channels:
  log: {{type: console}}
  mail: {{type: console, brief: true}}  # {{type: email, smtp: {{host: …}}, from: …}}
  text: {{type: console}}  # {{type: sms, account_sid: …, auth_token: …, from: …}}
  call: {{type: console}}  # {{type: voice, account_sid: …, auth_token: …, from: …}}
"""


def written(setup: Setup, file: str) -> Written:
    """The config and its rules."""
    policies = list(setup.policies.values())
    first = policies[0].key if policies else "log"
    severities = {name: {"policy": first} for name in ("P0", "P1", "P2", "P3")}
    contacts = {person.key: _contact(person) for person in setup.people.values()}
    parts = [
        HEAD.format(file=file),
        block("contacts", contacts),
        _schedules(setup.rotas),
        block("severities", severities),
        _policies(policies),
    ]
    config = "\n".join(part for part in parts if part)
    files = {"config.yaml": config, "rules/services.yaml": _rules(setup, file)}
    return Written({name: literal(text) for name, text in files.items()}, {})


def _contact(person: Person) -> dict[str, Any]:
    made: dict[str, Any] = {"name": person.name}
    for key in ("email", "phone", "slack", "time_zone"):
        if value := getattr(person, key):
            made[key] = value
    ways = [
        {"via": way.via}
        | ({"after": duration(way.after).replace(" ", "")} if way.after else {})
        | ({"for": list(way.severities)} if way.severities else {})
        for way in person.methods
    ]
    return {**made, "reach": ways} if ways else made


# --- schedules


def _schedules(rotas: Iterable[Rota]) -> str:
    parts = [_schedule(rota) for rota in rotas]
    return "schedules:\n" + "".join(parts) if parts else ""


def _schedule(rota: Rota) -> str:
    lines = [f"  {inline(rota.key)}:", f"    time_zone: {rota.zone}", "    layers:"]
    lines += [f"      - {inline(_layer(turns, rota.zone))}" for turns in rota.layers]
    if rota.changes:
        lines.append("    overrides:")
        lines += [f"      - {inline(_override(change))}" for change in rota.changes]
    return "\n".join(lines) + "\n"


def _layer(turns: Turns, zone: str) -> dict[str, Any]:
    at = clock(turns.start.hour * 60 + turns.start.minute)
    weekly = turns.seconds % WEEK == 0
    made: dict[str, Any]
    if turns.seconds in {DAY, WEEK}:
        made = {"rotate": "weekly" if weekly else "daily"}
    else:
        made = {"rotate": "custom", "every": every(turns.seconds)}
    made["handover"] = f"{NAMES[turns.start.weekday()]} {at}" if weekly else at
    made["contacts"] = list(turns.people)
    made["start"] = turns.start.date()
    if turns.spans:
        made["restrict"] = restrictions(turns.spans)
    return made if turns.zone == zone else {**made, "time_zone": turns.zone}


def every(seconds: int) -> str:
    """A turn's length in the largest unit that fits: `2w`, `3d`, `12h`, `90m`."""
    for unit, size in (("w", WEEK), ("d", DAY), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _override(change: Change) -> dict[str, Any]:
    start, end = (time.isoformat(timespec="minutes") for time in (change.start, change.end))
    made = {"contact": change.person, "from": start, "to": end}
    return {**made, "replaces": change.replaces} if change.replaces else made


# --- policies


def _policies(policies: Iterable[Escalation]) -> str:
    parts = [_policy(escalation) for escalation in policies]
    return "policies:\n" + ("".join(parts) or "  log: {steps: [{notify: [channel:log]}]}\n")


def _policy(escalation: Escalation) -> str:
    lines = [f"  {inline(escalation.key)}:", "    steps:"]
    for stage in escalation.stages:
        step: dict[str, Any] = {"after": every(stage.after)} if stage.after else {}
        step["notify"] = list(stage.targets)
        if stage.acknowledged and stage.after:
            step["unless"] = "acknowledged"
        lines.append(f"      - {inline(step)}")
    if escalation.times:
        repeat = {"every": every(max(escalation.every, 60)), "times": escalation.times}
        lines.append(f"    repeat: {inline(repeat)}")
    return "\n".join(lines) + "\n"


def _rules(setup: Setup, file: str) -> str:
    head = f"# The services of {file}: the label `service` of an alert selects the policy.\n"
    rules: list[dict[str, Any]] = []
    for service in setup.services:
        name = unique(slug(service.name), [*(rule["name"] for rule in rules), "default"])
        rules.append(
            {"name": name, "match": [f'service="{service.name}"'], "policy": service.policy}
        )
    if not rules:
        return head + "rules: []\n"
    severity = {"severity_from": {"label": "severity", "map": LEVELS}, "severity": "P1"}
    texts = [
        "\n    ".join(f"{k}: {inline(v)}" for k, v in (rule | severity).items()) for rule in rules
    ]
    return head + "rules:\n" + "".join(f"  - {text}\n    group_by: [alertname]\n" for text in texts)
