"""Silences and inhibitions in the config: conversion into core types, and refused forms."""

from pathlib import Path
from typing import Any

import pytest

from router.config.located import Invalid
from router.core.oncall.schedule import Restriction
from router.core.rules.matcher import parse_matchers
from router.core.suppression.recurring_silence import RecurringSilence, Weekly
from tests.config.test_people_check import read

NIGHT = {
    "name": "night",
    "match": ['service="api"', 'level=~"warning|info"'],
    "from": "22:00",
    "to": "06:00",
}
LOUD = {"source": ['alertname="Down"'], "target": ['alertname="Slow"'], "equal": ["service"]}


def problems(folder: Path, **changes: Any) -> list[str]:
    with pytest.raises(Invalid) as caught:
        read(folder, **changes)
    return [problem.message for problem in caught.value.problems]


def test_a_silence_is_a_window_by_the_clock_of_its_zone(tmp_path: Path) -> None:
    """Without one it's the company's; without days it's every day."""
    settings = read(
        tmp_path, silences=[NIGHT, NIGHT | {"name": "sun", "days": ["Sun"], "time_zone": "UTC"}]
    ).settings
    matchers = parse_matchers('service="api", level=~"warning|info"')
    assert settings.silences == (
        RecurringSilence("night", matchers, Weekly(Restriction(22 * 60, 6 * 60), "Europe/London")),
        RecurringSilence(
            "sun", matchers, Weekly(Restriction(22 * 60, 6 * 60, frozenset({6})), "UTC")
        ),
    )


def test_an_inhibition_names_its_cause_and_its_effects(tmp_path: Path) -> None:
    (found,) = read(tmp_path, inhibit=[LOUD]).settings.inhibitions
    assert (found.source, found.target) == (
        parse_matchers("alertname=Down"),
        parse_matchers("alertname=Slow"),
    )
    assert (found.equal, found.rule) == (("service",), "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"silences": [NIGHT | {"match": []}]},
            "a silence needs a matcher, or it would mute every alert",
        ),
        (
            {"silences": [NIGHT | {"match": ["{}"]}]},
            "without a matcher it would match every alert",
        ),
        *(
            (
                {"silences": [NIGHT | {"match": [match]}]},
                (
                    "these matchers also match alerts without the label env, so the silence could "
                    'mute every alert: add a matcher that needs a value, such as env=~".+"'
                ),
            )
            for match in ('env=""', 'env=~".*"', 'env=~"|prod"', 'env!~".+"')
        ),
        (
            {"silences": [NIGHT | {"from": "24:00"}]},
            "`from` can't be 24:00: write 00:00 of the next day",
        ),
        ({"silences": [NIGHT, NIGHT]}, "silence 'night' already exists"),
        (
            {"inhibit": [LOUD | {"target": []}]},
            "`target` would match every alert: give it a matcher",
        ),
        (
            {"inhibit": [{"target": LOUD["target"]}]},
            (
                "an inhibition needs a `source` (matchers), or the `rule` of the incidents that "
                "inhibit"
            ),
        ),
        (
            {"inhibit": [LOUD | {"rule": "defalt"}]},
            "unknown rule 'defalt', did you mean 'default'?",
        ),
    ],
)
def test_what_would_silence_everything_or_nothing_is_refused(
    tmp_path: Path, changes: Any, said: str
) -> None:
    """Both are mistakes."""
    assert problems(tmp_path, **changes) == [said]


def test_a_silence_that_mutes_nothing_is_a_warning(tmp_path: Path) -> None:
    """At its matchers."""
    config = read(tmp_path, silences=[NIGHT | {"match": ['service="api"', 'service="web"']}])
    (warning,) = config.warnings
    assert warning.message == (
        """silence 'night' mutes nothing: no value of service matches all of: """
        """service="api", service="web\""""
    )


@pytest.mark.parametrize("match", ['env!="prod"', 'env!~"prod|staging"'])
def test_a_silence_of_all_but_some_is_a_warning(tmp_path: Path, match: str) -> None:
    """A window that a person has written may mute everything else at night."""
    (warning,) = read(tmp_path, silences=[NIGHT | {"match": [match]}]).warnings
    assert warning.message == "silence 'night' also mutes every alert without these labels"
