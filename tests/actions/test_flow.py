"""An action from the request to its outcome, through the running router."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.actions.room import BASE, ask, over, program, request, timeline, until, written
from tests.clock import SteppedClock
from tests.daemon import Daemon, alert

Router = Callable[..., Daemon]

SECRET = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ="


def action(mark: Path, **changes: Any) -> dict[str, Any]:
    """It writes its argument to a file, and has a dry run and an undo."""
    write = (
        f"import sys; open({str(mark)!r}, 'a').write(sys.argv[1] + '\\n'); print('did', "
        f"sys.argv[1])"
    )
    return {
        "argv": program(write, "{what}"),
        "dry_run": program("import sys; print('would do', sys.argv[1])", "{what}"),
        "undo": program(write, "undo-{what}"),
        "parameters": {"what": {"pattern": "[a-z0-9-]+"}},
        **changes,
    }


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "done"


async def test_it_is_dry_run_approved_run_and_undone(router: Router, mark: Path) -> None:
    """Nothing is done before somebody has approved; all of it is on the timeline, with who."""
    async with router(actions={"act": action(mark)}) as daemon:
        shown = await request(daemon, what="api-41")
        assert shown["state"] == "ready"
        assert shown["outputs"][-1]["output"] == "would do api-41"
        assert shown["shown"][0].endswith(" api-41")
        assert not written(mark)
        assert (await ask(daemon, "/1/approve", by="ben")).status == 202
        shown = await over(daemon)
        assert (shown["state"], shown["outputs"][-1]["output"]) == ("done", "did api-41")
        assert written(mark) == "api-41\n"
        assert (await ask(daemon, "/1/approve", by="ben")).status == 409, "it's run once"
        undo = (await ask(daemon, body={"undo": 1})).json["request"]
        assert (undo["undoes"], undo["shown"][0].endswith(" undo-api-41")) == (1, True)
        await ask(daemon, "/2/approve", by="ben")
        assert (await over(daemon, 2))["state"] == "done"
        assert written(mark) == "api-41\nundo-api-41\n"
        entries = [(entry["what"], entry["by"]) for entry in await timeline(daemon)]
        assert entries[:4] == [
            ("action_requested", "ana"),
            ("action_checked", None),
            ("action_started", "ben"),
            ("action_done", None),
        ]


async def test_what_is_offered_is_what_the_rule_names(router: Router, mark: Path) -> None:
    """With its parameters; another one can't be asked for."""
    actions = {"act": action(mark, description="Writes it down"), "other": {"argv": program("")}}
    async with router(actions=actions) as daemon:
        await daemon.alert(alert())
        offered = (await daemon.get(BASE)).json["offered"]
        assert [
            (action["action"], action["description"], action["undo"]) for action in offered
        ] == [("act", "Writes it down", True)]
        assert offered[0]["parameters"]["what"]["pattern"] == "[a-z0-9-]+"
        answer = await ask(daemon, body={"action": "other"})
        assert (answer.status, answer.json["outcome"]) == (409, "action_not_offered")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"action": "none"}, "#/action"),
        ({"action": "act"}, "#/parameters/what"),
        ({"action": "act", "parameters": {"what": "--help"}}, "#/parameters/what"),
        ({"action": "act", "parameters": {"what": "a b"}}, "#/parameters/what"),
        ({"action": "act", "parameters": {"what": "a", "more": "b"}}, "#/parameters/more"),
        ({"undo": 7}, "#/undo"),
    ],
)
async def test_a_wrong_request_is_refused_and_says_where(
    router: Router, mark: Path, body: Any, pointer: str
) -> None:
    """Nothing of it is kept."""
    async with router(actions={"act": action(mark)}) as daemon:
        await daemon.alert(alert())
        answer = await ask(daemon, body=body)
        assert (answer.status, answer.json["errors"][0]["pointer"]) == (400, pointer)
        assert (await daemon.get(BASE)).json["requests"] == []


async def test_an_idempotency_key_makes_one_request_of_two(router: Router, mark: Path) -> None:
    """The second is answered with the first."""
    async with router(actions={"act": action(mark)}) as daemon:
        await daemon.alert(alert())
        body = {"action": "act", "parameters": {"what": "a"}}
        first, second = [
            await ask(daemon, body=body, **{"Idempotency-Key": "k1"}) for _ in range(2)
        ]
        assert first.json["request"]["number"] == second.json["request"]["number"] == 1
        assert second.json["outcome"] == "already_done"


async def test_a_failure_and_a_time_out_are_told(router: Router) -> None:
    """With what the program said until then."""
    for code, state, says in (
        ("print('half'); exit(7)", "failed", "half\nexit status 7"),
        ("import time; print('slow', flush=True); time.sleep(60)", "timed_out", "slow"),
    ):
        async with router(actions={"act": {"argv": program(code), "timeout": "1s"}}) as daemon:
            if (await daemon.get("/api/v1/incidents/1")).status != 200:
                await daemon.alert(alert())
            number = (await ask(daemon, body={"action": "act"})).json["request"]["number"]
            await ask(daemon, f"/{number}/approve")
            shown = await over(daemon, number)
            assert (shown["state"], shown["outputs"][-1]["output"]) == (state, says)


async def test_no_secret_reaches_the_timeline(
    router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not of the config, nor of the environment; and only the variables that are named reach the
    program.
    """
    monkeypatch.setenv("DEPLOY_TOKEN", "tok-123456")
    monkeypatch.setenv("OTHER_TOKEN", "tok-654321")
    code = (
        f"import os; print({SECRET!r}, os.environ.get('DEPLOY_TOKEN'), "
        f"os.environ.get('OTHER_TOKEN'))"
    )
    channels = {
        "log": {"type": "console"},
        "hook": {"type": "webhook", "url": "http://127.0.0.1:9/x", "secret": SECRET},
    }
    actions = {"act": {"argv": program(code), "env": ["DEPLOY_TOKEN"]}}
    async with router(channels=channels, actions=actions) as daemon:
        await request(daemon)
        await ask(daemon, "/1/approve")
        shown = await over(daemon)
        assert shown["outputs"][-1]["output"] == "*** *** None"
        assert SECRET not in str(shown) + str(await timeline(daemon)), (
            "what is shown of the argv is redacted, too"
        )


async def test_a_second_person_is_needed_where_it_says_so(router: Router, mark: Path) -> None:
    """The one who asked is refused, and that's on the timeline."""
    actions = {"act": action(mark, approval="second-person")}
    async with router(actions=actions, auth={"insecure": True}) as daemon:
        await request(daemon, what="a")
        answer = await ask(daemon, "/1/approve", by="ana")
        assert (answer.status, answer.json["outcome"]) == (409, "second_person_needed")
        assert not written(mark)
        assert (await ask(daemon, "/1/approve", by="ben")).status == 202
        await over(daemon)
        assert [e["by"] for e in await timeline(daemon) if e["what"] == "second_person_needed"] == [
            "ana"
        ]


async def test_a_viewer_may_look_and_no_more(router: Router, mark: Path) -> None:
    """Asking and approving need a responder."""
    import hashlib

    tokens = {"eve": {"sha256": hashlib.sha256(b"t").hexdigest(), "role": "viewer"}}
    async with router(actions={"act": action(mark)}, auth={"tokens": tokens}) as daemon:
        await daemon.alert(alert())
        eve = {"Authorization": "Bearer t"}
        assert (await daemon.get(BASE, headers=eve)).status == 200
        assert (await daemon.ask("POST", BASE, json={"action": "act"}, headers=eve)).status == 403
        assert (await daemon.ask("POST", BASE + "/1/approve", headers=eve)).status in (403, 404)
        assert (await daemon.get(BASE)).status == 401


async def test_a_stop_cuts_off_what_runs_and_says_so(
    router: Router, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its grace; the next start doesn't run it again."""
    monkeypatch.setattr("router.app.GRACE", 0.2)
    pid = tmp_path / "pid"
    code = f"import os,time; open({str(pid)!r},'a').write(str(os.getpid()) + '\\n'); time.sleep(60)"
    config = {"actions": {"act": {"argv": program(code)}}}
    async with router(**config) as daemon:
        await request(daemon)
        await ask(daemon, "/1/approve")
        await until(lambda: written(pid))
    with pytest.raises(ProcessLookupError):
        os.kill(int(written(pid)), 0)
    async with router(**config) as daemon:
        assert (await daemon.get(f"{BASE}/1")).json["state"] == "may_have_run"
        assert len(written(pid).split()) == 1


async def test_an_outcome_that_was_not_kept_is_said_to_be_unknown(
    router: Router, mark: Path, clock: SteppedClock
) -> None:
    """As after a kill -9 while it ran: once the lease is over it may have run, and it isn't run
    again.
    """
    code = f"import time; open({str(mark)!r}, 'a').write('ran '); time.sleep(1)"
    config = {"actions": {"act": {"argv": program(code), "timeout": "30s"}}}
    async with router(clock=clock, **config) as daemon:
        await request(daemon)
        await ask(daemon, "/1/approve")
        await until(lambda: written(mark))
        daemon.store.down = True
        await clock.settle(lambda: not daemon.app.parts.action_worker._sending, step=0.05)
    async with router(clock=clock, **config) as daemon:

        async def over_now() -> bool:
            return bool((await daemon.get(f"{BASE}/1")).json["state"] != "running")

        await clock.settle(over_now, step=5.0)
        assert (await daemon.get(f"{BASE}/1")).json["state"] == "may_have_run"
        assert written(mark) == "ran "
        metrics = (await daemon.get("/metrics")).body.decode()
        assert 'alert_router_actions_total{action="act",outcome="may_have_run"} 1.0' in metrics


async def test_a_guide_is_followed_over_the_api(router: Router) -> None:
    """Each step of the guide says what to do and what to type."""
    guide = [{"do": "Open {ref}", "confirm": "{ref}"}, {"do": "Press it", "confirm": "restored"}]
    actions = {"act": {"guide": guide, "parameters": {"ref": {"pattern": "[a-z]+"}}}}
    async with router(actions=actions) as daemon:
        shown = await request(daemon, ref="abc")
        assert shown["step"] == {"number": 1, "of": 2, "do": "Open abc", "confirm": None}
        assert (await ask(daemon, "/1/approve")).json["request"]["step"]["confirm"] == "abc"
        assert (await ask(daemon, "/1/confirm", {"text": "no"})).json[
            "outcome"
        ] == "wrong_confirmation"
        assert (await ask(daemon, "/1/confirm", {"text": "abc"})).json["request"]["step"][
            "do"
        ] == "Press it"
        last = await ask(daemon, "/1/confirm", {"text": "restored"}, by="ben")
        assert (last.json["outcome"], last.json["request"]["state"]) == ("action_done", "done")
