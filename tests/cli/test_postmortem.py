"""`postmortem` and `item`, against a running router."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from router.telemetry import logs
from tests.cli.test_incidents import SILENT, run
from tests.daemon import Daemon, alert

Router = Callable[..., Daemon]


@pytest.fixture(autouse=True)
def _logs_elsewhere() -> None:
    logs.configure()


async def resolved(daemon: Daemon) -> None:
    await daemon.alert(alert())
    await daemon.alert(alert(status="resolved"))


def editor(folder: Path, code: str) -> str:
    """An $EDITOR that runs this shell code on the file, "$1"."""
    script = folder / "editor.sh"
    script.write_text(f"#!/bin/sh\n{code}\n")
    script.chmod(0o755)
    return str(script)


async def test_show_edit_and_share(router: Router, tmp_path: Path) -> None:
    """Text below the headings is saved; an unchanged text saves nothing."""
    async with router(channels=SILENT) as daemon:
        await resolved(daemon)
        types = editor(
            tmp_path,
            """sed -i 's/^.What caused the incident: to be written.$/A **leak**./' "$1" """,
        )
        assert await run(daemon, "postmortem", "edit", "1", EDITOR=types) == (
            0,
            "INC-1: saved as version 1\n",
            "",
        )
        assert await run(daemon, "postmortem", "edit", "1", EDITOR="true") == (
            3,
            "nothing was changed\n",
            "",
        )
        code, out, _ = await run(daemon, "postmortem", "show", "INC-1")
        assert code == 0
        assert "## Root Cause\n\nA **leak**.\n" in out
        assert await run(daemon, "postmortem", "share", "1") == (0, "shared\n", "")


async def test_edit_keeps_headings_of_people(router: Router, tmp_path: Path) -> None:
    """A heading that the router does not know comes back, also after a second edit."""
    async with router(channels=SILENT) as daemon:
        await resolved(daemon)
        adds = editor(tmp_path, """printf '\\n## Decisions\\n\\nWe waited.\\n' >> "$1" """)
        assert (await run(daemon, "postmortem", "edit", "1", EDITOR=adds))[0] == 0
        hint = "Brief summary of what happened: to be written"
        fills = editor(tmp_path, f"""sed -i 's/^.{hint}.$/Short./' "$1" """)
        assert (await run(daemon, "postmortem", "edit", "1", EDITOR=fills))[0] == 0
        _, out, _ = await run(daemon, "postmortem", "show", "1")
    assert "## Summary\n\nShort.\n" in out
    assert out.endswith("## Decisions\n\nWe waited.\n")


async def test_edit_names_the_lines_that_cannot_be_kept(router: Router, tmp_path: Path) -> None:
    """The router makes the durations. Nothing is written, and the file stays."""
    async with router(channels=SILENT) as daemon:
        await resolved(daemon)
        adds = editor(tmp_path, """sed -i 's/^## Durations$/&\\n\\nI had a tea./' "$1" """)
        code, _, err = await run(daemon, "postmortem", "edit", "1", EDITOR=adds)
        assert (code, "the line 'I had a tea.'" in err) == (1, True)
        assert (await daemon.get("/api/v1/incidents/1/postmortem")).json["version"] == 0
    kept = Path(err.strip().rpartition(" ")[2])
    assert "I had a tea." in await asyncio.to_thread(kept.read_text)


async def test_an_empty_one_is_not_shared_but_waived(router: Router) -> None:
    """The refusal says what to do. Waiving again changes nothing."""
    async with router(channels=SILENT) as daemon:
        await resolved(daemon)
        code, _, err = await run(daemon, "postmortem", "share", "1")
        assert (code, "write at least its summary, or waive it" in err) == (1, True)
        waive = ("postmortem", "waive", "1", "--reason", "same as INC-0")
        assert await run(daemon, *waive) == (0, "waived\n", "")
        assert (await run(daemon, *waive))[0] == 3
        assert (await run(daemon, "postmortem", "waive", "1", "--reason", " "))[0] == 1


async def test_what_somebody_else_wrote_meanwhile_isnt_overwritten(
    router: Router, tmp_path: Path
) -> None:
    """On a conflict the typed text is kept in a file that the command names."""
    async with router(channels=SILENT) as daemon:
        await resolved(daemon)
        put = """curl -s -X PUT -H 'If-Match: "0"' --data '{"summary": "theirs"}' """
        types = editor(
            tmp_path,
            f"{put} {daemon.url}/api/v1/incidents/1/postmortem >/dev/null; "
            """printf 'mine\\n' >> "$1" """,
        )
        code, _, err = await run(daemon, "postmortem", "edit", "1", EDITOR=types)
        assert code == 1
        assert "somebody else wrote" in err
    kept = Path(err.strip().rpartition(" ")[2])
    assert (await asyncio.to_thread(kept.read_text)).endswith("mine\n")


async def test_export(router: Router, tmp_path: Path) -> None:
    """Into the configured folder or another; edits are kept, and a conflict is reported."""
    async with router(channels=SILENT, postmortems={"directory": "notes"}) as daemon:
        await resolved(daemon)
        config = ("--config", str(daemon.path))
        code, out, err = await run(daemon, "postmortem", "export", "1", *config)
        assert (code, err) == (0, "")
        (target,) = (tmp_path / "notes").glob("*-INC-1.md")
        assert out == f"wrote {target}\n"
        assert target.with_suffix(".svg").read_text().lstrip().startswith("<?xml")
        assert f"![What happened when]({target.stem}.svg)" in target.read_text()
        target.write_text(
            target.read_text().replace(
                "*Brief summary of what happened: to be written*", "It broke."
            )
        )
        await run(daemon, "note", "1", "found it")
        assert (await run(daemon, "postmortem", "export", "1", *config))[0] == 0
        assert "It broke." in target.read_text()
        assert "found it (ana)" in target.read_text()
        await daemon.ask(
            "PUT",
            "/api/v1/incidents/1/postmortem",
            json={"summary": "Theirs."},
            headers={"If-Match": "0"},
        )
        before = target.read_text()
        code, _, err = await run(daemon, "postmortem", "export", "1", *config)
        assert (code, "both in the file and in the router: Summary" in err) == (1, True)
        assert target.read_text() == before
        assert (await run(daemon, "postmortem", "export", "1", str(tmp_path / "else")))[0] == 0
        assert len([*(tmp_path / "else").iterdir()]) == 2


async def test_items(router: Router) -> None:
    async with router(channels=SILENT) as daemon:
        await resolved(daemon)
        assert (await run(daemon, "action-item", "list", "1"))[1] == "no action items\n"
        added = await run(
            daemon,
            "action-item",
            "add",
            "1",
            "Add an index",
            "--owner",
            "ben",
            "--due",
            "2100-01-02",
        )
        assert added == (0, "1. Add an index (ben): item added\n", "")
        _, out, _ = await run(daemon, "action-item", "list", "1")
        assert out.splitlines()[1].split() == [
            "1",
            "open",
            "ben",
            "2100-01-02",
            "17:00",
            "Add",
            "an",
            "index",
        ]
        assert (await run(daemon, "action-item", "done", "1", "1"))[
            1
        ] == "1. Add an index (ben): item done\n"
        code, _, err = await run(daemon, "action-item", "add", "1", "x", "--due", "soon")
        assert (code, "expected a day" in err) == (1, True)


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("printf 'mine\\n' >> \"$1\"; exit 3", "failed with code 3"),
        ("printf '\\377mine\\n' >> \"$1\"", "nothing was saved"),
    ],
)
async def test_a_failing_editor_loses_nothing(
    router: Router, tmp_path: Path, command: str, error: str
) -> None:
    """The text stays in the file, and the error names the file."""
    async with router(channels=SILENT) as daemon:
        await resolved(daemon)
        fails = editor(tmp_path, command)
        code, _, err = await run(daemon, "postmortem", "edit", "1", EDITOR=fails)
    assert (code, error in err) == (1, True)
    kept = Path(err.strip().rpartition(" ")[2])
    assert (await asyncio.to_thread(kept.read_bytes)).endswith(b"mine\n")


@pytest.mark.parametrize("missing", ["/nowhere/editor", "'unclosed"])
async def test_a_missing_editor(router: Router, missing: str) -> None:
    """The error says which variable to set."""
    async with router(channels=SILENT) as daemon:
        await resolved(daemon)
        code, _, err = await run(daemon, "postmortem", "edit", "1", EDITOR=missing)
    assert (code, "$EDITOR" in err) == (1, True)


async def test_an_export_that_cannot_be_written(router: Router, tmp_path: Path) -> None:
    """The error names the path."""
    (tmp_path / "file").write_text("")
    async with router(channels=SILENT) as daemon:
        await resolved(daemon)
        target = str(tmp_path / "file/below")
        code, _, err = await run(daemon, "postmortem", "export", "1", target)
    assert (code, str(tmp_path / "file") in err) == (1, True)
