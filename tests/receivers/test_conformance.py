"""Conformance kit for sources: the same rules hold for every type and any request."""

import asyncio
import gzip
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.config.secret import Secret
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having
from router.ports.errors import InvalidInput, Unauthorized
from router.ports.webhooks import Incoming, Receiver
from router.receivers import RECEIVERS
from router.receivers.context import ReceiverContext
from tests.daemon import Answer, Daemon, alert, group
from tests.receivers import signed
from tests.receivers.signed import SM1

Router = Callable[..., Daemon]

SECRET, OTHER = "right-s3cret-4711", "wrong-s3cret-0815"
PUBLIC = "https://router.example.com"
ANA = "+442079460123"
BEARER = {"authorization": f"Bearer {SECRET}", "content-type": "application/json"}


KEY = "THE-KEY"
"""Stands for the secret in the body or the path of a sample."""

DELIVERIES = having(Trait.DELIVERY) | {Reason.STEPS_ENDED}
"""Entries that follow later without an event."""


class Sample(NamedTuple):
    """A type of source, and a request that it accepts.

    config: the keys under `sources`. body: as the service sends it. headers: of a body, signed with
    a secret. path: after `/webhooks/NAME`. signs: the signature covers the body. takes_any:
    every JSON object is an alert. In the body and the path, KEY stands for the secret. forged: the
    body, with a signature in it by another secret.
    """

    config: dict[str, Any]
    body: Callable[[str], bytes]
    headers: Callable[[bytes, str], Mapping[str, str]]
    path: str = ""
    signs: bool = False
    takes_any: bool = False
    forged: Callable[[str], bytes] | None = None


def bearer(_body: bytes, secret: str) -> Mapping[str, str]:
    return BEARER | {"authorization": f"Bearer {secret}"}


def _json(content: object) -> bytes:
    return json.dumps(content).encode()


def _alertmanager(text: str) -> bytes:
    return _json(
        group(alert("DiskFull", instance=text or "x") | {"annotations": {"summary": text}})
    )


def _grafana(text: str) -> bytes:
    one = alert("DiskFull", instance="x") | {"annotations": {"summary": text}, "valueString": text}
    return _json(group(one, version="1", orgId=1))


def _prometheus(text: str) -> bytes:
    """Its end is far away, and alike in each repeat."""
    labels = {"alertname": "DiskFull", "instance": text or "x"}
    ends = "2999-01-01T00:00:00Z"
    return _json([{"labels": labels, "annotations": {"summary": text}, "endsAt": ends}])


def _sentry(text: str) -> bytes:
    shown = {"id": "42", "title": text, "culprit": text, "level": text, "project": {"slug": text}}
    return _json({"action": "created", "data": {"issue": shown}})


def _sentry_headers(body: bytes, secret: str) -> Mapping[str, str]:
    return signed.sentry(body, Secret(secret), time.time(), "issue")


def _github(text: str) -> bytes:
    return _json(
        {
            "ref": "refs/heads/main",
            "after": "a" * 40,
            "pusher": {"name": text},
            "repository": {"full_name": "acme/api", "pushed_at": 1_790_000_000},
        }
    )


def _pagerduty(text: str) -> bytes:
    agent = {"id": "P1", "type": "user_reference", "summary": text}
    return signed.pagerduty_event("incident.acknowledged", agent=agent)


def _pagerduty_event(text: str) -> bytes:
    shown = {"summary": text or "x", "source": text or "x", "severity": "critical"}
    payload = shown | {"custom_details": {"note": text}}
    event = {"routing_key": KEY, "event_action": "trigger", "dedup_key": "disk-1"}
    return _json(event | {"payload": payload})


def _plain(_body: bytes, _secret: str) -> Mapping[str, str]:
    return {"content-type": "application/json"}


def _telegram(text: str) -> bytes:
    person = {"id": 1, "is_bot": False, "first_name": text}
    return _json(signed.telegram_press("ack:1:0", person))


def _mattermost(text: str, secret: str = SECRET) -> bytes:
    token = signed.mattermost_token(Secret(secret), time.time()) if secret else ""
    person = {"user_id": "u1", "user_name": text, "trigger_id": "t1"}
    return _json(person | {"context": {"token": token}})


def _twilio(text: str) -> bytes:
    return urlencode(
        {"From": ANA, "MessageSid": SM1, "Body": f"ACK 1 {text}"}, errors="replace"
    ).encode()


def _twilio_headers(body: bytes, secret: str) -> Mapping[str, str]:
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    return signed.twilio(f"{PUBLIC}/webhooks/twilio/sms", form, Secret(secret))


SAMPLES = {
    "alertmanager": Sample({"bearer_token": SECRET}, _alertmanager, bearer),
    "grafana": Sample({"bearer_token": SECRET}, _grafana, bearer),
    "prometheus": Sample({"bearer_token": SECRET}, _prometheus, bearer),
    "webhook": Sample(
        {"bearer_token": SECRET, "labels": {"alertname": "name", "note": "note"}},
        lambda text: _json({"name": "Disk", "note": text}),
        bearer,
    ),
    "sentry": Sample({"client_secret": SECRET}, _sentry, _sentry_headers, signs=True),
    "github": Sample(
        {"secrets": [SECRET]},
        _github,
        lambda body, secret: signed.github(body, Secret(secret), "push"),
        signs=True,
    ),
    "pagerduty": Sample(
        {"secrets": [SECRET]},
        _pagerduty,
        lambda body, secret: signed.pagerduty(body, Secret(secret)),
        signs=True,
    ),
    "oncall": Sample(
        {"integrations": {"shop": [SECRET]}},
        lambda text: _json({"title": text or "x", "message": text, "alert_uid": "u1"}),
        _plain,
        f"/integrations/v1/formatted_webhook/{KEY}/",
        takes_any=True,
    ),
    "opsgenie": Sample(
        {"integrations": {"shop": [SECRET]}},
        lambda text: _json({"message": text or "x", "alias": "a", "description": text}),
        lambda _, secret: _plain(b"", secret) | {"authorization": f"GenieKey {secret}"},
        "/v2/alerts",
    ),
    "pagerduty_events": Sample(
        {"services": {"api": [SECRET]}}, _pagerduty_event, _plain, "/v2/enqueue"
    ),
    "slack": Sample(
        {"signing_secret": SECRET},
        lambda text: signed.press("ack", user="U1", name=text or "ana"),
        lambda body, secret: signed.slack(body, Secret(secret), time.time()),
        signs=True,
    ),
    "telegram": Sample(
        {"secret_token": SECRET},
        _telegram,
        lambda body, secret: {"x-telegram-bot-api-secret-token": secret, **_plain(body, secret)},
    ),
    "mattermost": Sample(
        {"button_secret": SECRET},
        _mattermost,
        _plain,
        forged=lambda secret: _mattermost("text", secret),
    ),
    "twilio": Sample({"auth_token": SECRET}, _twilio, _twilio_headers, "/sms", signs=True),
}

HOSTILE = [
    "",
    "<script>alert(1)</script> & <!channel>",
    "{{ 7 * 7 }} {% for x in y %} ${jndi:x}",
    "line\r\nSet-Cookie: a=b\r\n\r\n\x00\x1b[31m",
    "\u202e\u2066 rtl \ud83d half a pair",
    "'; DROP TABLE incidents; --",
    "x" * 9000,
]

every_type = pytest.mark.parametrize("kind", sorted(RECEIVERS))


@pytest.fixture
def whole(router: Router) -> Daemon:
    """A router with a source of every type."""
    return router(
        sources={kind: sample.config for kind, sample in SAMPLES.items()},
        external_url=PUBLIC,
        contacts={"ana": {"phone": ANA}},
        deployments={"services": {"api": {"repository": "acme/api", "branches": ["main"]}}},
    )


async def send(
    daemon: Daemon, kind: str, body: bytes, headers: Mapping[str, str], secret: str = SECRET
) -> Answer:
    path = f"/webhooks/{kind}{SAMPLES[kind].path}".replace(KEY, secret)
    body = body.replace(KEY.encode(), secret.encode())
    return await daemon.ask("POST", path, data=body, headers=headers)


async def open_incident(daemon: Daemon) -> None:
    """Open INC-1, for people's answers to be about."""
    await daemon.ask("POST", "/api/v1/incidents", json={"title": "Checkout is down"})


async def effects(daemon: Daemon) -> tuple[int, int, int]:
    """Counts of incidents, of timeline entries except deliveries, and of deployments."""
    incidents = await daemon.store.incidents(limit=1000)
    deployments = (await daemon.get("/api/v1/deployments")).json["deployments"]
    entries = [
        entry for incident in incidents for entry in await daemon.store.timeline(incident.id)
    ]
    return len(incidents), sum(entry.what not in DELIVERIES for entry in entries), len(deployments)


def made(kind: str) -> Receiver:
    if kind == "webhook":
        pytest.skip("its config needs expressions: see the tests over loopback")
    source = RECEIVERS[kind]
    context = ReceiverContext(urls=(PUBLIC,), phones={ANA: "ana"})
    return source.build(kind, source.config()(**secrets_of(SAMPLES[kind].config)), context)


def secrets_of(value: Any) -> Any:
    """The config of a sample with each text as a secret."""
    if isinstance(value, dict):
        return {name: secrets_of(item) for name, item in value.items()}
    return [Secret(item) for item in value] if isinstance(value, list) else Secret(value)


@every_type
def test_every_type_is_in_the_kit(kind: str) -> None:
    """A new one can't be forgotten."""
    assert kind in SAMPLES


@every_type
async def test_a_right_request_is_accepted(whole: Daemon, kind: str) -> None:
    """With the right secret, 2xx, and something happens."""
    async with whole as daemon:
        await open_incident(daemon)
        before = await effects(daemon)
        body = SAMPLES[kind].body("text")
        answer = await send(daemon, kind, body, SAMPLES[kind].headers(body, SECRET))
        assert answer.status in {200, 202}
        assert await effects(daemon) != before


@every_type
async def test_a_wrong_or_missing_secret_is_a_401(whole: Daemon, kind: str) -> None:
    """Nothing happens, and neither secret is in the answer."""
    async with whole as daemon:
        await open_incident(daemon)
        before = await effects(daemon)
        body = SAMPLES[kind].body("text")
        wrong = SAMPLES[kind].headers(body, OTHER)
        missing = {"content-type": wrong["content-type"]}
        forged = SAMPLES[kind].forged
        for secret, headers in ((OTHER, wrong), ("", missing)):
            sent = forged(secret) if forged else body
            answer = await send(daemon, kind, sent, headers, secret)
            assert answer.status == 401
            assert "WWW-Authenticate" in answer.headers
            assert SECRET.encode() not in answer.body
            assert OTHER.encode() not in answer.body
        assert await effects(daemon) == before
        name, labels = (
            "alert_router_webhooks_rejected_total",
            {"source": kind, "reason": "unauthorized"},
        )
        assert daemon.app.metrics.registry.get_sample_value(name, labels) == 2


@every_type
async def test_a_changed_body_is_a_401_where_the_source_signs(whole: Daemon, kind: str) -> None:
    """One byte is enough."""
    if not SAMPLES[kind].signs:
        pytest.skip("this source doesn't sign")
    body = SAMPLES[kind].body("text")
    headers = SAMPLES[kind].headers(body, SECRET)
    changed = body.replace(b"text", b"tExt") if b"text" in body else body.replace(b"ana", b"anb", 1)
    assert changed != body
    async with whole as daemon:
        assert (await send(daemon, kind, changed, headers)).status == 401


@every_type
async def test_a_replay_has_no_second_effect(whole: Daemon, kind: str) -> None:
    """Also under headers that aren't signed."""
    async with whole as daemon:
        await open_incident(daemon)
        body = SAMPLES[kind].body("text")
        headers = dict(SAMPLES[kind].headers(body, SECRET))
        await send(daemon, kind, body, headers)
        once = await effects(daemon)
        for number in range(3):
            unsigned = {
                "x-webhook-id": f"W{number}",
                "x-github-delivery": f"d{number}",
                "request-id": f"{number}",
            }
            again = await send(daemon, kind, body, headers | unsigned)
            assert again.status in {200, 202}
        assert await effects(daemon) == once


MALFORMED = [b"", b"{", b"\xff\xfe", b"[" * 50_000, b"null", b"payload=%ff", b'{"a": 1}']


@every_type
async def test_a_malformed_body_is_never_a_fault(whole: Daemon, kind: str) -> None:
    """Rightly signed, and without any sense: the sender's fault, or ignored."""
    async with whole as daemon:
        before = await effects(daemon)
        for body in MALFORMED[:-1] if SAMPLES[kind].takes_any else MALFORMED:
            try:
                headers = SAMPLES[kind].headers(body, SECRET)
            except UnicodeDecodeError:
                continue  # this source can't sign that
            answer = await send(daemon, kind, body, headers)
            assert answer.status < 500, body[:20]
        assert await effects(daemon) == before


@every_type
async def test_a_hostile_text_is_stored_and_shown(whole: Daemon, kind: str) -> None:
    """It's accepted, and the pages and the API that show it work, without its markup."""
    async with whole as daemon:
        await open_incident(daemon)
        for text in HOSTILE:
            body = SAMPLES[kind].body(text)
            answer = await send(daemon, kind, body, SAMPLES[kind].headers(body, SECRET))
            assert answer.status in {200, 202}, text[:20]
        for incident in await daemon.store.incidents():
            assert (await daemon.get(f"/api/v1/incidents/{incident.id}")).status == 200
            shown = await daemon.get(f"/incidents/{incident.id}")
            assert shown.status == 200
            assert b"<script>alert" not in shown.body


@every_type
async def test_unknown_fields_are_ignored(whole: Daemon, kind: str) -> None:
    """A later version of the service may add some."""
    async with whole as daemon:
        await open_incident(daemon)
        body = SAMPLES[kind].body("text")
        more = (
            body.replace(b"{", b'{"unknown_field": {"a": [1]}, ', 1)
            if body[:1] in {b"{", b"["}
            else body + b"&Unknown=1"
        )
        answer = await send(daemon, kind, more, SAMPLES[kind].headers(more, SECRET))
        assert answer.status in {200, 202}
        assert (await effects(daemon))[1:] != (0, 0)


@every_type
async def test_a_body_that_is_too_large_is_a_413(whole: Daemon, kind: str) -> None:
    """The length is enough; the body isn't read."""
    async with whole as daemon:
        receiver = daemon.app.parts.webhooks.receivers[kind]
        limit = receiver.max_body or daemon.app.config.file.max_body
        headers = dict(SAMPLES[kind].headers(b"{}", SECRET)) | {"Content-Length": str(limit + 1)}
        assert limit <= 16 * 1024 * 1024
        path = f"/webhooks/{kind}{SAMPLES[kind].path}".replace(KEY, SECRET)
        raw = await raw_head(daemon, path, headers)
        assert raw == 413


@every_type
async def test_a_compressed_body_is_a_415(whole: Daemon, kind: str) -> None:
    """No service compresses."""
    async with whole as daemon:
        body = gzip.compress(SAMPLES[kind].body("text"))
        headers = dict(SAMPLES[kind].headers(b"{}", SECRET)) | {"Content-Encoding": "gzip"}
        assert (await send(daemon, kind, body, headers)).status == 415


@every_type
@given(data=st.data())
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_body_is_decoded_or_refused(kind: str, data: st.DataObject) -> None:
    """For any bytes: a real body with any part replaced, or random bytes."""
    receiver = made(kind)
    body = bytearray(SAMPLES[kind].body("text"))
    if data.draw(st.booleans()):
        body = bytearray(data.draw(st.binary(max_size=80)))
    elif body:
        start = data.draw(st.integers(0, len(body) - 1))
        body[start : start + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    incoming = Incoming({}, bytes(body), SAMPLES[kind].path.strip("/"), f"/webhooks/{kind}")
    try:
        receiver.admit(incoming)
        receiver.verify(incoming, time.time())
    except (Unauthorized, InvalidInput):
        pass
    try:
        received = receiver.decode(incoming, time.time())
    except InvalidInput:
        return
    receiver.reply(incoming, received, (), time.time())


async def raw_head(daemon: Daemon, path: str, headers: Mapping[str, str]) -> int:
    """The status of the answer to a request whose body never comes."""
    reader, writer = await asyncio.open_connection(*daemon.app.address)
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    answer = await asyncio.wait_for(reader.read(100), 10)
    writer.close()
    return int(answer.split()[1])
