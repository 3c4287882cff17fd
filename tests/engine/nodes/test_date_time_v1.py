"""Date & Time, version 1, takes no format that would hold the worker."""

import pytest

from tests.engine.running import output_of
from tests.workflows import START, chain, node

LONG = "YYYY " * 4_000


@pytest.mark.parametrize("parameters", [{"toFormat": LONG}, {"options": {"fromFormat": LONG}}])
def test_a_format_that_no_date_has_is_refused(engine, parameters) -> None:
    date = node("Date", "dateTime", {"value": "2026-01-01", **parameters})
    refused = "A format is longer than 10,000 characters."
    assert engine.run(chain(START, date)).error.message == refused
    outcome = engine.run(chain(START, date | {"onError": "continueRegularOutput"}))
    assert output_of(outcome, "Date") == [{"error": refused}]
