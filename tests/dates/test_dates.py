"""A part of the suite on a leap day; `make check-dates` runs all that may know a date, at all moments."""

from pathlib import Path

import pytest

from tests import clocks
from tests.dates.moments import MOMENTS
from tests.dates.run import run_tests

DATES = (
    "tests/engine/sandbox/test_expressions.py",
    "tests/engine/values",
    "tests/triggers/test_schedules.py",
    "tests/credentials/test_oauth2.py",
)
"""What reckons with dates."""
KEPT = (
    "tests/repository/test_pruning.py",
    "tests/api/executions/test_cursors.py",
)
"""What goes by the database's clock."""

pytestmark = [
    pytest.mark.skipif(clocks.library() is None, reason="libfaketime cannot be loaded here"),
    pytest.mark.slow,
]


def test_they_pass_on_another_day_in_another_place_and_one_that_knows_the_day_does_not(tmp_path: Path) -> None:
    knows = tmp_path / "test_that_knows_the_year.py"
    knows.write_text(
        "from datetime import date\n\ndef test_it():\n    assert date.today().isoformat() < '2028-03-01'\n"
    )
    ended = run_tests(MOMENTS["leap-day"], [*DATES, *KEPT, str(knows)])
    assert ended.code == 0, ended.output
    ended = run_tests(MOMENTS["2031"], [str(knows)])
    assert ended.code == 1
    assert "2031-07-0" in ended.output
