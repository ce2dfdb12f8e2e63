"""The whole path; only the watched service and Slack are doubles.

Exporter, Prometheus with the shipped rules, Alertmanager with the shipped routes, `alert-router
serve` with the shipped rules, a Slack channel. Only the times are shorter than in production.
"""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.router_process import RouterProcess, eventually
from tests.acceptance.slack_double import CHANNEL, TOKEN, Slack
from tests.exporter import Exporter
from tests.peers import Alertmanager, Prometheus
from tests.test_peers import alertmanager_config, prometheus_config

ROOT = Path(__file__).parent.parent.parent
RECEIVED = 'alert_router_alerts_received_total{source="alertmanager",status="firing"}'
REPEATS = 10
"""Repeated alerts, half of them the watchdog, to wait for before checking for a single message."""


def router_config(channel: dict[str, Any]) -> dict[str, Any]:
    """The shipped rules; every severity goes to one channel of Slack."""
    return {
        "rules": [str(ROOT / "rules/critical.yaml")],
        "company": {"name": "VintStreet"},
        "sources": {"alertmanager": {"bearer_token": "s3cret"}},
        "channels": {"incidents": {"type": "slack", **channel}},
        "severities": {severity: {"policy": "all"} for severity in ("P0", "P1", "P2", "P3")},
        "policies": {"all": {"steps": [{"notify": ["channel:incidents"]}]}},
        "heartbeats": {
            "watchdog": {"match": ['alertname="Watchdog"'], "every": "1h", "severity": "P1"}
        },
    }


@asynccontextmanager
async def failing(exporter: Exporter) -> AsyncIterator[None]:
    """A quarter of the payments fails for as long as the block lasts."""

    async def pay() -> None:
        while True:
            exporter.payments.labels("api", "success").inc(30)
            exporter.payments.labels("api", "failure").inc(10)
            await asyncio.sleep(0.1)

    paying = asyncio.create_task(pay())
    try:
        yield
    finally:
        paying.cancel()
        with suppress(asyncio.CancelledError):
            await paying


@pytest.mark.peer
@pytest.mark.slow
async def test_payment_failures_are_one_message_that_turns_resolved(tmp_path: Path) -> None:
    """A rising failure rate sends one P0 message.

    While it stays high, no second one is sent. When it ends, the same message changes to resolved,
    and its thread gives the details.
    """
    async with Slack() as slack, AsyncExitStack() as stack:
        by_bot = {"token": TOKEN, "channel": CHANNEL, "api_url": slack.api}
        router = await stack.enter_async_context(RouterProcess(tmp_path, router_config(by_bot)))
        exporter = await stack.enter_async_context(Exporter())
        routes = alertmanager_config(tmp_path, f"{router.url}/webhooks/alertmanager")
        routes["route"]["repeat_interval"] = "1s"
        async with (
            Alertmanager(tmp_path, routes) as alertmanager,
            Prometheus(tmp_path, prometheus_config(tmp_path, exporter, alertmanager)) as prometheus,
        ):
            scraped = 'count(payment_attempts_total{service="api"})'
            await prometheus.until(
                "/api/v1/query", lambda answer: answer["data"]["result"], query=scraped
            )

            async with failing(exporter):
                await router.until(
                    "/api/v1/notifications", lambda answer: answer["notifications"], state="sent"
                )
                [message] = slack.messages.values()
                assert "[P0]" in message.headline
                assert message.line("Status") == "INVESTIGATING"
                assert message.line("Impact").startswith("Payment failures at ")
                assert message.line("Impact").endswith("% on api")

                before = await router.sample(RECEIVED)
                await eventually(
                    lambda: router.sample(RECEIVED), lambda received: received >= before + REPEATS
                )
                assert len(slack.messages) == 1
                assert not message.edits
                assert not message.thread

            await router.until(
                "/api/v1/incidents/1", lambda incident: incident["status"] == "resolved"
            )
            await router.until(
                "/api/v1/notifications", lambda answer: not answer["notifications"], state="pending"
            )

        assert list(slack.messages.values()) == [message]
        assert message.line("Status") == "RESOLVED"
        assert "Resolved" in "\n".join(message.thread)
        [incident] = (await router.get("/api/v1/incidents"))["incidents"]
        assert (incident["key"], incident["reopened"]) == ('payment-failures{service="api"}', 0)


@pytest.mark.peer
@pytest.mark.slow
async def test_the_dead_mans_switch_notices_that_the_way_is_broken(tmp_path: Path) -> None:
    """While all work it's silent; Alertmanager dies, and it opens an incident; a beat comes, and
    that's resolved.
    """
    async with Slack() as slack, AsyncExitStack() as stack:
        hook = {"webhook_url": slack.hook}
        router = await stack.enter_async_context(RouterProcess(tmp_path, router_config(hook)))
        exporter = await stack.enter_async_context(Exporter())
        routes = alertmanager_config(tmp_path, f"{router.url}/webhooks/alertmanager")
        async with Alertmanager(tmp_path, routes) as alertmanager:
            await stack.enter_async_context(
                Prometheus(tmp_path, prometheus_config(tmp_path, exporter, alertmanager))
            )
            before = await router.sample(RECEIVED)
            await eventually(
                lambda: router.sample(RECEIVED), lambda received: received >= before + REPEATS
            )
            assert (await router.get("/api/v1/incidents"))["incidents"] == []
            [heartbeat] = (await router.get("/api/v1/heartbeats"))["heartbeats"]
            assert heartbeat["state"] == "alive"
            # Now that the peers have started, however long that took.
            config = yaml.safe_load(router.config.read_text())
            config["heartbeats"]["watchdog"] |= {"every": "3s", "grace": "2s"}
            router.config.write_text(yaml.safe_dump(config))
            os.kill(router.pid, signal.SIGHUP)
            await router.until(
                "/api/v1/heartbeats", lambda answer: answer["heartbeats"][0]["every"] == 3
            )

        await router.until(
            "/api/v1/notifications", lambda answer: answer["notifications"], state="sent"
        )
        [incident] = (await router.get("/api/v1/incidents"))["incidents"]
        assert (incident["key"], incident["severity"]) == (
            'heartbeat:watchdog:missed{heartbeat="watchdog"}',
            "P1",
        )
        sample = json.loads((ROOT / "deploy/samples/payment-failures.json").read_text())
        sample["alerts"][0] |= {
            "labels": {"alertname": "Watchdog", "severity": "none"},
            "fingerprint": "",
        }
        token = {"Authorization": "Bearer s3cret"}
        assert (await router.post("/webhooks/alertmanager", json=sample, headers=token))[0] == 200
        await router.until("/api/v1/incidents/1", lambda incident: incident["status"] == "resolved")
        assert all(
            "watchdog is missed" in message.line("Impact") for message in slack.messages.values()
        )


async def test_an_incoming_webhook_tells_the_beginning_and_the_end(tmp_path: Path) -> None:
    """It can't edit: the shipped samples make one message each, and a repeat of the first makes
    none.
    """
    async with (
        Slack() as slack,
        RouterProcess(tmp_path, router_config({"webhook_url": slack.hook})) as router,
    ):
        for name in ("payment-failures", "payment-failures", "payment-failures-resolved"):
            sample = json.loads((ROOT / f"deploy/samples/{name}.json").read_text())
            token = {"Authorization": "Bearer s3cret"}
            status, _ = await router.post("/webhooks/alertmanager", json=sample, headers=token)
            assert status == 200
            await router.until(
                "/api/v1/notifications", lambda answer: not answer["notifications"], state="pending"
            )
        assert [message.line("Status") for message in slack.about("INC-1")] == [
            "INVESTIGATING",
            "RESOLVED",
        ]
