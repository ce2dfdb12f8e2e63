"""The status page in the config, and what its page is made by."""

from datetime import UTC, datetime, time

from msgspec import Struct

from router.config.convert import Context
from router.config.fields import Duration, HttpUrl, Rate
from router.config.people_check import check_name
from router.config.times import Day
from router.model.statuspage import Component, StatusPlan

CHANNEL = "status-page"
"""The page is told what is published as a channel is: by what it's owed, in the same transaction.
"""


class ComponentDocument(Struct, frozen=True, kw_only=True):
    """A part of the service.

    Rules name it by `name`; customers see `title`. `since` is its first day on the page.
    """

    name: str
    title: str = ""
    description: str = ""
    group: str = ""
    since: Day | None = None


class SubscribersDocument(Struct, frozen=True, kw_only=True):
    """Updates by e-mail, over a channel of type email, to whoever asked for them and confirmed it.

    per_address, per_ip: how many forms are taken for one address and from one network address.
    behind_proxy: who asks is the last one in X-Forwarded-For, which a proxy of yours writes.
    """

    channel: str
    per_address: Rate = Rate(3, 3600.0)
    per_ip: Rate = Rate(20, 3600.0)
    behind_proxy: bool = False


class StatusPageDocument(Struct, frozen=True, kw_only=True):
    """The public page.

    `export` is a folder to which it's also written, after each update and `every` so often.
    """

    components: list[ComponentDocument] = []
    title: str = ""
    url: HttpUrl | None = None
    public_history: Duration = Duration(90 * 86_400.0)
    subscribers: SubscribersDocument | None = None
    export: str = ""
    every: Duration = Duration(60.0)

    def __post_init__(self) -> None:
        if not 86_400 <= self.public_history <= 366 * 86_400:
            raise ValueError("`public_history` must be between 1d and 366d")
        if self.every < 1:
            raise ValueError("`every` must be at least 1s")


def status_plan(page: StatusPageDocument, company: str, external_url: str) -> StatusPlan:
    """What the page is made by."""
    return StatusPlan(
        title=page.title or (f"{company} status" if company else "Status"),
        url=(page.url or f"{external_url.rstrip('/')}/status").rstrip("/"),
        components=tuple(_component(one) for one in page.components),
        history=page.public_history,
    )


def _component(one: ComponentDocument) -> Component:
    since = datetime.combine(one.since, time(), UTC).timestamp() if one.since else None
    return Component(one.name, one.title or one.name, one.description, one.group, since)


def check_status_page(rules: list[tuple[tuple[str | int, ...], str]], context: Context) -> None:
    """Report components that are there twice or that rules name in vain, and a channel that can't
    send e-mail.

    `rules` are the components that rules name, with where.
    """
    if ("status_page",) not in context.places:
        return
    components = [
        (trail, one.name)
        for trail, one in context.all_of(ComponentDocument)
        if trail[:2] == ("status_page", "components")
    ]
    known = [name for _, name in components]
    for number, (trail, name) in enumerate(components):
        if name in known[:number]:
            context.report(context.place_of(trail), f"component '{name}' is there already")
    for trail, name in rules:
        check_name("component of status_page", name, known, trail, context)
    _check_subscribers(context)
    if CHANNEL in context.names_at(("channels",)):
        context.report(
            context.places["channels", CHANNEL],
            f"'{CHANNEL}' is the status page itself: take another name",
        )


def _check_subscribers(context: Context) -> None:
    trail = ("status_page", "subscribers", "channel")
    name = context.values.get(trail)
    if name is None:
        return
    check_name("channel", name, context.names_at(("channels",)), trail, context)
    kind = context.values.get(("channels", name, "type"))
    if kind is not None and kind != "email":
        context.report(
            context.place_of(trail), f"channel '{name}' is of type {kind}: subscribers get e-mail"
        )
