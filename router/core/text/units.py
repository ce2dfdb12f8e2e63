"""Measured values, and the thresholds they're compared with.

Everything is in base units: a ratio (1% is 0.01), seconds, per second, or a plain number. Sources
write values for people ("1.23%", "612ms", "1h 2m 3s", "12.3k"). Read is the output of Prometheus'
humanize, humanize1024, humanizePercentage and humanizeDuration (prometheus/prometheus
template/template.go), and what `spelling` knows.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from reprlib import repr as brief

from router.core.text.spelling import Dimension, rewritten

__all__ = ["Dimension", "Threshold", "duration", "number", "percent", "read_value"]


_LARGE = {"": Decimal(1)}
_LARGE |= {prefix: Decimal(1000) ** power for power, prefix in enumerate("kMGTPEZY", 1)}
_LARGE |= {f"{prefix}i": Decimal(1024) ** power for power, prefix in enumerate("kMGTPEZY", 1)}
_LARGE["Ki"] = _LARGE["ki"]  # humanize1024 writes ki, everybody else Ki
_SMALL = {prefix: Decimal(1000) ** -power for power, prefix in enumerate("munpfazy", 1)}
_SMALL |= dict.fromkeys("µμ", _SMALL["u"])

_SECONDS = {
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
    "w": Decimal(604800),
}

# Units that show what is measured. A bare number, with or without a prefix, can be anything.
_UNITS: Mapping[Dimension, Mapping[str, Decimal]] = {
    Dimension.RATIO: {"%": Decimal("0.01")},
    Dimension.TIME: {**_SECONDS, **{f"{prefix}s": scale for prefix, scale in _SMALL.items()}},
    Dimension.RATE: {
        f"{k}/{per}": scale / _SECONDS[per] for k, scale in _LARGE.items() for per in "smh"
    },
    Dimension.NUMBER: {**_LARGE, **{f"{prefix}B": scale for prefix, scale in _LARGE.items()}},
}
# In a value "12.3m" is minutes for a time, and humanize's milli for anything else.
_VALUE_UNITS: Mapping[Dimension, Mapping[str, Decimal]] = {
    dimension: {"": Decimal(1), **units}
    if dimension is Dimension.TIME
    else {**_LARGE, **_SMALL, **units}
    for dimension, units in _UNITS.items()
}

# Exponents are short, so that Decimal can't overflow. A unit is what stands between a number and
# the next.
_PART = re.compile(
    r"((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3}(?!\d))?|[Ii]nf)\s*([^\d\s.]*)\s*", re.ASCII
)
_LONGEST = 100

NOISE = 0.1
"""The part of a value by which another one must differ to count as worse."""

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True, slots=True)
class Threshold:
    """A limit in base units, and the comparison that a value must pass to be over it. `text` is as
    written.

    With `until`, a value over the limit counts as over it until that holds, so that swings around
    the limit aren't news.
    """

    op: str
    limit: float
    dimension: Dimension
    text: str
    until: "Threshold | None" = None

    @classmethod
    def parse(cls, text: str) -> "Threshold":
        """Read "> 1%", ">= 500ms", "> 5/m", "> 10k" or "== 0"; the unit says the dimension, and "m"
        is minutes.

        "> 1% until < 0.8%" is over once above 1 %, and no more once below 0.8 %.
        Raises: ValueError, saying what was expected.
        """
        entry, separator, leave = text.partition(" until ")
        if separator:
            return cls._parse_both(entry, leave, text)
        stripped = text.strip()
        op = next((op for op in _COMPARE if stripped.startswith(op)), None)
        if op is None:
            raise ValueError(f"expected one of > >= < <= == != before a limit, not {brief(text)}")
        limit = stripped.removeprefix(op)
        for dimension, units in _UNITS.items():
            amount = _amount(limit, units)
            if amount is not None and math.isfinite(amount):
                return cls(op, amount, dimension, stripped)
        known = "% ms s m h d w /s /m /h k M G Ki Mi Gi"
        raise ValueError(
            f"expected a number after {op}, bare or with one of {known}, not {brief(limit)}"
        )

    @classmethod
    def _parse_both(cls, entry: str, leave: str, text: str) -> "Threshold":
        over, until = cls.parse(entry), cls.parse(leave)
        if over.dimension is not until.dimension:
            raise ValueError(
                f"expected the same kind of unit before and after until, not {brief(text)}"
            )
        if until.holds(over.limit) and over.holds(over.limit):
            raise ValueError(
                f"expected a limit after until that isn't reached where the first is, not {brief(text)}"
            )
        up, down = over.op in {">", ">="}, over.op in {"<", "<="}
        if (up and until.op in {">", ">="}) or (down and until.op in {"<", "<="}):
            raise ValueError(f"expected the opposite comparison after until, not {brief(text)}")
        if (up and until.limit > over.limit) or (down and until.limit < over.limit):
            raise ValueError(
                f"expected a limit after until that isn't beyond the first one, not {brief(text)}"
            )
        return replace(over, text=text.strip(), until=until)

    def holds(self, value: float) -> bool:
        return _COMPARE[self.op](value, self.limit)

    def is_worse(self, value: float, than: float) -> bool:
        """The value is on the worse side of another one, by more than noise."""
        if self.op[0] not in "<>" or value == than:
            return False
        return (value > than) == (self.op[0] == ">") and abs(value - than) > NOISE * abs(than)

    def still_holds(self, value: float) -> bool:
        """For a value that has been over the limit."""
        return self.holds(value) or (self.until is not None and not self.until.holds(value))


@lru_cache(maxsize=1024)  # an alert's value is the same from repeat to repeat
def read_value(text: str, dimension: Dimension) -> float:
    """The value in base units of `dimension`. A number with no unit is in base units already.

    Raises: ValueError, if it can't be read, is NaN, or has a unit of another dimension.
    """
    value = _amount(text, _VALUE_UNITS[dimension])
    if value is None and (text_as_read := rewritten(text, dimension)):
        value = _amount(text_as_read, _VALUE_UNITS[dimension])
    if value is not None:
        return value
    for other, units in _UNITS.items():
        if _amount(text, units) is not None:
            raise ValueError(f"expected a {dimension}, but {brief(text)} is a {other}")
    raise ValueError(f"expected a {dimension}, but {brief(text)} can't be read as a number")


def _amount(text: str, units: Mapping[str, Decimal]) -> float | None:
    """The sum of "-1h 2m 3s", all under the one sign; None unless all of it is numbers with these
    units.
    """
    text = text.strip()
    unsigned = text[1:] if text[:1] in ("+", "-") else text
    parts = _parts(unsigned)
    if not parts or any(unit not in units for _, unit in parts):
        return None
    if len(parts) > 1 and any(unit not in _UNITS[Dimension.TIME] for _, unit in parts):
        return None
    # Decimal, so that 57% is the same float as 0.57.
    amount = float(sum(Decimal(number) * units[unit] for number, unit in parts))
    return -amount if text.startswith("-") else amount


def _parts(text: str) -> list[tuple[str, str]]:
    """Numbers and their units, in order; none if there is anything else."""
    parts = []
    at = 0
    while at < len(text) <= _LONGEST:
        part = _PART.match(text, at)
        if part is None:
            return []
        parts.append((part[1], part[2]))
        at = part.end()
    return parts


def percent(ratio: float) -> str:
    """Four significant digits, as Prometheus' humanizePercentage: 0.0123 is "1.23%"."""
    return f"{ratio * 100:.4g}%"


def number(value: float) -> str:
    """Three significant digits and a prefix from a thousand on: 1234567 is "1.23M"."""
    rounded = float(f"{value:.3g}")  # first, for 999,999 is 1M and not 1000k
    for prefix in "YZEPTGMk":
        scale = float(_LARGE[prefix])
        if scale <= abs(rounded) < math.inf:
            return f"{rounded / scale:.3g}{prefix}"
    return f"{rounded:.3g}"


def duration(seconds: float) -> str:
    """Three significant digits under a minute, else the two largest units: "612ms", "1.5s", "1h
    30m", "2d".
    """
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if not math.isfinite(seconds):
        return f"{seconds:g}"
    rounded = float(f"{seconds:.3g}")
    if rounded < 60:
        unit, scale = (
            ("s", 1)
            if rounded >= 1 or rounded == 0
            else ("ms", 1e3)
            if rounded >= 1e-3
            else ("us", 1e6)
        )
        return f"{rounded * scale:.3g}{unit}"
    rest = round(seconds)
    parts = []
    for unit in "dhms":
        count, rest = divmod(rest, int(_SECONDS[unit]))
        parts.append(f"{count}{unit}" if count else "")
    first = next(index for index, part in enumerate(parts) if part)
    return " ".join(part for part in parts[first : first + 2] if part)
