"""Pages over API operations: what they show, and the effects of their forms."""

import json
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.clock import SteppedClock
from tests.daemon import Daemon, alert, group
from tests.senders.kit import Peer
from tests.web.api.test_drills import prepared
from tests.web.api.test_incidents import AUTH
from tests.web.api.test_schedules import MONDAY, PEOPLE
from tests.web.pages.test_incident import basic, send, text

Router = Callable[..., Daemon]

WHEN = {"from": "2026-03-24T09:00", "to": "2026-03-25T09:00"}


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(MONDAY)


# --- on-call


async def test_the_calendar_shows_an_override_that_its_form_sets(
    router: Router, clock: SteppedClock
) -> None:
    async with router(clock=clock, **PEOPLE) as daemon:
        set_ = await send(daemon, "/oncall/primary/overrides", contact="ben", **WHEN)
        assert (set_.status, set_.headers["Location"]) == (303, "/oncall")
        page = text(await daemon.get("/oncall"))
        assert "The override is set." in page
        assert "ben <span" in page
        (made,) = (await daemon.get("/api/v1/schedules/primary/overrides")).json["overrides"]
        await send(daemon, f"/oncall/primary/overrides/{made['id']}/remove")
        assert (await daemon.get("/api/v1/schedules/primary/overrides")).json["overrides"] == []


async def test_a_refused_form_is_shown_again_with_the_error_at_its_field(
    router: Router, clock: SteppedClock
) -> None:
    """An override that ends before it starts: the input stays."""
    async with router(clock=clock, **PEOPLE) as daemon:
        form = {"contact": "ben", "from": WHEN["to"], "to": WHEN["from"]}
        refused = await send(daemon, "/oncall/primary/overrides", **form)
        assert refused.status == 422
        page = refused.body.decode()
        assert "the override ends before it starts" in page
        assert f'value="{WHEN["to"]}"' in page
        assert (await daemon.get("/api/v1/schedules/primary/overrides")).json["overrides"] == []


async def test_the_month_begins_with_its_first_week(router: Router, clock: SteppedClock) -> None:
    async with router(clock=clock, **PEOPLE) as daemon:
        page = text(await daemon.get("/oncall?view=month&date=2026-03-24&by=person"))
        assert "23 Feb" in page  # the Monday of the week of 1 March
        assert "1 Mar" in page
        assert "date=2026-02-01" in page  # the month before
        wrong = await daemon.get("/oncall?date=tomorrow", headers={"Accept": "text/html"})
        assert wrong.status == 400
        assert "2026-12-01" in wrong.body.decode()


# --- silences


async def test_a_silence_is_previewed_and_made(router: Router, clock: SteppedClock) -> None:
    """The preview has the alerts that fire; the silence is made of the lines of the form."""
    async with router(clock=clock) as daemon:
        await daemon.alert(alert("DiskFull", instance="db-1"), alert("DiskFull", instance="web-1"))
        lines = 'alertname="DiskFull"\ninstance=~"db-.*"'
        page = text(await daemon.get(f"/silences?match={quote(lines)}"))
        assert "1 firing alert" in page
        assert "db-1" in page
        assert "web-1" not in page
        made = await send(daemon, "/silences", match=lines, comment="moving", **{"for": "2h"})
        assert made.status == 303
        (silence,) = (await daemon.get("/api/v1/silences")).json["silences"]
        assert silence["match"] == ['alertname="DiskFull"', 'instance=~"db-.*"']
        await send(daemon, f"/silences/{silence['id']}/end")
        (silence,) = (await daemon.get("/api/v1/silences")).json["silences"]
        assert silence["state"] == "expired"


async def test_a_preview_counts_what_a_silence_mutes(router: Router, clock: SteppedClock) -> None:
    """No drill, and no report by a person, whose alerts a silence does not mute."""
    async with router(clock=clock) as daemon:
        await daemon.alert(*(alert("DiskFull", instance=name) for name in "abc"))
        report = {"title": "Disk", "labels": {"instance": "d"}}
        await daemon.ask("POST", "/api/v1/incidents", json=report)
        for match in ('instance!=""', 'instance=~"[bcd]"', 'instance="d"'):
            preview = (await daemon.get("/api/v1/silence-preview", params={"match": match})).json
            body = {"match": [match], "for": "1m", "comment": "test"}
            made = (await daemon.ask("POST", "/api/v1/silences", json=body)).json["silence"]["id"]
            alerts = (await daemon.get("/api/v2/alerts")).json
            muted = [one for one in alerts if made in one["status"]["silencedBy"]]
            assert (preview["matched"], preview["complete"]) == (len(muted), True)
            await daemon.ask("DELETE", f"/api/v1/silences/{made}")


async def test_a_preview_of_a_matcher_of_everything_is_refused(router: Router) -> None:
    async with router() as daemon:
        answer = await daemon.get("/api/v1/silence-preview", params={"match": 'alertname=~".*"'})
        assert answer.status == 400


async def test_only_responders_have_forms(router: Router) -> None:
    async with router(auth=AUTH) as daemon:
        seen = text(await daemon.get("/silences?match=a%3Db", headers=basic("viewer")))
        assert "<form" not in seen.split('id="main"')[1]
        refused = await send(daemon, "/silences", basic("viewer"), match="a=b", comment="no")
        assert refused.status == 403


# --- rules and policies


async def test_rules_show_their_use_and_explain_a_payload(router: Router) -> None:
    """Incidents of 30 days are counted; a pasted payload is explained and not stored."""
    async with router() as daemon:
        await daemon.alert(alert())
        (counted, *_) = (await daemon.get("/api/v1/rules")).json["rules"]
        assert counted["incidents"] == 1
        payload = json.dumps(group(alert("DiskFull")))
        page = await send(daemon, "/rules/try", source="alertmanager", payload=payload)
        assert "DiskFull" in text(page)
        over = json.dumps(group(alert("DiskFull", status="resolved")))
        page = await send(daemon, "/rules/try", source="alertmanager", payload=over)
        assert "The alert is resolved, and opens no incident." in text(page)
        assert len((await daemon.get("/api/v1/incidents")).json["incidents"]) == 1
        broken = await send(daemon, "/rules/try", source="alertmanager", payload="{")
        assert broken.status == 422


async def test_a_policy_is_simulated_at_a_time(router: Router, clock: SteppedClock) -> None:
    """The person on call at that time gets the messages."""
    policies = {"all": {"steps": [{"notify": ["schedule:primary"]}]}}
    contacts = {name: {"name": name, "reach": [{"via": "log"}]} for name in ("ana", "ben")}
    async with router(
        clock=clock, **PEOPLE | {"policies": policies, "contacts": contacts}
    ) as daemon:
        before, after = [
            (await daemon.get("/api/v1/policies", params={"at": at})).json["policies"]
            for at in ("2026-03-24 12:00", "2026-03-31 12:00")
        ]
        assert {one["severity"] for one in before} == {"P0", "P1", "P2", "P3"}
        assert _people(before) != _people(after)
        assert "<svg" in text(await daemon.get("/policies?at=2026-03-24T12:00"))
        assert "expected a time" in text(await daemon.get("/policies?at=soon"))


def _people(policies: list[dict[str, Any]]) -> set[str]:
    return {
        message["who"] for policy in policies for message in policy["messages"] if message["who"]
    }


async def test_the_severities_of_a_rule_read_as_a_sentence(tmp_path: Path, router: Router) -> None:
    rule = {
        "name": "slow",
        "match": ["alertname=Slow"],
        "severity": "P2",
        "severity_from": {"label": "severity", "map": {"critical": "P1"}},
    }
    (tmp_path / "more.yaml").write_text(json.dumps({"rules": [rule]}))
    async with router(rules=["more.yaml"]) as daemon:
        page = unescape(text(await daemon.get("/rules")))
        assert 'P1 if severity="critical", else P2' in " ".join(page.split())


# --- channels, drills, and the rest


async def test_a_test_message_proves_an_address(router: Router, clock: SteppedClock) -> None:
    """The page of channels says so."""
    async with router(clock=clock) as daemon:
        assert "no delivery is on record" in text(await daemon.get("/channels"))
        sent = await send(daemon, "/channels/test", to="log")
        assert (sent.status, sent.headers["Location"]) == (303, "/channels")
        await clock.settle(lambda: _proven(daemon), "the test message")
        assert "no delivery is on record" not in text(await daemon.get("/channels"))


async def _proven(daemon: Daemon) -> bool:
    found = (await daemon.get("/api/v1/drills/scoreboard")).json["addresses"]
    return all(one["proven"] for one in found)


async def test_a_drill_is_started_and_ended_on_its_pages(
    tmp_path: Path, router: Router, clock: SteppedClock
) -> None:
    async with Peer() as peer:
        drills = prepared(tmp_path, peer)
        async with router(clock=clock, **drills) as daemon:
            asked = text(await daemon.get("/drills?scenario=p0"))
            assert "Start the drill p0? It pages real people now." in asked
            assert (await daemon.get("/api/v1/drills")).json["drills"] == []
            started = await send(daemon, "/drills", scenario="p0")
            path = started.headers["Location"]
            assert "The names | numbers are right" in text(await daemon.get(path))
            await send(daemon, f"{path}/tick", step="6", item="1")
            assert "done by" in text(await daemon.get(path))
            assert (await send(daemon, f"{path}/stop")).status == 303
            again = await send(daemon, f"{path}/stop")
            assert again.status == 422
            page = again.body.decode()
            assert "has ended already" in page
            assert "<h2>Expectations</h2>" in page


async def test_lists_say_when_they_are_empty(router: Router) -> None:
    async with router() as daemon:
        for path, empty in (
            ("/heartbeats", "No heartbeat is configured"),
            ("/deployments", "No deployment is recorded"),
            ("/actions", "No action waits"),
            ("/postmortems", "No post-mortem is due"),
            ("/statuspage", "No status page is configured"),
            ("/oncall", "No schedule is configured"),
        ):
            assert empty in text(await daemon.get(path))


async def test_a_deployment_is_recorded_and_listed(router: Router) -> None:
    async with router() as daemon:
        await send(daemon, "/deployments", service="api", version="v2")
        page = text(await daemon.get("/deployments?service=api"))
        assert "v2" in page
        assert "No deployment is recorded of web" in text(
            await daemon.get("/deployments?service=web")
        )


async def test_settings_are_for_admins_and_hold_no_secret(router: Router) -> None:
    async with router(auth=AUTH) as daemon:
        refused = await daemon.get("/settings", headers=basic("responder"))
        assert refused.status == 403
        page = text(await daemon.get("/settings", headers=basic("admin")))
        assert "alertmanager" in page
        for token in AUTH["tokens"].values():
            assert token["sha256"] not in page
