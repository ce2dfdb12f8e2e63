"""The generic webhook source: any JSON becomes alerts, by expressions or by a preset."""

import hmac
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.app import TYPES
from router.config.expression import Expression
from router.config.load import load
from router.config.located import Invalid
from router.config.secret import Secret
from router.model.alert import Alert, AlertStatus
from router.ports.errors import InvalidInput, Unauthorized
from router.ports.webhooks import Incoming, Received
from router.receivers.credentials import Basic, SecretHeader
from router.receivers.mapping import PRESETS
from router.receivers.times import UNKNOWN
from router.receivers.webhook import Signature, WebhookReceiver, WebhookSourceConfig
from tests.daemon import write_config

PAYLOADS = Path(__file__).parents[1] / "payloads" / "presets"
NOW = 1_790_000_000.0
TOKEN = Secret("s3cr3t")
FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED


def receiver(name: str = "custom", **options: Any) -> WebhookReceiver:
    """`options` with expressions as texts."""
    for key in ("alerts", "status", "fingerprint", "starts_at", "ends_at", "url"):
        if key in options:
            options[key] = Expression.parse(options[key])
    for key in ("labels", "annotations"):
        options[key] = {name: Expression.parse(text) for name, text in options.get(key, {}).items()}
    return WebhookReceiver(name, WebhookSourceConfig(insecure=True, **options))


def decode(made: WebhookReceiver, body: object, **headers: str) -> Received:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return made.decode(Incoming(headers, raw), NOW)


MAPPED: dict[str, Any] = {
    "alerts": "checks",
    "status": "state",
    "fingerprint": "id",
    "labels": {"alertname": "name", "team": "_root.team", "*": "tags"},
    "annotations": {"summary": "join(' ', [name, 'is', state])", "value": "value"},
    "starts_at": "since",
    "url": "link",
}
BODY = {
    "team": "blue",
    "checks": [
        {
            "id": 7,
            "name": "Disk",
            "state": "Open",
            "tags": {"host": "a", "n": 3},
            "value": 0.93,
            "since": 1789999000,
        },
        {
            "id": "8",
            "name": "Mail",
            "state": "closed",
            "since": 1789999500000,
            "link": "https://example.com/8",
        },
    ],
}


def test_a_list_of_alerts_is_read_by_expressions() -> None:
    """Each item sees the whole payload as `_root`; `"*"` takes every field; a time may be in
    milliseconds.
    """
    firing, resolved = decode(receiver(**MAPPED), BODY).alerts
    assert firing == Alert(
        source="custom",
        fingerprint="custom:7",
        status=FIRING,
        labels={"alertname": "Disk", "team": "blue", "host": "a", "n": "3"},
        annotations={"summary": "Disk is Open", "value": "0.93"},
        starts_at=1_789_999_000.0,
    )
    assert (resolved.status, resolved.url) == (RESOLVED, "https://example.com/8")
    assert (resolved.starts_at, resolved.ends_at) == (UNKNOWN, 1_789_999_500.0)


def test_one_alert_that_cannot_be_read_does_not_lose_the_others() -> None:
    """It's reported by its position, with the reason."""
    checks = [
        {"name": "A", "state": "open"},
        {"name": "B", "state": "sideways"},
        {"name": 5, "state": "open"},
        7,
    ]
    received = decode(receiver(**MAPPED), {"checks": checks, "team": None})
    assert [alert.labels["alertname"] for alert in received.alerts] == ["A"]
    assert [error.pointer for error in received.errors] == [
        "/1/status",
        "/2/annotations/summary",
        "/3/status",
    ]
    assert "'sideways' is neither in firing nor in resolved" in received.errors[0].detail


def test_without_a_status_every_alert_fires_and_labels_identify_it() -> None:
    """The least that is needed is a label."""
    made = receiver(labels={"alertname": "title", "host": "host"})
    first, second, other = (
        decode(made, {"title": "Backup failed", "host": host, "n": n}).alerts[0]
        for n, host in enumerate(("a", "a", "b"))
    )
    assert first.status is FIRING
    assert first.fingerprint == second.fingerprint != other.fingerprint
    assert first.starts_at == UNKNOWN


def test_a_form_is_an_object_of_texts() -> None:
    """UptimeRobot sends a form unless JSON is configured."""
    made = receiver(preset="uptimerobot")
    body = (
        b"monitorID=1&monitorFriendlyName=Shop&alertType=1&alertTypeFriendlyName=Down&alertDetail"
        b"s=HTTP+500"
    )
    (alert,) = decode(made, body, **{"content-type": "application/x-www-form-urlencoded"}).alerts
    assert alert.annotations == {"summary": "Shop is Down", "description": "HTTP 500"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"a": ' * 5000,
        {},
        [],
        7,
        None,
        {"checks": {}},
        {"checks": [[]]},
    ],
)
def test_what_holds_no_alert_is_bad_or_ignored(body: object) -> None:
    """Nothing but InvalidInput is raised, and nothing is invented."""
    try:
        received = decode(receiver(**MAPPED), body)
    except InvalidInput:
        return
    assert not received.alerts
    assert received.errors or received.ignored


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.sampled_from(sorted(PRESETS)), JSON, st.data())
def test_any_payload_is_read_or_bad_by_any_preset(
    preset: str, part: Any, data: st.DataObject
) -> None:
    """Also the preset's own payload with any field replaced by anything."""
    made = receiver(preset=preset)
    payload = json.loads((PAYLOADS / f"{preset}-firing.json").read_text())
    where, key = payload, data.draw(st.sampled_from(sorted(payload)))
    if isinstance(where[key], dict) and data.draw(st.booleans()):
        where, key = where[key], data.draw(st.sampled_from(sorted(where[key])))
    where[key] = part
    for body in (part, payload):
        try:
            received = decode(made, body)
        except InvalidInput:
            continue
        for alert in received.alerts:
            assert alert.labels
            assert all(alert.labels.values())
            json.dumps([alert.labels, alert.annotations]).encode()


# --- presets


EXPECTED: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "google-cloud-monitoring": (
        {
            "alertname": "Checkout latency",
            "severity": "Critical",
            "resource_type": "cloud_run_revision",
            "project": "vintstreet",
        },
        {"value": "0.790", "threshold": "0.5", "description": "See the runbook."},
    ),
    "uptimerobot": (
        {"alertname": "Shop", "monitor_url": "https://shop.example.com"},
        {"summary": "Shop is Down", "description": "HTTP 500 - Internal Server Error"},
    ),
    "uptime-kuma": (
        {"alertname": "Shop", "monitor_type": "http", "monitor_url": "https://shop.example.com"},
        {"summary": "[Shop] [🔴 Down] getaddrinfo ENOTFOUND shop.example.com"},
    ),
    "datadog": (
        {
            "alertname": "Host is down",
            "scope": "host:web-1",
            "priority": "P1",
            "transition": "Triggered",
        },
        {"summary": "[Triggered on {host:web-1}] Host is down"},
    ),
    "sns-cloudwatch": (
        {
            "alertname": "api-5xx",
            "region": "EU (Ireland)",
            "metric": "HTTPCode_Target_5XX_Count",
            "dimensions": "LoadBalancer=app/api",
        },
        {"summary": "Too many errors", "threshold": "10.0"},
    ),
    "github-actions": (
        {
            "alertname": "Deploy",
            "repository": "vintstreet/api",
            "branch": "main",
            "conclusion": "failure",
        },
        {"summary": "Deploy failure on main", "actor": "ana", "run": "562"},
    ),
}


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_preset_reads_its_service(preset: str) -> None:
    """A firing and a resolved payload of the service are one alert that ends."""
    made = receiver(preset, preset=preset)
    firing, resolved = (
        decode(made, (PAYLOADS / f"{preset}-{state}.json").read_bytes()).alerts[0]
        for state in ("firing", "resolved")
    )
    labels, annotations = EXPECTED[preset]
    assert (firing.status, resolved.status) == (FIRING, RESOLVED)
    assert firing.fingerprint == resolved.fingerprint
    assert labels.items() <= firing.labels.items()
    assert annotations.items() <= firing.annotations.items()
    assert firing.annotations["summary"]
    assert resolved.ends_at is None or resolved.ends_at >= firing.starts_at


@pytest.mark.parametrize(
    ("preset", "body"),
    [
        ("uptime-kuma", {"heartbeat": None, "monitor": None, "msg": "Uptime Kuma: testing"}),
        (
            "uptime-kuma",
            {"heartbeat": {"status": 2}, "monitor": {"id": 1, "name": "x"}, "msg": "pending"},
        ),
        ("uptimerobot", {"alertType": "3", "monitorFriendlyName": "x"}),
        ("datadog", {"alert_transition": "", "title": "x"}),
        (
            "github-actions",
            {"action": "requested", "workflow_run": {"conclusion": None, "name": "x"}},
        ),
        ("github-actions", {"zen": "Keep it logically awesome."}),
        ("sns-cloudwatch", {"Type": "Notification", "Message": "not an alarm"}),
    ],
)
def test_what_is_no_state_is_ignored_with_the_reason(preset: str, body: object) -> None:
    """Tests, maintenance and other events open nothing, and are no error."""
    received = decode(receiver(preset=preset), body)
    assert (list(received.alerts), list(received.errors)) == ([], [])
    assert received.ignored


def test_a_subscription_is_reported_and_never_confirmed() -> None:
    """The warning has the URL, for a person to open; one that isn't Amazon's is refused."""
    body = {
        "Type": "SubscriptionConfirmation",
        "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Confirm",
    }
    received = decode(receiver(preset="sns-cloudwatch"), body)
    assert received.ignored
    assert "https://sns.eu-west-1.amazonaws.com/?Action=Confirm" in received.warnings[0].detail
    for url in (
        "http://sns.eu-west-1.amazonaws.com/",
        "https://amazonaws.com.evil.example/",
        "https://evil.example/",
        7,
    ):
        with pytest.raises(InvalidInput, match="don't open it"):
            decode(receiver(preset="sns-cloudwatch"), body | {"SubscribeURL": url})


def test_an_expression_replaces_the_presets() -> None:
    """Labels and annotations are added to it."""
    made = receiver(
        preset="uptimerobot",
        status="state",
        firing=("bad",),
        labels={"team": "'shop'"},
        annotations={"summary": "note"},
    )
    (alert,) = decode(
        made, {"state": "BAD", "monitorFriendlyName": "Shop", "note": "n", "monitorID": 1}
    ).alerts
    assert alert.labels == {"alertname": "Shop", "team": "shop"}
    assert alert.annotations["summary"] == "n"


# --- who may send


@pytest.mark.parametrize(
    ("options", "right"),
    [
        ({"bearer_token": TOKEN}, Incoming({"authorization": "Bearer s3cr3t"})),
        ({"basic": Basic("ops", TOKEN)}, Incoming({"authorization": "Basic b3BzOnMzY3IzdA=="})),
        ({"header": SecretHeader("X-Token", TOKEN)}, Incoming({"x-token": "s3cr3t"})),
        ({"secret": TOKEN}, Incoming({}, segment="s3cr3t")),
    ],
)
def test_the_secret_is_checked_before_the_body(options: dict[str, Any], right: Incoming) -> None:
    """With the right one it's admitted; without, it isn't."""
    made = WebhookReceiver("custom", WebhookSourceConfig(preset="datadog", **options))
    made.admit(right)
    for wrong in (
        Incoming({}),
        Incoming({"authorization": "Bearer no", "x-token": "no"}, segment="no"),
    ):
        with pytest.raises(Unauthorized):
            made.admit(wrong)


def test_a_signature_is_over_the_body() -> None:
    """As GitHub signs; the header and its prefix may be another's."""
    config = WebhookSourceConfig(preset="github-actions", signature=Signature(secret=TOKEN))
    made = WebhookReceiver("ci", config)
    digest = hmac.new(b"s3cr3t", b"{}", sha256).hexdigest()
    made.admit(Incoming({}))
    made.verify(Incoming({"x-hub-signature-256": f"sha256={digest}"}, b"{}"), NOW)
    for headers in (
        {},
        {"x-hub-signature-256": digest},
        {"x-hub-signature-256": f"sha256={digest[:-1]}!"},
    ):
        with pytest.raises(Unauthorized):
            made.verify(Incoming(headers, b"{}"), NOW)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"preset": "datadog"}, "needs one of bearer_token, basic, header, secret or signature"),
        ({"preset": "datadog", "secret": "x", "insecure": True}, "takes only one of"),
        ({"insecure": True}, "give a preset, or labels"),
        ({"insecure": True, "preset": "nagios"}, "unknown value 'nagios'"),
        (
            {"insecure": True, "labels": {"alertname": "a..b"}},
            r"config.yaml:\d+:\d+: not a JMESPath expression: .* column 2",
        ),
        ({"insecure": True, "labels": {"alertname": "nope(a)"}}, r"there is no function nope\(\)"),
        (
            {"insecure": True, "labels": {"alertname": "a"}, "status": "x" * 3000},
            "longer than 2000",
        ),
    ],
)
def test_a_mistake_is_a_config_error_with_its_place(
    tmp_path: Path, options: dict[str, Any], problem: str
) -> None:
    """Before anything is sent."""
    path = write_config(tmp_path, sources={"custom": {"type": "webhook", **options}})
    with pytest.raises(Invalid, match=problem):
        load(path, {}, TYPES)
