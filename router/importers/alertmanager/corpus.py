"""Label sets that match every route of a tree, to compare its decisions with those of the rules."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, islice, product
from typing import Any

from router.config.located import Place
from router.core.rules.lint import contradiction
from router.core.rules.matcher import Matcher, match_all
from router.importers.alertmanager.tree import Route

MOST = 300
"""Maximum label sets. Each takes a run of amtool."""

OTHER = "something-else"
_SAMPLES = (
    (r"\\[dD]", "1"), (r"\\[wWsS]", "x"), (r"\[[^\]]*\]", "1"), (r"\.", "x"), (r"\\(.)", r"\1"),
)  # fmt: skip
_REPEATED = re.compile(r"(?:[*+?]|\{\d+(?:,\d*)?\})\??")

Labels = dict[str, str]


def label_sets(root: Route) -> list[Labels]:
    """Label sets that match each route, and variants of them that may not."""
    matching = [labels for _, path in _places(root, ()) for labels in _examples(path)]
    around = [_without(labels, name) for labels in matching for name in labels]
    around += [labels | {name: OTHER} for labels in matching for name in labels]
    both = (combination | other for combination, other in combinations(matching, 2))
    distinct: dict[str, Labels] = {}
    for labels in ({}, *matching, *around, *islice(both, 20 * MOST)):
        distinct.setdefault(json.dumps(labels, sort_keys=True), labels)
        if len(distinct) == MOST:
            break
    return list(distinct.values())


def _without(labels: Labels, name: str) -> Labels:
    return {key: value for key, value in labels.items() if key != name}


def _examples(path: tuple[Matcher, ...]) -> Iterator[Labels]:
    """A few label sets that all matchers match; none if no value is found for one of them."""
    values = [
        (name, fitting)
        for name in dict.fromkeys(matcher.name for matcher in path)
        if (fitting := _values([matcher for matcher in path if matcher.name == name])) is not None
    ]
    names = [name for name, _ in values]
    for chosen in islice(product(*(fitting for _, fitting in values)), 4):
        yield {name: value for name, value in zip(names, chosen, strict=True) if value}


def _values(of_label: list[Matcher]) -> list[str] | None:
    candidates = ["", OTHER]
    for matcher in of_label:
        candidates = [*sorted(matcher.values or ()), *_samples(matcher.value), *candidates]
    fitting = [
        value
        for value in dict.fromkeys(candidates)
        if all(matcher.matches({matcher.name: value}) for matcher in of_label)
    ]
    return fitting[:3] or None


def _samples(pattern: str) -> Iterator[str]:
    """Texts that the pattern may match: its alternatives, with a sample for each class."""
    bare = re.sub(r"\(\?[a-zA-Z:]*|[()^$]", "", pattern)
    for text in bare.split("|"):
        sample = text
        for wanted, replacement in _SAMPLES:
            sample = re.sub(wanted, replacement, sample)
        yield _REPEATED.sub("", sample)


def untried(root: Route, sets: Sequence[Labels]) -> list[Place]:
    """The places of routes that no label set matches, except where the matchers contradict."""
    return [
        place
        for place, path in _places(root, ())
        if not any(match_all(path, labels) for labels in sets)
    ]


def _places(
    route: Route, above: tuple[Matcher, ...]
) -> Iterator[tuple[Place, tuple[Matcher, ...]]]:
    path = (*above, *route.matchers)
    if contradiction(path) is None:
        yield route.place, path
        for below in route.routes:
            yield from _places(below, path)


# --- for amtool


def skeleton(root: Route) -> str:
    """A config with only the route tree, which any version of amtool can read."""
    receivers = dict.fromkeys(route.receiver for route in _all(root))
    tree = {"route": _bare(root), "receivers": [{"name": name} for name in receivers]}
    return json.dumps(tree, indent=1)


def _all(route: Route) -> Iterator[Route]:
    yield route
    for below in route.routes:
        yield from _all(below)


def _bare(route: Route) -> Mapping[str, Any]:
    bare: dict[str, Any] = {"receiver": route.receiver, "continue": route.continues}
    if route.matchers:
        bare["matchers"] = [str(matcher) for matcher in route.matchers]
    if route.routes:
        bare["routes"] = [_bare(below) for below in route.routes]
    return bare
