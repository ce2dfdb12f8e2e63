"""Similar past incidents: which, in what order, and what fixed them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.deployments.similar import LEAST, MOST, Fix, similar, what_fixed
from router.model.decision import Entry
from router.model.incident import Incident, Severity, Status
from router.model.reason import Reason


def incident(
    number: int,
    rule: str = "r",
    *,
    key: str = "",
    is_open: bool = False,
    component: str = "",
    **labels: str,
) -> Incident:
    return Incident(
        number, key or f"{rule}{labels}", rule, "alertmanager", "t", Severity.P1,
        Status.INVESTIGATING if is_open else Status.RESOLVED, 100.0 * number, 0.0,
        labels=labels, component=component, closed_at=None if is_open else 100.0 * number + 50,
    )  # fmt: skip


NOW = incident(
    9, is_open=True, key="same", service="api", alertname="Errors", zone="a", component="web"
)


def test_the_most_alike_come_first_and_of_those_the_latest() -> None:
    """The same key, then the same rule with more labels alike, then labels alone."""
    others = [
        incident(1, key="same", service="api"),
        incident(2, key="same", service="api"),
        incident(3, "r", service="api", alertname="Errors", zone="b"),
        incident(4, "r", service="api", alertname="Other", zone="b"),
        incident(5, "other", service="api", alertname="Errors", zone="a", component="web"),
        incident(6, "other", service="web", alertname="Slow", zone="c"),
    ]
    found = similar(NOW, others)
    assert [(row.incident.id, row.same) for row in found] == [
        (2, "key"), (1, "key"), (3, "rule"), (5, "labels"), (4, "rule"),
    ]  # fmt: skip
    assert found[2].labels == ("alertname", "service")
    assert found[0].score == 1.0


def test_only_what_is_past_and_over_counts() -> None:
    """Current and later incidents have no outcome to learn from."""
    others = [
        incident(3, key="same", is_open=True),
        incident(9, key="same"),
        incident(12, key="same"),
    ]
    assert similar(NOW, others) == []


def test_the_default_rule_says_nothing_of_what_it_took() -> None:
    """Two alerts that no rule knows aren't alike for that."""
    one = incident(9, "default", is_open=True, alertname="A")
    assert similar(one, [incident(1, "default", alertname="B")]) == []


@given(
    st.lists(
        st.tuples(st.integers(1, 20), st.sampled_from("rst"), st.sampled_from("ab"), st.booleans())
    )
)
def test_scores_are_shares_and_there_are_a_few(given_: list[tuple[int, str, str, bool]]) -> None:
    """For any incidents."""
    others = [
        incident(n, rule, service=service, is_open=is_open) for n, rule, service, is_open in given_
    ]
    found = similar(incident(15, "r", service="a", is_open=True), others)
    assert len(found) <= MOST
    assert all(LEAST <= row.score <= 1 and row.incident.id < 15 for row in found)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def entry(what: Reason, at: float = 1.0, by: str = "ana", text: str = "") -> Entry:
    return Entry(1, at, what, by, {"text": text} if text else {})


@pytest.mark.parametrize(
    ("timeline", "fix"),
    [
        ([], None),
        ([entry(Reason.OPENED), entry(Reason.RESOLVED)], None),
        (
            [
                entry(Reason.NOTED, 1, text="looking"),
                entry(Reason.NOTED, 2, text="rolled back"),
                entry(Reason.RESOLVED),
            ],
            Fix("rolled back", "ana", 2),
        ),
        (
            [
                entry(Reason.RESOLVED_BY_PERSON, 3, "ben", "rolled back"),
                entry(Reason.NOTED, 4, text="afterthought"),
            ],
            Fix("rolled back", "ben", 3),
        ),
        (
            [entry(Reason.NOTED, 1, text="restarted"), entry(Reason.RESOLVED_BY_PERSON, 3, "ben")],
            Fix("restarted", "ana", 1),
        ),
        (
            [
                entry(Reason.ACKNOWLEDGED, text="on it"),
                entry(Reason.FALSE_POSITIVE, 3, text="a test"),
            ],
            Fix("a test", "ana", 3),
        ),
        (
            [
                entry(Reason.RESOLVED_BY_PERSON, 3, text="first"),
                entry(Reason.RESOLVED_BY_PERSON, 9, text="last"),
            ],
            Fix("last", "ana", 9),
        ),
    ],
)
def test_what_fixed_it_is_what_people_wrote_of_it(timeline: list[Entry], fix: Fix | None) -> None:
    """The text given on resolving, else the last note; never an earlier note."""
    assert what_fixed(timeline) == fix
