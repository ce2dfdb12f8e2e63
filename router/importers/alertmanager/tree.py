"""The tree of routes, and a list of rules that make the same decisions.

Alertmanager walks the tree depth-first and stops at the first child that matches, unless it has
`continue`; if no child matches, the route itself gets the alert (dispatch/route.go). Rules are a
flat list, and the first rule that matches decides. So each rule has the matchers of a whole path.
If `continue` sends an alert to several routes, one rule covers all of them, so that a single
incident notifies all of their receivers.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec import Struct

from router.config.located import Invalid, Place, Problem
from router.core.rules.lint import contradiction, implies
from router.core.rules.matcher import Matcher, MatchOp, parse_matchers
from router.importers.source import Section

MOST_RULES = 1000
"""Maximum rules. Each `continue` may double the number of rules for later siblings."""

ALL_LABELS = "..."


@dataclass(frozen=True, eq=False)
class Route:
    """A route, with the options that it inherits from its parent."""

    place: Place
    receiver: str
    matchers: tuple[Matcher, ...] = ()
    group_by: tuple[str, ...] = ()
    repeat_interval: str = "4h"
    continues: bool = False
    muted_in: tuple[str, ...] = ()
    active_in: tuple[str, ...] = ()
    routes: list["Route"] = field(default_factory=list)


class Outcome(Struct, frozen=True, eq=False):
    """The routes of alerts that `matchers` match, unless an earlier outcome matched them."""

    matchers: tuple[Matcher, ...]
    routes: tuple[Route, ...]


def read_route(section: Section, parent: Route | None = None) -> Route:
    """Read the route and its children. Raises: Invalid, for a matcher that can't be parsed."""
    inherited = parent or Route(section.place, "")
    route = Route(
        section.place,
        section.text("receiver") or inherited.receiver,
        tuple(_matchers(section)),
        tuple(section.texts("group_by")) if "group_by" in section else inherited.group_by,
        section.text("repeat_interval") or inherited.repeat_interval,
        section.flag("continue"),
        tuple(section.texts("mute_time_intervals")),
        tuple(section.texts("active_time_intervals")),
    )
    _remark(section, route)
    route.routes.extend(read_route(below, route) for below in section.sections("routes"))
    return route


def _matchers(section: Section) -> Iterator[Matcher]:
    yield from matchers_at(section, "match", "match_re", "matchers")


def matchers_at(section: Section, equal: str, regex: str, listed: str) -> Iterator[Matcher]:
    """The matchers under the three keys that Alertmanager knows. Raises: Invalid."""
    try:
        for key, op in ((equal, MatchOp.EQUAL), (regex, MatchOp.MATCHES)):
            for name, value in section.pairs(key).items():
                yield Matcher(name, op, value)
        for text in section.texts(listed):
            yield from parse_matchers(text)
    except ValueError as error:
        raise Invalid([Problem(section.at(listed), str(error))]) from None


def _remark(section: Section, route: Route) -> None:
    if "group_wait" in section:
        section.remark(
            "group_wait",
            "`group_wait` isn't needed: the first alert opens the incident immediately",
        )
    if "group_interval" in section:
        message = "`group_interval` isn't needed: alerts that join later are added at once"
        section.remark("group_interval", message)
    if ALL_LABELS in route.group_by and "group_by" in section:
        message = "can't group by all labels (`...`): there's one incident for each alertname"
        section.remark("group_by", f"{message} and instance, add the labels that tell alerts apart")


# --- flat


def outcomes(root: Route) -> list[Outcome]:
    """The decisions for the rules, in order. Raises: Invalid, if there would be too many."""
    decisions: list[Outcome] = []
    for outcome in _walked(root, 0, (), root.matchers):
        if not any(implies(outcome.matchers, before.matchers) for before in decisions):
            decisions.append(outcome)
    return decisions


def _walked(
    parent: Route, first: int, matched: tuple[Route, ...], known: tuple[Matcher, ...]
) -> list[Outcome]:
    """The outcomes for alerts that match `known`, starting with the child of this number.

    `matched` are the routes of earlier children with `continue`. The last outcome has only the
    matchers `known`, unless a child matches all remaining alerts.
    """
    decisions: list[Outcome] = []
    for number in range(first, len(parent.routes)):
        child = parent.routes[number]
        both = _joined(known, child.matchers)
        if contradiction(both) is not None:
            continue
        for outcome in _walked(child, 0, (), both):
            routes = (*matched, *outcome.routes)
            if child.continues:
                decisions += _walked(parent, number + 1, routes, outcome.matchers)
            else:
                decisions.append(Outcome(outcome.matchers, routes))
            _check_number(child, decisions)
        if implies(known, child.matchers):
            return decisions
    return [*decisions, Outcome(known, matched or (parent,))]


def _check_number(child: Route, decisions: list[Outcome]) -> None:
    if len(decisions) > MOST_RULES:
        message = f"the routes with `continue` from here on would need more than {MOST_RULES} rules"
        raise Invalid([Problem(child.place, f"{message}: shorten the tree first")])


def _joined(first: tuple[Matcher, ...], second: tuple[Matcher, ...]) -> tuple[Matcher, ...]:
    return tuple(dict.fromkeys((*first, *second)))
