"""Read a config and its rules, check them together, and report all errors."""

from collections.abc import Mapping
from dataclasses import replace as with_fields
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from router.config import actions, company
from router.config import people as config_people
from router.config.actions import plans
from router.config.channel_options import Capabilities, ChannelOptions
from router.config.checks import check_config
from router.config.communication import CUSTOMERS, read_templates, wording
from router.config.config_file import ConfigFile, LinkTemplate, Source
from router.config.convert import Context, convert
from router.config.deployments import deploys
from router.config.destinations import destinations
from router.config.drills import cadence, check_drills, read_scenarios
from router.config.expression import Expression
from router.config.heartbeats import first_rules, heartbeats, last_rules
from router.config.located import Invalid, Problem, read
from router.config.people import people
from router.config.policies import in_order, parse_target
from router.config.postmortems import postmortem_plan
from router.config.rule_files import (
    SUMMARY,
    Rules,
    core_rules,
    default_rule,
    matching_files,
    read_rules,
)
from router.config.scalar import FAILED
from router.config.shapes import Hooks
from router.config.silences import check_silences, parse_match, silences
from router.config.statuspage import CHANNEL, status_plan
from router.core.drill.cadence import Cadence
from router.core.incident.policy import Target
from router.core.incident.settings import Settings
from router.core.rules.matcher import Matchers
from router.core.rules.rule import RuleSet
from router.core.text.template import (
    Condition,
    Template,
    compile_condition,
    compile_link,
    compile_template,
)
from router.core.text.units import Threshold
from router.model.drill import DrillPlan
from router.model.statuspage import StatusPlan


class Types(Struct, frozen=True):
    """The config structs of higher layers: one for each kind of source and channel."""

    sources: Mapping[str, type[Struct]]
    channels: Mapping[str, type[Struct]]

    @property
    def config_file(self) -> type[ConfigFile]:
        """The struct of the config file."""
        return ConfigFile

    @property
    def hooks(self) -> Hooks:
        """The parsers of the file's own types, and the kinds of channel."""
        own = {
            Matchers: parse_match,
            Threshold: Threshold.parse,
            Template: compile_template,
            LinkTemplate: compile_link,
            Condition: compile_condition,
            Expression: Expression.parse,
            Target: parse_target,
        }
        link = "a URL, in which {{ }} stands for values of the incident"
        modules = (config_people, company, actions)
        return Hooks(
            parsers={key: parser for module in modules for key, parser in module.PARSERS.items()}
            | own,
            choices={ChannelOptions: self.channels, Source: self.sources},
            keyed=frozenset({Source}),
            expected={
                key: expected for module in modules for key, expected in module.EXPECTED.items()
            }
            | {
                Expression: "a JMESPath expression",
                LinkTemplate: link,
                Matchers: "matchers",
                Target: "a target such as channel:NAME",
            },
        )


class Config(Struct, frozen=True):
    """A valid config.

    `sources` and `channels`: structs of higher layers, by name. `kinds`: the `type` of each
    channel; `source_kinds`: that of each source. `drills`: the scenarios. `warnings`: suspect
    values with their places.
    """

    file: ConfigFile
    settings: Settings
    sources: Mapping[str, Any]
    channels: Mapping[str, ChannelOptions]
    kinds: Mapping[str, str]
    drills: Mapping[str, DrillPlan]
    source_kinds: Mapping[str, str] = {}
    warnings: tuple[Problem, ...] = ()

    @property
    def time_zones(self) -> dict[str, str]:
        """The time zones of contacts that have their own time zone."""
        contacts = self.file.contacts.items()
        return {name: contact.time_zone for name, contact in contacts if contact.time_zone}

    @property
    def slack_ids(self) -> dict[str, str]:
        """Slack user ids of the contacts that have one."""
        contacts = self.file.contacts.items()
        return {name: contact.slack for name, contact in contacts if contact.slack}

    @property
    def mailboxes(self) -> dict[str, str]:
        """Names of contacts by mailbox: an e-mail address, or `contact:KEY`."""
        contacts = self.file.contacts.items()
        by_key = {f"contact:{key}": contact.name or key for key, contact in contacts}
        by_mail = {c.email: c.name or key for key, c in contacts if c.email}
        return by_key | by_mail

    @property
    def status_plan(self) -> StatusPlan | None:
        """The settings of the public status page; None if there is none."""
        page, company_ = self.file.status_page, self.file.company
        if page is None:
            return None
        zone = company_.time_zone
        return status_plan(page, company_.name, self.file.external_url, zone)

    @property
    def own(self) -> tuple[str, ...]:
        """The channels with a destination in the config that aren't public."""
        able = {name: channel.capabilities for name, channel in self.channels.items()}
        return tuple(
            name for name, can in able.items() if can.has_destination and not can.is_public
        )

    @property
    def cadence(self) -> Cadence | None:
        return cadence(self.file.drills, self.file.company.time_zone)

    def addresses(self, channel: str) -> dict[str, str] | None:
        """The address of each contact on the channel; None if it doesn't reach single people."""
        reaches = self.channels[channel].capabilities.reaches
        if reaches is None:
            return None
        contacts = self.file.contacts.items()
        found = {name: contact.address(reaches, name) for name, contact in contacts}
        return {name: address for name, address in found.items() if address}


def load(path: Path, env: Mapping[str, str], types: Types, rules: str = "") -> Config:
    """Load the config at `path`, with its rules, or with the rule files that `rules` matches.

    Raises: Invalid, with all errors.
    """
    problems: list[Problem] = []
    context = Context(env=env, base=path.parent, hooks=types.hooks, problems=problems)
    root = read(path, problems)
    if root is None:
        raise Invalid(problems)
    file = convert(root, types.config_file, context)
    found = read_rules(path, context, rules)
    scenarios = matching_files(path.parent, ("drills", "scenarios"), context)
    drills = read_scenarios(scenarios, context)
    check_config(context)
    check_drills(context, [*drills])
    check_silences(context, [rule.name for _, rule in found.found])
    templates = read_templates(context)
    if problems or file is FAILED:
        raise Invalid(problems)
    types_of = {
        key: {name: str(context.values[key, name, "type"]) for name in context.names_at((key,))}
        for key in ("sources", "channels")
    }
    settings = _settings(file, found, templates, types_of["sources"])
    config = Config(
        file,
        settings,
        file.sources,
        file.channels,
        types_of["channels"],
        drills,
        types_of["sources"],
        tuple(sorted(set(context.warnings))),
    )
    addresses = {name: config.addresses(name) or {} for name in config.channels}
    known = with_fields(settings, destinations=destinations(config.channels, addresses))
    return replace(config, settings=known)


def _settings(
    config: ConfigFile,
    rules: Rules,
    templates: Mapping[str, Template],
    sources: Mapping[str, str],
) -> Settings:
    """Convert to the core's settings. `sources` has the type of each source."""
    summary, zone = compile_template(SUMMARY), config.company.time_zone
    able = {name: channel.capabilities for name, channel in config.channels.items()}
    return Settings(
        rules=RuleSet.of(
            [
                *first_rules(config.heartbeats, summary),
                *core_rules(rules.found, config, sources),
                *last_rules(config.heartbeats, summary),
            ],
            default_rule(config.default_rule, config),
            rules.revision,
        ),
        severities=config.severities,
        policies={
            name: replace(policy, steps=in_order(policy))
            for name, policy in config.policies.items()
        },
        calendar=config.company,
        people=people(config.contacts, config.roles, config.schedules, zone),
        heartbeats=heartbeats(config.heartbeats, zone),
        silences=silences(config.silences, zone),
        inhibitions=tuple(config.inhibit),
        edited=frozenset(name for name, can in able.items() if can.edits),
        paging=frozenset(name for name, can in able.items() if can.is_paging),
        throttles={
            name: channel.throttle for name, channel in config.channels.items() if channel.throttle
        },
        actions=plans(config.actions),
        public=_public(config, able),
        customers=(CUSTOMERS,) if config.communication else (),
        wording=wording(config.company, config.status_page, config.severities, templates),
        deployments=deploys(config.deployments),
        postmortems=postmortem_plan(
            config.postmortems, [name for name, can in able.items() if can.action_items]
        ),
        reopen_within=config.reopen_within,
        fallback_after=config.fallback_after,
        give_up_after=config.give_up_after,
        expire_after=config.expire_after,
    )


def _public(config: ConfigFile, able: Mapping[str, Capabilities]) -> tuple[str, ...]:
    """The recipients of published updates: the status page, and channels for other status pages."""
    page = (CHANNEL,) if config.status_page else ()
    return (*page, *(name for name, can in able.items() if can.is_public))
