"""Separated values: what is malformed is told wherever it stands."""

import csv
import random
import re
import sys
import threading
import time

import pytest

from app.engine.values import table_cells, table_lines, tables
from app.engine.values.table_cells import MANY_CELLS
from app.engine.values.tables import MalformedTable

MANY = "a,b\n" * MANY_CELLS


@pytest.mark.parametrize("text", ["", "a", "a\n", "\n\n", MANY, MANY + '"x,""\n",y', MANY + "x"])
def test_what_is_well_formed_is_read(text: str) -> None:
    assert all(len(row) in (1, 2) for row in tables.read(text))


@pytest.mark.parametrize("text", ['a"', '"a"b', '"a', MANY + 'x"', MANY + '"x"y,z', MANY + '"'])
def test_a_stray_quote_is_told_however_far_in_it_stands(text: str) -> None:
    with pytest.raises(MalformedTable):
        list(tables.read(text))


def test_a_stray_quote_is_told_in_a_row_with_a_long_cell() -> None:
    before = csv.field_size_limit(131_072)  # that of a process which has read no table yet
    try:
        with pytest.raises(MalformedTable, match='on field "b" at line 2'):
            list(tables.read("a,b\n" + "x" * 200_000 + ',y"z', named=True))
    finally:
        csv.field_size_limit(before)


@pytest.mark.parametrize("row", ["a," * 2_000, '"a",' * 2_000])
@pytest.mark.parametrize("named", [False, True])
def test_cells_that_are_read_to_tell_a_stray_quote_are_counted_before(row: str, named: bool) -> None:
    held: list[int] = []
    with pytest.raises(MalformedTable, match="quote is found on field"):
        list(tables.read(f'x,y\n{row}b"' if named else f'{row}b"', named=named, hold=held.append))
    assert sum(held) >= 2_000 * tables.CELL


@pytest.mark.parametrize("text", ["", "\n", "\r\n", "a\r\n\r\n\rb\n\n\r", "\n\r" * 3])
def test_lines_are_counted_by_any_of_their_ends(text: str) -> None:
    for place in range(len(text) + 1):
        assert table_lines.count_line_ends(text, 0, place) == len(re.findall(r"\r\n|\n|\r", text[:place]))


@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('"a"b,c\n', [['"a"b', "c"]]),
        ('x,"a"b\r\n"c,d"e"\n', [["x", '"a"b'], ['"c,d"e"']]),
        ('xy"z,""q\n"",""\n', [['xy"z', '""q'], ["", ""]]),
        ('"a""b","c"\n', [['a"b', "c"]]),
    ],
)
def test_stray_quotes_are_found_wherever_a_part_of_the_text_ends(
    size: int, text: str, rows: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_cells, "WINDOW", size)
    assert list(tables.read(text, relaxed=True)) == rows
    with pytest.raises(MalformedTable):
        list(tables.read(text + '"open', relaxed=True))


def test_other_threads_have_their_turn_while_stray_quotes_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_cells, "WINDOW", 4_096)
    text, looks, over = "ab,cd\n" * 200_000, threading.Event(), threading.Event()
    turns = 0

    def count() -> None:
        nonlocal turns
        while not over.is_set():
            turns += looks.is_set()
            time.sleep(0)

    def turns_of_a_look() -> int:
        began = turns
        looks.set()
        tables._with_stray_quotes(text, ",", lambda size: None)
        looks.clear()
        return turns - began

    counting, interval = threading.Thread(target=count), sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    try:
        counting.start()
        assert any(turns_of_a_look() > 10 for _ in range(20))  # a full machine gives few turns to anybody
    finally:
        over.set()
        counting.join()
        sys.setswitchinterval(interval)


def read_with(
    window: int, text: str, monkeypatch: pytest.MonkeyPatch, **more: object
) -> list[tuple[list[str], int]] | str:
    """The rows, each with the line that it ends in; of a malformed table, what is said of it."""
    monkeypatch.setattr(table_cells, "WINDOW", window)
    position = tables.Position()
    try:
        return [(row, position.line) for row in tables.read(text, position=position, **more)]  # type: ignore[arg-type]
    except MalformedTable as error:
        return str(error)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('1,2\nx"y,"z\nz"\n3,4', [(["1", "2"], 2), (["3", "4"], 5)]),
        ('4,"5"6,7\n8,9"\r\n"1\n0",11\n', [(["1\n0", "11"], 5)]),
        ('12,1""3\r"14,""x,15\n16,17\n', []),
        ('1,2\n"3"4\n5""\n"6", 7', [(["1", "2"], 2)]),
        ('1,2\n3,"4" ""5",6"\n7,8\n9,"', [(["1", "2"], 2), (["7", "8"], 4)]),
    ],
)
@pytest.mark.parametrize("window", [2, 5, 2**20])
def test_a_row_with_a_stray_quote_is_left_out_up_to_its_end(text, rows, window, monkeypatch) -> None:
    assert read_with(window, "a,b\n" + text, monkeypatch, skip=lambda: True)[1:] == rows


def test_rows_before_a_stray_quote_are_read_first() -> None:
    read = tables.read('a,b\n1,"2\n3"\n4,x"y\n', position=tables.Position(skipped=7))
    assert [next(read), next(read)] == [["a", "b"], ["1", "2\n3"]]
    with pytest.raises(MalformedTable, match="at line 11,"):
        next(read)


def test_no_row_takes_the_place_of_malformed_names() -> None:
    with pytest.raises(MalformedTable, match="Opening Quote"):
        list(tables.read('a"b,c\n1,2', named=True, skip=lambda: True))


@pytest.mark.parametrize("more", [{}, {"relaxed": True}, {"delimiter": ";;"}, {"delimiter": ";;", "relaxed": True}])
def test_cells_are_the_same_wherever_a_part_of_the_text_ends(more, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(0)
    parts = ["x", "xyz", "", '"a,b"', '"c""d"', '""', '"e\nf"', '"g\r\nhijklm""n"', 'o"p', '"q"r', '"', "s;t", '"u;;v"']
    for _ in range(60):
        mark = str(more.get("delimiter", ","))
        cells = [chance.choice(parts[: chance.choice([9, 13])]) for _ in range(8)]
        text = "".join(cell + chance.choice([mark, mark, "\n", "\r\n", "\r"]) for cell in cells) + chance.choice(
            parts[:9]
        )
        whole = read_with(2**20, text, monkeypatch, **more)
        for window in (2, 3, 5, 8):
            assert read_with(window, text, monkeypatch, **more) == whole, text


def test_no_more_than_a_part_of_a_long_cell_is_looked_at_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_cells, "WINDOW", 100)
    given: list[int] = []

    class Lines(tables.Lines):
        def __next__(self) -> str:
            part = super().__next__()
            given.append(len(part))
            return part

    monkeypatch.setattr(tables, "Lines", Lines)
    cells = ["x" * 5_000, 'a"b' * 1_000, "c\n" * 1_000, "", "d"]
    text = "x" * 5_000 + ',"' + 'a""b' * 1_000 + '","' + "c\n" * 1_000 + '",,d'
    assert list(tables.read(text)) == [cells]
    assert max(given) <= 110
