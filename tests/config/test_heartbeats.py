"""Heartbeats in the config: their credentials, and the rules generated from them."""

from pathlib import Path
from typing import Any

import pytest

from router.app import load_config
from router.config.heartbeats import RULE
from router.config.load import Config
from router.config.located import Invalid
from router.core.rules.heartbeat import SOURCE
from router.core.rules.rule import judge
from router.model.incident import Severity
from router.model.reason import Reason
from tests.daemon import write_config
from tests.world import alert

WATCHDOG = {"match": ['alertname="Watchdog"'], "every": "5m", "severity": "P1"}
BACKUP = {"every": "1d", "grace": "1h", "secret": "s3cret"}
CATCH_ALL = {"name": "all", "match": ['alertname=~".+"'], "severity": "P3"}


def read(folder: Path, rules: object = (), **heartbeats: Any) -> Config:
    return load_config(write_config(folder, list(rules), heartbeats=heartbeats))  # type: ignore[call-overload]


def problems(folder: Path, rules: object = (), **heartbeats: Any) -> str:
    with pytest.raises(Invalid) as refused:
        read(folder, rules, **heartbeats)
    return "\n".join(str(problem) for problem in refused.value.problems)


@pytest.mark.parametrize(
    ("shown", "error"),
    [
        ({}, "needs one of match"),
        ({"secret": "x", "insecure": True}, "takes only one of match"),
        ({"secret": "x", "match": ["a=b"]}, "takes only one of match"),
    ],
)
def test_each_shows_in_one_way_who_it_is(tmp_path: Path, shown: dict[str, Any], error: str) -> None:
    """An alert, a secret, or the word that anybody may; none and two are errors with a place."""
    found = problems(tmp_path, backup={"every": "1d"} | shown)
    assert "config.yaml:" in found
    assert error in found
    assert (
        read(tmp_path, backup={"every": "1d", "insecure": True}).settings.heartbeats["backup"].every
        == 86_400
    )


@pytest.mark.parametrize(
    ("heartbeats", "word"),
    [
        ({"backup": BACKUP | {"every": "0s"}}, "every is 0"),
        ({"backup": BACKUP | {"secret": "fail"}}, "can't be 'fail'"),
        ({"a/b": BACKUP}, "part of a URL"),
    ],
)
def test_what_could_not_work_is_refused(
    tmp_path: Path, heartbeats: dict[str, Any], word: str
) -> None:
    """With what is wrong about it, and without the secret."""
    found = problems(tmp_path, **heartbeats)
    assert word in found
    assert "s3cret" not in found


def test_no_rule_takes_the_name_of_one_of_these(tmp_path: Path) -> None:
    """A rule with a heartbeat's name would be ambiguous."""
    assert f"names that start with '{RULE}'" in problems(
        tmp_path, [CATCH_ALL | {"name": f"{RULE}x"}]
    )


def test_what_is_a_beat_opens_nothing_whatever_the_rules_say(tmp_path: Path) -> None:
    """It's taken before all rules, and `explain` can say by which."""
    rules = read(tmp_path, [CATCH_ALL], watchdog=WATCHDOG).settings.rules
    (taker,) = rules.matching_rules(alert(labels={"alertname": "Watchdog"}))
    assert taker.name == "heartbeat:watchdog"
    assert judge(taker, alert()).reason is Reason.HEARTBEAT
    assert judge(taker, alert()).severity is None


def test_how_bad_a_miss_is_stands_in_the_heartbeat_unless_a_rule_says_otherwise(
    tmp_path: Path,
) -> None:
    """The rules of the files come first, and can match by its labels."""
    missed = alert(source=SOURCE, labels={"alertname": "HeartbeatMissed", "heartbeat": "watchdog"})
    (taker,) = read(tmp_path, watchdog=WATCHDOG).settings.rules.matching_rules(missed)
    assert (taker.severity, taker.key(missed)) == (
        Severity.P1,
        'heartbeat:watchdog:missed{heartbeat="watchdog"}',
    )
    rule = {"name": "own", "match": ['heartbeat="watchdog"'], "severity": "P0"}
    (taker,) = read(tmp_path, [rule], watchdog=WATCHDOG).settings.rules.matching_rules(missed)
    assert taker.name == "own"


def test_another_source_is_taken_for_no_heartbeat(tmp_path: Path) -> None:
    """An alert that only has the labels goes where it would go anyway."""
    forged = alert(labels={"alertname": "HeartbeatMissed", "heartbeat": "watchdog"})
    (taker,) = read(tmp_path, watchdog=WATCHDOG).settings.rules.matching_rules(forged)
    assert taker.name == "default"
