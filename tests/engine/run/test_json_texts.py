"""JSON of texts: no burden to the loop where it is large, nor to the memory."""

import threading

import pytest

from app.engine.run import json_texts
from app.engine.run.json_texts import parse_json
from app.engine.run.meter import Meter, TooMuchData
from tests.engine.running import Engine


class Context:
    """As much of a NodeContext as is asked for."""

    def __init__(self, meter: Meter) -> None:
        self.hold = meter.add


def test_a_large_text_is_read_in_a_thread_and_weighed_before(engine: Engine, monkeypatch) -> None:
    readers: list[int] = []
    original = json_texts.conversions.parse_json
    monkeypatch.setattr(
        json_texts.conversions, "parse_json", lambda text: readers.append(threading.get_ident()) or original(text)
    )
    large = "[" + "[]," * 500_000 + "[]]"
    assert engine.wait_for(parse_json(Context(Meter()), "[1]")) == [1]
    assert len(engine.wait_for(parse_json(Context(Meter()), large))) == 500_001
    assert readers[0] == threading.get_ident() != readers[1]
    with pytest.raises(TooMuchData):
        engine.wait_for(parse_json(Context(Meter(20 * 2**20)), large))
    assert len(readers) == 2
