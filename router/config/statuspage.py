"""The status page in the config, and the settings of the page."""

from collections.abc import Sequence

from msgspec import Struct

from router.config.convert import Context, Trail
from router.config.fields import HttpUrl, Rate
from router.config.people_check import check_name
from router.model.scalars import Duration
from router.model.statuspage import Component, StatusPlan

CHANNEL = "status-page"
"""The name that stands for a channel in the outbox rows of the page's updates."""


class SubscribersConfig(Struct, frozen=True, kw_only=True):
    """Updates by e-mail to everybody who subscribed and confirmed, over a channel of type email.

    per_address, per_ip: how many forms are accepted for a mail address, and from an IP address.
    """

    channel: str
    per_address: Rate = Rate(3, 3600.0)
    per_ip: Rate = Rate(20, 3600.0)


class StatusPageConfig(Struct, frozen=True, kw_only=True):
    """The public page.

    `export`: a folder to which the page is also written, after each update and every `every`.
    """

    components: tuple[Component, ...] = ()
    title: str = ""
    url: HttpUrl | None = None
    public_history: Duration = Duration(90 * 86_400.0)
    subscribers: SubscribersConfig | None = None
    export: str = ""
    every: Duration = Duration(60.0)

    def __post_init__(self) -> None:
        if not 86_400 <= self.public_history <= 366 * 86_400:
            raise ValueError("`public_history` must be between 1d and 366d")
        if self.every < 1:
            raise ValueError("`every` must be at least 1s")


def status_plan(
    page: StatusPageConfig, company: str, external_url: str, zone: str = "UTC"
) -> StatusPlan:
    """The settings of the page."""
    return StatusPlan(
        title=page.title or (f"{company} status" if company else "Status"),
        url=(page.url or f"{external_url.rstrip('/')}/status").rstrip("/"),
        components=page.components,
        history=page.public_history,
        zone=zone,
    )


def check_status_page(rules: Sequence[tuple[Trail, str]], context: Context) -> None:
    """Report duplicate and unknown components, and a channel that can't send e-mail.

    `rules`: the components that rules name, with their places.
    """
    if ("status_page",) not in context.places:
        return
    components = [
        (trail, component.name)
        for trail, component in context.all_of(Component)
        if trail[:2] == ("status_page", "components")
    ]
    known = [name for _, name in components]
    for number, (trail, name) in enumerate(components):
        if name in known[:number]:
            context.report(context.place_of(trail), f"component '{name}' already exists")
    for trail, name in rules:
        check_name("component of status_page", name, known, trail, context)
    _check_subscribers(context)
    if CHANNEL in context.names_at(("channels",)):
        context.report(
            context.places["channels", CHANNEL],
            f"'{CHANNEL}' is the name of the status page: give the channel another name",
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
            context.place_of(trail),
            f"channel '{name}' is of type {kind}: subscribers get e-mail",
        )
