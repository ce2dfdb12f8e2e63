"""Timeline entries as text: a full line, or a few words for a text message or a call."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from router.core.text.plain import plain
from router.core.text.units import Dimension, Threshold, duration, percent, read_value
from router.model.decision import Entry
from router.model.notification import Message
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having, row

MAX_NEWS = 2
"""Maximum changes that a text message or a call reports, the latest last."""

_OPTIONAL = re.compile(r"\[([^]]*)\]")
"""A part of a sentence that is left out without its values."""

_LEAVES = frozenset({Reason.BELOW_THRESHOLD, Reason.RULES_CHANGED, Reason.HEARTBEAT})
_NEWS = having(Trait.NOTIFIES) | {Reason.STATUS_SET}
"""Changes that the next message mentions, even if it was sent for another reason."""


def describe(entry: Entry) -> str:
    """One plain line about a timeline entry; for an alert that left its incident, why it left."""
    known, doubt = _known(entry), ""
    why = entry.data.get("reason") if entry.what is Reason.CLEARED else None
    what = Reason(why) if why in _LEAVES else entry.what
    if entry.data.get("reason") == Reason.VALUE_UNREADABLE and entry.data.get("threshold"):
        # Entries by earlier versions contain the value, which now has its own entry.
        doubt = f" ({unreadable(entry.data)})"
        known = {name: text for name, text in known.items() if name not in {"value", "threshold"}}
    line = plain(fill(row(what).timeline, known) + doubt)
    return line or entry.what.replace("_", " ").capitalize()


def fill(sentence: str, known: Mapping[str, str]) -> str:
    """Fill in the known values: `Acknowledged[ by {by}]`.

    A part in brackets that lacks a value is left out. Filled-in values aren't expanded again.
    """
    parts = []
    for part in _OPTIONAL.split(sentence):  # odd parts are in brackets
        with suppress(KeyError):
            parts.append(part.format_map(known))
    return "".join(parts)


def moment(at: float, day: date, zone: ZoneInfo) -> str:
    """The time of day in the zone, with the date unless that is `day`."""
    local = datetime.fromtimestamp(at, zone)
    return f"{local:%H:%M}" if local.date() == day else f"{local:%Y-%m-%d %H:%M}"


@lru_cache(maxsize=1024)
def measured(value: str, threshold: str) -> str:
    """A measured value in the unit of its threshold: 0.4 compared with `> 10%` is `40%`."""
    try:
        dimension = Threshold.parse(threshold).dimension
        amount = read_value(value, dimension)
    except ValueError:
        return plain(value)
    match dimension:
        case Dimension.RATIO:
            return percent(amount)
        case Dimension.TIME:
            return duration(amount)
        case _:
            return plain(value)


def unreadable(data: Mapping[str, Any]) -> str:
    """A warning that the severity in an entry's `data` isn't based on the measured value."""
    value = data.get("value")
    problem = f"'{plain(str(value))}' can't be read" if value else "is missing or can't be read"
    return f"measured value {problem}, so the lowest severity applies"


def news(message: Message) -> str:
    """The reason for this message in a few words: `reminder 3`, `now P0, was P2`; "" for none.

    A first message mentions only its own reason, because all earlier entries are new to the
    recipient.
    """
    entries = [entry for entry in message.unseen_entries if row(entry.what).short]
    if message.sent == 0:
        entries = [entry for entry in entries if entry.what is message.reason]
    return ", ".join(list(dict.fromkeys(_short(message, entries)))[-MAX_NEWS:])


def _short(message: Message, entries: list[Entry]) -> Iterator[str]:
    for entry in entries:
        if entry.what is message.reason or entry.what in _NEWS:
            yield plain(fill(row(entry.what).short, _known(entry)))


def _known(entry: Entry) -> dict[str, str]:
    known = {"by": plain(entry.by.removeprefix("source:"))}
    for name, value in entry.data.items():
        if isinstance(value, list | tuple):
            known[name] = ", ".join(plain(str(item)) for item in value)
        elif value is not None and name != "by":
            known[name] = plain(str(value))
    if known.get("value"):
        known["value"] = measured(known["value"], known.get("threshold", ""))
    return {name: text for name, text in known.items() if text}
