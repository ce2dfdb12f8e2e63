"""The entries of the navigation: shown where the application has a route for the path."""

from collections.abc import Mapping, Sequence

from aiohttp import web
from msgspec import Struct


class Entry(Struct, frozen=True):
    """A link of the navigation: it belongs to all paths that begin with its own."""

    title: str
    path: str


NAVIGATION: Mapping[str, Sequence[Entry]] = {
    "Respond": (
        Entry("Incidents", "/incidents"),
        Entry("On-call", "/oncall"),
        Entry("Silences", "/silences"),
        Entry("Status page", "/statuspage"),
    ),
    "Route": (
        Entry("Rules", "/rules"),
        Entry("Policies", "/policies"),
        Entry("Channels", "/channels"),
        Entry("Heartbeats", "/heartbeats"),
        Entry("Differences", "/reconciliation"),
    ),
    "Change": (Entry("Deployments", "/deployments"), Entry("Actions", "/actions")),
    "Learn": (
        Entry("Drills", "/drills"),
        Entry("Post-mortems", "/postmortems"),
        Entry("Statistics", "/stats"),
    ),
    "Your own": (Entry("This device", "/device"),),
    "Administer": (
        Entry("Audit log", "/audit"),
        Entry("Users", "/users"),
        Entry("API tokens", "/tokens"),
        Entry("Settings", "/settings"),
    ),
}
"""All entries by group, in the order in which they are shown."""


class Shown(Struct, frozen=True):
    """A link on one page: `current` marks the page itself."""

    title: str
    path: str
    current: bool


Menu = Sequence[tuple[str, Sequence[Entry]]]


def available(app: web.Application) -> Menu:
    """Return the groups with the entries that have a route."""
    paths = paths_of(app)
    groups = (
        (group, [entry for entry in entries if entry.path in paths])
        for group, entries in NAVIGATION.items()
    )
    return [(group, entries) for group, entries in groups if entries]


def paths_of(app: web.Application) -> set[str]:
    """Return the paths of all routes with a GET handler."""
    return {
        route.resource.canonical
        for route in app.router.routes()
        if route.method == "GET" and route.resource is not None
    }


def menu(groups: Menu, path: str) -> list[tuple[str, list[Shown]]]:
    """Return the links as the page at `path` shows them."""
    return [
        (group, [Shown(entry.title, entry.path, _is_below(path, entry)) for entry in entries])
        for group, entries in groups
    ]


def _is_below(path: str, entry: Entry) -> bool:
    return path == entry.path or path.startswith(f"{entry.path}/")
