"""Overrides set on the running router, for commands that read the config."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from router.cli.client import Unanswered, try_ask
from router.cli.output import echo
from router.core.incident.settings import Settings
from router.core.oncall.override import StoredOverride, with_overrides
from router.core.oncall.schedule import Override


def with_live_overrides(settings: Settings, url: str | None, config: Path | None) -> Settings:
    """Return `settings` with the live overrides. If they can't be read, print a notice."""
    try:
        found = [
            override
            for name in settings.people.schedules
            for override in _overrides(name, url, config)
        ]
    except Unanswered as error:
        echo(f"Using the config only, without overrides that people set: {error}", err=True)
        return settings
    return replace(settings, people=with_overrides(settings.people, found))


def _overrides(schedule: str, url: str | None, config: Path | None) -> Iterator[StoredOverride]:
    answer = try_ask("GET", f"/schedules/{quote(schedule, safe='')}/overrides", url, config)
    for override in answer["overrides"]:
        changes = tuple(_override(change) for change in override["changes"])
        yield StoredOverride(schedule, changes, override["by"], _epoch(override["set_at"]))


def _override(change: Mapping[str, Any]) -> Override:
    start, end = _epoch(change["start"]), _epoch(change["end"])
    return Override(change["contact"] or "", start, end, change["replaces"] or "")


def _epoch(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
