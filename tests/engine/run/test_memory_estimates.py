"""How much memory values take: estimated about right, before they are there and of those that are."""

import json
import tracemalloc
from collections.abc import Callable
from sys import getsizeof
from typing import Any

import orjson
import pytest

from app.engine.run import memory
from app.engine.run.memory import LIGHT, PART, _survey, estimate, length_of_texts, text_size, weigh, weigh_light

MIB = 2**20
SHAPES: dict[str, Any] = {
    "empty arrays": [[] for _ in range(1_000)],
    "empty objects": [{} for _ in range(1_000)],
    "numbers": [1000 + number for number in range(1_000)],
    "short texts": [f"text {number}" for number in range(1_000)],
    "long texts": ["x" * 1_000 + str(number) for number in range(1_000)],
    "items": [
        {"json": {"id": number, "name": f"n{number}", "tags": [], "more": {"a": 1.5}}} for number in range(1_000)
    ],
    "nested": [[[[{"a": [number]}]]] for number in range(1_000)],
}


def real_size(value: Any) -> int:
    own = getsizeof(value)
    if isinstance(value, dict):
        return own + sum(map(real_size, value.values()))
    return own + sum(map(real_size, value)) if isinstance(value, list) else own


@pytest.mark.parametrize("shape", SHAPES)
def test_the_estimate_is_neither_far_below_nor_far_above(shape: str) -> None:
    values = SHAPES[shape]
    assert 0.45 < weigh(values) / real_size(values) < 3.5
    assert estimate(orjson.dumps(values)) == estimate(orjson.dumps(values).decode()) == weigh(values)


@pytest.mark.parametrize("shape", SHAPES)
def test_light_values_weigh_the_same_at_once_and_others_are_left(shape: str) -> None:
    few, many = SHAPES[shape][:20], [SHAPES[shape] * 10]
    assert weigh_light(few) == weigh(few)
    assert weigh_light(few, most=weigh(few) // 4) is None
    assert weigh_light(many) is None
    assert weigh_light(many[0]) is None


@pytest.mark.parametrize(
    "values",
    [
        [{"x": [{f"{number}": "\N{PILE OF POO}" * 99} for number in range(4_990)]}],
        [{"x": "\N{PILE OF POO}" * (2**20 - 1)}],
    ],
    ids=["many values", "a long text"],
)
def test_no_light_values_take_more_than_is_known_of_them(values: list[Any]) -> None:
    assert weigh_light(values) is not None
    assert real_size(values) < LIGHT
    assert _survey(values, 2 * LIGHT)[2] < LIGHT


def size_with_names(value: Any, known: set[int]) -> int:
    if id(value) in known:
        return 0
    known.add(id(value))
    inner = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return getsizeof(value) + sum(size_with_names(each, known) for each in inner)


NAMES: dict[str, Any] = {
    "one object": [{f"name{number}": number + 1_000 for number in range(20_000)}],
    "an object each": [{f"name{number}": number} for number in range(5_000)],
    "some an object": [{f"name{number}-{place}": number for place in range(20)} for number in range(500)],
    "escaped": [{f'{number}\n"x': number for number in range(20_000)}],
    "the same in all": [{f"field{place}": f"{number}-{place}" for place in range(30)} for number in range(500)],
}


@pytest.mark.parametrize("shape", NAMES)
def test_names_that_stand_once_are_counted_and_others_are_not(shape: str) -> None:
    text = orjson.dumps(NAMES[shape])
    for given in (text, text.decode()):
        assert 0.6 < estimate(given) / size_with_names(orjson.loads(text), set()) < 2.2


@pytest.mark.parametrize("columns", [3, 6, 12, 30, 60, 100])
def test_rows_of_many_columns_are_counted_as_they_lie_in_memory(columns: int) -> None:
    text = orjson.dumps([{f"field{place}": f"{row}-{place}" for place in range(columns)} for row in range(200)])
    rows = orjson.loads(text)
    for size in (estimate(text), estimate(text.decode()), weigh(rows)):
        assert 0.75 < size / size_with_names(rows, set()) < 1.4


@pytest.mark.parametrize("sign", ["x", "é", "я", "😀"])
@pytest.mark.parametrize("wrap", [lambda text: text, lambda text: {"a": text}, lambda text: {"data": {"data": text}}])
def test_a_large_text_is_weighed_without_a_second_one(wrap: Callable[[str], Any], sign: str) -> None:
    text = sign * 8 * MIB
    real = getsizeof(text) + (0 if sign == "x" else len(sign.encode()) * len(text))
    tracemalloc.start()
    size = weigh([wrap(text)])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert real - 100 < size < real + 1_000
    assert peak < 4 * MIB


def test_json_in_a_text_is_weighed_without_its_bytes() -> None:
    text = '["' + "é" * 8 * MIB + '"]'
    tracemalloc.start()
    size = estimate(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 24 * MIB < size < 24 * MIB + 1_000
    assert peak < 8 * MIB


def test_texts_are_counted_by_their_characters_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(memory, "_size_of")
    value = [{"text": "😀" * 600, "more": [{"text": "😀" * 600}]}]
    assert length_of_texts(value, 1_000) == 1_200


@pytest.mark.parametrize("sign", ["é", "я", "中", "😀"])
@pytest.mark.parametrize("plain", ["", "x"])
@pytest.mark.parametrize("long", [False, True])
def test_texts_count_with_the_utf_8_that_stays_with_them(sign: str, plain: str, *, long: bool) -> None:
    text = (plain or sign) * 30 + sign
    values = [text * 50_000] if long else [f"{text}{number}" for number in range(200)]
    before = _survey(values, LIGHT * 4)[2]
    written = orjson.dumps(values)
    real = sum(map(getsizeof, values))
    assert all(getsizeof(value) > getsizeof("_" + value) for value in values), "orjson leaves its UTF-8 with the text"
    assert before == _survey(values, LIGHT * 4)[2]
    ascii_only = json.dumps(values)
    for size in (weigh(values), before, estimate(written), estimate(written.decode()), estimate(ascii_only)):
        assert 0.65 < size / real < 2.8


TEXTS = [
    *["x" * 1_000, "é" * 1_000, "я" * 1_000, "x" * 1_000 + "я", "x" * 1_000 + "😀"],
    r"\u00e9 \u" * 1_000 + "я",
    "x" * PART + "é",
    "é" * PART + "😀",
]
CODECS = ["utf-8", "utf-8-sig", "utf-16", "utf-32-le", "cp1251", "ascii", "latin-1", "gb18030", "iso2022-jp", "hz"]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("text", TEXTS, ids=lambda text: f"{text[:4]}{len(text)}{text[-1]}")
def test_a_text_is_counted_before_it_is_decoded(text: str, codec: str) -> None:
    given = text.encode(codec, "ignore")
    text = given.decode(codec)
    beside = 0 if text.isascii() else len(text.encode())
    assert abs(getsizeof(text) + beside - text_size(given, codec)) < 100


@pytest.mark.parametrize("given", [b"\x80" * 1_000, b"\xff" * 1_000])
def test_what_is_replaced_counts_as_what_it_becomes(given: bytes) -> None:
    assert 5_000 <= text_size(given) < 5_100


def test_a_text_without_a_mark_of_the_order_of_its_bytes_is_counted() -> None:
    assert 4_000 <= text_size(("я" * 1_000).encode("utf-16-le"), "utf-16") < 4_100


def test_what_orjson_cannot_write_is_weighed_as_well() -> None:
    deep: list[Any] = []
    for _ in range(1_000):
        deep = [deep]
    assert weigh([deep]) > 50_000
    assert weigh([2**200]) > 40
