"""The flat rules decide as the tree of routes does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.config.located import Invalid, Place
from router.core.rules.lint import contradiction
from router.core.rules.matcher import Matcher, MatchOp, match_all
from router.importers.alertmanager.corpus import label_sets, untried
from router.importers.alertmanager.tree import MOST_RULES, Route, outcomes

NAMES = ("a", "b", "c")
matchers = st.builds(
    Matcher,
    st.sampled_from(NAMES),
    st.sampled_from(MatchOp),
    st.sampled_from(["", "x", "x|y", "z"]),
)


def made(asked: list[Matcher], below: list[Route], *, continues: bool) -> Route:
    place = Place("am.yml", 1, 1)
    return Route(place, "r", tuple(asked), continues=continues, routes=below)


asked = st.lists(matchers, max_size=2)
leaves = st.builds(made, asked, st.just([]), continues=st.booleans())
routes = st.builds(made, asked, st.lists(leaves, max_size=3), continues=st.booleans())
trees = st.builds(made, st.just([]), st.lists(routes, max_size=3), continues=st.just(False))
label_values = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["x", "y", "z", "w"]))


def walked(route: Route, labels: dict[str, str]) -> list[Route]:
    """Alertmanager's own walk: depth first, to the first child that matches without `continue`."""
    if not match_all(route.matchers, labels):
        return []
    found = []
    for child in route.routes:
        matched = walked(child, labels)
        found += matched
        if matched and not child.continues:
            break
    return found or [route]


@settings(max_examples=60)
@given(trees, label_values)
def test_the_first_outcome_names_the_routes_that_the_walk_finds(
    tree: Route, labels: dict[str, str]
) -> None:
    """For every tree and every alert, in the same order."""
    first = next(outcome for outcome in outcomes(tree) if match_all(outcome.matchers, labels))
    assert list(first.routes) == walked(tree, labels)


@settings(max_examples=60)
@given(trees)
def test_no_outcome_is_without_effect(tree: Route) -> None:
    """None contradicts itself."""
    assert [outcome for outcome in outcomes(tree) if contradiction(outcome.matchers)] == []


@settings(max_examples=60)
@given(trees)
def test_the_corpus_tries_each_route(tree: Route) -> None:
    """Unless no labels can match it."""
    sets = label_sets(tree)
    assert untried(tree, sets) == []


def chain(length: int, name: str) -> Route:
    """Routes that all continue, each with a label of its own, or with a value of `name`."""
    place = Place("am.yml", 7, 3)
    below = [
        Route(place, "r", (Matcher(name or f"l{n}", MatchOp.EQUAL, f"v{n}"),), continues=True)
        for n in range(length)
    ]
    return Route(place, "root", routes=below)


def test_many_routes_that_continue_are_few_rules_if_they_exclude_each_other() -> None:
    assert len(outcomes(chain(200, "team"))) == 201


def test_too_many_combinations_are_an_error_at_the_route() -> None:
    """Rather than thousands of rules that nobody can read."""
    with pytest.raises(Invalid, match=rf"am.yml:7:3: .* more than {MOST_RULES} rules"):
        outcomes(chain(30, ""))
