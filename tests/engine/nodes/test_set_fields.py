"""Which fields of Edit Fields are made without a look at each of their names and types."""

from typing import Any

import pytest

from app.engine.nodes.set.fields import Fields

TEXT = {"id": "1", "name": "a", "type": "string", "value": "={{ 1 }}"}


def test_fields_that_are_texts_are_known_by_their_names() -> None:
    fields = Fields([TEXT, {"name": "b"}, {"value": "x"}])
    names = fields.texts()
    assert names is not None
    assert [name for name, _ in names] == ["a", "b", "undefined"]
    assert [fields.cells[place] for _, place in names] == ["={{ 1 }}", None, "x"]


@pytest.mark.parametrize(
    "other",
    [{"type": "number"}, {"type": "={{ 'string' }}"}, {"name": "a.b"}, {"name": "['a']"}, {"name": "=a"}, {"name": 1}],
)
def test_one_field_of_another_kind_has_all_looked_at(other: dict[str, Any]) -> None:
    assert Fields([TEXT, {**TEXT, **other}]).texts() is None
