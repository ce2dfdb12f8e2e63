"""`status`: maintenance by command, and the page as files."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from router.cli import main
from router.telemetry import logs
from tests.cli.test_incidents import SILENT, run
from tests.clock import SteppedClock
from tests.daemon import Daemon, write_config
from tests.web.statuspage.site import PAGE, opened, publish

Router = Callable[..., Daemon]


@pytest.fixture(autouse=True)
def _logs_elsewhere() -> None:
    logs.configure()


async def export(folder: Path, config: Path) -> tuple[int, str]:
    """The command's exit code, and all it said."""
    call = partial(
        CliRunner().invoke, main, ["statuspage", "export", str(folder), "--config", str(config)]
    )
    done = await asyncio.to_thread(call)
    return done.exit_code, done.output


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


async def test_maintenance_is_announced_listed_and_ended(
    router: Router, clock: SteppedClock
) -> None:
    async with router(clock, channels=SILENT, status_page=PAGE) as daemon:
        assert (await run(daemon, "statuspage", "maintenance", "list"))[
            1
        ] == "no maintenance is announced\n"
        code, out, _ = await run(
            daemon,
            "statuspage",
            "maintenance",
            "add",
            "Database upgrade",
            "--start",
            "2026-12-01T22:00",
            "--for",
            "1h30m",
            "--component",
            "search",
            "--text",
            "Read-only.",
        )
        assert code == 0
        assert out.endswith(
            ": 'Database upgrade' is announced from 2026-12-01T22:00:00.000Z to "
            "2026-12-01T23:30:00.000Z\n"
        )
        number = out.partition(":")[0]
        _, out, _ = await run(daemon, "statuspage", "maintenance", "list")
        assert out.splitlines()[1].split() == [
            number, "2026-12-01", "22:00", "2026-12-01", "23:30", "search", "Database", "upgrade",
        ]  # fmt: skip
        assert (await run(daemon, "statuspage", "maintenance", "end", number))[
            1
        ] == "'Database upgrade' has ended\n"
        assert (await run(daemon, "statuspage", "maintenance", "list"))[
            1
        ] == "no maintenance is announced\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--start", "tomorrow", "--for", "1h"], "tomorrow"),
        (["--start", "2026-12-01", "--for", "soon"], "expected a duration"),
        (
            ["--start", "2026-12-01", "--for", "1h", "--component", "serach"],
            "no component 'serach'",
        ),
    ],
)
async def test_what_makes_no_sense_is_said(
    router: Router, clock: SteppedClock, arguments: list[str], said: str
) -> None:
    async with router(clock, channels=SILENT, status_page=PAGE) as daemon:
        code, _, err = await run(daemon, "statuspage", "maintenance", "add", "Upgrade", *arguments)
    assert code == 1
    assert said in err


async def test_an_export_is_byte_for_byte_what_is_served(router: Router, tmp_path: Path) -> None:
    """The page's minute apart, if that has just passed: the command has the real clock."""
    async with router(channels=SILENT, status_page=PAGE) as daemon:
        number = await opened(daemon)
        await publish(daemon, number)
        for _ in range(3):
            daemon.app.parts.publishing.page_cache.forget()
            code, said = await export(tmp_path / "site", daemon.path)
            assert code == 0, said
            written = files(tmp_path / "site")
            served = {name: (await daemon.get(f"/status/{name}")).body for name in written}
            if served == written:
                break
        assert served == written
        assert {
            "index.html",
            "feed.atom",
            f"incidents/{number}.html",
            "api/v2/summary.json",
        } <= set(written)


async def test_an_export_needs_no_router(router: Router, tmp_path: Path) -> None:
    async with router(channels=SILENT, status_page=PAGE) as daemon:
        await publish(daemon, await opened(daemon))
    assert (await export(tmp_path / "site", daemon.path))[0] == 0
    assert b"Payment problems" in files(tmp_path / "site")["index.html"]


async def test_the_router_exports_by_itself(
    router: Router, tmp_path: Path, clock: SteppedClock
) -> None:
    """At the start, after what is published, and every so often; to a folder beside the config."""
    page = PAGE | {"export": "site", "every": "1m"}
    index = tmp_path / "site/index.html"
    async with router(clock=clock, channels=SILENT, status_page=page) as daemon:
        await clock.settle(index.exists, "the first export")
        number = await opened(daemon)
        answer = await daemon.ask(
            "POST",
            f"/api/v1/incidents/{number}/publish",
            json={"title": "Payment problems", "text": "We look."},
        )
        assert answer.status == 200
        await clock.settle(
            lambda: b"Payment problems" in index.read_bytes(), "the export of what was published"
        )
        index.unlink()
        await clock.settle(index.exists, "the next export", step=10.0)
        metrics = (await daemon.get("/metrics")).body.decode()
    assert "alert_router_status_export_last_success_timestamp_seconds 1.77" in metrics


async def test_an_export_that_fails_is_said_and_keeps_nobody_from_being_told(
    router: Router, tmp_path: Path, clock: SteppedClock
) -> None:
    """The message to the page counts as brought; the files follow when they can be written."""
    (tmp_path / "site").write_text("in the way")
    async with router(
        clock=clock, channels=SILENT, status_page=PAGE | {"export": "site"}
    ) as daemon:
        number = await opened(daemon)
        await daemon.ask(
            "POST",
            f"/api/v1/incidents/{number}/publish",
            json={"title": "Oops", "text": "We look."},
        )

        async def brought() -> bool:
            found = (await daemon.get("/api/v1/notifications?channel=status-page")).json[
                "notifications"
            ]
            return [one["state"] for one in found] == ["sent"]

        await clock.settle(brought, "the message", step=1.0)
        (tmp_path / "site").unlink()
        await clock.settle((tmp_path / "site/index.html").exists, "the export", step=10.0)


async def test_without_a_page_there_is_nothing_to_export(tmp_path: Path) -> None:
    code, said = await export(tmp_path / "site", write_config(tmp_path))
    assert (code, "no `status_page`" in said) == (1, True)


async def test_without_a_folder_the_page_is_only_made_for_its_readers(
    router: Router, clock: SteppedClock
) -> None:
    """A start records since when there is data, and renders nothing: messages would wait."""
    async with router(clock=clock, channels=SILENT, status_page=PAGE) as daemon:
        cache = daemon.app.parts.publishing.page_cache
        await clock.settle(lambda: cache._recorded == {"payments", "search"}, "the record")
        assert cache._shown is None
        assert (await daemon.get("/status/")).status == 200
        assert cache._shown
