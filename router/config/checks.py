"""Checks across the whole config."""

from urllib.parse import urlsplit

from router.config.actions import check_actions
from router.config.communication import check_communication
from router.config.config_file import DefaultRule, HeartbeatConfig, LinkConfig, RuleConfig
from router.config.convert import Context, Trail
from router.config.fields import is_loopback
from router.config.heartbeats import check_heartbeats
from router.config.people_check import channel_at, check_name, check_people
from router.config.policies import check_policies
from router.config.postmortems import check_postmortems
from router.config.sources import check_sources
from router.config.statuspage import check_status_page
from router.core.incident.policy import SeverityPlan, Target, split_target
from router.core.messages.render import OWN_LINKS
from router.core.text.plain import web_url
from router.model.incident import Severity


def check_config(context: Context) -> None:
    """Report all errors across values, and warn of suspect values."""
    _check_targets(context)
    _check_severities(context)
    check_policies(context)
    check_people(context)
    check_actions(context)
    check_heartbeats(context)
    check_sources(context)
    _check_expiry(context)
    _check_answers(context)
    _check_links(context)
    _check_runbooks(context)
    _check_listen(context)
    _check_storage(context)
    _check_sign_in_mail(context)
    check_postmortems(context)
    check_status_page(_named_components(context), context)
    check_communication(context)
    if ("sources",) in context.places and not context.names_at(("sources",)):
        message = "there is no source: no alert could reach the router"
        context.report(context.places["sources",], message)


def _check_targets(context: Context) -> None:
    for trail, target in context.declared(Target):
        kind, name = split_target(target)
        check_name(kind, name, context.names_at((f"{kind}s",)), trail, context)
        channel = channel_at(context, name) if kind == "channel" else None
        if channel is not None and not channel.capabilities.has_destination:
            context.report(
                context.place_of(trail),
                f"channel '{name}' has no address in its 'to': "
                "add one, or notify a contact, role or schedule",
            )


def _check_expiry(context: Context) -> None:
    for name in context.names_at(("expire_after",)):
        trail = ("expire_after", name)
        check_name("source", name, context.names_at(("sources",)), trail, context)
        if context.values.get(trail, 1) <= 0:
            context.report(context.place_of(trail), "expire_after must be longer than 0s")


def _check_severities(context: Context) -> None:
    policies = context.names_at(("policies",))
    for trail, plan in context.all_of(SeverityPlan):
        check_name("policy", plan.policy, policies, (*trail, "policy"), context)
    named = [(at, rule.policy) for at, rule in context.all_of(RuleConfig)]
    named += [(at, rule.policy) for at, rule in context.all_of(DefaultRule)]
    for trail, name in named:
        if name:
            check_name("policy", name, policies, (*trail, "policy"), context)
    if ("severities",) not in context.places:
        return
    written = context.names_at(("severities",))
    missing = [severity.value for severity in Severity if severity.value not in written]
    if missing:
        message = f"no policy for {', '.join(missing)}: each of P0 to P3 needs one"
        context.report(context.places["severities",], message)


def _named_components(context: Context) -> list[tuple[Trail, str]]:
    """The components that rules name, with their places."""
    named = [(at, rule.component) for at, rule in context.all_of(RuleConfig)]
    named += [(at, rule.component) for at, rule in context.all_of(DefaultRule)]
    return [((*at, "component"), name) for at, name in named if name]


def _check_answers(context: Context) -> None:
    """Report a channel that asks for answers without a source that receives them."""
    names = context.names_at(("sources",))
    sources = {context.values.get(("sources", name, "type"), name) for name in names}
    for name in context.names_at(("channels",)):
        trail = ("channels", name)
        channel = channel_at(context, name)
        source = channel.capabilities.answers if channel else ""
        if source and source not in sources:
            context.report(
                context.place_of(trail),
                f"channel '{name}' asks people for answers: add sources.{source} to receive them",
            )


def _check_links(context: Context) -> None:
    """Report links of the same name: messages show nothing else."""
    taken = {name.casefold() for name in OWN_LINKS}
    for trail, link in context.all_of(LinkConfig):
        if link.name.casefold() in taken:
            message = f"another link is named '{link.name}': give this one a different name"
            context.report(context.place_of(trail), message)
        taken.add(link.name.casefold())


def _check_runbooks(context: Context) -> None:
    """Warn of runbooks that are no links: messages and pages leave them out."""
    for trail, owner in list(context.values.items()):
        if not isinstance(owner, RuleConfig | DefaultRule | HeartbeatConfig):
            continue
        if owner.runbook and not web_url(owner.runbook):
            context.warn(
                context.place_of((*trail, "runbook")),
                f"messages leave out the runbook '{owner.runbook}': write a URL that begins with "
                "https:// or http://",
            )


# --- exposed parts


def _check_listen(context: Context) -> None:
    listen = context.values.get(("listen",), "127.0.0.1:9095")
    place = context.place_of(("listen",))
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        context.report(place, f"expected HOST:PORT, found '{listen}'")
    elif is_loopback(host.strip("[]")):
        _check_link_port(context, port)
    else:
        _check_exposed(context)
        if _is_open(context):
            context.report(
                place,
                "the API would be open to everybody who reaches this address: add auth.users or "
                "auth.tokens, or write auth: {insecure: true} if everybody there may do everything",
            )


def _check_sign_in_mail(context: Context) -> None:
    trail = ("auth", "users", "mail")
    name = context.values.get(trail)
    if not name:
        return
    check_name("channel", name, context.names_at(("channels",)), trail, context)
    kind = context.values.get(("channels", name, "type"), "email")
    if kind != "email":
        message = f"channel '{name}' is of type {kind}: sign-in links are mailed"
        context.report(context.place_of(trail), message)


def _check_link_port(context: Context, port: str) -> None:
    """Warn if links lead to another port of this machine: only a proxy could listen there."""
    given = context.values.get(("external_url",))
    parts = urlsplit(str(given or ""))
    if is_loopback(parts.hostname or "") and parts.port != int(port) != 0:
        place = context.place_of(("external_url",))
        context.warn(place, f"links in messages lead to {given}, but `listen` has port {port}")


def _check_exposed(context: Context) -> None:
    """Report exposed sources and heartbeats without credentials and without an explicit option."""
    accepted = context.values.get(("expose_insecure",)) is True
    for trail, value in list(context.values.items()):
        match trail:
            case ("sources" | "heartbeats", _, "insecure") if value is True:
                _report_exposed(trail, accepted=accepted, context=context)


def _report_exposed(trail: Trail, *, accepted: bool, context: Context) -> None:
    place = context.place_of(trail)
    what = f"{trail[0]}.{trail[1]} accepts requests from everybody who reaches `listen`"
    if accepted:
        context.warn(place, what)
    else:
        context.report(
            place,
            f"{what}, which isn't a loopback address: add credentials, "
            "or write expose_insecure: true at the top level if the network is trusted",
        )


def _is_open(context: Context) -> bool:
    """Check if the API is open by default. An invalid `auth` is reported elsewhere."""
    auth = context.values.get(("auth",))
    if auth is None:
        return ("auth",) not in context.places
    return not (auth.is_required or auth.insecure)


def _check_storage(context: Context) -> None:
    storage = context.values.get(("storage",))
    known = ("sqlite:///", "postgresql://", "postgres://")
    if storage and not storage.reveal().startswith(known):
        message = "expected sqlite:///FILE or postgresql://USER@HOST/DATABASE"
        context.report(context.place_of(("storage",)), message)
