"""Overrides over the API: on disk when answered, and active for the next decision."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from router.app import App, load_config
from router.engine.live_settings import LOOK
from router.store import open_store
from tests.clock import SteppedClock
from tests.daemon import Answer, Daemon, alert, write_config
from tests.web.api.test_schedules import MONDAY, PEOPLE
from tests.web.webhooks.test_endpoint import is_problem

Router = Callable[..., Daemon]

BEN = {"contact": "ben", "replaces": "ana", "from": "2026-03-24 09:00", "to": "2026-03-25T09:00Z"}
TOKENS = {"viewer": "t-view", "responder": "t-respond"}
AUTH = {
    "tokens": {
        f"a-{role}": {"sha256": hashlib.sha256(token.encode()).hexdigest(), "role": role}
        for role, token in TOKENS.items()
    }
}


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(MONDAY)


async def arrange(
    daemon: Daemon, body: Any = BEN, what: str = "overrides", name: str = "primary"
) -> Answer:
    headers = {"X-Router-User": "cleo"}
    return await daemon.ask("POST", f"/api/v1/schedules/{name}/{what}", json=body, headers=headers)


async def remove(daemon: Daemon, made: Answer, name: str = "primary") -> Answer:
    return await daemon.ask(
        "DELETE", f"/api/v1/schedules/{name}/overrides/{made.json['override']['id']}"
    )


async def listed(daemon: Daemon, name: str = "primary") -> list[Any]:
    answer = await daemon.get(f"/api/v1/schedules/{name}/overrides")
    return answer.json["overrides"]  # type: ignore[no-any-return]


async def shifts(daemon: Daemon) -> list[tuple[str, str]]:
    """Hand-overs of the primary schedule."""
    primary, _ = (await daemon.get("/api/v1/schedules")).json["schedules"]
    return [(shift["contact"], shift["start"][:16]) for shift in primary["shifts"]]


async def test_an_override_is_in_force_when_it_is_answered(
    router: Router, clock: SteppedClock
) -> None:
    """In the schedule's time zone without an offset; the answer has the on-call person and the
    author.
    """
    async with router(clock=clock, **PEOPLE) as daemon:
        made = await arrange(daemon)
        assert made.status == 201
        assert made.json["override"] | {"id": ""} == {
            "id": "", "schedule": "primary", "by": "cleo", "set_at": "2026-03-23T12:00:00.000Z",
            "changes": [
                {"contact": "ben", "replaces": "ana", "start": "2026-03-24T09:00:00.000Z",
                 "end": "2026-03-25T09:00:00.000Z"}
            ],
        }  # fmt: skip
        assert [shift["contact"] for shift in made.json["schedule"]["shifts"]] == ["ben"]
        assert await listed(daemon) == [made.json["override"]]
        assert (await shifts(daemon))[:3] == [
            ("ana", "2026-03-23T12:00"), ("ben", "2026-03-24T09:00"), ("ana", "2026-03-25T09:00"),
        ]  # fmt: skip


async def test_a_page_goes_to_who_stands_in(router: Router, clock: SteppedClock) -> None:
    """The next decision is made by it, without a reload; and by the rotation again once it's
    removed.
    """
    ways = {
        name: {"phone": f"+4420794600{n}00", "reach": [{"via": "text"}]}
        for n, name in enumerate(["ana", "ben"])
    }
    text = {
        "type": "sms",
        "account_sid": f"AC{'0' * 32}",
        "auth_token": "t0ken",
        "from": "+442079460999",
        "api_url": "http://127.0.0.1:9",
    }
    policies = {"all": {"steps": [{"notify": ["schedule:primary"]}]}}
    changes = PEOPLE | {
        "contacts": ways,
        "channels": {"log": {"type": "console"}, "text": text},
        "policies": policies,
    }
    changes |= {"schedules": {"primary": PEOPLE["schedules"]["primary"]}}
    async with router(clock=clock, **changes) as daemon:
        made = await arrange(daemon, {"contact": "ben", "to": "2026-03-24 09:00"})
        await daemon.alert(alert())
        await remove(daemon, made)
        await daemon.alert(alert(service="web"))
        messages = [
            [row.channel for row in await daemon.store.notifications(incident_id=number)]
            for number in (1, 2)
        ]
    assert messages == [["text/ben"], ["text/ana"]]


async def test_a_swap_is_two_overrides_that_come_and_go_together(
    router: Router, clock: SteppedClock
) -> None:
    """The next turns of both, over the change of the clocks; the one that is under way isn't
    swapped.
    """
    async with router(clock=clock, **PEOPLE) as daemon:
        made = await arrange(daemon, {"between": ["ana", "ben"]}, "swaps")
        assert made.status == 201
        changes = [
            (change["contact"], change["replaces"], change["start"][:16])
            for change in made.json["override"]["changes"]
        ]
        assert changes == [("ben", "ana", "2026-04-06T08:00"), ("ana", "ben", "2026-03-30T08:00")]
        assert [contact for contact, _ in await shifts(daemon)] == ["ana", "ben"]
        assert (await remove(daemon, made)).status == 200
        assert [contact for contact, _ in await shifts(daemon)] == ["ana", "ben", "ana"]
        assert await listed(daemon) == []


@pytest.mark.parametrize(
    ("body", "pointer", "what"),
    [
        (BEN | {"contact": "bne"}, "/contact", "overrides"),
        (BEN | {"replaces": "gus"}, "/replaces", "overrides"),
        (BEN | {"to": "2026-03-24 08:59"}, "/to", "overrides"),
        (BEN | {"from": "2026-03-20 09:00", "to": "2026-03-23 12:00"}, "/to", "overrides"),
        (BEN | {"to": "2029-01-01 00:00"}, "/to", "overrides"),
        (BEN | {"to": "9999-12-31T23:59-14:00"}, "/to", "overrides"),
        (BEN | {"from": "tomorrow"}, "/from", "overrides"),
        (BEN | {"from": "2026-03-29 01:30", "to": "2026-03-29 02:00"}, "/from", "overrides"),
        (BEN | {"from": "0001-01-01 00:00", "to": "0001-01-02 00:00"}, "/from", "overrides"),
        (BEN | {"until": "2026-03-24 08:59"}, "", "overrides"),
        ({"contact": "ben"}, "/to", "overrides"),
        ({"between": ["ana", "ana"]}, "/between", "swaps"),
        ({"between": ["ana", "gus"]}, "/between/1", "swaps"),
        ({"between": ["ana"]}, "/between", "swaps"),
        ({"between": ["ana", "ben"], "after": "then"}, "/after", "swaps"),
    ],
)
async def test_what_can_not_be_arranged_is_refused(
    router: Router, clock: SteppedClock, body: dict[str, Any], pointer: str, what: str
) -> None:
    """With the field that is wrong, and nothing stored."""
    async with router(clock=clock, **PEOPLE) as daemon:
        answer = await arrange(daemon, body, what)
        assert is_problem(answer, 400)
        assert [error["pointer"] for error in answer.json["errors"]] == [f"#{pointer}"]
        assert await listed(daemon) == []


async def test_a_swap_with_who_has_no_turn_is_refused(router: Router, clock: SteppedClock) -> None:
    async with router(clock=clock, **PEOPLE) as daemon:
        answer = await arrange(daemon, {"between": ["ana", "ben"]}, "swaps", "office")
        assert is_problem(answer, 400)
        assert "'ben' has no shift in office" in answer.json["detail"]


async def test_what_is_not_there_is_a_404(router: Router, clock: SteppedClock) -> None:
    """A schedule, an override, and one of another schedule."""
    async with router(clock=clock, **PEOPLE) as daemon:
        made = await arrange(daemon)
        assert is_problem(await arrange(daemon, name="primry"), 404)
        assert is_problem(await remove(daemon, made, "office"), 404)
        assert (await remove(daemon, made)).status == 200
        assert is_problem(await remove(daemon, made), 404)


async def test_nobody_can_be_said(router: Router, clock: SteppedClock) -> None:
    """On purpose, and only then is there a gap."""
    async with router(clock=clock, **PEOPLE) as daemon:
        made = await arrange(daemon, BEN | {"contact": ""})
        assert made.json["override"]["changes"][0]["contact"] is None
        assert len(made.json["schedule"]["gaps"]) == 1


async def test_what_has_been_stays_as_it_was(router: Router, clock: SteppedClock) -> None:
    """An override begins now at the earliest, and one that's removed under way ends now."""
    async with router(clock=clock, **PEOPLE) as daemon:
        made = await arrange(daemon, BEN | {"from": "2026-03-01 00:00"})
        assert made.json["override"]["changes"][0]["start"] == "2026-03-23T12:00:00.000Z"
        await clock.advance(3600)
        await remove(daemon, made)
        people = daemon.app.parts.live_settings.settings.people
        assert [people.people("schedule:primary", MONDAY + 3600 - ago) for ago in (1, 0)] == [
            ("ben",),
            ("ana",),
        ]
        assert await listed(daemon) == []


async def test_setting_needs_a_responder_and_looking_a_viewer(
    router: Router, clock: SteppedClock
) -> None:
    """The name that is kept is the token's."""
    async with router(clock=clock, auth=AUTH, **PEOPLE) as daemon:
        url = "/api/v1/schedules/primary/overrides"
        for role, status in (("viewer", 403), ("responder", 201)):
            headers = {"Authorization": f"Bearer {TOKENS[role]}"}
            assert (await daemon.ask("POST", url, json=BEN, headers=headers)).status == status
        headers = {"Authorization": f"Bearer {TOKENS['viewer']}"}
        (override,) = (await daemon.get(url, headers=headers)).json["overrides"]
        assert override["by"] == "a-responder"
        assert is_problem(
            await daemon.ask("DELETE", f"{url}/{override['id']}", headers=headers), 403
        )
        assert is_problem(await daemon.get(url), 401)
        assert is_problem(await arrange(daemon, {"between": ["ana", "ben"]}, "swaps"), 401)


async def test_it_outlives_a_restart_and_a_reload(
    router: Router, clock: SteppedClock, tmp_path: Path
) -> None:
    """And one that names a contact who has gone is left out, for the rotation knows better than
    nobody.
    """
    async with router(clock=clock, **PEOPLE) as daemon:
        await arrange(daemon)
    async with router(clock=clock, **PEOPLE) as daemon:
        assert ("ben", "2026-03-24T09:00") in await shifts(daemon)
        await daemon.app.reload()
        assert ("ben", "2026-03-24T09:00") in await shifts(daemon)
        only_ana = {"rotate": "daily", "handover": "09:00", "contacts": ["ana"]}
        gone = {
            "contacts": {"ana": {}},
            "schedules": {"primary": {"layers": [only_ana]}, "office": {"layers": []}},
        }
        write_config(tmp_path, **PEOPLE | gone)
        await daemon.app.reload()
        assert await shifts(daemon) == [("ana", "2026-03-23T12:00")]


async def test_another_replica_sees_it_within_seconds(router: Router, clock: SteppedClock) -> None:
    """Two routers on one store: the other one checks, and activates it as well."""
    async with router(clock=clock, **PEOPLE) as daemon:
        config = load_config(daemon.path)
        other = App(daemon.path, config, await open_store(config.file.storage.reveal()), clock)
        await other._begin(0)
        try:
            await arrange(daemon, {"contact": "ben", "to": "2026-03-24 09:00"})
            assert other.parts.inbox.settings.people.people("schedule:primary", MONDAY) == ("ana",)
            await clock.advance(2 * LOOK)
            await clock.settle(
                lambda: (
                    other.parts.inbox.settings.people.people("schedule:primary", MONDAY) == ("ben",)
                ),
                "it",
            )
        finally:
            await other.stop()


async def test_what_is_not_stored_is_not_in_force(router: Router, clock: SteppedClock) -> None:
    """503, and everything as it was."""
    async with router(clock=clock, **PEOPLE) as daemon:
        daemon.store.down = True
        assert is_problem(await arrange(daemon), 503)
        daemon.store.down = False
        assert await listed(daemon) == []
