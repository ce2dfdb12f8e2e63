"""What people have arranged since the config was written, as the running router has it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import typer

from router.cli.client import Unanswered, try_ask
from router.core.incident.settings import Settings
from router.core.oncall.override import StoredOverride, arranged
from router.core.oncall.schedule import Override


def live_settings(settings: Settings, url: str | None, config: Path | None) -> Settings:
    """`settings` with the overrides that people have set; if the router can't be asked, without,
    and that's said.
    """
    try:
        found = [one for name in settings.people.schedules for one in _overrides(name, url, config)]
    except Unanswered as error:
        typer.echo(
            f"By the config alone, without what people have arranged since: {error}", err=True
        )
        return settings
    return replace(settings, people=arranged(settings.people, found))


def _overrides(schedule: str, url: str | None, config: Path | None) -> Iterator[StoredOverride]:
    answer = try_ask("GET", f"/schedules/{quote(schedule, safe='')}/overrides", url, config)
    for one in answer["overrides"]:
        changes = tuple(_override(change) for change in one["changes"])
        yield StoredOverride(schedule, changes, one["by"], _epoch(one["set_at"]))


def _override(change: Mapping[str, Any]) -> Override:
    return Override(
        change["contact"] or "", _epoch(change["start"]), _epoch(change["end"]), change["replaces"] or ""
    )  # fmt: skip


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
