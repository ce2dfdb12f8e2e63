"""The result of a replay: for people, for a comment on a pull request, and for programs."""

# ruff: noqa: RUF001, RUF002   - the minus sign is intended

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from router.core.replay.diff import Count, Lost, Regrouped, ReplayDiff
from router.core.text.plain import plain, utc
from router.model.incident import Incident, Severity

MOST = 20
"""Maximum lines of each kind in a comment. The others are only counted."""


def headline(found: ReplayDiff) -> str:
    """`+14 pages, −3, of which 1 was about a P0 that somebody acted on`."""
    text = f"+{found.more} pages, −{found.fewer}"
    missed = [(found.missed(severity), severity) for severity in Severity]
    parts = [
        f"{times} about a {severity} that somebody acted on" for times, severity in missed if times
    ]
    return f"{text}, of which {' and '.join(parts)}" if parts else text


def changes(found: ReplayDiff) -> Iterator[tuple[str, Sequence[str]]]:
    """Each kind of change to incidents, with a line for each; empty kinds are left out."""
    kinds: tuple[tuple[str, Iterable[str]], ...] = (
        ("Pages lost", map(_lost, found.lost)),
        ("New incidents", map(_named, found.appeared)),
        ("Missing incidents", map(_named, found.vanished)),
        (
            "Another severity",
            (f"{then.severity} → {now.severity}: {_named(then)}" for then, now in found.severity),
        ),
        ("Merged", map(_regrouped, found.merged)),
        ("Split", map(_regrouped, found.split)),
    )
    for kind, lines in kinds:
        if there := [*lines]:
            yield kind, there


def _named(incident: Incident) -> str:
    opened, key = utc(incident.opened_at), plain(incident.key)
    return f"{incident.name} {incident.severity} {plain(incident.title)} ({opened}, {key})"


def _regrouped(pair: Regrouped) -> str:
    then, now = (
        ", ".join(f"{incident.name} {plain(incident.key)}" for incident in side)
        for side in (pair.then, pair.now)
    )
    return f"{then} → {now}"


def _lost(lost: Lost) -> str:
    times = "once" if lost.times == 1 else f"{lost.times} times"
    acted = ", which somebody acted on" if lost.acted else ""
    return f"{lost.who} {times}: {_named(lost.incident)}{acted}"


# --- for people


def show(out: Console, found: ReplayDiff, days: float) -> None:
    out.print(Text(f"{_span(found, days)}: {headline(found)}", "bold" if found else "bold green"))
    if not found:
        out.print(Text("the same incidents, and the same messages"))
    for name, counts in (("pages", found.people), ("messages to channels", found.channels)):
        if counts:
            table = Table(name, "then", "now", "+", "−", box=None, padding=(0, 2))
            for who, count in counts.items():
                table.add_row(*map(Text, _cells(who, count)))
            out.print(table)
    for kind, lines in changes(found):
        out.print(Text(f"{kind} ({len(lines)})", "bold"))
        for line in lines:
            out.print(Text(f"  {line}"))


def _span(found: ReplayDiff, days: float) -> str:
    return f"{days:g} days, {found.events:,} events"


def _cells(who: str, count: Count) -> tuple[str, ...]:
    return who, *map(str, (count.then, count.now, count.more, count.fewer))


# --- for a pull request


def as_markdown(found: ReplayDiff, days: float) -> str:
    return "\n".join(
        [f"### Replay: {headline(found)}", "", f"{_span(found, days)}.", *_body(found)]
    )


def _body(found: ReplayDiff) -> Iterator[str]:
    if not found:
        yield "The same incidents, and the same messages."
    for name, counts in (("pages", found.people), ("messages to channels", found.channels)):
        if counts:
            yield from ("", f"| {name} | then | now | + | − |", "|---|--:|--:|--:|--:|")
            yield from (
                f"| {' | '.join(map(_safe, _cells(who, count)))} |" for who, count in counts.items()
            )
    for kind, lines in changes(found):
        yield from ("", f"<details><summary>{kind} ({len(lines)})</summary>", "")
        yield from (f"- {_safe(line)}" for line in lines[:MOST])
        if len(lines) > MOST:
            yield f"- and {len(lines) - MOST} more"
        yield from ("", "</details>")


_MARKUP = str.maketrans({char: f"\\{char}" for char in "\\`*_[]|#"} | {"@": "@\u200b"})


def _safe(text: str) -> str:
    """Text that a comment shows unchanged: no markup, and no mentions."""
    return escape(text, quote=False).translate(_MARKUP)


# --- for programs


def as_json(found: ReplayDiff) -> dict[str, Any]:
    return {
        "events": found.events,
        "pages": {"more": found.more, "fewer": found.fewer},
        "missed": {str(severity): found.missed(severity) for severity in Severity},
        "people": _numbers(found.people),
        "channels": _numbers(found.channels),
        "appeared": [*map(_incident, found.appeared)],
        "vanished": [*map(_incident, found.vanished)],
        "severity": [
            {"then": _incident(then), "now": _incident(now)} for then, now in found.severity
        ],
        "merged": [*map(_sides, found.merged)],
        "split": [*map(_sides, found.split)],
        "lost": [
            {
                "who": lost.who,
                "times": lost.times,
                "acted": lost.acted,
                "incident": _incident(lost.incident),
            }
            for lost in found.lost
        ],
    }


def _numbers(counts: Mapping[str, Count]) -> dict[str, dict[str, int]]:
    return {
        who: {"then": count.then, "now": count.now, "more": count.more, "fewer": count.fewer}
        for who, count in counts.items()
    }


def _sides(pair: Regrouped) -> dict[str, list[dict[str, Any]]]:
    return {"then": [*map(_incident, pair.then)], "now": [*map(_incident, pair.now)]}


def _incident(incident: Incident) -> dict[str, Any]:
    return {
        "id": incident.name,
        "key": incident.key,
        "severity": incident.severity,
        "title": incident.title,
        "opened_at": incident.opened_at,
    }
