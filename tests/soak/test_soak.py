"""The soak, for a few seconds: `make soak` runs the same for minutes."""

from pathlib import Path

import pytest

from tests.soak.run import soak

SECONDS = 8.0
CLIENTS = 3


@pytest.mark.timeout(180)
def test_nothing_is_lost_and_nothing_runs_twice(tmp_path: Path) -> None:
    outcome = soak(SECONDS, seed=7, clients=CLIENTS, home=tmp_path)
    assert outcome.violations == []
    assert outcome.figures["runs acknowledged"] > 0
    assert sum(number for name, number in outcome.figures.items() if name.startswith("fault: ")) >= 2
