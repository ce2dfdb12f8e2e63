"""Reads a config and its rules, checks them as a whole, and says all that is wrong at once."""

from collections.abc import Iterable, Mapping
from dataclasses import replace as with_fields
from glob import glob
from hashlib import blake2b
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from router.config import company
from router.config.actions import check_actions, plans
from router.config.channel_options import Capabilities, ChannelOptions
from router.config.communication import CUSTOMERS, check_communication, read_templates, wording
from router.config.convert import FAILED, Context, Trail, convert
from router.config.deployments import deploys
from router.config.destinations import destinations
from router.config.document import (
    DefaultRule,
    Document,
    LinkDocument,
    LinkTemplate,
    RuleDocument,
    RulesFile,
    Source,
)
from router.config.drills import cadence, check_drills, read_scenarios
from router.config.expression import Expression
from router.config.fields import Matchers, is_loopback
from router.config.heartbeats import RULE, check_heartbeats, first_rules, heartbeats, last_rules
from router.config.located import Invalid, Place, Problem, read
from router.config.people import EXPECTED, PARSERS, people
from router.config.people_check import channel_at, check_name, check_people
from router.config.policies import Target, parse_target, policies, severities
from router.config.postmortems import check_postmortems, postmortem_plan
from router.config.shapes import Hooks
from router.config.silences import check_silences, inhibitions, parse_match, silences
from router.config.sources import check_sources
from router.config.statuspage import CHANNEL, check_status_page, status_plan
from router.core.drill.cadence import Cadence
from router.core.incident.batch import MAX_WINDOW
from router.core.incident.settings import Settings
from router.core.messages.render import OWN_LINKS
from router.core.rules.rule import Rule, RuleSet
from router.core.text.template import (
    Condition,
    Template,
    compile_condition,
    compile_link,
    compile_template,
)
from router.core.text.units import Dimension, Threshold
from router.model.drill import DrillPlan
from router.model.incident import Severity
from router.model.statuspage import StatusPlan

SUMMARY = "{{ annotations.summary or labels.alertname }}"
"""The title of an incident whose rule has no summary of its own."""


class Types(Struct, frozen=True):
    """What the layers above add: the config structs of the kinds of source and of channel there
    are.
    """

    sources: Mapping[str, type[Struct]]
    channels: Mapping[str, type[Struct]]

    @property
    def document(self) -> type[Document]:
        """The config file's struct."""
        return Document

    @property
    def hooks(self) -> Hooks:
        """How the file's own types are read, and which kinds of channel there are."""
        return Hooks(
            parsers=PARSERS
            | company.PARSERS
            | {
                Matchers: parse_match,
                Threshold: Threshold.parse,
                Template: compile_template,
                LinkTemplate: compile_link,
                Condition: compile_condition,
                Expression: Expression.parse,
                Target: parse_target,
            },
            choices={ChannelOptions: self.channels, Source: self.sources},
            keyed=frozenset({Source}),
            expected=EXPECTED
            | {
                Expression: "a JMESPath expression",
                LinkTemplate: "a URL, in which {{ }} stands for what is the incident's",
            },
        )


class Config(Struct, frozen=True):
    """A config that holds together.

    `sources` and `channels` are the structs of the layers above, by name; `kinds` is each channel's
    `type`, `source_kinds` each source's, and `drills` the scenarios.
    """

    document: Document
    settings: Settings
    sources: Mapping[str, Any]
    channels: Mapping[str, ChannelOptions]
    kinds: Mapping[str, str]
    drills: Mapping[str, DrillPlan]
    source_kinds: Mapping[str, str] = {}

    @property
    def time_zones(self) -> dict[str, str]:
        """Of the contacts who have one of their own."""
        return {
            name: contact.time_zone
            for name, contact in self.document.contacts.items()
            if contact.time_zone
        }

    @property
    def slack_ids(self) -> dict[str, str]:
        """Slack user ids of the contacts that have one."""
        contacts = self.document.contacts.items()
        return {name: contact.slack for name, contact in contacts if contact.slack}

    @property
    def mailboxes(self) -> dict[str, str]:
        """Names by e-mail address, of the contacts that have one."""
        contacts = self.document.contacts.items()
        return {contact.email: contact.name or key for key, contact in contacts if contact.email}

    @property
    def status_plan(self) -> StatusPlan | None:
        """What the public status page is made by; None where there's none."""
        page = self.document.status_page
        return (
            None
            if page is None
            else status_plan(page, self.document.company.name, self.document.external_url)
        )

    @property
    def own(self) -> tuple[str, ...]:
        """The channels that have a destination of their own, and aren't the public's."""
        able = {name: channel.capabilities for name, channel in self.channels.items()}
        return tuple(
            name for name, can in able.items() if can.has_destination and not can.is_public
        )

    @property
    def cadence(self) -> Cadence | None:
        return cadence(self.document.drills, self.document.company.time_zone)

    def addresses(self, channel: str) -> dict[str, str] | None:
        """Where each contact who can be reached over the channel is reached; None where it reaches
        no people.
        """
        reaches = self.channels[channel].capabilities.reaches
        if reaches is None:
            return None
        found = {name: contact.address(reaches) for name, contact in self.document.contacts.items()}
        return {name: address for name, address in found.items() if address}


def load(path: Path, env: Mapping[str, str], types: Types, rules: str = "") -> Config:
    """The config in the file at `path`, with the rules it names, or else those that the pattern
    `rules` finds there.

    Raises: Invalid, with every problem.
    """
    problems: list[Problem] = []
    context = Context(env=env, base=path.parent, hooks=types.hooks, problems=problems)
    root = read(path, problems)
    if root is None:
        raise Invalid(problems)
    document = convert(root, types.document, context)
    found, revision = _read_rules(path, context, rules)
    drills = read_scenarios(_paths(path.parent, ("drills", "scenarios"), context), context)
    _check(context)
    check_drills(context, [*drills])
    check_silences(context, [rule.name for _, rule in found])
    templates = read_templates(context)
    if problems or document is FAILED:
        raise Invalid(problems)
    kinds = {name: str(context.values["channels", name, "type"]) for name in document.channels}
    config = _assemble(document, found, revision, kinds, templates, drills)
    source_kinds = {name: str(context.values["sources", name, "type"]) for name in document.sources}
    return structs.replace(config, source_kinds=source_kinds)


# --- rule files


def _read_rules(
    config: Path, context: Context, instead: str
) -> tuple[list[tuple[Place, RuleDocument]], str]:
    """Every rule of every file, in order, with where it is; and what the files and the config come
    to.
    """
    content = blake2b(config.read_bytes(), digest_size=8)
    rules: list[tuple[Place, RuleDocument]] = []
    for path in _paths(config.parent, ("rules",), context, instead):
        root = read(path, context.problems)
        if root is None:
            continue
        content.update(path.read_bytes())
        trail: Trail = ("file", str(path))
        convert(root, RulesFile, context, trail)
        found = [(at, rule) for at, rule in context.all_of(RuleDocument) if at[:2] == trail]
        rules += [(context.place_of(at), rule) for at, rule in found]
    _check_rule_names(context)
    _check_counts(rules, context)
    return rules, content.hexdigest()


def _paths(base: Path, under: Trail, context: Context, instead: str = "") -> list[Path]:
    """The files that the patterns there mean, or else the one that is given `instead`."""
    paths: list[Path] = []
    written = [(trail, pattern) for trail, pattern in context.all_of(str) if trail[:-1] == under]
    for trail, pattern in [(under, instead)] if instead else written:
        # Path's own glob takes neither '' nor an absolute pattern.
        found = [base / name for name in sorted(glob(pattern, root_dir=base, recursive=True))]  # noqa: PTH207
        if not found:
            context.report(
                context.place_of(trail), f"no file matches '{pattern}' in {base.resolve().name}/"
            )
        paths += [path for path in found if path not in paths]
    return paths


def _check_rule_names(context: Context) -> None:
    """Also those of rules that are wrong otherwise."""
    places: dict[str, Place] = {"default": Place("config", 1, 1)}
    for trail, name in context.values.items():
        if trail[:1] != ("file",) or trail[2:3] != ("rules",) or trail[4:] != ("name",):
            continue
        place = context.place_of(trail[:4])
        if name == "default":
            context.report(place, "'default' is the name of default_rule: give the rule another")
        elif str(name).startswith(RULE):
            context.report(
                place,
                f"names that start with '{RULE}' are of the rules made of heartbeats: give another",
            )
        elif name in places:
            context.report(place, f"rule '{name}' is there already, at {places[name]}")
        places.setdefault(name, place)


def _check_counts(rules: Iterable[tuple[Place, RuleDocument]], context: Context) -> None:
    for place, rule in rules:
        if rule.count:
            _check_count(place, rule, context)


def _check_count(place: Place, rule: RuleDocument, context: Context) -> None:
    for threshold in rule.thresholds.values():
        if threshold.dimension is not Dimension.NUMBER or threshold.limit >= MAX_WINDOW:
            context.report(
                place,
                f"rule '{rule.name}' counts: '{threshold.text}' must be a plain number below {MAX_WINDOW}",
            )


# --- across the config


def _check(context: Context) -> None:
    _check_names(context)
    check_people(context)
    check_actions(context)
    check_heartbeats(context)
    _check_answers(context)
    _check_links(context)
    _check_listen(context)
    _check_storage(context)
    check_postmortems(context)
    check_status_page(_named_components(context), context)
    check_communication(context)
    places = context.places
    if ("sources",) in places and not context.names_at(("sources",)):
        context.report(places["sources",], "there's no source: nothing could reach the router")
    check_sources(context)
    if ("severities",) in places:
        missing = [
            severity.value for severity in Severity if ("severities", severity.value) not in places
        ]
        if missing:
            context.report(
                places["severities",],
                f"no policy for {', '.join(missing)}: each of P0 to P3 needs one",
            )


def _check_names(context: Context) -> None:
    for trail, target in list(context.all_of(Target)):
        check_name(target.kind, target.name, context.names_at((f"{target.kind}s",)), trail, context)
        channel = channel_at(context, target.name) if target.kind == "channel" else None
        if channel and not channel.capabilities.has_destination:
            context.report(
                context.place_of(trail),
                f"channel '{target.name}' has nobody in its 'to': add them, or notify a contact, role or schedule",
            )
    policies = context.names_at(("policies",))
    for trail, name in list(context.all_of(str)):
        if trail[0] == "severities" and trail[-1] == "policy":
            check_name("policy", name, policies, trail, context)


def _named_components(context: Context) -> list[tuple[Trail, str]]:
    """Those that rules are about, with where each is named."""
    named = [(at, rule.component) for at, rule in context.all_of(RuleDocument)]
    named += [(at, rule.component) for at, rule in context.all_of(DefaultRule)]
    return [((*at, "component"), name) for at, name in named if name]


def _check_answers(context: Context) -> None:
    """A channel whose messages ask for answers needs a source of the type that receives them."""
    sources = {
        context.values.get(("sources", name, "type"), name)
        for name in context.names_at(("sources",))
    }
    for name in context.names_at(("channels",)):
        trail, channel = ("channels", name), channel_at(context, name)
        source = channel.capabilities.answers if channel else ""
        if source and source not in sources:
            context.report(
                context.place_of(trail),
                f"channel '{name}' asks people for answers: give sources.{source} to receive them",
            )


def _check_links(context: Context) -> None:
    """A message shows a link by its name alone."""
    taken = {name.casefold() for name in OWN_LINKS}
    for trail, link in list(context.all_of(LinkDocument)):
        if link.name.casefold() in taken:
            context.report(
                context.place_of(trail),
                f"there's another link '{link.name}': give this one another name",
            )
        taken.add(link.name.casefold())


def _check_listen(context: Context) -> None:
    listen = context.values.get(("listen",), "127.0.0.1:9095")
    place = context.place_of(("listen",))
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        context.report(place, f"expected HOST:PORT, found '{listen}'")
    elif not is_loopback(host.strip("[]")) and _is_open(context):
        context.report(
            place,
            "the API would be open to everybody who reaches this address: give auth.tokens, "
            "or write auth: {insecure: true} if something in front of it checks who they are",
        )


def _check_storage(context: Context) -> None:
    storage = context.values.get(("storage",))
    if storage and not storage.reveal().startswith(("sqlite:///", "postgresql://", "postgres://")):
        context.report(
            context.place_of(("storage",)),
            "expected sqlite:///FILE or postgresql://USER@HOST/DATABASE",
        )


def _is_open(context: Context) -> bool:
    """May anybody use the API, without a word that it's meant? An `auth` that is wrong is a problem
    of its own.
    """
    auth = context.values.get(("auth",))
    if auth is None:
        return ("auth",) not in context.places
    return not (auth.tokens or auth.insecure)


# --- into what the core is told


def _assemble(  # noqa: PLR0913, PLR0917 - all that was read
    document: Document,
    rules: Iterable[tuple[Place, RuleDocument]],
    revision: str,
    kinds: Mapping[str, str],
    templates: Mapping[str, Template],
    drills: Mapping[str, DrillPlan],
) -> Config:
    summary = compile_template(SUMMARY)
    able = {name: channel.capabilities for name, channel in document.channels.items()}
    settings = Settings(
        rules=RuleSet.of(
            [
                *first_rules(document.heartbeats, summary),
                *(_rule(rule, document, str(place)) for place, rule in rules),
                *last_rules(document.heartbeats, summary),
            ],
            _default(document.default_rule, document),
            revision,
        ),
        severities=severities(document.severities),
        policies=policies(document.policies),
        calendar=company.calendar(document.company),
        people=people(
            document.contacts, document.roles, document.schedules, document.company.time_zone
        ),
        heartbeats=heartbeats(document.heartbeats),
        silences=silences(document.silences, document.company.time_zone),
        inhibitions=inhibitions(document.inhibit),
        edited=frozenset(name for name, can in able.items() if can.edits),
        rings=frozenset(name for name, can in able.items() if can.is_paging),
        actions=plans(document.actions),
        public=_public(document, able),
        customers=(CUSTOMERS,) if document.communication else (),
        wording=wording(document.company, document.status_page, document.severities, templates),
        deployments=deploys(document.deployments),
        postmortems=postmortem_plan(document.postmortems, _tickets(able)),
        reopen_within=document.reopen_within,
        fallback_after=document.fallback_after,
        give_up_after=document.give_up_after,
    )
    config = Config(document, settings, document.sources, document.channels, kinds, drills)
    people_of = {name: config.addresses(name) or {} for name in config.channels}
    reached = with_fields(settings, destinations=destinations(config.channels, people_of))
    return structs.replace(config, settings=reached)


def _tickets(able: Mapping[str, Capabilities]) -> list[str]:
    """The channels that keep a ticket for each action item."""
    return [name for name, can in able.items() if can.action_items]


def _public(document: Document, able: Mapping[str, Capabilities]) -> tuple[str, ...]:
    """Who is owed what is published: the page, and the channels that are pages elsewhere."""
    page = (CHANNEL,) if document.status_page else ()
    return page + tuple(name for name, can in able.items() if can.is_public)


def _rule(rule: RuleDocument, document: Document, origin: str) -> Rule:
    return Rule(
        name=rule.name,
        source=rule.source,
        matchers=tuple(matcher for matchers in rule.match for matcher in matchers),
        measure=rule.measure,
        thresholds=tuple(sorted(rule.thresholds.items(), key=lambda tier: tier[0])),
        severity=rule.severity or Severity.P3,
        count_over=rule.count.over if rule.count else None,
        group_by=rule.group_by,
        summary=rule.summary or compile_template(SUMMARY),
        runbook=rule.runbook,
        component=rule.component,
        actions=rule.actions,
        public=rule.public == "auto",
        continues=rule.continues,
        resolve_after=document.resolve_after if rule.resolve_after is None else rule.resolve_after,
        origin=origin,
    )


def _default(rule: DefaultRule, document: Document) -> Rule:
    return Rule(
        name="default",
        severity=rule.severity,
        group_by=rule.group_by,
        summary=rule.summary or compile_template(SUMMARY),
        runbook=rule.runbook,
        component=rule.component,
        actions=rule.actions,
        ignored=rule.ignore,
        resolve_after=document.resolve_after,
        origin="default_rule",
    )
