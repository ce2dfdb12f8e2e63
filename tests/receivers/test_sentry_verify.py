"""Sentry's webhooks are let in by their signature, or by the plugin's secret URL."""

import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.secret import Secret
from router.ports.errors import Unauthorized
from router.ports.webhooks import Incoming
from router.receivers.sentry.receiver import SentryConfig, SentryReceiver

NOW = 1787393200.0
CLIENT = Secret("client-s3cr3t")
PLUGIN = Secret("plugin-s3cr3t")

RECEIVER = SentryReceiver("sentry", SentryConfig(client_secret=CLIENT, plugin_secret=PLUGIN))


def sign(body: bytes) -> str:
    return hmac.new(b"client-s3cr3t", body, hashlib.sha256).hexdigest()


def signed(resource: str, body: bytes, at: float = NOW) -> Incoming:
    """As the integration platform sends it."""
    return Incoming(
        {
            "content-type": "application/json",
            "request-id": "4b9d1f6a8c2e4f70a1b2c3d4e5f60718",
            "sentry-hook-resource": resource,
            "sentry-hook-timestamp": str(int(at)),
            "sentry-hook-signature": sign(body),
        },
        body,
    )


def plugin_request(secret: str = "plugin-s3cr3t") -> Incoming:
    return Incoming({}, b"{}", secret)


def test_signature_vector() -> None:
    """HMAC-SHA256 over the raw bytes, in hex, as in RFC 4231's second test case."""
    receiver = SentryReceiver("sentry", SentryConfig(client_secret=Secret("Jefe")))
    digest = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    headers = {"sentry-hook-signature": digest, "sentry-hook-timestamp": "1787393200"}
    receiver.verify(Incoming(headers, b"what do ya want for nothing?"), NOW)
    with pytest.raises(Unauthorized, match="Signature is wrong"):
        receiver.verify(Incoming(headers, b"what do ya want for nothing!"), NOW)


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"sentry-hook-signature": None}, "Sentry-Hook-Signature is missing"),
        ({"sentry-hook-signature": ""}, "Sentry-Hook-Signature is missing"),
        ({"sentry-hook-signature": "0" * 64}, "Sentry-Hook-Signature is wrong"),
        ({"sentry-hook-signature": "sha256=" + sign(b"{}")}, "Sentry-Hook-Signature is wrong"),
        ({"sentry-hook-timestamp": None}, "Sentry-Hook-Timestamp is missing"),
        ({"sentry-hook-timestamp": "soon"}, "isn't in seconds"),
        ({"sentry-hook-timestamp": "9" * 5000}, "isn't in seconds"),
        ({"sentry-hook-timestamp": "999999999999"}, "stale"),
        ({"sentry-hook-timestamp": str(int(NOW) - 301)}, "stale"),
        ({"sentry-hook-timestamp": str(int(NOW) + 301)}, "stale"),
    ],
)
def test_refuses_what_is_not_signed_just_now(headers: dict[str, str | None], said: str) -> None:
    """A missing, wrong or stale signature is refused, by what is wrong with it."""
    changed = {
        name: value
        for name, value in {**signed("issue", b"{}").headers, **headers}.items()
        if value is not None
    }
    with pytest.raises(Unauthorized, match=said):
        RECEIVER.verify(Incoming(changed, b"{}"), NOW)


@pytest.mark.parametrize("late", [-300, 0, 300])
def test_five_minutes_either_way_are_fine(late: int) -> None:
    """Clocks may differ, and Sentry may be slow."""
    RECEIVER.verify(signed("issue", b"{}", NOW + late), NOW)


@pytest.mark.parametrize(
    ("config", "incoming", "said"),
    [
        (SentryConfig(client_secret=CLIENT), plugin_request(), "no plugin_secret is configured"),
        (
            SentryConfig(plugin_secret=PLUGIN),
            signed("issue", b"{}"),
            "no client_secret is configured",
        ),
        (SentryConfig(plugin_secret=PLUGIN), plugin_request(""), "no client_secret is configured"),
        (
            SentryConfig(plugin_secret=PLUGIN),
            plugin_request("plugin"),
            "the secret in the URL is wrong",
        ),
        (
            SentryConfig(client_secret=CLIENT, plugin_secret=PLUGIN),
            Incoming({"sentry-hook-signature": ""}, b"{}", "plugin-s3cr3t"),
            "Sentry-Hook-Signature is missing",
        ),
    ],
)
def test_each_way_in_needs_its_own_secret(
    config: SentryConfig, incoming: Incoming, said: str
) -> None:
    """A secret for one way in doesn't open the other."""
    with pytest.raises(Unauthorized, match=said):
        SentryReceiver("sentry", config).verify(incoming, NOW)


def test_insecure_takes_all() -> None:
    """Written out, anything is let in: signed, plain, or from the plugin."""
    receiver = SentryReceiver("sentry", SentryConfig(insecure=True))
    for incoming in (Incoming({}, b""), plugin_request("anything"), signed("issue", b"{}", 0)):
        receiver.verify(incoming, NOW)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "needs client_secret, or plugin_secret .* write insecure: true"),
        ({"insecure": False}, "needs client_secret"),
        ({"client_secret": CLIENT, "insecure": True}, "takes either secrets or insecure: true"),
    ],
)
def test_a_secret_or_insecure_is_configured(options: dict[str, Any], said: str) -> None:
    """No secret is a config error unless `insecure: true` is written out."""
    with pytest.raises(ValueError, match=f"a source of type sentry {said}"):
        SentryConfig(**options)


def test_the_right_secret_opens_the_plugins_url() -> None:
    """Unsigned, behind the secret path."""
    RECEIVER.verify(plugin_request(), NOW)


@given(
    st.dictionaries(
        st.sampled_from(["sentry-hook-signature", "sentry-hook-timestamp", "sentry-hook-resource"]),
        st.binary(max_size=20).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
        | st.text(max_size=20),
    ),
    st.text(max_size=20),
)
def test_any_headers_are_refused(headers: dict[str, str], secret: str) -> None:
    """Any bytes in the headers and the URL are refused, and nothing else is raised."""
    with pytest.raises(Unauthorized):
        RECEIVER.verify(Incoming(headers, b"{}", secret), NOW)
    with pytest.raises(Unauthorized):
        RECEIVER.verify(
            Incoming({**signed("issue", b"{}").headers, "sentry-hook-timestamp": secret}, b"{}"),
            NOW,
        )
