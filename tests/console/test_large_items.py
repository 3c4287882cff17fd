"""Items that are too large for memory: long texts are cut wherever the pieces end, and searched all the same."""

from collections import deque

import orjson
import pytest

from app.console import large_items
from app.console.large_items import Search, shorten

KEPT, LONGEST = 30, 200
LONG = 'é"\\\n\U0001f600' * LONGEST
ITEM = {"json": {"a\\": [1, "b\\\\", "", {"c": '"'}], "long": "x" * (LONGEST + 1), LONG: None, "last": LONG}}


@pytest.fixture(autouse=True)
def short_limits(monkeypatch):
    monkeypatch.setattr(large_items, "LONGEST", LONGEST)
    monkeypatch.setattr(large_items, "KEPT", KEPT)


def pieces_of(document, size):
    text = orjson.dumps(document)
    return [text[at : at + size] for at in range(0, len(text), size)]


@pytest.mark.parametrize("size", [1_000_000, 99, 7])
def test_long_texts_are_cut_and_all_else_stays(size):
    shown = orjson.loads(shorten(pieces_of(ITEM, size)))["json"]
    assert shown == {"a\\": ITEM["json"]["a\\"], "long": "x" * KEPT + "…", "é…": None, "last": "é…"}


def test_texts_that_are_just_not_too_long_stay_whole():
    for text in ("x" * LONGEST, "\\" * (LONGEST // 2), "é" * (LONGEST // 2)):
        assert orjson.loads(shorten(pieces_of([text], 999))) == [text]
    assert len(orjson.loads(shorten(pieces_of(["x" * 3 + "é" * LONGEST], 999)))[0]) < KEPT


def test_what_is_large_without_long_texts_is_not_taken(monkeypatch):
    monkeypatch.setattr(large_items, "MOST", 1_000)
    assert shorten(pieces_of(["short"] * 1_000, 100)) is None


@pytest.mark.parametrize(("text", "found"), [("NEEDLE é", True), ('a"b', True), ("needles", False)])
def test_a_search_sees_what_is_cut_and_what_two_pieces_share(text, found):
    search = Search(text)
    deque(search.watch(pieces_of(["x" * 5_000 + 'Needle É a"b'], 7)), maxlen=0)
    assert search.has_found is found
