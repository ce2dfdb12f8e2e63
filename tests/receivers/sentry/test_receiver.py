"""Sentry's webhooks of all kinds become alerts."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.model.alert import Alert, AlertStatus
from router.ports.errors import InvalidInput
from router.ports.webhooks import Incoming, Received, Receiver
from router.receivers import RECEIVERS
from router.receivers.context import ReceiverContext
from router.receivers.sentry.payloads import KINDS
from router.receivers.sentry.receiver import SentryConfig, SentryReceiver

PAYLOADS = Path(__file__).parents[2] / "payloads"
NOW = 1787393200.0
TEN = 1787392800.0  # 2026-08-22T10:00:00Z
FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED

RECEIVER = SentryReceiver("sentry", SentryConfig(insecure=True))


def decode(resource: str, body: bytes) -> Received:
    return RECEIVER.decode(Incoming({"sentry-hook-resource": resource}, body), NOW)


def from_file(resource: str, action: str) -> Alert:
    (alert,) = decode(resource, (PAYLOADS / f"sentry-{resource}-{action}.json").read_bytes()).alerts
    return alert


def from_data(resource: str, action: str, data: Any) -> Alert:
    (alert,) = decode(resource, json.dumps({"action": action, "data": data}).encode()).alerts
    return alert


def test_event_alert() -> None:
    """A rule's action brings one event of an issue; its project is in the URL, its environment
    among the tags.
    """
    body = (PAYLOADS / "sentry-event_alert-triggered.json").read_bytes()
    assert decode("event_alert", body).alerts == (
        Alert(
            source="sentry",
            fingerprint="sentry:issue:1117540176",
            status=FIRING,
            labels={
                "alertname": "TokenExpired: session 12 has no user",
                "project": "auth",
                "level": "error",
                "environment": "production",
                "platform": "python",
                "resource": "event_alert",
                "issue_id": "1117540176",
            },
            annotations={
                "summary": "TokenExpired: session 12 has no user",
                "culprit": "auth.views in login",
                "triggered_rule": "Login errors",
            },
            starts_at=TEN + 377.677,
            url=(
                "https://sentry.io/organizations/acme/issues/1117540176/events/e4874d664c3540c1a3"
                "2eab185f12c5ab/"
            ),
            event_id=f"sentry:{hashlib.blake2b(body, digest_size=16).hexdigest()}",
            group_as="issue 1117540176",
        ),
    )


def test_error() -> None:
    """An error has the shape of an event alert's event."""
    alert = from_file("error", "created")
    assert alert.fingerprint == "sentry:issue:1117540176"
    assert (alert.labels["project"], alert.labels["resource"]) == ("auth", "error")
    assert "triggered_rule" not in alert.annotations


@pytest.mark.parametrize(
    ("action", "status", "severity"),
    [
        ("critical", FIRING, "critical"),
        ("warning", FIRING, "warning"),
        ("resolved", RESOLVED, None),
    ],
)
def test_metric_alert(action: str, status: AlertStatus, severity: str | None) -> None:
    """A metric alert keeps its fingerprint from warning to critical to resolved."""
    alert = from_file("metric_alert", action)
    assert (alert.fingerprint, alert.status) == ("sentry:metric:4", status)
    assert alert.labels.get("severity") == severity
    assert alert.labels["alertname"] == "Too many errors"
    assert alert.labels["project"] == "api"
    assert alert.annotations["summary"] == f"{action.capitalize()}: Too many errors"
    assert alert.annotations["description"].splitlines()[1] == "Filter: level:error"
    assert alert.url == "https://sentry.io/organizations/acme/alerts/1/"
    assert (alert.starts_at, alert.ends_at) == (TEN, TEN + 1800 if status is RESOLVED else None)


@pytest.mark.parametrize(
    ("action", "status", "substatus"),
    [
        ("created", FIRING, "new"),
        ("unresolved", FIRING, "regressed"),
        ("resolved", RESOLVED, None),
        ("archived", RESOLVED, "archived_until_escalating"),
    ],
)
def test_issue(action: str, status: AlertStatus, substatus: str | None) -> None:
    """An issue's changes have the fingerprint of its event alerts, with or without a web URL."""
    alert = from_file("issue", action)
    assert (alert.fingerprint, alert.status) == ("sentry:issue:1117540176", status)
    assert alert.labels.get("substatus") == substatus
    assert (alert.labels["project"], alert.labels["level"]) == ("auth", "error")
    assert alert.annotations == {
        "summary": "TokenExpired: session 12 has no user",
        "culprit": "auth.views in login",
        "short_id": "AUTH-2F",
        "count": "31",
        "user_count": "12",
        "permalink": "https://acme.sentry.io/issues/1117540176/",
    }
    assert alert.url == "https://acme.sentry.io/issues/1117540176/"
    assert alert.starts_at == TEN + 960.738
    assert alert.ends_at == (NOW if status is RESOLVED else None)


def test_an_ignored_issue_is_resolved() -> None:
    """The older word for archived means the same."""
    assert from_data("issue", "ignored", {"issue": {"id": "1"}}).status is RESOLVED


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        ("issue", "sentry-issue-assigned"),
        ("comment", "sentry-comment-created"),
        ("installation", "sentry-installation-created"),
    ],
)
def test_what_says_no_state_is_ignored(resource: str, name: str) -> None:
    """It's accepted, with the reason why it has no effect."""
    received = decode(resource, (PAYLOADS / f"{name}.json").read_bytes())
    assert (received.alerts, received.errors) == ((), ())
    assert received.ignored


@given(st.text(min_size=1), st.text(), st.binary(max_size=20))
def test_what_sentry_may_invent_is_ignored(resource: str, action: str, body: bytes) -> None:
    """An unknown resource is never an error, nor an unknown action of a known one."""
    if resource not in KINDS:
        assert decode(resource, body).ignored
    for known, kind in KINDS.items():
        if action not in kind.statuses:
            assert decode(known, json.dumps({"action": action}).encode()).ignored


def test_legacy_plugin() -> None:
    """The plugin's flat payload is an event of the same issue."""
    body = (PAYLOADS / "sentry-plugin.json").read_bytes()
    (alert,) = RECEIVER.decode(Incoming({}, body, "plugin-s3cr3t"), NOW).alerts
    assert (alert.fingerprint, alert.status) == ("sentry:issue:1117540176", FIRING)
    assert alert.labels == {
        "alertname": "TokenExpired: session 12 has no user",
        "project": "auth",
        "level": "error",
        "environment": "production",
        "platform": "python",
        "resource": "plugin",
        "issue_id": "1117540176",
    }
    assert alert.annotations["triggered_rule"] == "Send to router,Login errors"
    assert (
        alert.url
        == "https://sentry.io/organizations/acme/issues/1117540176/?referrer=webhooks_plugin"
    )
    assert alert.starts_at == TEN + 377.677


def test_the_plugin_cannot_pass_for_the_integration() -> None:
    """A sender with only the secret URL can't resolve an issue by adding a header."""
    body = (PAYLOADS / "sentry-issue-resolved.json").read_bytes()
    with pytest.raises(InvalidInput) as caught:
        RECEIVER.decode(Incoming({"sentry-hook-resource": "issue"}, body, "plugin-s3cr3t"), NOW)
    assert caught.value.pointer == "/id"


@pytest.mark.parametrize("path", sorted(PAYLOADS.glob("sentry-*.json")), ids=lambda path: path.stem)
def test_keeps_nothing_private(path: Path) -> None:
    """Users, requests, breadcrumbs and stack traces don't get past the receiver."""
    resource = path.stem.split("-")[1]
    received = RECEIVER.decode(
        Incoming({"sentry-hook-resource": resource.removesuffix("plugin")}, path.read_bytes()), NOW
    )
    for private in ("hunter2", "example.com", "203.0.113.7", "Cookie"):
        assert private not in repr(received)


@pytest.mark.parametrize(
    ("resource", "action", "data", "fingerprint"),
    [
        ("event_alert", "triggered", {"event": {"issue_id": 7}}, "sentry:issue:7"),
        (
            "error",
            "created",
            {"error": {"issue_id": "7", "tags": None, "url": 5, "datetime": "?"}},
            "sentry:issue:7",
        ),
        (
            "issue",
            "created",
            {"issue": {"id": "7", "project": "auth", "metadata": []}},
            "sentry:issue:7",
        ),
        (
            "metric_alert",
            "open",
            {"metric_alert": {"id": 7, "alert_rule": None, "projects": {}}},
            "sentry:metric:7",
        ),
    ],
)
def test_only_the_id_is_needed(resource: str, action: str, data: Any, fingerprint: str) -> None:
    """All else may be missing or odd: there's still a name, and the time is now."""
    alert = from_data(resource, action, data)
    assert (alert.fingerprint, alert.starts_at) == (fingerprint, NOW)
    assert alert.labels["alertname"].startswith("Sentry ")
    assert alert.labels["resource"] == resource


@pytest.mark.parametrize(
    ("resource", "action", "data", "pointer"),
    [
        ("event_alert", "triggered", {"event": {}}, "/data/event/issue_id"),
        ("event_alert", "triggered", {}, "/data/event"),
        ("event_alert", "triggered", None, "/data"),
        ("error", "created", {"error": {"issue_id": None}}, "/data/error/issue_id"),
        ("error", "created", {"error": []}, "/data/error"),
        ("issue", "created", {"issue": {"id": " "}}, "/data/issue/id"),
        ("issue", "created", {"issue": {"id": "9" * 65}}, "/data/issue/id"),
        ("metric_alert", "critical", {"metric_alert": {"id": True}}, "/data/metric_alert/id"),
        ("metric_alert", 3, {}, "/action"),
    ],
)
def test_without_an_id_it_is_bad(resource: str, action: Any, data: Any, pointer: str) -> None:
    """The error names the missing field."""
    with pytest.raises(InvalidInput) as caught:
        from_data(resource, action, data)
    assert caught.value.pointer == pointer


@pytest.mark.parametrize(
    ("event", "title"),
    [
        ({"title": "T", "message": "M"}, "T"),
        ({"title": None, "occurrence": {"issueTitle": "O"}, "message": "M"}, "O"),
        ({"title": "", "message": "M", "metadata": {"title": "D"}}, "M"),
        ({"metadata": {"title": "D", "type": "E"}}, "D"),
        ({"metadata": {"type": "E"}}, "E"),
        ({}, "Sentry issue 7"),
    ],
)
def test_an_event_is_called_by_what_it_has(event: dict[str, Any], title: str) -> None:
    """An occurrence may have no title of its own."""
    alert = from_data("event_alert", "triggered", {"event": {"issue_id": "7"} | event})
    assert (alert.labels["alertname"], alert.annotations["summary"]) == (title, title)


def test_text_that_cannot_be_stored_is_replaced() -> None:
    """A title cut within an emoji, or with a NUL, is no reason to lose the alert."""
    alert = from_data("issue", "created", {"issue": {"id": "7", "title": "cut \ud83d and \0"}})
    assert alert.labels["alertname"] == "cut \ufffd and \ufffd"


def test_a_replay_has_the_same_event_id() -> None:
    """The same body is the same event with any headers; another body is another event."""
    body = (PAYLOADS / "sentry-issue-created.json").read_bytes()
    later = Incoming({"sentry-hook-resource": "issue", "sentry-hook-timestamp": "1787393300"}, body)
    first, replayed, other = (
        decode("issue", body),
        RECEIVER.decode(later, NOW + 100),
        decode("issue", body + b" "),
    )
    assert first.alerts[0].event_id == replayed.alerts[0].event_id
    assert first.alerts[0].event_id != other.alerts[0].event_id


UPTIME: dict[str, Any] = {
    "id": "580",
    "title": "Downtime detected for https://shop.example.com",
    "level": "error",
    "project": {"slug": "web"},
    "metadata": {"value": "Timeout - the server took too long", "title": "Downtime"},
    "issueType": "uptime_domain_failure",
    "issueCategory": "outage",
    "priority": "high",
}


def test_an_outage_can_be_told_from_an_error() -> None:
    """Category, type and priority differ; its evidence is an annotation."""
    alert = from_data("issue", "created", {"issue": UPTIME})
    wanted = {"issue_category": "outage", "issue_type": "uptime_domain_failure", "priority": "high"}
    assert wanted.items() <= alert.labels.items()
    assert alert.annotations["evidence"] == "Timeout - the server took too long"
    error = from_data("issue", "created", {"issue": UPTIME | {"issueCategory": "error"}})
    assert "evidence" not in error.annotations


def test_the_evidence_of_an_occurrence_is_kept() -> None:
    """As Sentry lists it, by name."""
    evidence = [
        {"name": "Failure reason", "value": "timeout", "important": True},
        {"name": "", "value": "x"},
        {"name": "Duration", "value": None},
        "odd",
    ]
    occurrence = {"issueTitle": "Downtime", "issueCategory": "outage", "evidenceDisplay": evidence}
    event = {"issue_id": "7", "occurrence": occurrence | {"subtitle": "GET failed"}}
    alert = from_data("event_alert", "triggered", {"event": event})
    assert alert.annotations["evidence_failure_reason"] == "timeout"
    assert alert.annotations["evidence"] == "GET failed"
    assert [name for name in alert.annotations if name.startswith("evidence_")] == [
        "evidence_failure_reason"
    ]
    assert alert.labels["issue_category"] == "outage"


@pytest.mark.parametrize(
    "urls",
    [
        {"issue_url": "https://sentry.example.com/api/0/issues/7/"},
        {"issue_url": "https://sentry.io/api/0/organizations/acme/issues/7/"},
        {"web_url": "https://sentry.example.com/acme/web/issues/7/events/abc/"},
        {"issue_id": "7", "issue_url": "https://sentry.example.com/api/0/issues/8/"},
    ],
)
def test_a_missing_id_is_read_from_the_url(urls: dict[str, str]) -> None:
    """Self-hosted Sentry before 22.2 sends no `issue_id`."""
    assert from_data("event_alert", "triggered", {"event": urls}).fingerprint == "sentry:issue:7"


def test_a_state_may_come_again_and_an_event_may_not() -> None:
    """Resolved, reopened by mistake and resolved again are rightly three states."""
    assert [
        from_file(kind, action).is_state
        for kind, action in (
            ("issue", "resolved"),
            ("issue", "unresolved"),
            ("metric_alert", "critical"),
            ("event_alert", "triggered"),
            ("error", "created"),
        )
    ] == [True, True, True, False, False]


def test_another_sentry_has_issues_of_its_own() -> None:
    """The same id at two organizations is two issues."""
    named = SentryReceiver("sentry-eu", SentryConfig(insecure=True))
    body = json.dumps({"action": "created", "data": {"issue": {"id": "7"}}}).encode()
    (alert,) = named.decode(Incoming({"sentry-hook-resource": "issue"}, body), NOW).alerts
    assert (alert.source, alert.fingerprint) == ("sentry-eu", "sentry-eu:issue:7")


def test_is_registered() -> None:
    """The registry builds it from its config."""
    source = RECEIVERS["sentry"]
    receiver: Receiver = source.build("sentry", source.config()(insecure=True), ReceiverContext())
    assert receiver.name == "sentry"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=10,
)
NAMES = [
    "id",
    "issue_id",
    "title",
    "metadata",
    "occurrence",
    "tags",
    "url",
    "datetime",
    "timestamp",
    "project",
]
NAMES += [
    "alert_rule",
    "projects",
    "date_started",
    "lastSeen",
    "level",
    "shortId",
    "event",
    "triggering_rules",
]
SHAPED = st.dictionaries(st.sampled_from(NAMES), JSON)
KEYS = {"event_alert": "event", "metric_alert": "metric_alert", "issue": "issue", "error": "error"}


@given(st.sampled_from(sorted(KEYS)), SHAPED | JSON)
@settings(max_examples=300)
def test_any_data_is_read_or_bad(resource: str, data: Any) -> None:
    """Any JSON results in an alert that can be stored, or in InvalidInput."""
    action = next(iter(KINDS[resource].statuses))
    for whole in (data, {KEYS[resource]: data}):
        try:
            alert = from_data(resource, action, whole)
        except InvalidInput:
            continue
        assert alert.labels["alertname"]
        assert (
            "\0"
            not in "".join([*alert.labels.values(), *alert.annotations.values(), alert.url])
            .encode()
            .decode()
        )


@given(st.binary(max_size=60) | (SHAPED | JSON).map(lambda value: json.dumps(value).encode()))
def test_any_body_is_read_or_bad(body: bytes) -> None:
    """Any bytes, for any resource or the plugin, raise nothing but InvalidInput."""
    for resource in ("", *KEYS):
        try:
            decode(resource, body)
        except InvalidInput as error:
            assert error.detail  # noqa: PT017  that it isn't raised is fine too
