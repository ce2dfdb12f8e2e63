"""Silences over the API: on disk when answered, active at once, and ended on time."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from router.app import App, load_config
from router.cli import main
from router.engine.live_settings import LOOK
from router.engine.timers import TICK
from router.store import open_store
from tests.clock import SteppedClock
from tests.daemon import Answer, Daemon, alert, write_config
from tests.web.api.test_overrides import AUTH, TOKENS
from tests.web.webhooks.test_endpoint import is_problem

Router = Callable[..., Daemon]

QUIET = {
    "match": ['alertname="DiskFull"', 'instance=~"db-."'],
    "for": "5m",
    "comment": "moving the logs",
}
START = 1_770_000_000.0


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(START)


async def silence(daemon: Daemon, **changes: Any) -> Answer:
    return await daemon.ask(
        "POST", "/api/v1/silences", json=QUIET | changes, headers={"X-Router-User": "cleo"}
    )


MUTES_ALL = ('foo=""', 'alertname=~".*"', 'alertname!="DiskFull"', 'alertname!~"a|b"')


async def open_incidents(daemon: Daemon) -> list[str]:
    found = (await daemon.get("/api/v1/incidents?open=true")).json["incidents"]
    return [alert["key"] for alert in found]


async def test_a_silence_is_in_force_when_it_is_answered(
    router: Router, clock: SteppedClock
) -> None:
    """A muted alert opens nothing, and the answer says so; others open incidents."""
    async with router(clock=clock) as daemon:
        made = await silence(daemon)
        assert made.status == 201
        assert made.json["silence"] | {"id": ""} == {
            "id": "",
            "match": ['alertname="DiskFull"', 'instance=~"db-."'],
            "start": "2026-02-02T02:40:00.000Z",
            "end": "2026-02-02T02:45:00.000Z",
            "state": "active",
            "by": "cleo",
            "made_at": "2026-02-02T02:40:00.000Z",
            "warnings": [],
            "comment": "moving the logs",
        }
        await daemon.alert(alert("DiskFull", instance="db-1"), alert("DiskFull", instance="web-1"))
        assert await open_incidents(daemon) == ['disk-full{instance="web-1"}']
        found = (await daemon.get("/api/v1/alerts")).json["alerts"]
        assert sorted(alert["reason"] for alert in found) == ["opened", "silenced"]


async def heard(daemon: Daemon, clock: SteppedClock) -> None:
    async def opened() -> bool:
        return await open_incidents(daemon) == ['disk-full{instance="db-1"}']

    await clock.settle(opened, "the incident", TICK / 2)


async def test_what_still_fires_is_heard_when_it_is_expired(
    router: Router, clock: SteppedClock
) -> None:
    """At once, without a repeat from its source. The silence is kept with its real end."""
    async with router(clock=clock) as daemon:
        key = (await silence(daemon)).json["silence"]["id"]
        await daemon.alert(alert("DiskFull", instance="db-1"))
        await clock.advance(60)
        ended = await daemon.ask("DELETE", f"/api/v1/silences/{key}")
        assert (ended.status, ended.json["silence"]["state"]) == (200, "expired")
        assert ended.json["silence"]["end"] == "2026-02-02T02:41:00.000Z"
        await heard(daemon, clock)
        assert clock.now() < START + 60 + 60
        assert (await daemon.get("/api/v1/silences")).json["silences"] == []
        (kept,) = (await daemon.get("/api/v1/silences?expired=true")).json["silences"]
        assert kept["id"] == key
        assert is_problem(await daemon.ask("DELETE", f"/api/v1/silences/{key}"), 404)


async def test_what_still_fires_is_heard_when_it_ends(router: Router, clock: SteppedClock) -> None:
    """And not before."""
    async with router(clock=clock) as daemon:
        await silence(daemon)
        await daemon.alert(alert("DiskFull", instance="db-1"))
        await clock.advance(290)
        assert await open_incidents(daemon) == []
        await clock.advance(10)
        await heard(daemon, clock)


async def test_it_outlives_a_restart(router: Router, clock: SteppedClock) -> None:
    """And what it kept quiet before does so, too."""
    for instance in ("db-1", "db-2"):
        async with router(clock=clock) as daemon:
            if instance == "db-1":
                await silence(daemon)
            await daemon.alert(alert("DiskFull", instance=instance))
            assert await open_incidents(daemon) == []


async def test_a_window_that_left_the_config_keeps_nothing_quiet(
    router: Router, clock: SteppedClock, tmp_path: Path
) -> None:
    """After a reload, and after a restart as well."""
    always = {"silences": [{"name": "always", "match": ['alertname="DiskFull"']}]}
    async with router(clock=clock, **always) as daemon:
        await daemon.alert(alert("DiskFull", instance="db-1"))
        assert await open_incidents(daemon) == []
        (window,) = (await daemon.get("/api/v1/silences")).json["windows"]
        assert (window["name"], window["until"]) == ("always", "2026-02-17T00:00:00.000Z")
        write_config(tmp_path)
        await daemon.app.reload()
        await heard(daemon, clock)
    write_config(tmp_path, **always)


async def test_a_window_that_is_not_active_shows_the_next(
    router: Router, clock: SteppedClock
) -> None:
    """In the API, on the page and in the list of the command."""
    window = {"name": "nights", "match": ['a="b"'], "days": ["sat"], "from": "22:00", "to": "06:00"}
    async with router(clock=clock, silences=[window]) as daemon:
        (found,) = (await daemon.get("/api/v1/silences")).json["windows"]
        times = [found[name] for name in ("until", "next_start", "next_end")]
        assert times == [None, "2026-02-07T22:00:00.000Z", "2026-02-08T06:00:00.000Z"]
        page = (await daemon.get("/silences")).body.decode()
        assert "not active; next from <time" in page
        assert "2026-02-07T22:00:00" in page
        listed = await asyncio.to_thread(
            CliRunner().invoke, main, ["silence", "list", "--url", daemon.url]
        )
        shown = " ".join(listed.output.split())
        assert "pending 2026-02-07 22:00 2026-02-08 06:00" in shown
        await clock.advance(6 * 86_400.0)
        (found,) = (await daemon.get("/api/v1/silences")).json["windows"]
        times = [found[name] for name in ("until", "next_start", "next_end")]
        assert times == ["2026-02-08T06:00:00.000Z", None, None]


async def test_another_replica_sees_it_within_seconds(router: Router, clock: SteppedClock) -> None:
    """Two routers on one store: the other one checks, and activates it as well."""
    async with router(clock=clock) as daemon:
        config = load_config(daemon.path)
        other = App(daemon.path, config, await open_store(config.file.storage.reveal()), clock)
        await other._begin(0)
        try:
            await silence(daemon)
            await clock.settle(lambda: other.parts.inbox.settings.silences, "it", LOOK / 10)
            assert clock.now() <= START + 2 * LOOK
        finally:
            await other.stop()


async def test_what_is_not_stored_is_not_in_force(router: Router, clock: SteppedClock) -> None:
    """503, and everything as it was."""
    async with router(clock=clock) as daemon:
        daemon.store.down = True
        assert is_problem(await silence(daemon), 503)
        daemon.store.down = False
        assert not daemon.app.parts.inbox.settings.silences


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"match": []}, "#/match"),
        ({"match": ['a="b"', "{"]}, "#/match/1"),
        ({"match": ["{}"]}, "#/match/0"),
        *(({"match": [match]}, "#/match") for match in MUTES_ALL),
        ({"comment": " "}, "#/comment"),
        ({"for": ""}, "#/to"),
        ({"to": "2026-02-02T04:00Z"}, "#/to"),
        ({"for": "2"}, "#/for"),
        ({"for": "0"}, "#/for"),
        ({"for": "", "to": "2026-02-02T02:00Z"}, "#/to"),
        ({"from": "soon"}, "#/from"),
        ({"until": "x"}, "#"),
    ],
)
async def test_what_is_no_silence_is_refused(
    router: Router, clock: SteppedClock, changes: dict[str, Any], pointer: str
) -> None:
    """With the field that is wrong."""
    async with router(clock=clock) as daemon:
        refused = await silence(daemon, **changes)
        assert is_problem(refused, 400)
        assert refused.json["errors"][0]["pointer"] == pointer


async def test_a_silence_that_mutes_nothing_is_made_with_a_warning(
    router: Router, clock: SteppedClock
) -> None:
    async with router(clock=clock) as daemon:
        made = await silence(daemon, match=['a="x"', 'a="y"'])
        assert made.status == 201
        assert made.json["silence"]["warnings"] == ['no value of a matches all of: a="x", a="y"']


async def test_viewers_may_look(router: Router, clock: SteppedClock) -> None:
    """Responders make silences, under the name of their token."""
    async with router(clock=clock, auth=AUTH) as daemon:
        for role, may in (("viewer", 403), ("responder", 201)):
            headers = {"Authorization": f"Bearer {TOKENS[role]}"}
            made = await daemon.ask("POST", "/api/v1/silences", json=QUIET, headers=headers)
            assert made.status == may
        assert made.json["silence"]["by"] == "a-responder"
        assert is_problem(await daemon.get("/api/v1/silences"), 401)


async def test_explain_says_what_keeps_an_alert_quiet(router: Router, clock: SteppedClock) -> None:
    """Now, and at another time: a silence that is over too, and an incident that is open."""
    inhibit = [{"rule": "payment-failures", "target": ['alertname="DiskFull"']}]
    async with router(clock=clock, inhibit=inhibit) as daemon:
        await silence(daemon)
        await daemon.alert(alert("DiskFull", instance="db-1"))
        (stored,) = (await daemon.get("/api/v1/alerts")).json["alerts"]
        url = f"/api/v1/explain?fingerprint={stored['fingerprint']}"

        async def quiet(query: str = "") -> Any:
            found = (await daemon.get(url + query)).json["explanations"]
            return found[0]["quiet"]

        key = (await daemon.get("/api/v1/silences")).json["silences"][0]["id"]
        during = {"reason": "silenced", "by": key, "until": "2026-02-02T02:45:00.000Z"}
        assert await quiet() == during
        assert await quiet("&at=2026-02-02T02:50Z") is None
        await clock.advance(600)
        assert await quiet("&at=2026-02-02T02:41Z") == during
        await daemon.alert(alert())
        found = await quiet()
        assert (found["reason"], found["by"][:4]) == ("inhibited", "INC-")
        assert is_problem(await daemon.get(f"{url}&at=soon"), 400)
