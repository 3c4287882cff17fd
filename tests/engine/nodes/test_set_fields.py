"""Which fields of Edit Fields are made without a look at each of their names and types, and what long JSON costs."""

from typing import Any

import pytest

from app.engine.nodes.set import json_text
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


def test_of_a_very_long_text_nothing_is_told_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be looked at for long on the loop, before there is a node that could be ended."""
    monkeypatch.setattr(json_text, "_step", None)
    assert json_text.may_be_object("{" + "a: 1," * 25_000 + "}")
