"""Readable messages on every channel for realistic alerts.

The alerts have Helm's labels, annotations of any name, rising values and unreadable values.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.daemon import Daemon, alert
from tests.senders.kit import Peer
from tests.senders.subjects import SUBJECTS, Subject
from tests.senders.test_mail import Relay, running
from tests.senders.test_teams import PATH
from tests.senders.twilio_double import ACCOUNT, NUMBER, SENDER, TOKEN
from tests.test_app import until

Router = Callable[..., Daemon]

RULES = [
    {
        "name": "errors",
        "match": ['alertname="ErrorRate"'],
        "thresholds": {"P0": "> 10%", "P1": "> 1%"},
        "group_by": ["service"],
        "summary": "Error rate at {{ value | percent }} on {{ labels.service }}",
    },
    {
        "name": "memory",
        "match": ['alertname="Memory"'],
        "thresholds": {"P0": "> 8Gi", "P3": "> 1Gi"},
        "group_by": ["cluster"],
        "summary": "Memory overcommit",
    },
]
READ = {"slack": "slack, webhook", "teams": "teams", "text": "sms"}


class Readers:
    """Messages that arrived over each channel, as readers see them, oldest first."""

    def __init__(self, daemon: Daemon, peers: dict[str, Peer], relay: Relay) -> None:
        self.daemon = daemon
        self._peers = peers
        self._relay = relay

    def all(self) -> dict[str, list[str]]:
        found = {name: self._read(SUBJECTS[READ[name]], peer) for name, peer in self._peers.items()}
        mails = [mail.get_body(("plain",)) for _, mail in self._relay.mails]
        shown = [mail.get_content().replace("\r\n", "\n") for mail in mails if mail]
        return found | {"mail": shown}

    async def latest(self, messages: int = 1) -> dict[str, str]:
        await until(lambda: all(len(found) >= messages for found in self.all().values()))
        return {name: found[-1] for name, found in self.all().items()}

    @staticmethod
    def _read(subject: Subject, peer: Peer) -> list[str]:
        return [subject.read(request) for request in peer.requests]


@asynccontextmanager
async def readers(router: Router) -> AsyncIterator[Readers]:
    relay = Relay()
    slack, teams, twilio = (
        Peer(answer=SUBJECTS[name].service()) for name in ("slack, webhook", "teams", "sms")
    )
    async with slack, teams, twilio, running(relay) as port:
        channels = {
            "slack": {"type": "slack", "webhook_url": f"{slack.url}/services/s3cret"},
            "teams": {"type": "teams", "webhook_url": teams.url + PATH},
            "mail": {
                "type": "email", "from": "router@example.com", "to": ["team@example.com"],
                "smtp": {"host": "127.0.0.1", "port": port, "starttls": False},
            },
            "text": {
                "type": "sms", "account_sid": ACCOUNT, "auth_token": TOKEN, "from": SENDER,
                "to": [NUMBER], "api_url": twilio.url,
            },
        }  # fmt: skip
        notify = [f"channel:{name}" for name in channels]
        policies = {"all": {"steps": [{"notify": notify}]}}
        async with router(channels=channels, policies=policies) as daemon:
            yield Readers(daemon, {"slack": slack, "teams": teams, "text": twilio}, relay)


@pytest.fixture
def router(tmp_path: Any) -> Router:
    from tests.daemon import write_config

    return lambda **changes: Daemon(write_config(tmp_path, RULES, **changes))


async def test_a_rise_shows_the_new_value_everywhere(router: Router) -> None:
    """From 2 % to 40 %: also in the title."""
    async with readers(router) as there:
        await there.daemon.alert(alert("ErrorRate", "0.02", service="shop"))
        assert all("2%" in text for text in (await there.latest()).values())
        await there.daemon.alert(alert("ErrorRate", "0.4", service="shop"))
        risen = await there.latest(2)
        assert all("Error rate at 40% on shop" in text for text in risen.values()), risen
        assert "now P0, was P1" in risen["text"]
        assert "Severity raised from P1 to P0: ErrorRate at 40% (threshold" in risen["slack"]


async def test_an_unreadable_value_is_a_warning_and_no_measurement(router: Router) -> None:
    async with readers(router) as there:
        await there.daemon.alert(alert("Memory", "lots", cluster="eu"))
        shown = await there.latest()
        for name in ("slack", "teams", "mail"):
            assert "Value is missing or unreadable" in shown[name]
            assert "reported lots" in shown[name]
        assert not any("at lots" in text for text in shown.values())


async def test_a_responder_reads_every_annotation_and_the_labels_that_say_where(
    router: Router,
) -> None:
    """The rest is counted, and a long description pushes nothing out."""
    names = [f"app_kubernetes_io_{n}" for n in range(22)]
    labels = dict.fromkeys(names, "x") | {
        "severity": "critical",
        "pod": "checkout-1",
        "namespace": "payments",
    }
    annotations = {
        "value": "0.02", "message": "Job is slow.\nRetry it.", "impact": "No checkout",
        "Error": "Timeout", "description": "long " * 2000, "dashboard": "https://grafana/d/1",
    }  # fmt: skip
    async with readers(router) as there:
        await there.daemon.alert(alert("ErrorRate", annotations=annotations, **labels))
        shown = await there.latest()
    for name in ("slack", "teams", "mail"):
        text = shown[name]
        for wanted in (
            "pod: checkout-1",
            "namespace: payments",
            "severity: critical",
            "More labels: +",
        ):
            assert wanted in text, (name, wanted)
        for wanted in ("Job is slow.\nRetry it.", "No checkout", "Timeout", "long long"):
            assert wanted in text, (name, wanted)
    assert "https://grafana/d/1" in shown["mail"]


async def test_an_alert_below_its_threshold_is_not_called_resolved(router: Router) -> None:
    async with readers(router) as there:
        await there.daemon.alert(alert("ErrorRate", "0.2", service="x"))
        await there.daemon.alert(alert("ErrorRate", "0.005", service="x"))
        shown = await there.latest(2)
        for name in ("slack", "teams", "mail"):
            assert "Alert is below every threshold" in shown[name]
            assert "Alert resolved" not in shown[name]


async def test_slack_mentions_the_person_who_is_paged_over_another_channel(router: Router) -> None:
    """Slack mentions people by their contact's `slack` id, and the channel's groups."""
    async with Peer() as slack, Peer(answer=SUBJECTS["sms"].service()) as twilio:
        channels = {
            "slack": {
                "type": "slack", "webhook_url": f"{slack.url}/services/s3cret",
                "mention": ["S0OPS"],
            },
            "text": {
                "type": "sms", "account_sid": ACCOUNT, "auth_token": TOKEN, "from": SENDER,
                "api_url": twilio.url,
            },
        }  # fmt: skip
        changes = {
            "channels": channels,
            "contacts": {"ana": {"phone": NUMBER, "slack": "U0ANA", "reach": [{"via": "text"}]}},
            "policies": {"all": {"steps": [{"notify": ["channel:slack", "contact:ana"]}]}},
        }
        async with router(**changes) as daemon:
            await daemon.alert(alert("ErrorRate", "0.2", service="shop"))
            await until(lambda: slack.requests)
    assert "Paged: <@U0ANA>, <!subteam^S0OPS>" in slack.requests[0].body.decode()
