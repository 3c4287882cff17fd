"""A part of the suite on a leap day; `make check-dates` runs all that may know a date, at all moments."""

import re
from pathlib import Path

import pytest

from tests import clocks
from tests.dates.moments import MOMENTS
from tests.dates.run import run_tests

DATES = (
    "tests/engine/sandbox/test_expressions.py::test_gives_what_n8n_gave",
    "tests/engine/sandbox/test_expressions.py::test_dates_are_in_the_workflows_zone",
    "tests/engine/sandbox/test_expressions.py::test_now_is_what_the_clock_of_this_machine_says",
    "tests/engine/values",
    "tests/triggers/test_schedules.py",
    "tests/credentials/test_oauth2.py",
)
"""What reckons with dates."""
KEPT = (
    "tests/repository/test_pruning.py",
    "tests/api/executions/test_cursors.py::test_a_cursor_that_is_not_ours_is_refused",
)
"""What goes by the database's clock."""

pytestmark = [
    pytest.mark.skipif(clocks.library() is None, reason="libfaketime cannot be loaded here"),
    pytest.mark.slow,
]


def test_they_pass_on_another_day_in_another_place_and_one_that_knows_the_day_does_not(tmp_path: Path) -> None:
    """One process runs them all: to start one takes as long as many of these tests."""
    knows = tmp_path / "test_that_knows_the_year.py"
    knows.write_text(
        "from datetime import date\n\ndef test_it():\n    assert date.today().isoformat() < '2028-02-01'\n"
    )
    ended = run_tests(MOMENTS["leap-day"], [*DATES, *KEPT, str(knows)])
    assert ended.code == 1
    assert re.match(r"1 failed, \d{3} passed", ended.counted), ended.output
    assert "'2028-02-29' < '2028-02-01'" in ended.output
