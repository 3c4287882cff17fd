"""The soak, for a few seconds: `make soak` runs the same for minutes."""

from pathlib import Path

import pytest

from tests.soak.run import soak

SECONDS = 5.0
CLIENTS = 3
FAULTS = ("worker killed", "connections cut", "API process killed", "worker told to go while PostgreSQL is away")


@pytest.mark.timeout(180)
def test_nothing_is_lost_and_nothing_runs_twice(tmp_path: Path) -> None:
    outcome = soak(SECONDS, seed=7, clients=CLIENTS, first=FAULTS, fill_disk=False, home=tmp_path)
    assert outcome.violations == []
    assert outcome.figures["runs acknowledged"] > 0
    assert outcome.figures["fault: worker told to go while PostgreSQL is away"] == 1
