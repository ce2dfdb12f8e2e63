"""`alert-router replay`."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from router.app import TYPES
from router.cli.config import ConfigPath, path_of
from router.cli.output import console, echo, fail, print_json
from router.cli.replay_output import as_json, as_markdown, show
from router.config.load import Config, load
from router.config.located import Invalid
from router.core.incident.settings import Settings
from router.core.oncall.override import StoredOverride, with_overrides
from router.core.replay.diff import difference
from router.core.replay.history import History, real
from router.core.replay.replay import Replay
from router.core.suppression.silence import Silence, silence
from router.ports.clock import SystemClock
from router.ports.errors import StoreUnavailable
from router.records.archive import load_past, read_past, write_past
from router.store import read_store

DAY = 86_400.0

HistoryPath = Annotated[
    Path | None,
    typer.Option("--history", help="Read a file that --export wrote, instead of the store."),
]
Against = Annotated[
    Path | None,
    typer.Option(
        help="Compare with the result of this config if every message were delivered; "
        "default: compare with what happened."
    ),
]
Rules = Annotated[
    str,
    typer.Option(
        help="Rule files to use instead of the config's `rules`: a pattern relative to its folder."
    ),
]


def replay(
    days: Annotated[
        float,
        typer.Option(min=0, help="Compare this many days, up to now or to the end of the file."),
    ] = 7.0,
    rules: Rules = "",
    against: Against = None,
    history: HistoryPath = None,
    export: Annotated[
        Path | None, typer.Option(help="Only export the recorded history to this file.")
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown for a comment on a pull request.")
    ] = False,
    for_programs: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    config: ConfigPath = None,
) -> None:
    """Re-run recorded alerts under changed rules and show incidents and pages that would differ."""
    checked = _load(path_of(config), rules)
    now = SystemClock().now()
    past = _past(checked, history)
    if export:
        _write(past, export)
        return
    past = real(past)
    if not past.events:
        fail("the history is empty")
    end = past.events[-1].at if history else now
    if against:
        past = _replay(
            _in_force(_load(against, "").settings, past), past, end, deliveries=False
        ).past
    replayed = _replay(_in_force(checked.settings, past), past, end, deliveries=against is None)
    found = difference(past, replayed, end - days * DAY)
    if for_programs:
        print_json(as_json(found))
    elif markdown:
        echo(as_markdown(found, days))
    else:
        show(console(), found, days)


def _load(path: Path, rules: str) -> Config:
    if not path.exists():
        fail(f"no config at {path}")
    try:
        return load(path, os.environ, TYPES, rules)
    except Invalid as error:
        fail(str(error))


def _past(checked: Config, history: Path | None) -> History:
    try:
        return (
            load_past(history) if history else asyncio.run(_stored(checked.file.storage.reveal()))
        )
    except (StoreUnavailable, OSError, ValueError) as error:
        fail(f"can't read the history: {error}")


async def _stored(storage: str) -> History:
    """The history recorded in the store, which is only read.

    Raises: StoreUnavailable, OSError, ValueError.
    """
    store = await read_store(storage)
    try:
        return await read_past(store)
    finally:
        await store.close()


def _write(past: History, path: Path) -> None:
    try:
        write_past(past, path)
    except OSError as error:
        fail(f"can't write {path}: {error.strerror}")
    echo(f"{len(past.events):,} events, {len(past.incidents):,} incidents", err=True)


def _in_force(settings: Settings, past: History) -> Settings:
    """The settings with overrides and silences that people made."""
    stored_overrides = [
        msgspec.json.decode(record.doc, type=StoredOverride)
        for record in past.records
        if record.kind == "arrangement"
    ]
    made = [
        (record.id, msgspec.json.decode(record.doc, type=Silence))
        for record in past.records
        if record.kind == "silence"
    ]
    silences = (*settings.silences, *(silence(key, stored) for key, stored in made))
    return replace(
        settings, people=with_overrides(settings.people, stored_overrides), silences=silences
    )


def _replay(settings: Settings, past: History, end: float, *, deliveries: bool) -> Replay:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(err=True), transient=True) as progress:
        task = progress.add_task("replay", total=len(past.events))
        replayed = Replay(settings, past, deliveries=deliveries)
        replayed.run(end, lambda events: progress.advance(task, events))
    return replayed
