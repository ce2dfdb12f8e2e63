"""Checks across people, roles, schedules and channels: that each name is known, and each way leads
to its person.
"""

from router.config.channel_options import ChannelOptions
from router.config.convert import Context, Trail
from router.config.located import suggest
from router.config.people import ContactDocument, WayDocument


def check_name(what: str, name: str, known: list[str], trail: Trail, context: Context) -> None:
    """Report `name`, written at `trail`, unless it's known."""
    if name not in known:
        context.report(context.place_of(trail), f"unknown {what} '{name}'{suggest(name, known)}")


def check_people(context: Context) -> None:
    """Report what doesn't fit together in `contacts`, `roles`, `schedules` and the names of
    `channels`.
    """
    for name in context.names_at(("channels",)):
        if set(name) & set("/:"):
            context.report(
                context.places["channels", name],
                f"the channel's name '{name}' can't have '/' or ':' in it",
            )
    contacts = context.names_at(("contacts",))
    for trail, name in list(context.all_of(str)):
        match trail:
            case ("roles", _, _) | ("schedules", _, "layers", _, "contacts", _):
                check_name("contact", name, contacts, trail, context)
            case ("schedules", _, "overrides", _, "contact" | "replaces") if name:
                check_name("contact", name, contacts, trail, context)
    for trail, people in list(context.all_of(list)):
        if trail[0] == "roles" and not people:
            context.report(context.place_of(trail), f"nobody has the role '{trail[1]}'")
    for trail, way in list(context.all_of(WayDocument)):
        _check_way(trail, way, context)


def channel_at(context: Context, name: str) -> ChannelOptions | None:
    """The channel of this name, if its options could be read."""
    found = context.values.get(("channels", name))
    return found if isinstance(found, ChannelOptions) else None


def _check_way(trail: Trail, way: WayDocument, context: Context) -> None:
    channels = context.names_at(("channels",))
    at = (*trail, "via")
    check_name("channel", way.via, channels, at, context)
    channel, contact = channel_at(context, way.via), context.values.get(trail[:2])
    if channel is None or not isinstance(contact, ContactDocument):
        return  # a problem of its own
    reaches = channel.capabilities.reaches
    if reaches is None:
        kind = context.values["channels", way.via, "type"]
        context.report(
            context.place_of(at),
            f"channel '{way.via}' is of type {kind}, which doesn't reach single people",
        )
    elif not contact.address(reaches):
        context.report(
            context.place_of(at), f"'{trail[1]}' has no {reaches}, which channel '{way.via}' needs"
        )
