"""The findings of a proof of reachability: unproven routes, with times and reasons."""

from collections.abc import Collection
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from router.core.incident.settings import Settings
from router.core.reachability.routes import Route
from router.core.virtual.simulation import Simulation, simulate
from router.model.alert import Alert


class Verdict(StrEnum):
    PROVEN = "proven"
    NOT_PROVEN = "not_proven"
    UNREACHED = "unreached"


class Finding(Struct, frozen=True):
    """These routes are not proven from `start` until `end`.

    UNREACHED: nobody is notified in time, as `trace` shows for an alert at `start`. NOT_PROVEN:
    whether somebody is notified can't be decided. `supposing` are the assumed outcomes of
    conditions; `labels` are those of an example alert.
    """

    routes: tuple[Route, ...]
    verdict: Verdict
    start: float
    end: float
    why: tuple[str, ...]
    supposing: tuple[tuple[str, bool], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    scene: tuple[Settings, Alert] | None = None

    @property
    def trace(self) -> Simulation | None:
        """Simulate the example alert at `start`, if there is one. This is slow."""
        if self.scene is None:
            return None
        settings, alert = self.scene
        return simulate(settings, [replace(alert, starts_at=self.start)], self.start)

    @property
    def cause(self) -> tuple[object, ...]:
        """The common cause of findings at different times."""
        return self.routes, self.verdict, self.why, self.supposing, self.labels


class Proof(Struct, frozen=True):
    """The result for a period. `intervals` counts the intervals tried.

    `slowest` is the longest time until somebody is notified, in seconds, over the proven routes.
    `assumes` lists the assumptions.
    """

    start: float
    end: float
    routes: tuple[Route, ...]
    intervals: int
    slowest: float
    findings: tuple[Finding, ...]
    assumes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        found = {finding.verdict for finding in self.findings}
        return next(
            (verdict for verdict in (Verdict.UNREACHED, Verdict.NOT_PROVEN) if verdict in found),
            Verdict.PROVEN,
        )

    def of(self, verdict: Verdict) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.verdict is verdict)

    @property
    def unreached(self) -> tuple[Finding, ...]:
        return self.of(Verdict.UNREACHED)


def joined(findings: Collection[Finding]) -> list[Finding]:
    """Merge adjoining findings with the same cause. Earliest first."""
    found: list[Finding] = []
    for finding in findings:
        last = found[-1] if found else None
        if last and last.end == finding.start and last.cause == finding.cause:
            found[-1] = replace(last, end=finding.end)
        else:
            found.append(finding)
    return sorted(found, key=lambda finding: (finding.start, finding.routes))
