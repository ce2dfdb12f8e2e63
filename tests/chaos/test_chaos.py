"""A short run on each database; `make chaos` makes longer ones.

CHAOS_SEED=… draws the same faults again, CHAOS_SECONDS=… and CHAOS_KILLS=… make a run longer.
"""

from pathlib import Path

import pytest

from tests.chaos.nemesis import ENDED
from tests.chaos.run import Settings, run

SECONDS = 5.0


@pytest.mark.slow
@pytest.mark.peer
@pytest.mark.timeout(0)  # a longer run is asked for by the environment
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_faults_cause_no_violation(database: str, tmp_path: Path) -> None:
    settings = Settings.of(database, SECONDS)
    try:
        figures, verdict = await run(settings, tmp_path)
    except BaseException as failure:
        failure.add_note(f"CHAOS_SEED={settings.seed}")
        raise
    assert not any(verdict.counts.values()), (settings, verdict.violations)
    assert figures.faults
    assert ENDED not in figures.faults
    assert figures.alerts
    assert figures.arrivals
