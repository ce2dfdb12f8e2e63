"""Web Push, by a loopback push service that checks signatures and decrypts as a browser does."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import aiohttp
import http_ece
import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from msgspec.structs import replace

from router.config.fields import Duration
from router.model.device import Device
from router.model.notification import Message, Rejected, Retry, Sent
from router.senders.webpush import WebPushConfig, build, public_key
from tests.daemon import Daemon
from tests.senders.kit import NOW, Answer, Peer, Reply, Request, link_to, make_message

Router = Callable[..., Daemon]

PATH = "/push/s3cret4711"
BROWSER = ec.generate_private_key(ec.SECP256R1())
AUTH = b"0123456789abcdef"
KEY = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
)


def encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


POINT = encoded(BROWSER.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


class Book:
    """The devices of everybody: one at each of these paths of the push service."""

    def __init__(self, url: str, *paths: str) -> None:
        self.devices = {
            path: Device("ana", f"{url}{path}", POINT, encoded(AUTH), path, NOW)
            for path in paths or (PATH,)
        }
        self.dropped: list[str] = []

    async def of(self, contact: str) -> list[Device]:
        return list(self.devices.values())

    async def drop(self, key: str) -> bool:
        self.dropped += [name for name, device in self.devices.items() if device.key == key]
        return True


def decrypted(request: Request) -> dict[str, Any]:
    """The notification, as the browser's push service cannot read it."""
    plain = http_ece.decrypt(
        request.body, private_key=BROWSER, auth_secret=AUTH, version="aes128gcm"
    )
    found: dict[str, Any] = msgspec.json.decode(plain)
    return found


def service(request: Request) -> Answer:
    """Accepts a message as RFC 8030 and RFC 8292 say."""
    headers = request.headers
    scheme, _, fields = headers["authorization"].partition(" ")
    assert scheme == "vapid"
    token, key = (part.strip()[2:] for part in fields.split(","))
    assert key == public_key(KEY)
    raw = urlsafe_b64decode(key + "=")
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    claims = jwt.decode(
        token, point, algorithms=["ES256"], options={"verify_exp": False, "verify_aud": False}
    )
    assert claims["aud"] == f"http://{headers['host']}"
    assert NOW < claims["exp"] <= NOW + 86_400
    assert claims["sub"] == "mailto:ops@example.com"
    assert int(headers["ttl"]) > 0
    assert headers["urgency"] in {"very-low", "low", "normal", "high"}
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,32}", headers["topic"])
    assert headers["content-encoding"] == "aes128gcm"
    assert len(request.body) <= 4096
    return Reply(201)


def shown(request: Request) -> str:
    said = decrypted(request)
    urls = [said["url"], *(action["url"] for action in said["actions"])]
    return "\n".join([said["title"], said["body"], *urls])


def options(_url: str, seconds: float = 5.0) -> WebPushConfig:
    return WebPushConfig(contact="ops@example.com", timeout=Duration(seconds))


async def push(message: Message, book: Book | None = None, *replies: Answer) -> Any:
    """Send a message. Returns the result and the requests; `book` gets the service's URL."""
    async with Peer(answer=service) as peer, aiohttp.ClientSession() as session:
        peer.script += replies
        sender = build("push", options(""), session)
        used = book or Book(peer.url)
        for device in list(used.devices):
            used.devices[device] = replace(used.devices[device], endpoint=f"{peer.url}{device}")
        sender.use(used, KEY)
        return await sender.send(replace(message, channel="push/ana")), peer.requests


async def test_a_page_rings_and_has_buttons() -> None:
    result, (request,) = await push(make_message(link=link_to))
    assert result == Sent()
    said = decrypted(request)
    assert request.headers["urgency"] == "high"
    assert (said["loud"], said["stays"]) == (
        True,
        said["title"].startswith("[P0]") or said["stays"],
    )
    assert [action["title"] for action in said["actions"]] == ["Acknowledge", "Escalate"]


async def test_an_informed_stakeholder_gets_no_buttons() -> None:
    _, (request,) = await push(make_message(link=link_to, for_stakeholder=True))
    assert decrypted(request)["actions"] == []


@pytest.mark.parametrize("status", [404, 410])
async def test_a_forgotten_subscription_is_dropped_and_others_still_get_the_page(
    status: int,
) -> None:
    book = Book("", "/push/old", "/push/new")
    result, requests = await push(make_message(), book, Reply(status))
    assert result == Sent()
    assert len(requests) == 2
    assert len(book.dropped) == 1


async def test_the_last_device_that_is_gone_is_a_refused_address() -> None:
    result, _ = await push(make_message(), None, Reply(410))
    assert isinstance(result, Rejected)
    assert result.address


async def test_a_contact_without_devices_is_a_refused_address() -> None:
    book = Book("")
    book.devices.clear()
    result, requests = await push(make_message(), book)
    assert isinstance(result, Rejected)
    assert (result.address, requests) == (True, [])
    assert "/device" in result.reason


async def test_keys_that_are_no_keys_are_refused() -> None:
    book = Book("")
    book.devices[PATH] = replace(book.devices[PATH], p256dh=encoded(b"x" * 65))
    result, _ = await push(make_message(), book)
    assert isinstance(result, Rejected)


async def test_an_overloaded_service_is_tried_again_when_it_says() -> None:
    result, _ = await push(make_message(), None, Reply(429, headers={"Retry-After": "7"}))
    assert isinstance(result, Retry)
    assert result.after == 7.0


@pytest.mark.parametrize(
    ("endpoint", "taken"),
    [
        ("https://fcm.googleapis.com/fcm/send/abc", True),
        ("https://updates.push.services.mozilla.com/wpush/v2/abc", True),
        ("https://web.push.apple.com/abc", True),
        ("http://fcm.googleapis.com/x", False),
        ("https://fcm.googleapis.com.example.com/x", False),
        ("https://notfcm.googleapis.com/x", False),
        ("https://127.0.0.1/x", False),
    ],
)
def test_only_known_push_services_are_accepted(endpoint: str, taken: bool) -> None:
    """Else a device could make the router send requests anywhere."""
    assert options("").accepts(endpoint) is taken


async def test_a_device_subscribes_and_a_page_reaches_it(router: Router) -> None:
    """From the form to the push service, and the button's link acknowledges as the contact."""
    contacts = {"ana": {"name": "Ana Lima", "reach": [{"via": "push"}]}}
    channels = {
        "push": {"type": "webpush", "contact": "ops@example.com"},
        "log": {"type": "console"},
    }
    policies = {"all": {"steps": [{"notify": ["contact:ana"]}]}}
    async with router(contacts=contacts, channels=channels, policies=policies) as daemon:
        device = {"endpoint": "https://example.com/x", "p256dh": POINT, "auth": encoded(AUTH)}
        refused = await daemon.ask("POST", "/api/v1/devices", json=device | {"contact": "ana"})
        assert (refused.status, refused.json["errors"][0]["pointer"]) == (400, "#/endpoint")
        device["endpoint"] = "https://fcm.googleapis.com/fcm/send/s3cret"
        added = await daemon.ask("POST", "/api/v1/devices", json=device | {"contact": "ana"})
        assert added.status == 201
        found = (await daemon.get("/api/v1/devices")).json
        assert len(found["key"]) == 87
        assert [one["service"] for one in found["devices"]] == ["fcm.googleapis.com"]
        assert "s3cret" not in str(found)
        page = (await daemon.get("/device")).body.decode()
        assert f'data-key="{found["key"]}"' in page
        gone = await daemon.ask("DELETE", f"/api/v1/devices/{added.json['device']['id']}")
        assert gone.status == 200
        assert (await daemon.get("/api/v1/devices")).json["devices"] == []
        worker = await daemon.get("/worker.js")
        assert worker.headers["Content-Type"].startswith("text/javascript")
        manifest = (await daemon.get("/manifest.webmanifest")).json
        assert manifest["start_url"] == "/incidents"
