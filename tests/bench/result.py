"""Results of the benches, as a table."""

import os
from collections.abc import Iterable, Mapping

from msgspec import Struct
from rich.table import Table


class Result(Struct, frozen=True):
    """One measurement. `target` is a minimum, or with `at_most` a maximum; None if there is none.

    `beside` is the same measurement of others in the same run; `note` holds remarks.
    """

    measure: str
    value: float
    unit: str
    target: float | None = None
    at_most: bool = False
    beside: Mapping[str, float] = {}
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Share of the target that is reached: 1 or more meets it."""
        return self.times(self.target) if self.target is not None else None

    def times(self, other: float) -> float:
        """Factor by which this is better than `other`."""
        return other / self.value if self.at_most else self.value / other


def table(results: Iterable[Result]) -> Table:
    """A line for each result. Ratios over 1 are better than what they compare with."""
    load = " ".join(f"{average:.1f}" for average in os.getloadavg())
    shown = Table(
        title=(
            f"{os.cpu_count()} cores, load averages at the end {load}; every ratio: 1 and more "
            f"is better"
        )
    )
    for heading in ("measure", "result", "target", "to target", "to baseline", "note"):
        shown.add_column(heading, justify="left" if heading in {"measure", "note"} else "right")
    for result in results:
        shown.add_row(*_cells(result))
    return shown


def _cells(result: Result) -> tuple[str, ...]:
    target = (
        f"{'≤' if result.at_most else '≥'} {_number(result.target)}"
        if result.target is not None
        else ""
    )
    ratio = f"{result.ratio:.2f}" if result.ratio is not None else ""
    beside = "\n".join(
        f"{result.times(v):.2f} x {name} ({_number(v)})" for name, v in result.beside.items()
    )
    return (
        result.measure,
        f"{_number(result.value)} {result.unit}",
        target,
        ratio,
        beside,
        result.note,
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
