"""Read rule files, check them, and convert them to the core's rules."""

from collections.abc import Iterable, Mapping
from glob import glob
from hashlib import blake2b
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from router.config.config_file import ConfigFile, DefaultRule, RuleConfig, RulesFile
from router.config.convert import Context, Trail, convert
from router.config.heartbeats import RULE
from router.config.located import Place, read
from router.core.incident.batch import MAX_WINDOW
from router.core.rules.rule import Rule
from router.core.text.template import compile_template
from router.core.text.units import Dimension
from router.model.incident import Severity

SUMMARY = "{{ annotations.summary or labels.alertname }}"
"""The title of an incident whose rule has no summary."""


class Rules(Struct, frozen=True):
    """All rules in order, each with its place, and a hash of their files and the config."""

    found: list[tuple[Place, RuleConfig]]
    revision: str


def read_rules(config: Path, context: Context, pattern: str = "") -> Rules:
    """Read the config's rule files, or the files that `pattern` matches instead.

    Errors are reported in `context`.
    """
    content = blake2b(config.read_bytes(), digest_size=8)
    rules: list[tuple[Place, RuleConfig]] = []
    for path in matching_files(config.parent, ("rules",), context, pattern):
        root = read(path, context.problems)
        if root is None:
            continue
        content.update(path.read_bytes())
        trail: Trail = ("file", str(path))
        convert(root, RulesFile, context, trail)
        found = [(at, rule) for at, rule in context.all_of(RuleConfig) if at[:2] == trail]
        rules += [(context.place_of(at), rule) for at, rule in found]
    _check_names(context)
    for place, rule in rules:
        _check_count(place, rule, context)
    return Rules(rules, content.hexdigest())


def matching_files(base: Path, under: Trail, context: Context, pattern: str = "") -> list[Path]:
    """Return the files that match `pattern`, or else the patterns in the config at `under`."""
    paths: list[Path] = []
    written = [(trail, text) for trail, text in context.all_of(str) if trail[:-1] == under]
    for trail, text in [(under, pattern)] if pattern else written:
        # `Path.glob` accepts neither '' nor an absolute pattern.
        names = sorted(glob(text, root_dir=base, recursive=True))  # noqa: PTH207
        if not names:
            message = f"no file matches '{text}' in {base.resolve().name}/"
            context.report(context.place_of(trail), message)
        paths += [path for path in (base / name for name in names) if path not in paths]
    return paths


def _check_names(context: Context) -> None:
    """Report duplicate and reserved names, even of rules with other errors."""
    places: dict[str, Place] = {}
    for trail, name in context.values.items():
        if trail[:1] != ("file",) or trail[2:3] != ("rules",) or trail[4:] != ("name",):
            continue
        place = context.place_of(trail[:4])
        if name == "default":
            context.report(place, "'default' is the name of default_rule: rename the rule")
        elif str(name).startswith(RULE):
            message = f"names that start with '{RULE}' are for the rules of heartbeats"
            context.report(place, f"{message}: rename the rule")
        elif name in places:
            context.report(place, f"rule '{name}' already exists, at {places[name]}")
        places.setdefault(name, place)


def _check_count(place: Place, rule: RuleConfig, context: Context) -> None:
    for threshold in rule.thresholds.values() if rule.count else ():
        if threshold.dimension is not Dimension.NUMBER or threshold.limit >= MAX_WINDOW:
            context.report(
                place,
                f"rule '{rule.name}' counts: '{threshold.text}' must be a plain number below "
                f"{MAX_WINDOW}",
            )


def core_rules(
    rules: Iterable[tuple[Place, RuleConfig]], config: ConfigFile, types: Mapping[str, str]
) -> list[Rule]:
    """The core's rules, in order. `types` has the type of each source."""
    made = [_rule(rule, config, str(place)) for place, rule in rules]
    return [replace(rule, sources=_of_type(rule.source, types)) for rule in made]


def _of_type(type_: str, types: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name for name, kind in types.items() if kind == type_ and name != type_)


def _rule(rule: RuleConfig, config: ConfigFile, origin: str) -> Rule:
    own = rule.resolve_after
    return Rule(
        name=rule.name,
        source=rule.source,
        matchers=rule.match,
        measure=rule.measure,
        thresholds=tuple(sorted(rule.thresholds.items(), key=lambda tier: tier[0])),
        severity=rule.severity or _mildest(rule),
        severity_from=rule.severity_from,
        expire_after=rule.expire_after,
        resolve_stale=rule.when_stale == "resolve",
        count_over=rule.count.over if rule.count else None,
        group_by=rule.group_by,
        summary=rule.summary or compile_template(SUMMARY),
        runbook=rule.runbook,
        component=rule.component,
        actions=rule.actions,
        public=rule.public == "auto",
        continues=rule.continues,
        ignores=rule.ignore,
        policy=rule.policy,
        flapping=rule.flapping,
        resolve_after=config.resolve_after if own is None else own,
        origin=origin,
    )


def _mildest(rule: RuleConfig) -> Severity:
    """The severity of an alert whose label `severity_from` doesn't map."""
    return max(rule.severity_from.map.values()) if rule.severity_from else Severity.P3


def default_rule(rule: DefaultRule, config: ConfigFile) -> Rule:
    """The core's rule for alerts that no other rule matches."""
    return Rule(
        name="default",
        severity=rule.severity,
        policy=rule.policy,
        group_by=rule.group_by,
        summary=rule.summary or compile_template(SUMMARY),
        runbook=rule.runbook,
        component=rule.component,
        actions=rule.actions,
        resolve_after=config.resolve_after,
        ignored=rule.ignore,
        origin="default_rule",
    )
