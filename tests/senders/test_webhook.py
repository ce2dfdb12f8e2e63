"""The generic webhook, checked by a receiver that verifies what Standard Webhooks asks for."""

import base64
import hmac
from datetime import datetime

import aiohttp
import msgspec
import pytest

from router.config.secret import Secret, SecretUrl
from router.model.alert import Alert
from router.model.decision import Entry
from router.model.incident import Status
from router.model.notification import Rejected, Result, Sent
from router.model.reason import Reason
from router.model.reasons import row
from router.senders.identity import message_id
from router.senders.webhook import (
    MAX_BODY,
    WebhookConfig,
    WebhookSender,
    build,
    build_event,
    sign,
    signing_key,
)
from tests.senders.kit import (
    NOW,
    Peer,
    Reply,
    Request,
    check_broken_connections,
    check_leaks_no_secret,
    check_retry_after,
    check_statuses,
    make_message,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


def receiver(request: Request) -> Reply:
    """Checks a request as a receiver does by the specification."""
    assert request.method == "POST"
    assert request.headers["content-type"] == "application/json"
    assert "." not in request.headers["webhook-id"]
    signed = (
        f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode()
        + request.body
    )
    version, signature = request.headers["webhook-signature"].split(",")
    assert version == "v1"
    assert base64.b64decode(signature) == hmac.digest(KEY, signed, "sha256")
    assert len(request.body) < MAX_BODY
    assert set(request.json) == {"type", "timestamp", "data"}
    assert datetime.fromisoformat(request.json["timestamp"]).tzinfo is not None
    return Reply(204, b"")


def sender(session: aiohttp.ClientSession, url: str, **options: object) -> WebhookSender:
    config = msgspec.structs.replace(
        WebhookConfig(url=SecretUrl(url), secret=Secret(SECRET)), **options
    )
    return build("hook", config, session)


def test_the_signature_is_that_of_the_specifications_example() -> None:
    signature = sign(
        signing_key(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_letter_arrives_signed_with_the_incident_as_it_is() -> None:
    async with Peer(answer=receiver) as peer, aiohttp.ClientSession() as session:
        config = WebhookConfig(
            url=SecretUrl(f"{peer.url}/hook?token=abc"),
            secret=Secret(SECRET),
            headers={"Authorization": Secret("Bearer abc")},
        )
        hook = build("hook", config, session)
        assert await hook.send(make_message(reason=Reason.OPENED)) == Sent()
        await hook.close()
    [request] = peer.requests
    assert request.path == "/hook?token=abc"
    assert request.headers["authorization"] == "Bearer abc"
    assert request.headers["webhook-timestamp"] == str(int(NOW))
    event = request.json
    assert event["type"] == "incident.opened"
    assert event["timestamp"] == "2026-01-01T12:10:00.000Z"
    data = event["data"]
    assert data["url"] == "http://127.0.0.1:9095/incidents/142"
    assert (data["attempt"], data["may_be_repeated"]) == (1, False)
    assert data["incident"]["id"] == "INC-142"
    assert data["incident"]["severity"] == "P0"
    assert data["incident"]["opened_at"] == "2026-01-01T12:00:00.000Z"
    assert data["incident"]["closed_at"] is None
    assert data["alerts"][0]["labels"] == {"service": "api", "alertname": "PaymentFailures"}
    assert [entry["what"] for entry in data["news"]] == ["opened", "acknowledged"]
    assert data["news"][1]["text"] == "Acknowledged by ana"


async def test_without_a_secret_nothing_is_signed() -> None:
    async with Peer() as peer, aiohttp.ClientSession() as session:
        await sender(session, peer.url, secret=None).send(make_message())
    assert "webhook-signature" not in peer.requests[0].headers


async def test_the_router_reads_every_outcome_as_all_senders_do() -> None:
    async with Peer() as peer, aiohttp.ClientSession() as session:
        hook = sender(session, peer.url)

        async def send() -> Result:
            return await hook.send(make_message())

        await check_statuses(peer, send, idempotent=True)
        await check_retry_after(peer, send)
        hook = sender(session, peer.url, timeout=0.3)
        await check_broken_connections(peer, send, idempotent=True)


async def test_a_receiver_that_is_gone_is_not_asked_again() -> None:
    async with Peer(Reply(410, b"")) as peer, aiohttp.ClientSession() as session:
        assert await sender(session, peer.url).send(make_message()) == Rejected("HTTP 410")


async def test_no_secret_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async with Peer() as peer, aiohttp.ClientSession() as session:
        hook = sender(
            session, f"{peer.url}/hush-hush", timeout=0.3, headers={"x-key": Secret("hush-hush")}
        )
        assert "hush-hush" not in repr(hook._config)

        async def send() -> Result:
            return await hook.send(make_message())

        await check_leaks_no_secret("hush-hush", peer, send, caplog)


def test_an_event_keeps_its_id_over_retries_and_shares_it_with_no_other() -> None:
    message = make_message()
    assert message_id("hook", message) == message_id(
        "hook", make_message(at=NOW + 60, status=Status.MONITORING)
    )
    others = [
        message_id("other", message),
        message_id("hook", make_message(seq=2)),
        message_id("hook", make_message(id=143)),
        message_id("hook", make_message(opened_at=NOW)),
        message_id("ho.ok", message),
    ]
    assert len({message_id("hook", message), *others}) == 6
    assert not any("." in id_ for id_ in others)


def test_a_repetition_is_marked_and_messages_are_numbered() -> None:
    """Receivers can recognise a repeat, and the newer of two messages."""
    data = msgspec.json.decode(build_event(make_message(seq=4, attempt=3, may_be_doubled=True)))[
        "data"
    ]
    assert (data["sequence"], data["attempt"], data["may_be_repeated"]) == (4, 3, True)
    newer = msgspec.json.decode(build_event(make_message(seq=5, uncertain=4)))["data"]
    assert (newer["sequence"], newer["may_be_repeated"]) == (5, False)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_gives_a_type_of_lower_case_words(reason: Reason) -> None:
    kind = msgspec.json.decode(build_event(make_message(reason=reason)))["type"]
    assert kind == row(reason).event
    assert kind.replace(".", "").replace("_", "").isalpha()


def test_a_storm_fits_into_one_event_and_the_latest_news_stays() -> None:
    message = make_message()
    alert, labels = message.alerts[0], {"path": "x" * 500}
    alerts = tuple(
        msgspec.structs.replace(alert, labels=labels, fingerprint=str(n)) for n in range(100)
    )
    timeline = tuple(
        Entry(142, NOW, Reason.NOTED, data={"text": f"{n} " + "y" * 300}, id=n + 1)
        for n in range(100)
    )
    body = build_event(msgspec.structs.replace(message, alerts=alerts, timeline=timeline))
    assert len(body) <= MAX_BODY
    assert msgspec.json.decode(body)["data"]["news"][-1]["text"].partition(" y")[0].endswith("99")


def test_an_incident_too_large_for_an_event_is_sent_all_the_same() -> None:
    event = msgspec.json.decode(
        build_event(make_message(annotations={"description": "x" * 30_000}))
    )
    assert event["data"]["alerts"] == event["data"]["news"] == []


def test_what_the_event_says_of_an_alert_is_complete() -> None:
    # A new field of an alert has to be decided on: add it to the event, or here.
    left_out = {
        "ends_at", "event_id", "by", "severity", "drill", "stands_for", "to", "is_state",
        "group_as", "lifetime",
    }  # fmt: skip
    alert = msgspec.json.decode(build_event(make_message()))["data"]["alerts"][0]
    assert set(alert) == set(Alert.__struct_fields__) - left_out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"secret": Secret("whsec_not base64!")}, "base64"),
        ({"secret": Secret("whsec_")}, "base64"),
        ({"headers": {"Webhook-Id": Secret("1")}}, "Webhook-Id"),
        ({"headers": {"Content-Type": Secret("text/plain")}}, "Content-Type"),
        ({"headers": {"a b": Secret("1")}}, "a b"),
        ({"headers": {"x-key": Secret("s3cret\r\nevil: 1")}}, "x-key"),
    ],
)
def test_a_config_that_cannot_work_is_refused_without_its_secrets(
    options: dict[str, object], words: str
) -> None:
    with pytest.raises(ValueError, match=words) as refusal:
        WebhookConfig(url=SecretUrl("https://example.com"), **options)  # type: ignore[arg-type]
    assert "s3cret" not in str(refusal.value)


def test_a_secret_is_taken_with_or_without_its_prefix_and_padding() -> None:
    assert signing_key(SECRET) == signing_key(SECRET.removeprefix("whsec_")) == KEY
    assert signing_key("whsec_YWJjZA") == b"abcd"
