"""Show why somebody was or was not paged, according to the running router or its store."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from router.cli.client import ask
from router.cli.output import fail
from router.cli.store import UNREADABLE, live_settings, store_of
from router.config.load import Config
from router.ports.clock import SystemClock
from router.web.api import views
from router.web.api.why import Explainer

UNDECIDED = "undecided"
"""Shown if an older version did not record the data for the answer."""


def answered(
    asked: Mapping[str, str],
    at: float | None,
    checked: Config | None,
    offline: bool,
    url: str | None,
    config: Path | None,
) -> dict[str, Any]:
    """The answer of `GET /api/v1/explain`. Exits if there is none."""
    if not offline or checked is None:
        when = {"at": views.when(at) or ""} if at is not None else {}
        found: dict[str, Any] = ask("GET", "/explain", url, config, params={**asked, **when})
        return found
    try:
        return asyncio.run(_read(checked, asked, at))
    except LookupError as error:
        fail(str(error.args[0]))
    except UNREADABLE as error:
        fail(f"can't read the store: {error}")


async def _read(checked: Config, asked: Mapping[str, str], at: float | None) -> dict[str, Any]:
    """Raises: LookupError with the name of what is missing, one of UNREADABLE."""
    clock = SystemClock()
    async with store_of(checked) as store:
        settings = await live_settings(checked, store, clock)
        found = await Explainer(store, lambda: settings).answer(asked, at, clock.now())
        return dict(msgspec.to_builtins(found))


# --- shown


def show_explained(out: Console, answer: Mapping[str, Any]) -> None:
    """Show the answer, then the evidence."""
    out.print(Text(answer["answer"], "bold"))
    facts = Table(box=None, show_header=False, padding=(0, 2))
    for name, text in _facts(answer):
        facts.add_row(Text(name, "dim"), Text(text))
    out.print(facts)
    if answer["pages"]:
        out.print(_pages(answer["pages"]))
    for title, entries in (("obstacle", answer["obstacles"]), ("outcome", answer["ending"])):
        for entry in entries:
            out.print(Text(f"{title}: {_clock(entry['at'])} {entry['text']}"))
    if answer["explanation"]:
        out.print(
            _verdicts(answer["explanation"]["rules"], changed=answer["rules"]["changed_since"])
        )


def _facts(answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    incident, alert, rules = answer["incident"], answer["alert"], answer["rules"]
    if alert:
        compared = (
            f", {alert['value'] or 'no value'} against {alert['threshold']}"
            if alert["threshold"]
            else ""
        )
        reason = alert["reason"].replace("_", " ")
        yield "rule", f"{answer['rule']}: {alert['severity']} ({reason}{compared})"
    if incident:
        yield "incident", f"{incident['key']}, {answer['joined']} more alerts joined it"
    if rules["revision"]:
        commit = f", commit {rules['commit'][:12]}" if rules["commit"] else ", commit unknown"
        commit += " with uncommitted changes" if rules["dirty"] else ""
        loaded = (
            f", loaded {_clock(rules['loaded_at'])} by {rules['loaded_by']}"
            if rules["loaded_at"]
            else ""
        )
        changed = "; they have changed since" if rules["changed_since"] else ""
        yield "rules then", f"revision {rules['revision']}{commit}{loaded}{changed}"
    then = (
        "on call"
        if answer["on_call_recorded"] or not answer["incident"]
        else "on call (by the current schedules)"
    )
    for duty in answer["on_call"]:
        yield then, f"{_duty(duty)}: {duty['contact'] or 'nobody'}"


def _duty(duty: Mapping[str, Any]) -> str:
    if duty["override"]:
        return f"{duty['target']} (by an override)"
    return f"{duty['target']} (layer {duty['layer']})" if duty["layer"] else str(duty["target"])


def _pages(pages: list[dict[str, Any]]) -> Table:
    table = Table(
        "at (UTC)", "who", "over", "why", "recipient of", "outcome", box=None, padding=(0, 2)
    )
    for page in pages:
        deliveries = page["deliveries"]
        delivery = deliveries[-1] if deliveries else None
        outcome = (
            f"{delivery['what'].replace('_', ' ')} {_clock(delivery['at'])}"
            if delivery
            else "not sent yet"
        )
        outcome += (
            f", attempt {delivery['data']['attempts']}"
            if delivery and delivery["data"].get("attempts", 1) > 1
            else ""
        )
        outcome += (
            f", held {delivery['data']['held']:.0f}s by a limit"
            if delivery and delivery["data"].get("held")
            else ""
        )
        outcome += (
            f": {delivery['data']['error']}" if delivery and delivery["data"].get("error") else ""
        )
        outcome += f", receipt {page['receipt']}" if page["receipt"] else ""
        why = page["why"]["text"] if page["why"] else UNDECIDED
        table.add_row(
            *map(
                Text,
                (_clock(page["at"]), page["who"] or "", page["over"], why, _meant(page), outcome),
            )
        )
    return table


def _meant(page: Mapping[str, Any]) -> str:
    if page["stakeholder"]:
        return "stakeholders (not paged)"
    if page["meant_by"] is None:
        return UNDECIDED
    return ", ".join(_duty(duty) for duty in page["meant_by"])


def _verdicts(rules: list[dict[str, Any]], *, changed: bool) -> Table:
    title = "by the current rules, which have changed since" if changed else None
    table = Table(
        "rule",
        "result",
        "failed matcher",
        "at",
        box=None,
        padding=(0, 2),
        title=title,
        title_justify="left",
    )
    for rule in rules:
        failed = rule["matcher"] or ""
        table.add_row(
            *map(Text, (rule["rule"], rule["reason"].replace("_", " "), failed, rule["at"]))
        )
    return table


def _clock(at: str) -> str:
    return at[:19].replace("T", " ")
