"""Date & Time, version 1, takes no format that would hold the worker, or its memory."""

import pytest

from app.engine.nodes.date_time import date_time_v1
from app.engine.run.context import NodeContext
from app.engine.run.memory import weigh
from app.engine.run.meter import Meter, TooMuchData
from app.engine.run.ports import Ports
from tests.engine.running import Engine, output_of
from tests.workflows import START, chain, node

LONG = "YYYY " * 4_000
TOO_LONG = "A format is longer than 10,000 characters."
NO_TEXT = "A format has to be a text."


@pytest.mark.parametrize(
    ("parameters", "refused"),
    [
        ({"toFormat": LONG}, TOO_LONG),
        ({"options": {"fromFormat": LONG}}, TOO_LONG),
        ({"toFormat": "={{ Array(20000).fill('YYYY') }}"}, NO_TEXT),
        ({"options": {"fromFormat": "={{ ({ a: 'YYYY' }) }}"}}, NO_TEXT),
    ],
)
def test_a_format_that_no_date_has_is_refused(engine, parameters, refused) -> None:
    date = node("Date", "dateTime", {"value": "2026-01-01", **parameters})
    assert engine.run(chain(START, date)).error.message == refused
    outcome = engine.run(chain(START, date | {"onError": "continueRegularOutput"}))
    assert output_of(outcome, "Date") == [{"error": refused}]


def test_a_number_is_taken_as_the_text_of_it(engine) -> None:
    outcome = engine.run(chain(START, node("Date", "dateTime", {"value": "2026-01-01", "toFormat": "={{ 12 }}"})))
    assert output_of(outcome, "Date") == [{"data": "12"}]


def test_items_share_what_is_made_of_their_format(engine, monkeypatch) -> None:
    held, shared = [], []
    hold, evaluate = NodeContext.hold, date_time_v1.evaluate_javascript

    async def look(context, program, rows):
        shared.append(len({id(row["format"]) for row in rows}))
        return await evaluate(context, program, rows)

    monkeypatch.setattr(date_time_v1, "evaluate_javascript", look)
    monkeypatch.setattr(NodeContext, "hold", lambda context, size: (held.append(size), hold(context, size))[1])
    many = node("Many", "code", {"jsCode": "return Array.from({ length: 30 }, (_, n) => ({ json: { n } }))"})
    literal = "[" + "x" * 10 + "]" + "-" * 2_000
    date = node("Date", "dateTime", {"value": "2026-01-01", "toFormat": literal})
    outcome = engine.run(chain(START, many, date))
    assert output_of(outcome, "Date")[-1]["data"] == literal[1:11] + literal[12:]
    assert shared == [1]
    assert weigh([literal, date_time_v1._pieces(literal)]) in held


def test_a_format_that_was_too_much_is_too_much_for_the_next_item_as_well() -> None:
    def hold(size: int) -> None:
        raise TooMuchData(1)

    formats = date_time_v1._Formats(hold)
    for index in range(2):
        with pytest.raises(TooMuchData):
            formats.made_by(date_time_v1._pieces, "YYYY", index)


def test_what_is_too_much_for_the_run_is_no_fault_of_an_item(engine: Engine) -> None:
    """A node that goes on with its other items does not go on with less of them than it was given."""
    many = node("Many", "code", {"jsCode": "return [0, 1, 2].map((n) => ({ json: { n } }))"})
    literal = "={{ $json.n === 1 ? '[' + 'x'.repeat(9_900) + ']' : 'YYYY' }}"
    date = node("Date", "dateTime", {"value": "2026-01-01", "toFormat": literal}, onError="continueRegularOutput")
    outcome = engine.run(chain(START, many, date), ports=Ports(meter=Meter(20_000)))
    [run] = outcome.data["resultData"]["runData"]["Date"]
    assert "EXECUTIONS_RUN_BYTES" in run["error"]["message"]
    assert [item["json"] for item in run["data"]["main"][0]] == [{"n": n} for n in range(3)]
