"""Measured values, and their thresholds.

All values are converted to base units: a ratio (1% is 0.01), seconds, per second, or a plain
number. Sources format values for people ("1.23%", "612ms", "1h 2m 3s", "12.3k"). The parser accepts
the output of Prometheus' humanize, humanize1024, humanizePercentage and humanizeDuration
(prometheus/prometheus template/template.go), and the formats that `spelling` knows.
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

# Units that determine the dimension. A number without a unit can have any dimension.
_UNITS: Mapping[Dimension, Mapping[str, Decimal]] = {
    Dimension.RATIO: {"%": Decimal("0.01")},
    Dimension.TIME: {**_SECONDS, **{f"{prefix}s": scale for prefix, scale in _SMALL.items()}},
    Dimension.RATE: {
        f"{k}/{per}": scale / _SECONDS[per] for k, scale in _LARGE.items() for per in "smh"
    },
    Dimension.NUMBER: {**_LARGE, **{f"{prefix}B": scale for prefix, scale in _LARGE.items()}},
}
# In a value, the "m" of "12.3m" means minutes for a time, otherwise humanize's milli.
_VALUE_UNITS: Mapping[Dimension, Mapping[str, Decimal]] = {
    dimension: {"": Decimal(1), **units}
    if dimension is Dimension.TIME
    else {**_LARGE, **_SMALL, **units}
    for dimension, units in _UNITS.items()
}

# Exponents are limited, so that Decimal can't overflow. A unit is the text between two numbers.
_PART = re.compile(
    r"((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3}(?!\d))?|[Ii]nf)\s*([^\d\s.]*)\s*", re.ASCII
)
_LONGEST = 100

NOISE = 0.1
"""Relative difference below which a value doesn't count as worse."""

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
    """A limit in base units, and the comparison by which a value crosses it.

    `text` is as written. `until`: once crossed, the limit counts as crossed until that condition
    holds, so that swings around the limit are ignored.
    """

    op: str
    limit: float
    dimension: Dimension
    text: str
    until: "Threshold | None" = None

    @classmethod
    def parse(cls, text: str) -> "Threshold":
        """Parse "> 1%", ">= 500ms", "> 5/m", "> 10k" or "== 0". "m" is minutes.

        The unit determines the dimension. "> 1% until < 0.8%" starts above 1 % and ends below 0.8
        %.
        Raises: ValueError, with the expected format.
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
                f"expected a limit after until that isn't reached while the first one is crossed, "
                f"not {brief(text)}"
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
        """Check if the value is worse than `than` by more than noise."""
        if self.op[0] not in "<>" or value == than:
            return False
        return (value > than) == (self.op[0] == ">") and abs(value - than) > NOISE * abs(than)

    def still_holds(self, value: float) -> bool:
        """Check if a value that has crossed the limit still counts as over it."""
        return self.holds(value) or (self.until is not None and not self.until.holds(value))


@lru_cache(maxsize=1024)  # repeats of an alert have the same value
def read_value(text: str, dimension: Dimension) -> float:
    """Parse a value into base units of `dimension`; a number with no unit is in base units.

    Raises: ValueError, if it can't be parsed, is NaN, or has a unit of another dimension.
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
    """The sum of "-1h 2m 3s", with the sign for all parts; None unless all parts are in `units`."""
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
    """Numbers and their units, in order; empty if the text has any other part."""
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
    """Format four significant digits, as Prometheus' humanizePercentage: 0.0123 is "1.23%"."""
    return f"{ratio * 100:.4g}%"


def number(value: float) -> str:
    """Format three significant digits, with a prefix from a thousand on: 1234567 is "1.23M"."""
    rounded = float(f"{value:.3g}")  # first, since 999,999 is 1M and not 1000k
    for prefix in "YZEPTGMk":
        scale = float(_LARGE[prefix])
        if scale <= abs(rounded) < math.inf:
            return f"{rounded / scale:.3g}{prefix}"
    return f"{rounded:.3g}"


def duration(seconds: float) -> str:
    """Format a duration: three significant digits under a minute, else the two largest units.

    Examples are "612ms", "1.5s", "1h 30m" and "2d".
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
