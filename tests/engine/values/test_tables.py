"""Separated values: what is malformed is told wherever it stands."""

import csv

import pytest

from app.engine.values import tables
from app.engine.values.tables import MANY_CELLS, MalformedTable

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
