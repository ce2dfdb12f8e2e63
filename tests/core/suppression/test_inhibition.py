"""Inhibition: which incident keeps which alerts quiet."""

import pytest
from msgspec.structs import replace

from router.core.rules.matcher import parse_matchers
from router.core.suppression.inhibition import Inhibition, inhibitor
from router.model.incident import Incident, Severity, Status
from router.model.reason import Reason

CAUSE = Incident(
    1, "k", "database", "alertmanager", "down", Severity.P0, Status.INVESTIGATING, 0.0, 0.0,
    labels={"alertname": "DatabaseDown", "severity": "critical", "cluster": "a"},
)  # fmt: skip
EFFECT = {"alertname": "Errors", "severity": "warning", "cluster": "a"}
BY_SEVERITY = Inhibition(
    parse_matchers("severity=warning"), parse_matchers("severity=critical"), equal=("cluster",)
)


def test_the_cause_keeps_the_effect_quiet() -> None:
    """If the labels under `equal` are the same."""
    assert inhibitor([BY_SEVERITY], EFFECT, [CAUSE]) == CAUSE
    assert inhibitor([BY_SEVERITY], EFFECT | {"cluster": "b"}, [CAUSE]) is None


def test_labels_that_both_lack_are_equal() -> None:
    """As in Alertmanager."""
    other = replace(CAUSE, labels={"severity": "critical"})
    assert inhibitor([BY_SEVERITY], {"severity": "warning"}, [other]) == other


@pytest.mark.parametrize(
    "cause",
    [
        pytest.param(replace(CAUSE, closed_at=1.0), id="closed"),
        pytest.param(replace(CAUSE, labels={"severity": "warning", "cluster": "a"}), id="another"),
        pytest.param(
            replace(CAUSE, muted=(Reason.INHIBITED, "INC-7")), id="held back by yet another"
        ),
    ],
)
def test_what_is_no_cause_keeps_nothing_quiet(cause: Incident) -> None:
    """Nor does an inhibited cause mute, or nobody might be notified at all."""
    assert inhibitor([BY_SEVERITY], EFFECT, [cause]) is None


def test_a_silenced_cause_still_inhibits() -> None:
    """A silence of the cause isn't a wish to see its effects."""
    assert inhibitor([BY_SEVERITY], EFFECT, [replace(CAUSE, muted=(Reason.SILENCED, "night"))])


def test_what_could_be_both_is_not_kept_quiet_by_its_like() -> None:
    """Two alerts that are cause and effect of each other would both be quiet."""
    loop = Inhibition(parse_matchers("cluster=a"), parse_matchers("cluster=a"))
    assert inhibitor([loop], EFFECT, [CAUSE]) is None


@pytest.mark.parametrize(("rule", "found"), [("database", True), ("web", False)])
def test_the_source_may_be_a_rule(rule: str, found: bool) -> None:
    """The labels of its incidents don't matter."""
    inhibition = Inhibition(parse_matchers("severity=warning"), rule=rule)
    assert (inhibitor([inhibition], EFFECT, [CAUSE]) is not None) is found
