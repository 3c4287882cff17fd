"""Our JavaScript conversions against JavaScript's own, and paths that do not touch what others hold."""

import itertools
import random

import pytest

from app import dates
from app.engine.values import conversions, paths
from tests.engine.values.javascript import in_javascript

NUMBERS = [0, 1, -1, 0.1, 2.5, 1e21, 1.5e300, 1e-7, 1.25e-7, 1e-6, 123456789012345680, 1e16, 5e-324, -0.5, 100, 1e20]
TEXTS = [
    "",
    " 7 ",
    "12.5",
    "1e3",
    "0x10",
    "0b11",
    "0o17",
    "abc",
    "1_000",
    "1,5",
    ".5",
    "5.",
    "+3",
    "-3",
    "1e",
    "Infinity",
]


def test_numbers_are_written_as_javascript_writes_them(engine):
    chance = random.Random(1)
    values = NUMBERS + [chance.uniform(-1, 1) * 10 ** chance.randint(-25, 25) for _ in range(500)]
    assert [conversions.to_string(value) for value in values] == in_javascript(engine, "String(v)", values)


def test_texts_become_the_numbers_that_javascript_makes_of_them(engine):
    ours = [conversions.to_string(conversions.to_number(text)) for text in TEXTS]
    assert ours == in_javascript(engine, "String(Number(v))", TEXTS)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{a: 1, 'b': 'it\\'s', \"c\": [true, null]}", {"a": 1, "b": "it's", "c": [True, None]}),
        ('["say \\"hi\\""]', ['say "hi"']),
        ("['a \"quoted\" word']", ['a "quoted" word']),
    ],
)
def test_lenient_json_is_what_people_write(text, value):
    assert conversions.parse_lenient_json(text) == value


@pytest.mark.parametrize(
    "text", ["", "{", "{a}", "nope", "{'a': nope}", "[1 2]", "NaN", "[Infinity]", '{"a": 1}}', '{"a": "two\nlines"}']
)
def test_what_is_no_json_is_refused(text):
    with pytest.raises(conversions.CannotConvert):
        conversions.parse_lenient_json(text)


def test_writing_a_path_leaves_what_is_shared_as_it_was():
    shared = {"a": {"b": [{"c": 1}]}}
    mine = dict(shared)
    paths.put(mine, "a.b[0].c", 2)
    paths.put(mine, "a.new[1]", "x")
    assert mine == {"a": {"b": [{"c": 2}], "new": [None, "x"]}}
    paths.remove(mine, "a.b[0].c")
    assert mine["a"]["b"] == [{}]
    assert shared == {"a": {"b": [{"c": 1}]}}


def test_a_key_that_spells_a_path_wins_over_the_path():
    json = {"a.b": 1, "a": {"b": 2}}
    assert paths.get(json, "a.b") == 1
    paths.put(json, "a.b", 3)
    assert json == {"a.b": 3, "a": {"b": 2}}
    assert paths.get({"a": {"b": 2}}, "a.b", dots=False) is None


def test_an_index_far_beyond_an_array_is_refused():
    with pytest.raises(ValueError, match="too far"):
        paths.put({"a": []}, "a[999999999]", 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-02", "2024-01-01T23:00:00.000Z"),
        ("2024-01-02T03:04:05.678Z", "2024-01-02T03:04:05.678Z"),
        ("2024-01-02 03:04:05", "2024-01-02T02:04:05.000Z"),
        ("2024-01-02T03:04+05:30", "2024-01-01T21:34:00.000Z"),
        ("Mon, 01 Jan 2024 10:00:00 GMT", "2024-01-01T10:00:00.000Z"),
        ("2024-W05-1", "2024-01-28T23:00:00.000Z"),
        ("2024-033", "2024-02-01T23:00:00.000Z"),
        ("Jan 2 2024", "2024-01-01T23:00:00.000Z"),
        ("garbage", None),
        ("", None),
        ("99999", None),
    ],
)
def test_dates_are_read_in_the_time_zone_given(text, expected):
    found = dates.parse(text, "Europe/Berlin")
    assert (found and dates.to_iso(found)) == expected


def test_an_unknown_time_zone_is_utc():
    assert dates.zone("Mars/Olympus").key == "UTC"
    assert dates.zone("../etc/passwd").key == "UTC"


@pytest.mark.parametrize(
    "text", ['""""', "'a' 'b'", "1 2", "[,", "[1,,2]", "{a::1}", "[1] [2]", "2026-01-01T00:00", "{" * 1_001]
)
def test_what_cannot_be_json_is_given_up_at_once(text):
    tokens = itertools.islice(conversions._strict_tokens(text + " 1" * 10_000), 1_001)
    with pytest.raises(conversions.CannotConvert):
        list(tokens)
