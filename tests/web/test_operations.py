"""Operations: metrics, health, reload."""

import re
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.clock import SteppedClock
from tests.daemon import TOKEN, Daemon, alert, write_config
from tests.peers import require
from tests.web.webhooks.test_endpoint import is_problem

Router = Callable[..., Daemon]

# design.md, "Metrics": a public contract.
CONTRACT = {
    "alerts_received_total": {"source", "status"},
    "webhooks_rejected_total": {"source", "reason"},
    "incidents": {"severity", "status"},
    "incidents_opened_total": {"severity", "rule"},
    "time_to_acknowledge_seconds": {"severity"},
    "time_to_resolve_seconds": {"severity"},
    "notifications_total": {"channel", "outcome"},
    "notifications_pending": {"channel"},
    "notification_latency_seconds": {"channel"},
    "delivery_attempts_total": {"channel", "outcome"},
    "escalations_total": {"severity"},
    "unreached_total": {"severity"},
    "timers_overdue_seconds": set(),
    "commit_seconds": set(),
    "config_last_reload_successful": set(),
    "config_last_reload_success_timestamp_seconds": set(),
    "build_info": {"version"},
}


async def samples(daemon: Daemon) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Each sample of `/metrics` by its name, less the prefix, and its labels."""
    text = (await daemon.get("/metrics")).body.decode()
    return {
        (sample.name.removeprefix("alert_router_"), frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def sample(daemon: Daemon, name: str, **labels: str) -> float | None:
    return (await samples(daemon)).get((name, frozenset(labels.items())))


async def lived(daemon: Daemon, clock: SteppedClock) -> None:
    """Some history: an incident that opens, is answered and resolved; a sent message; a refused
    webhook;
    an unsent message.
    """
    await daemon.alert(alert(), alert("DiskFull", instance="a"))

    async def delivered() -> bool:
        return await sample(daemon, "notifications_total", channel="log", outcome="sent") == 2

    await clock.settle(delivered, step=0.5)
    await daemon.ask("POST", "/webhooks/alertmanager", data=b"{}")
    await clock.advance(60)
    await daemon.ask("POST", "/api/v1/incidents/1/ack")
    await daemon.ask("POST", "/api/v1/incidents/1/resolve")
    daemon.store.plan["claim_notifications"].clear()


async def test_every_metric_of_the_contract_is_there(router: Router, clock: SteppedClock) -> None:
    """With its labels and the prefix; and the values are what happened."""
    async with router(clock=clock) as daemon:
        await lived(daemon, clock)
        found = await samples(daemon)
        for name, labels in CONTRACT.items():
            shown = [dict(one) for full, one in found if full in (name, f"{name}_count")]
            assert shown, f"{name} isn't there"
            assert set(shown[0]) == labels, name
        assert (
            await sample(daemon, "alerts_received_total", source="alertmanager", status="firing")
            == 2
        )
        assert (
            await sample(
                daemon, "webhooks_rejected_total", source="alertmanager", reason="unauthorized"
            )
            == 1
        )
        assert await sample(daemon, "incidents", severity="P0", status="resolved") == 1
        assert await sample(daemon, "incidents", severity="P3", status="investigating") == 1
        assert (
            await sample(daemon, "incidents_opened_total", severity="P0", rule="payment-failures")
            == 1
        )
        acknowledged = await sample(daemon, "time_to_acknowledge_seconds_sum", severity="P0")
        assert acknowledged is not None
        assert acknowledged >= 60


async def test_known_series_start_at_zero(router: Router) -> None:
    """A series that first appears as 1 is invisible to rate()."""
    async with router() as daemon:
        assert (
            await sample(daemon, "alerts_received_total", source="alertmanager", status="firing")
            == 0
        )
        assert await sample(daemon, "notifications_total", channel="log", outcome="dead") == 0
        assert await sample(daemon, "delivery_attempts_total", channel="log", outcome="retry") == 0
        assert await sample(daemon, "escalations_total", severity="P0") == 0
        assert await sample(daemon, "unreached_total", severity="P0") == 0
        assert await sample(daemon, "notifications_pending", channel="log") == 0


@pytest.mark.peer
async def test_promtool_finds_no_fault(router: Router, clock: SteppedClock) -> None:
    """The names, the types and the help texts are as Prometheus wants them, after some life."""
    async with router(clock=clock) as daemon:
        await lived(daemon, clock)
        body = (await daemon.get("/metrics")).body
    done = subprocess.run(  # noqa: ASYNC221 - nothing else is to run
        [require("promtool"), "check", "metrics"], input=body, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


async def test_the_metrics_outlive_the_store(router: Router) -> None:
    """Just when it's down the counters are needed."""
    async with router() as daemon:
        await daemon.alert(alert())
        daemon.store.down = True
        assert (
            await sample(daemon, "alerts_received_total", source="alertmanager", status="firing")
            == 1
        )


async def test_no_secret_is_a_metric(router: Router) -> None:
    """Labels hold names from the config, never what a request said."""
    async with router() as daemon:
        await daemon.ask("POST", f"/webhooks/{TOKEN}/{TOKEN}")
        await daemon.ask(
            "POST", "/webhooks/alertmanager", headers={"Authorization": f"Bearer {TOKEN}x"}
        )
        assert TOKEN.encode() not in (await daemon.get("/metrics")).body


async def test_healthy_and_ready(router: Router) -> None:
    """Ready is whether webhooks can be taken; a store that is down makes it 503, and leaves it
    healthy.
    """
    async with router() as daemon:
        assert [(await daemon.get(path)).status for path in ("/-/healthy", "/-/ready")] == [
            200,
            200,
        ]
        daemon.store.down = True
        assert (await daemon.get("/-/healthy")).status == 200
        assert is_problem(await daemon.get("/-/ready"), 503)
        daemon.store.down = False
        assert (await daemon.get("/-/ready")).status == 200


async def test_only_an_admin_may_reload_where_there_are_tokens(router: Router) -> None:
    """Errors in a config, and the time of its load, are not public."""
    roles = {"ana": "admin", "ben": "responder"}
    tokens = {
        name: {"sha256": sha256(name.encode()).hexdigest(), "role": role}
        for name, role in roles.items()
    }
    async with router(auth={"tokens": tokens}) as daemon:
        asked = {
            name: (
                await daemon.ask("POST", "/-/reload", headers={"Authorization": f"Bearer {name}"})
            ).status
            for name in ("ana", "ben", "cy")
        }
    assert asked == {"ana": 200, "ben": 403, "cy": 401}


async def test_reload(tmp_path: Path, router: Router, clock: SteppedClock) -> None:
    """A good config is loaded.

    A bad one is refused with each problem and its position; the running one stays active.
    """
    async with router(clock=clock) as daemon:
        before = await sample(daemon, "config_last_reload_success_timestamp_seconds")
        await clock.advance(100)
        assert (await daemon.ask("POST", "/-/reload")).status == 200
        after = await sample(daemon, "config_last_reload_success_timestamp_seconds")
        assert (before, after) == (clock.now() - 100, clock.now())
        write_config(
            tmp_path, channel={}, policies={"all": {"steps": [{"notify": ["channel:lgo"]}]}}
        )
        answer = await daemon.ask("POST", "/-/reload")
        assert is_problem(answer, 422)
        assert len(re.findall(r"config\.yaml:\d+:\d+: ", answer.json["detail"])) == 2
        assert "did you mean 'log'?" in answer.json["detail"]
        assert await sample(daemon, "config_last_reload_successful") == 0
        assert await sample(daemon, "config_last_reload_success_timestamp_seconds") == clock.now()
        assert (await daemon.alert(alert())).status == 200
        write_config(tmp_path)
        assert (await daemon.ask("POST", "/-/reload")).status == 200
        assert await sample(daemon, "config_last_reload_successful") == 1


async def test_reload_is_by_post_only(router: Router) -> None:
    """A crawler that follows links reloads nothing."""
    async with router() as daemon:
        assert is_problem(await daemon.get("/-/reload"), 405)
