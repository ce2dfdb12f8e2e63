"""Facts about an alert for responders: labels by importance, and every annotation."""

import pytest
from msgspec.structs import replace

from router.core.messages.render import (
    MAX_DETAIL,
    MAX_LABELS,
    annotation_links,
    details,
    facts,
    labels,
    paragraph,
)
from router.model.decision import Entry
from router.model.reason import Reason
from tests.senders.kit import NOW, make_incident, make_message

HELM = (
    "alertname app_kubernetes_io_component app_kubernetes_io_instance "
    "app_kubernetes_io_managed_by chart cluster "
    "component container endpoint environment helm_sh_chart heritage instance job "
    "kubernetes_name metrics_path "
    "kubernetes_namespace namespace node pod prometheus release service severity "
    "app_kubernetes_io_name "
    "app_kubernetes_io_part_of app_kubernetes_io_version"
)
"""The labels of a Helm deployment, of which those that say where sort last."""


def test_facts_about_an_incident_that_ended() -> None:
    shown = facts(
        replace(
            make_message(timeline=()),
            incident=make_incident(firing=2, alerts=5, closed_at=NOW, labels={"service": "api"}),
        )
    )
    assert list(shown) == [
        ("Alerts firing", "2 of 5"),
        ("Ended", "2026-01-01 12:10 UTC"),
        ("Component", "payments"),
        ("service", "api"),
    ]


def test_labels_that_say_what_and_where_come_first_and_the_rest_is_counted() -> None:
    names = HELM.split()
    shown = list(labels(dict.fromkeys(names, "x")))
    first = ["alertname", "severity", "service", "namespace", "pod", "instance", "cluster"]
    assert [name for name, _ in shown[:7]] == first
    assert len(shown) == MAX_LABELS + 1
    assert shown[-1] == ("More labels", f"+{len(names) - MAX_LABELS}")


def test_labels_without_a_value_are_left_out() -> None:
    assert list(labels({"pod": "", "zone": " "})) == []


def test_every_annotation_is_shown_with_its_line_breaks() -> None:
    """The message first; a text that is the title already isn't repeated."""
    annotations = {
        "Error": "Timeout\nafter 3 tries",
        "impact": "No checkout",
        "message": "Job is slow.\r\n\r\n\r\nRetry it.",
        "summary": "Payment failures at 2.5% on api",
        "empty": " ",
    }
    assert list(details(make_incident(annotations=annotations))) == [
        ("Message", "Job is slow.\n\nRetry it."),
        ("Impact", "No checkout"),
        ("Error", "Timeout\nafter 3 tries"),
    ]


def test_an_annotation_that_is_a_web_address_is_a_link() -> None:
    """Except for the runbook, which has a link of its own."""
    annotations = {
        "dashboard_url": "https://grafana/d/1",
        "dashboard": "see wiki",
        "runbook_url": "https://r/1",
        "x": "javascript:1",
    }
    incident = make_incident(annotations=annotations)
    assert list(annotation_links(incident)) == [("Dashboard", "https://grafana/d/1")]
    assert [name for name, _ in details(incident)] == ["Dashboard", "X"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one\ntwo", "one\ntwo"),
        ("a\r\n\x00b\u2028c\n\n\n\nd ", "a\nb\nc\n\nd"),
        ("\n\n", ""),
        ("x" * 5000, "x" * (MAX_DETAIL - 1) + "…"),
        ("\n".join("abc" for _ in range(35)), "abc\n" * 30 + "(+5 more lines)"),
    ],
)
def test_a_paragraph_is_plain_and_bounded(text: str, shown: str) -> None:
    assert paragraph(text) == shown


def test_the_value_that_set_the_severity_is_a_fact() -> None:
    """The latest, in the unit of its threshold."""
    opened = {
        "alert": "ErrorRate",
        "value": "0.02",
        "threshold": "> 1%",
        "reason": "above_threshold",
    }
    raised = {"value": "0.4", "threshold": "> 10%", "reason": "above_threshold"}
    timeline = (
        Entry(142, NOW, Reason.OPENED, data=opened),
        Entry(142, NOW, Reason.SEVERITY_RAISED, data=raised),
    )
    assert ("Measured", "40% (threshold > 10%)") in list(facts(make_message(timeline=timeline)))


def test_an_unreadable_value_is_a_warning() -> None:
    data = {"value": "8.5GiB", "threshold": "> 1Gi", "reason": "value_unreadable"}
    shown = dict(facts(make_message(timeline=(Entry(142, NOW, Reason.OPENED, data=data),))))
    assert (
        shown["Warning"] == "measured value '8.5GiB' can't be read, so the lowest severity applies"
    )
    assert "Measured" not in shown
