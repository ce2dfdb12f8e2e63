"""Commands on an incident: `ack`, `resolve`, `escalate`, `note`, `severity`, `assign`, `update`."""

from collections.abc import Callable

import pytest

from router.model.reason import Reason
from router.telemetry import logs
from tests.cli.test_incidents import SILENT, run
from tests.daemon import Daemon, alert

Router = Callable[..., Daemon]


@pytest.fixture(autouse=True)
def _logs_elsewhere() -> None:
    logs.configure()


async def test_ack_and_resolve(router: Router) -> None:
    """The output is the result. A repeated command reports the current state and exits with 3."""
    async with router(channels=SILENT) as daemon:
        await daemon.alert(alert())
        done = await run(daemon, "ack", "INC-1", "--note", "on it")
        assert done == (0, "INC-1 acknowledged by ana (status: investigating)\n", "")
        code, out, _ = await run(daemon, "ack", "1", "--by", "ben")
        assert code == 3
        assert out.startswith("INC-1 was already acknowledged by ana at ")
        assert out.endswith(" UTC (status: investigating)\n")
        done = await run(daemon, "resolve", "1")
        assert done == (0, "INC-1 resolved by ana (status: resolved)\n", "")
        code, out, _ = await run(daemon, "resolve", "1")
        assert code == 3
        assert out.startswith("INC-1 was already resolved by ana at ")
        notes = [entry.data.get("text") for entry in await daemon.store.timeline(1)]
        assert "on it" in notes


async def test_several_incidents(router: Router) -> None:
    """Each has its line. 0 if one was changed and none failed, 1 if one failed."""
    async with router(channels=SILENT) as daemon:
        await daemon.alert(*(alert("DiskFull", instance=name) for name in "abc"))
        code, out, _ = await run(daemon, "ack", "1", "2")
        assert (code, out.count("acknowledged by ana")) == (0, 2)
        code, out, _ = await run(daemon, "ack", "1", "2", "3")
        assert (code, out.count("was already"), out.count("INC-3 acknowledged")) == (0, 2, 1)
        assert (await run(daemon, "ack", "1", "2"))[0] == 3
        code, out, err = await run(daemon, "resolve", "1", "77", "2")
        assert (code, out.count("resolved by ana")) == (1, 2)
        assert "77" in err


async def test_under_another_name(router: Router) -> None:
    """`--by` is who acts, where the router has no tokens."""
    async with router(channels=SILENT) as daemon:
        await daemon.alert(alert())
        assert "acknowledged by Søren" in (await run(daemon, "ack", "1", "--by", "Søren"))[1]


async def test_a_false_positive(router: Router) -> None:
    async with router(channels=SILENT) as daemon:
        await daemon.alert(alert())
        _, out, _ = await run(daemon, "resolve", "1", "--false-positive")
        assert out == "INC-1 marked as a false positive by ana (status: false_positive)\n"


async def test_a_false_positive_asks_in_a_terminal(
    router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question says how long it holds. Without an answer nothing changes."""
    monkeypatch.setattr("router.cli.resolve.in_terminal", lambda: True)
    async with router(channels=SILENT) as daemon:
        await daemon.alert(alert())
        code, out, _ = await run(daemon, "resolve", "1", "--false-positive")
        assert (code, "until a value becomes worse" in out) == (1, True)
        code, out, _ = await run(daemon, "resolve", "1", "--false-positive", "--yes")
        assert (code, "marked as a false positive" in out) == (0, True)


async def test_escalate_note_and_severity(router: Router) -> None:
    """Each states its result. An unknown severity is refused before the router is asked."""
    async with router(channels=SILENT) as daemon:
        await daemon.alert(alert())
        _, out, _ = await run(daemon, "note", "1", "rolled back")
        assert out == "INC-1 note added (status: investigating)\n"
        _, out, _ = await run(daemon, "severity", "INC-1", "p2", "--note", "one customer")
        assert out == "INC-1 severity set to P2 (status: investigating)\n"
        assert (await run(daemon, "severity", "INC-1", "p2"))[0] == 3
        code, out, _ = await run(daemon, "escalate", "1")
        assert (code, "has no further step" in out) == (3, True)
        assert (await run(daemon, "severity", "1", "P9"))[0] == 2
        entries = await daemon.store.timeline(1)
        found = [(entry.what, entry.by, entry.data.get("text")) for entry in entries]
        assert (Reason.NOTED, "ana", "rolled back") in found
        assert (Reason.SEVERITY_SET, "ana", "one customer") in found
        assert Reason.ALREADY_DONE in {what for what, *_ in found}


async def test_assign_and_update(router: Router) -> None:
    async with router(channels=SILENT) as daemon:
        await daemon.alert(alert())
        assert (await run(daemon, "assign", "1"))[1].startswith("INC-1 assigned to ana (")
        assert (await run(daemon, "assign", "1"))[0] == 3
        _, out, _ = await run(daemon, "assign", "1", "ben", "--role", "scribe")
        assert out.startswith("INC-1 assigned: lead ana, scribe ben (")
        assert "roles: scribe ben" in (await run(daemon, "incidents", "1"))[1]
        assert (await run(daemon, "assign", "1", "ben", "--role", "Dr. X"))[0] == 1
        _, out, _ = await run(daemon, "update", "1", "found it", "--status", "identified")
        assert out == "INC-1 status set (status: identified)\n"
        assert (await run(daemon, "update", "1"))[0] == 1
        code, out, _ = await run(daemon, "update", "1", "--status", "identified")
        assert (code, "already had the status identified" in out) == (3, True)


async def test_declare(router: Router) -> None:
    """With a severity, or that of the rule. The same title again is the same incident."""
    async with router(channels=SILENT) as daemon:
        done = await run(daemon, "declare", "Checkout is down", "--severity", "p1")
        opened = "INC-1 opened: Checkout is down [P1] (status: investigating)\n"
        assert done == (0, opened, "")
        code, out, _ = await run(daemon, "declare", "Checkout is down")
        assert (code, "was already open" in out) == (3, True)
        assert "INC-2 opened: Slow [P2]" in (await run(daemon, "declare", "Slow"))[1]
        assert (await run(daemon, "declare", " "))[0] == 1


async def test_mail_to_customers_before_the_end(router: Router) -> None:
    """Refused with the reason, and exit code 1."""
    async with router(channels=SILENT) as daemon:
        await daemon.alert(alert())
        code, _, err = await run(daemon, "mail-customers", "1", "--yes")
        assert (code, "not resolved" in err) == (1, True)
        code, _, err = await run(daemon, "publish", "1", "--yes")
        assert (code, "`status_page`" in err) == (1, True)


@pytest.mark.parametrize("command", [("incidents", "7"), ("ack", "INC-7"), ("resolve", "x")])
async def test_an_unknown_incident(router: Router, command: tuple[str, ...]) -> None:
    """Exit code 1, and its name."""
    async with router(channels=SILENT) as daemon:
        code, out, err = await run(daemon, *command)
        assert (code, out) == (1, "")
        assert err.startswith("Not Found: ")
        assert command[1] in err


async def test_snooze_unack_and_reopen(router: Router) -> None:
    """Each can be said twice, and says then that it was so already."""
    async with router(channels=SILENT) as daemon:
        await daemon.alert(alert())
        code, out, _ = await run(daemon, "snooze", "1", "--for", "2h")
        assert (code, out.startswith("INC-1 snoozed")) == (0, True)
        assert (await run(daemon, "snooze", "1"))[0] == 1
        assert (await run(daemon, "unack", "1"))[0] == 3
        await run(daemon, "ack", "1")
        code, out, _ = await run(daemon, "unack", "1")
        assert (code, "acknowledgement withdrawn" in out) == (0, True)
        await run(daemon, "resolve", "1")
        code, out, _ = await run(daemon, "reopen", "1")
        assert (code, out.startswith("INC-1 reopened")) == (0, True)
        assert (await run(daemon, "reopen", "1"))[0] == 3


async def test_link_and_merge(router: Router) -> None:
    async with router(channels=SILENT) as daemon:
        await daemon.alert(*(alert("DiskFull", instance=name) for name in "ab"))
        code, out, _ = await run(daemon, "link", "1", "2")
        assert (code, out.startswith("INC-1 linked")) == (0, True)
        code, out, _ = await run(daemon, "merge", "INC-1", "INC-2")
        assert (code, out.startswith("INC-1 merged into")) == (0, True)
        assert (await run(daemon, "merge", "2", "99"))[0] == 1
        code, out, _ = await run(daemon, "merge", "2", "2")
        assert code == 1, out
