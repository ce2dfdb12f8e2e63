"""Statistics of a running router: over the API, as a page, and drawn."""

import csv
import sys
from collections.abc import Callable

import pytest

from router.web.api import stats
from tests.clock import SteppedClock
from tests.daemon import Daemon, alert
from tests.web.postmortem.test_api import over

Router = Callable[..., Daemon]


async def test_what_happened_is_counted(router: Router, clock: SteppedClock) -> None:
    """Within the time asked for; a false positive doesn't count."""
    async with router(clock=clock, company={"time_zone": "Europe/Berlin"}) as daemon:
        await over(daemon)
        await daemon.alert(alert("DiskFull", instance="a"))
        await daemon.ask("POST", "/api/v1/incidents/2/false-positive")
        found = (await daemon.get("/api/v1/stats", params={"since": "7d"})).json
        one = {
            "incidents": 1,
            "acknowledge_mean": 0.0,
            "acknowledge_median": 0.0,
            "resolve_mean": 600.0,
            "resolve_median": 600.0,
            "acknowledge_p90": 0.0,
            "resolve_p90": 600.0,
        }
        assert found["total"] == one
        assert (found["by_severity"], found["by_rule"]) == ({"P0": one}, {"payment-failures": one})
        assert found["by_service"] == {"api": one}
        assert (found["by_week"], found["pages"]) == ({"2026-02-02": one}, {})
        assert (await daemon.get("/api/v1/stats?since=5m")).json["total"]["incidents"] == 0
        assert (await daemon.get("/api/v1/stats?since=soon")).status == 400


async def test_incidents_that_were_not_read_are_mentioned(
    router: Router, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if some that were read, such as false positives, don't count."""
    monkeypatch.setattr(stats, "MOST", 2)
    async with router(clock=clock) as daemon:
        await daemon.alert(alert("DiskFull", instance="a"))
        assert (await daemon.get("/api/v1/stats")).json["complete"] is True
        await daemon.alert(alert("DiskFull", instance="b"))
        await daemon.ask("POST", "/api/v1/incidents/2/false-positive")
        assert (await daemon.get("/api/v1/stats")).json["complete"] is False
        assert "Only the newest" in (await daemon.get("/stats")).body.decode()


async def test_the_page_and_its_pictures(router: Router, clock: SteppedClock) -> None:
    async with router(clock=clock) as daemon:
        assert "No incident opened" in (await daemon.get("/stats")).body.decode()
        await over(daemon)
        page = (await daemon.get("/stats?since=7d")).body.decode()
        assert "payment-failures" in page
        assert 'aria-label="Incidents by week: 2026-02-02 1"' in page
        assert "Pages by person" not in page, "nobody was paged"


async def test_the_export_is_safe_for_spreadsheets(router: Router, clock: SteppedClock) -> None:
    """A service that looks like a formula is a text."""
    async with router(clock=clock) as daemon:
        await daemon.alert(alert(service="=1+1"))
        answer = await daemon.get("/api/v1/stats.csv")
        assert answer.headers["Content-Type"].startswith("text/csv")
        rows = list(csv.reader(answer.body.decode().splitlines()))
        assert rows[0][:3] == ["group", "name", "incidents"]
        assert ["service", "'=1+1", "1"] in [row[:3] for row in rows]


async def test_without_charts_the_page_works_and_the_picture_says_why(
    router: Router, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """501, with the command that installs them; a post-mortem has no chart."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    async with router(clock=clock) as daemon:
        await daemon.alert(alert())
        assert (await daemon.get("/stats")).status == 200
        for path in ("/incidents/1/postmortem.svg",):
            answer = await daemon.get(path)
            assert answer.status == 501
            assert "alert-router[charts]" in answer.json["detail"]
        shown = await daemon.get("/api/v1/incidents/1/postmortem?chart=true")
        assert (shown.status, shown.json["chart"]) == (200, None)
