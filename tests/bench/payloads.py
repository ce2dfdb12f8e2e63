"""Alerts for the benches: about 500 bytes each, 200 services, one kind of failure per service.

A load opens about 200 incidents, as in an outage, and not one per alert, unless its shape says so.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec

SERVICES = 200
KNOWN = 10_000
"""Alerts in a repeated load, sent over and over."""

STARTED = "2026-01-01T00:00:00Z"
FAILURES = (
    ("PaymentFailures", "0.031"),
    ("AuthFailures", "0.072"),
    ("DatabaseConnectionFailures", "7"),
    ("ApiLatencyP95", "0.913"),
    ("ErrorRate", "0.024"),
)
"""Alerts of rules/critical.yaml, each with a value over its threshold."""

_SERIAL, _RANDOM = b"000000SERIAL", b"000000RANDOM"
"""Placeholders in a template, with the same number of digits: the request's number, and a hash of
it, so that fingerprints come in no order.
"""

_ODD = 0x9E3779B97F4A7C15
"""Multiplied by it, numbers below 2**48 stay different, and look random."""


GROUPS = 10
"""Services in a load of few groups."""


class Shape(StrEnum):
    """Repeated alerts, distinct ones that join 200 incidents or 10, or one incident for each."""

    REPEATED = "repeated"
    DISTINCT = "distinct"
    GROUPED = "grouped"
    OPENING = "opening"


class Api(StrEnum):
    """Format of the requests. Both carry the same alerts."""

    WEBHOOK = "/webhooks/alertmanager"
    ALERTMANAGER = "/api/v2/alerts"


def alert(service: str, failure: int, instance: str, fingerprint: str) -> dict[str, Any]:
    """One alert in the form of Alertmanager's webhook; its fingerprint is 16 hexadecimal digits."""
    name, value = FAILURES[failure]
    return {
        "status": "firing",
        "labels": {
            "alertname": name,
            "cluster": "eu-west-1",
            "instance": f"{instance}:9100",
            "job": "api",
            "service": service,
            "severity": "critical",
        },
        "annotations": {
            "summary": f"{name} on {service}",
            "description": (
                f"{service} has been over its limit for five minutes; see the dashboard of the "
                f"service."
            ),
            "value": value,
        },
        "startsAt": STARTED,
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": f"http://prometheus.example.com:9090/graph?g0.expr={name}&g0.tab=1",
        "fingerprint": fingerprint,
    }


def body(alerts: Sequence[dict[str, Any]], api: Api) -> bytes:
    """The body of a request with these alerts."""
    if api is Api.WEBHOOK:
        group = {
            "receiver": "router",
            "status": "firing",
            "groupLabels": {},
            "commonLabels": {},
            "truncatedAlerts": 0,
        }
        return msgspec.json.encode({"version": "4", "groupKey": "{}:{}", **group, "alerts": alerts})
    names = ("labels", "annotations", "startsAt", "generatorURL")
    return msgspec.json.encode([{name: alert[name] for name in names} for alert in alerts])


class Requests:
    """Whole HTTP requests, by number. Two numbers never share an alert, unless the shape is
    `repeated`.

    They're encoded beforehand, all but the number, so that the load costs little beside what it
    measures.
    """

    def __init__(self, shape: Shape, batch: int, api: Api) -> None:
        """`batch` is the number of alerts in a request; it must divide the number of services."""
        assert SERVICES % batch == 0
        self._known = KNOWN // batch if shape is Shape.REPEATED else None
        self._templates = [
            _template(range(at, at + batch), api, shape) for at in range(0, SERVICES, batch)
        ]

    def __getitem__(self, number: int) -> bytes:
        if self._known:
            number %= self._known
        template = self._templates[number % len(self._templates)]
        scattered = b"%012x" % (number * _ODD % 2**48)
        return template.replace(_SERIAL, b"%012d" % number).replace(_RANDOM, scattered)


def _template(services: range, api: Api, shape: Shape) -> bytes:
    serial, scattered = _SERIAL.decode(), _RANDOM.decode()
    alerts = [
        alert(
            _service(i, shape), _failure(i, shape), f"host-{serial}-{i:03d}", f"{i:04d}{scattered}"
        )
        for i in services
    ]
    return http_post(api, body(alerts, api))


def _failure(number: int, shape: Shape) -> int:
    """Incidents in thousands are not all of the worst severity."""
    return (1, 3, 4)[number % 3] if shape is Shape.OPENING else number % len(FAILURES)


def _service(number: int, shape: Shape) -> str:
    match shape:
        case Shape.OPENING:
            return f"service-{_SERIAL.decode()}-{number:03d}"
        case Shape.GROUPED:
            return f"service-{number % GROUPS:03d}"
    return f"service-{number:03d}"


def http_post(path: str, content: bytes) -> bytes:
    """An HTTP/1.1 request on a connection that's kept."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
        f"application/json\r\nContent-Length: "
    )
    return b"%s%d\r\n\r\n%s" % (head.encode(), len(content), content)
