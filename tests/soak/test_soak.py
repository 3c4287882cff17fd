"""The soak, for a few seconds: `make soak` runs the same for minutes."""

from pathlib import Path

import pytest

from tests.patience import PATIENCE_SECONDS
from tests.soak import chaos
from tests.soak.neighbours.run import neighbours
from tests.soak.run import soak

pytestmark = pytest.mark.slow

SECONDS = 2.0
BESIDE_SECONDS = 2.0
"""Each fault of FAULTS is done and each thing that a neighbour does is ended at least once, however long that takes."""
CLIENTS = 3
FAULTS = ("worker killed", "connections cut", "API process killed", "worker told to go while PostgreSQL is away")


def test_nothing_is_lost_and_nothing_runs_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How soon a worker is gone is counted by `make soak` only: that depends on the machine as well."""
    monkeypatch.setattr(chaos, "LEAVE_SECONDS", PATIENCE_SECONDS)
    outcome = soak(SECONDS, seed=7, clients=CLIENTS, first=FAULTS, fill_disk=False, home=tmp_path)
    assert outcome.violations == []
    assert outcome.figures["runs acknowledged"] > 0
    assert outcome.figures["fault: worker told to go while PostgreSQL is away"] == 1


def test_a_hostile_neighbour_costs_nobody_an_execution(tmp_path: Path) -> None:
    """How long it kept anybody waiting is counted by `make soak` only: that depends on the machine as well.

    Clocks are apart there, and in the test above.
    """
    outcome = neighbours(BESIDE_SECONDS, seed=7, home=tmp_path, shifts=[0])
    assert outcome.violations == []
    assert outcome.figures["Beta's that succeeded"] > 0
    assert outcome.figures["Beta's that were stopped"] > 0
    assert outcome.figures["workers lost"] == 0
