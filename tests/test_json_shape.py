"""The shape of a JSON text is JSON with the same lists and objects, at places that it knows in the whole."""

import json
import random
from typing import Any

import pytest

from app import json_shape
from app.json_shape import JsonShape
from app.repository import run_scan

TEXTS = ['"' * 30, "\\" * 31, "é\U0001f600" * 12, 'a,[]{}":1,' * 4, "", "x", ',"', "y" * 70]
NAMES = ["a", "b" * 40, 'c,"' * 20, "d\\"]


@pytest.fixture(params=[8, 37, 200])
def _small(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    for name, size in {"AT_ONCE": 0, "WINDOW": request.param, "LONG": 8, "FLAT": 100}.items():
        monkeypatch.setattr(json_shape, name, size)


def made(chance: random.Random, levels: int) -> Any:
    kind = chance.random()
    if levels == 0 or kind < 0.4:
        return chance.choice([1, None, True, ["a,", 2] * 60, dict.fromkeys(map(str, range(40)), 3), *TEXTS])
    if kind < 0.7:
        return [made(chance, levels - 1) for _ in range(chance.randint(0, 9))]
    return {chance.choice(NAMES) + str(n): made(chance, levels - 1) for n in range(chance.randint(0, 5))}


def document(chance: random.Random) -> bytes:
    runs = {
        f"{chance.choice(NAMES)}{n}": [
            {
                "executionIndex": n,
                "data": {"main": [[{"json": made(chance, 4)} for _ in range(chance.randint(0, 4))], None]},
                "error": {"message": chance.choice(TEXTS) * 3, "description": "of many words, and more"},
            }
        ]
        for n in range(chance.randint(0, 4))
    }
    result = {"runData": runs, "lastNodeExecuted": chance.choice(NAMES[:2]), "error": {"message": chance.choice(TEXTS)}}
    data = {"startData": made(chance, 3), "resultData": result}
    return json.dumps(data, separators=(",", ":"), ensure_ascii=chance.random() < 0.5).encode()


@pytest.mark.usefixtures("_small")
def test_run_data_is_found_where_it_stands_in_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(5)
    shorter = 0
    for _ in range(20):
        text = document(chance)
        seen = run_scan.scan(text)
        shorter += len(text) - len(JsonShape(text).text)
        with monkeypatch.context() as patch:
            patch.setattr(json_shape, "AT_ONCE", len(text))
            assert run_scan.scan(text) == seen
    assert shorter


@pytest.mark.usefixtures("_small")
def test_it_is_json_of_the_same_lists_and_objects(monkeypatch):
    chance = random.Random(6)
    for _ in range(20):
        text = json.dumps(made(chance, 5), separators=(",", ":")).encode()
        shape = JsonShape(text)
        json.loads(shape.text)
        assert [shape.whole[shape.place(at + 1) - 1] for at in range(len(shape.text))] == [*shape.text]


@pytest.mark.parametrize(
    "text",
    [b'["' + b'\\"' * 600_000 + b'"]', b'["' + b"\\\\" * 600_000 + b'"]', b"[" + b"1," * 600_000 + b"1]",
     b"[" + b'"\\"",' * 400_000 + b"1]", b"[" + b'["' + b"a" * 1_000 + b'"]' + b"," + b'["%s"]]' % (b"b" * 2_000_000)],
)  # fmt: skip
def test_little_is_left_of_long_strings_and_of_many_values(text, monkeypatch):
    monkeypatch.setattr(json_shape, "AT_ONCE", 0)
    shape = JsonShape(text)
    assert len(shape.text) < 2_000
    json.loads(shape.text)
    assert shape.place(len(shape.text)) == len(text)


@pytest.mark.parametrize("text", [b'"', b'["a', b'[1,"\\', b'"\\"a', b'{"a":', b'\\"\\', b"]],,"])
@pytest.mark.usefixtures("_small")
def test_what_is_no_json_has_a_shape_that_is_none(text):
    for more in (text, text + b"a" * 300, text + b'\\"' * 300):
        shape = JsonShape(more).text
        with pytest.raises(json.JSONDecodeError):
            json.loads(shape)
