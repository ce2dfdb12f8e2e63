"""The real peers start, do their work and stop; and together they carry an alert from a metric to a
webhook.
"""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.exporter import Exporter
from tests.peers import Alertmanager, Postgres, Prometheus, hasten, require

ROOT = Path(__file__).parent.parent
SEEN = web.AppKey("seen", asyncio.Queue)


@pytest.mark.parametrize(
    ("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)]
)
def test_a_missing_program_skips_at_home_and_fails_in_ci(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    """Nobody reads in CI why a test was skipped."""
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="no-such-program isn't installed: look there"):
        require("no-such-program", hint="look there")


@pytest.mark.peer
async def test_each_database_is_new_and_gone_afterwards() -> None:
    """Tests can't see one another's tables, and one that forgets a connection doesn't keep its
    database alive.
    """
    with Postgres() as server:
        async with server.database() as first:
            forgotten = await asyncpg.connect(first)
            await forgotten.execute("CREATE TABLE mine ()")
            async with server.database() as second:
                connection = await asyncpg.connect(second)
                assert await connection.fetchval("SELECT to_regclass('mine')") is None
                await connection.close()
        with pytest.raises(asyncpg.InvalidCatalogNameError):
            await asyncpg.connect(first)
        forgotten.terminate()


async def collect(request: web.Request) -> web.Response:
    """Alertmanager's webhook: its token, and each alert, go to the test."""
    for alert in (await request.json())["alerts"]:
        request.app[SEEN].put_nowait((request.headers.get("Authorization"), alert))
    return web.Response()


def alertmanager_config(folder: Path, url: str) -> dict[str, Any]:
    """The shipped one, with its receiver at `url` and nothing to wait for."""
    (folder / "alert-router.token").write_text("s3cret\n")
    config = yaml.safe_load((ROOT / "deploy/alertmanager.yml").read_text())
    config["route"] |= {"group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h"}
    for receiver in config["receivers"]:
        receiver["webhook_configs"][0]["url"] = url
    for route in config["route"]["routes"]:
        route |= {"group_interval": "1s", "repeat_interval": "1s"}
    return config


def prometheus_config(
    folder: Path, exporter: Exporter, alertmanager: Alertmanager
) -> dict[str, Any]:
    """The shipped one, with the shipped rules, looking at this exporter once a second."""
    (folder / "rules.yaml").write_text(
        hasten((ROOT / "rules/prometheus/critical.rules.yaml").read_text())
    )
    config = yaml.safe_load((ROOT / "deploy/prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = ["rules.yaml"]
    config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [alertmanager.target]
    config["scrape_configs"] = config["scrape_configs"][:1]
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [exporter.target]
    return config


@pytest.mark.peer
@pytest.mark.slow
async def test_a_failing_payment_reaches_the_webhook_and_recovers(tmp_path: Path) -> None:
    """Exporter, Prometheus with our rules, Alertmanager with our routes: firing comes with its
    value, then resolved.
    """
    app = web.Application()
    app[SEEN] = asyncio.Queue()
    app.router.add_post("/webhooks/alertmanager", collect)

    async def seen(status: str) -> dict[str, Any]:
        while True:
            token, alert = await asyncio.wait_for(app[SEEN].get(), 30)
            assert token == "Bearer s3cret"
            if (alert["labels"]["alertname"], alert["status"]) == ("PaymentFailures", status):
                return alert

    async with (
        TestServer(app, host="127.0.0.1") as hook,
        Exporter() as exporter,
        Alertmanager(
            tmp_path, alertmanager_config(tmp_path, str(hook.make_url("/webhooks/alertmanager")))
        ) as alertmanager,
        Prometheus(tmp_path, prometheus_config(tmp_path, exporter, alertmanager)) as prometheus,
    ):
        scraped = 'count(payment_attempts_total{service="api"})'
        await prometheus.until(
            "/api/v1/query", lambda answer: answer["data"]["result"], query=scraped
        )
        exporter.payments.labels("api", "success").inc(300)
        exporter.payments.labels("api", "failure").inc(100)
        firing = await seen("firing")
        assert firing["labels"]["service"] == "api"
        assert float(firing["annotations"]["value"]) == pytest.approx(0.25)
        resolved = await seen("resolved")
        assert resolved["fingerprint"] == firing["fingerprint"]
