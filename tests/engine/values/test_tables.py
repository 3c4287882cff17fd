"""Separated values: what is malformed is told wherever it stands."""

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
