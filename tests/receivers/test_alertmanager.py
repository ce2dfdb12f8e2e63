"""Alertmanager's webhook becomes alerts, one by one."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.config.secret import Secret
from router.core.rules.fingerprint import fingerprint
from router.model.alert import Alert, AlertStatus
from router.ports.errors import InvalidInput, Unauthorized
from router.ports.webhooks import Incoming, Received, Receiver
from router.receivers import RECEIVERS
from router.receivers.alertmanager import _ENVELOPE, AlertmanagerConfig, AlertmanagerReceiver
from router.receivers.context import ReceiverContext
from router.receivers.credentials import Basic, SecretHeader
from router.receivers.limits import MAX_ALERTS, MAX_ANNOTATION, MAX_FIELDS, MAX_LABEL
from router.receivers.source import decode as json_decode
from router.receivers.times import UNKNOWN

ROOT = Path(__file__).parents[2]
PAYLOADS = ROOT / "tests" / "payloads"
SAMPLES = ROOT / "deploy" / "samples"
NOW = 1787392860.0
TEN = 1787392800.0  # 2026-08-22T10:00:00Z
TOKEN = Secret("s3cr3t")

OPEN = AlertmanagerReceiver("alertmanager", AlertmanagerConfig(insecure=True))


def decode(body: bytes) -> Received:
    return OPEN.decode(Incoming({}, body), NOW)


def decode_file(path: Path) -> Received:
    return decode(path.read_bytes())


def an_alert(**changes: Any) -> dict[str, Any]:
    alert = {
        "status": "firing",
        "labels": {"alertname": "A"},
        "annotations": {},
        "startsAt": "2026-08-22T10:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": "0123456789abcdef",
    }
    return {name: value for name, value in (alert | changes).items() if value is not ...}


def envelope(*alerts: Any, **changes: Any) -> bytes:
    body = {
        "version": "4",
        "status": "firing",
        "receiver": "router",
        "alerts": alerts,
        "truncatedAlerts": 0,
    }
    return json.dumps(
        {name: value for name, value in (body | changes).items() if value is not ...}
    ).encode()


def one(**changes: Any) -> Alert:
    (alert,) = decode(envelope(an_alert(**changes))).alerts
    return alert


def test_a_whole_alert() -> None:
    """Every field of a real request of Alertmanager 0.25 is where it belongs; a quoted receiver
    name does no harm.
    """
    assert decode_file(PAYLOADS / "alertmanager-0.25.json") == Received(
        [
            Alert(
                source="alertmanager",
                fingerprint="087036d1e9d728e4",
                status=AlertStatus.FIRING,
                labels={"alertname": "HighErrorRate", "severity": "critical"},
                annotations={
                    "summary": "5xx 3%",
                    "runbook_url": "https://runbooks.example.com/5xx",
                },
                starts_at=TEN + 0.123457,
                url="http://prometheus.example.com:9090/graph?g0.expr=vector%281%29&g0.tab=1",
            )
        ],
        [],
        [],
    )


def test_firing_and_resolved_in_one_group() -> None:
    """Each alert of a group has its own status and times; unknown fields are ignored."""
    firing, resolved = decode_file(PAYLOADS / "alertmanager-0.34.json").alerts
    assert (firing.status, firing.ends_at) == (AlertStatus.FIRING, None)
    assert (resolved.status, resolved.starts_at) == (AlertStatus.RESOLVED, TEN - 1799.5)
    assert resolved.ends_at == TEN + 600


def test_resolved() -> None:
    """A resolved alert has the fingerprint of the firing one, and its end."""
    (alert,) = decode_file(PAYLOADS / "alertmanager-resolved.json").alerts
    assert alert.status is AlertStatus.RESOLVED
    assert alert.fingerprint == "087036d1e9d728e4"
    assert alert.ends_at == TEN + 1200.987654


@pytest.mark.parametrize("name", ["payment-failures", "payment-failures-resolved"])
def test_the_samples_of_the_readme(name: str) -> None:
    """Each sample in the README is one alert about payments with a value."""
    received = decode_file(SAMPLES / f"{name}.json")
    (alert,) = received.alerts
    assert not received.errors
    assert alert.status == ("resolved" if name.endswith("resolved") else "firing")
    assert (alert.labels["alertname"], alert.labels["service"]) == ("PaymentFailures", "api")
    assert alert.annotations["value"] == "0.023"
    assert alert.fingerprint == fingerprint(alert.labels)


def test_alerts_left_out_are_reported() -> None:
    """`truncatedAlerts` counts dropped alerts: the others are accepted and the loss is an error."""
    received = decode_file(PAYLOADS / "alertmanager-truncated.json")
    assert len(received.alerts) == 2
    assert [(error.pointer, "7 alerts" in error.detail) for error in received.errors] == [
        ("/truncatedAlerts", True)
    ]


def test_one_bad_alert_does_not_lose_the_others() -> None:
    """Each that can't be read is reported by its own pointer."""
    bad = [
        an_alert(labels=...),
        an_alert(labels={"a": [1]}),
        an_alert(labels={}),
        an_alert(labels={"a": ""}),
        an_alert(status="unknown"),
        an_alert(startsAt=1787392860),
        an_alert(startsAt="yesterday"),
        an_alert(startsAt="2026-08-22T10:00:00"),
        an_alert(annotations={"a/b": {"c": "d"}}),
        an_alert(endsAt=1),
        "not an alert",
        None,
    ]
    received = decode(envelope(an_alert(), *bad, an_alert()))
    assert len(received.alerts) == 2
    assert [error.pointer for error in received.errors] == [
        "/alerts/1/labels",
        "/alerts/2/labels/a",
        "/alerts/3/labels",
        "/alerts/4/labels",
        "/alerts/5/status",
        "/alerts/6/startsAt",
        "/alerts/7/startsAt",
        "/alerts/8/startsAt",
        "/alerts/9/annotations/a~1b",
        "/alerts/10/endsAt",
        "/alerts/11",
        "/alerts/12",
    ]


def test_nothing_but_bad_alerts_is_bad() -> None:
    """If no alert can be decoded, the whole request is refused."""
    with pytest.raises(InvalidInput) as caught:
        decode(envelope(an_alert(labels=...), an_alert(status=...)))
    assert caught.value.pointer == "/alerts/0/labels"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"", ""),
        (b"[]", ""),
        (b'{"version": "4"', ""),
        (b"\xff", ""),
        (envelope(version="3"), "/version"),
        (envelope(version=...), "/version"),
        (envelope(version="2"), "/version"),
        (envelope(alerts=...), "/alerts"),
        (envelope(alerts=None), "/alerts"),
        (envelope(truncatedAlerts="many"), "/truncatedAlerts"),
    ],
)
def test_what_is_no_webhook_of_version_4_is_bad(body: bytes, pointer: str) -> None:
    """A malformed request is refused by the name of the field."""
    with pytest.raises(InvalidInput) as caught:
        decode(body)
    assert caught.value.pointer == pointer


def test_no_alerts_is_nothing() -> None:
    """An empty group isn't an error."""
    assert decode(envelope()) == Received([], [], [])


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        ({"labels": {"alertname": "A", "empty": ""}}, "labels", {"alertname": "A"}),
        ({"annotations": None}, "annotations", {}),
        ({"annotations": ...}, "annotations", {}),
        ({"labels": {"alertname": "A\0B"}}, "labels", {"alertname": "A\ufffdB"}),
        ({"labels": {"alertname": "A\ud83d"}}, "labels", {"alertname": "A\ufffd"}),
        ({"startsAt": "2026-08-22T12:00:00.000000001+02:00"}, "starts_at", TEN),
        ({"endsAt": None}, "ends_at", None),
        ({"endsAt": "9999-12-31T23:59:59Z"}, "ends_at", None),
        ({"generatorURL": ...}, "url", ""),
        ({"fingerprint": ...}, "fingerprint", fingerprint({"alertname": "A"})),
        ({"fingerprint": ""}, "fingerprint", fingerprint({"alertname": "A"})),
        ({"fingerprint": "x" * 1000}, "fingerprint", fingerprint({"alertname": "A"})),
        (
            {"fingerprint": ..., "labels": {"alertname": "A", "empty": ""}},
            "fingerprint",
            fingerprint({"alertname": "A"}),
        ),
        ({"surprise": [{"of": "a later version"}]}, "event_id", ""),
    ],
)
def test_a_field(changes: dict[str, Any], field: str, expected: object) -> None:
    """Each trap of the format, one by one."""
    assert getattr(one(**changes), field) == expected


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
FIELDS = ["status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint"]


@given(
    st.lists(
        JSON | st.dictionaries(st.sampled_from(FIELDS), JSON).map(lambda part: an_alert(**part)),
        max_size=4,
    )
)
def test_any_alerts_are_read_or_bad(alerts: list[Any]) -> None:
    """Each alert of any JSON is decoded or reported, and nothing else is raised."""
    try:
        received = decode(envelope(*alerts))
    except InvalidInput:
        return
    assert len(received.alerts) + len(received.errors) == len(alerts)
    assert all(alert.labels and all(alert.labels.values()) for alert in received.alerts)


TEXTS = st.dictionaries(
    st.text(max_size=5),
    st.text(max_size=5) | st.sampled_from(["x" * 4096, "\U0001f600" * 4096, "x" * 20_000]),
    max_size=3,
)
MANY = st.just({str(number): "x" for number in range(MAX_FIELDS + 1)})


@given(
    st.lists(
        st.builds(
            an_alert,
            status=st.sampled_from(["firing", "resolved", "Firing", ...]),
            labels=TEXTS | MANY,
            annotations=TEXTS | MANY | st.sampled_from([None, ...]),
            startsAt=st.sampled_from(["2026-08-22T12:00:00.5+02:00", "0001-01-01T00:00:00Z", ...]),
            endsAt=st.sampled_from(["0001-01-01T00:00:00Z", "2026-08-22T12:00:00Z", None, ...]),
            fingerprint=st.sampled_from(["0123456789abcdef", "short", ...]),
        ),
        max_size=3,
    ),
    st.fixed_dictionaries({}, optional={"version": st.just("1"), "orgId": st.just(1)}),
)
@settings(max_examples=300)
def test_alerts_that_need_no_correction_are_read_the_same(
    alerts: list[Any], changes: dict[str, Any]
) -> None:
    """The short way is taken only if the careful one has no warning and the same alerts."""
    body = envelope(*alerts, **changes)
    if found := OPEN._well_formed(body):
        assert OPEN._read(json_decode(_ENVELOPE, body)) == Received(found, [], [])


def test_alerts_of_alertmanager_need_no_correction() -> None:
    """Its real requests take the short way."""
    for name in ("alertmanager-0.25", "alertmanager-0.34", "alertmanager-resolved"):
        assert OPEN._well_formed((PAYLOADS / f"{name}.json").read_bytes())


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_read_or_bad(body: bytes) -> None:
    """Any bytes raise nothing but InvalidInput."""
    with pytest.raises(InvalidInput):
        decode(body)


@given(st.data())
@settings(max_examples=50)
def test_a_damaged_request_is_read_or_bad(data: st.DataObject) -> None:
    """A real request with any byte replaced raises nothing but InvalidInput."""
    body = bytearray((PAYLOADS / "alertmanager-0.34.json").read_bytes())
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode(bytes(body))
    except InvalidInput as error:
        assert error.detail  # noqa: PT017  that it isn't raised is fine too


@pytest.mark.parametrize(
    ("config", "headers"),
    [
        (AlertmanagerConfig(bearer_token=TOKEN), {"authorization": "Bearer s3cr3t"}),
        (
            AlertmanagerConfig(basic=Basic("ops", TOKEN)),
            {"authorization": "Basic b3BzOnMzY3IzdA=="},
        ),
        (
            AlertmanagerConfig(header=SecretHeader("X-Router-Secret", TOKEN)),
            {"x-router-secret": "s3cr3t"},
        ),
    ],
)
def test_verifies_as_configured(config: AlertmanagerConfig, headers: dict[str, str]) -> None:
    """The configured secret lets a request in; without it, or wrong by a letter, it's refused."""
    receiver = AlertmanagerReceiver("alertmanager", config)
    receiver.verify(Incoming(headers, b"{}"), NOW)
    for wrong in ({}, {name: value[:-1] + "!" for name, value in headers.items()}):
        with pytest.raises(Unauthorized):
            receiver.verify(Incoming(wrong, b"{}"), NOW)


def test_a_secret_may_be_in_the_url() -> None:
    """As the last part of the path."""
    receiver = AlertmanagerReceiver("alertmanager", AlertmanagerConfig(secret=TOKEN))
    receiver.admit(Incoming({}, segment="s3cr3t"))
    for wrong in ("", "s3cr3", "S3cr3t"):
        with pytest.raises(Unauthorized):
            receiver.admit(Incoming({}, segment=wrong))


@pytest.mark.parametrize(
    ("changes", "field", "expected", "pointer"),
    [
        (
            {"labels": {"alertname": "A", "code": 500}},
            "labels",
            {"alertname": "A", "code": "500"},
            "/labels/code",
        ),
        (
            {"labels": {"alertname": "A", "ok": False}},
            "labels",
            {"alertname": "A", "ok": "false"},
            "/labels/ok",
        ),
        ({"labels": {"alertname": "A", "no": None}}, "labels", {"alertname": "A"}, "/labels/no"),
        ({"annotations": {"value": 12.5}}, "annotations", {"value": "12.5"}, "/annotations/value"),
        ({"annotations": {"big": 2**60}}, "annotations", {"big": str(2**60)}, "/annotations/big"),
        ({"annotations": {"none": None}}, "annotations", {}, "/annotations/none"),
        ({"startsAt": ...}, "starts_at", UNKNOWN, "/startsAt"),
        ({"startsAt": None}, "starts_at", UNKNOWN, "/startsAt"),
        ({"startsAt": 0}, "starts_at", UNKNOWN, "/startsAt"),
        ({"startsAt": "0001-01-01T00:00:00Z"}, "starts_at", UNKNOWN, "/startsAt"),
        ({"endsAt": "10000-01-01T00:00:00Z"}, "ends_at", None, "/endsAt"),
        ({"endsAt": "9999-12-31T23:59:59.999999999Z"}, "ends_at", None, "/endsAt"),
        ({"status": "FIRING"}, "status", AlertStatus.FIRING, "/status"),
        ({"status": "Resolved "}, "status", AlertStatus.RESOLVED, "/status"),
    ],
)
def test_what_is_unambiguous_is_accepted_with_a_warning(
    changes: dict[str, Any], field: str, expected: object, pointer: str
) -> None:
    """The alert counts, and the warning names the value."""
    received = decode(envelope(an_alert(), an_alert(**changes)))
    assert getattr(received.alerts[1], field) == expected
    assert [warning.pointer for warning in received.warnings] == [f"/alerts/1{pointer}"]
    assert not received.errors


def test_a_byte_order_mark_is_skipped() -> None:
    """Some scripts write one."""
    assert len(decode(b"\xef\xbb\xbf" + envelope(an_alert())).alerts) == 1


def test_a_label_that_is_too_long_is_an_error_and_an_annotation_is_cut() -> None:
    """Labels identify an alert; an alert with a long text must still page."""
    received = decode(
        envelope(
            an_alert(labels={"alertname": "A", "long": "x" * (MAX_LABEL + 1)}),
            an_alert(annotations={"summary": "é" * (MAX_ANNOTATION // 2 + 1), "other": "fine"}),
            an_alert(annotations={str(n): "x" * 10_000 for n in range(30)}),
            an_alert(labels={f"l{n}": "x" * 80 for n in range(MAX_FIELDS + 1)}),
        )
    )
    assert [error.pointer for error in received.errors] == [
        "/alerts/0/labels/long",
        "/alerts/2",
        "/alerts/3/labels",
    ]
    (alert,) = received.alerts
    assert len(alert.annotations["summary"].encode()) <= MAX_ANNOTATION + 3
    assert alert.annotations["other"] == "fine"
    assert [warning.pointer for warning in received.warnings] == ["/alerts/1/annotations/summary"]


def test_too_many_alerts_in_one_request_are_refused() -> None:
    """With the limit in the error."""
    body = b'{"version": "4", "alerts": [' + b",".join([b"{}"] * (MAX_ALERTS + 1)) + b"]}"
    with pytest.raises(InvalidInput, match=f"More than {MAX_ALERTS} alerts"):
        decode(body)


def test_a_source_with_a_name_of_its_own_has_alerts_of_its_own() -> None:
    """The same labels at two Alertmanagers are two alerts; their source is the name."""
    named = AlertmanagerReceiver("am-eu", AlertmanagerConfig(insecure=True))
    (alert,) = named.decode(Incoming({}, envelope(an_alert())), NOW).alerts
    assert (alert.source, alert.fingerprint) == ("am-eu", "am-eu:0123456789abcdef")
    assert one().fingerprint == "0123456789abcdef"


def test_insecure_takes_all() -> None:
    """Written out, anything is let in."""
    OPEN.verify(Incoming({}, b""), NOW)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "needs one of bearer_token, basic, header or secret; write insecure: true"),
        ({"insecure": False}, "needs one of"),
        ({"bearer_token": TOKEN, "insecure": True}, "takes only one of"),
        ({"bearer_token": TOKEN, "basic": Basic("ops", TOKEN)}, "takes only one of"),
        ({"header": SecretHeader("X-A", TOKEN), "basic": Basic("ops", TOKEN)}, "takes only one of"),
    ],
)
def test_exactly_one_way_in_is_configured(options: dict[str, Any], said: str) -> None:
    """None or several is a config error that says what to do."""
    with pytest.raises(ValueError, match=f"a source {said}"):
        AlertmanagerConfig(**options)


def test_is_registered() -> None:
    """The registry builds it from its config."""
    source = RECEIVERS["alertmanager"]
    receiver: Receiver = source.build(
        "alertmanager", source.config()(insecure=True), ReceiverContext()
    )
    assert receiver.name == "alertmanager"


def test_is_fast() -> None:
    """100 alerts of half a kilobyte each are decoded in about half a millisecond; 5 allow for a
    busy machine.
    """
    labels = {f"label_{number}": "value of a usual length" for number in range(6)}
    alerts = [
        an_alert(labels={"instance": str(n)} | labels, annotations={"summary": "x" * 100})
        for n in range(100)
    ]
    body = envelope(*alerts)
    assert 35_000 < len(body) < 70_000
    took = []
    for _ in range(20):
        start = time.perf_counter()
        decode(body)
        took.append(time.perf_counter() - start)
    print(f"\n{len(body)} bytes, 100 alerts: {min(took) * 1000:.3f} ms")  # noqa: T201  shown by -s
    assert min(took) < 0.005


@pytest.mark.parametrize(
    ("value_string", "value"),
    [
        ("[ var='B' labels={pod=a} value=97 ]", "97"),
        ("[ metric='cpu' labels={pod=a} value=97 ]", "97"),
        ("[ var='B0' metric='Value' labels={} value=97 ], [ var='C' labels={} value=97 ]", "97"),
        ("[ var='B' labels={} value=97 ], [ var='C' labels={} value=1 ]", None),
        ("[no value]", None),
    ],
)
def test_the_only_value_of_a_value_string_is_the_alert_s(
    value_string: str, value: str | None
) -> None:
    """Older versions of Grafana send no `values`."""
    one = an_alert(valueString=value_string, annotations={})
    (read,) = decode(envelope(one, orgId=1)).alerts
    assert read.annotations.get("value") == value
