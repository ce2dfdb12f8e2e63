"""Checks across people, roles, schedules and channels: known names, and usable contact methods."""

from router.config.channel_options import ChannelOptions
from router.config.convert import Context, Trail
from router.config.located import suggest
from router.config.people import ContactConfig, OverrideConfig, hold_error, moment_at
from router.core.oncall.recipients import ContactMethod


def check_name(what: str, name: str, known: list[str], trail: Trail, context: Context) -> None:
    """Report `name`, written at `trail`, unless it is known."""
    if name not in known:
        context.report(context.place_of(trail), f"unknown {what} '{name}'{suggest(name, known)}")


def check_people(context: Context) -> None:
    """Report inconsistencies in `contacts`, `roles`, `schedules` and the names of `channels`."""
    for name in context.names_at(("channels",)):
        if set(name) & set("/:"):
            context.report(
                context.places["channels", name],
                f"the channel's name '{name}' can't contain '/' or ':'",
            )
        _check_throttle(name, context)
    contacts = context.names_at(("contacts",))
    for trail, name in context.all_of(str):
        match trail:
            case ("roles", _, _) | ("schedules", _, "layers", _, "contacts", _):
                check_name("contact", name, contacts, trail, context)
            case ("schedules", _, "overrides", _, "contact" | "replaces") if name:
                check_name("contact", name, contacts, trail, context)
    for trail, members in context.all_of(list):
        if trail[0] == "roles" and not members:
            context.report(context.place_of(trail), f"nobody has the role '{trail[1]}'")
    for trail, way in context.all_of(ContactMethod):
        _check_way(trail, way, context)
    for trail, override in context.all_of(OverrideConfig):
        _check_override(trail, override, context)


def channel_at(context: Context, name: str) -> ChannelOptions | None:
    """The channel of this name, if its options could be read."""
    found = context.values.get(("channels", name))
    return found if isinstance(found, ChannelOptions) else None


def _check_throttle(name: str, context: Context) -> None:
    """Report a throttle of a channel that can't send several incidents as one."""
    channel = channel_at(context, name)
    if channel is None or channel.throttle is None:
        return
    kind = context.values["channels", name, "type"]
    error = hold_error(channel.throttle)
    if not channel.capabilities.bundles:
        error = f"a channel of type {kind} takes no `throttle`: each incident needs its own message"
    elif not channel.capabilities.has_destination:
        error = "the channel only reaches people: set `throttle` in their contacts instead"
    if error:
        context.report(context.place_of(("channels", name, "throttle")), error)


def _check_way(trail: Trail, way: ContactMethod, context: Context) -> None:
    channels = context.names_at(("channels",))
    at = (*trail, "via")
    check_name("channel", way.via, channels, at, context)
    channel = channel_at(context, way.via)
    contact = context.values.get(trail[:2])
    if channel is None or not isinstance(contact, ContactConfig):
        return  # already reported
    reaches = channel.capabilities.reaches
    if reaches is None:
        kind = context.values["channels", way.via, "type"]
        context.report(
            context.place_of(at),
            f"channel '{way.via}' is of type {kind}, which doesn't reach single people",
        )
    elif not contact.address(reaches, str(trail[1])):
        context.report(
            context.place_of(at),
            f"'{trail[1]}' has no {reaches}, which channel '{way.via}' needs",
        )


def _check_override(trail: Trail, override: OverrideConfig, context: Context) -> None:
    """Report a local time that is skipped, since the override could be empty."""
    company = context.values.get(("company", "time_zone"), "UTC")
    zone = context.values.get((*trail[:2], "time_zone"), company)
    for key, moment in (("from", override.from_), ("to", override.to)):
        try:
            moment_at(moment, zone)
        except (ValueError, OverflowError) as error:
            context.report(context.place_of((*trail, key)), str(error))
