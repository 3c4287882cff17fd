"""Our JavaScript comparisons against JavaScript's own."""

from app.engine.values import comparisons
from tests.engine.values.javascript import in_javascript


def test_less_is_javascripts_less(engine):
    values = [0, 1, -1, 2.5, "", "1", "10", "9", "a", "B", "\U0001f600", "\uffff", True, False, None, [], [2], {"a": 1}]
    pairs = [[left, right] for left in values for right in values]
    ours = ["true" if comparisons.less_than(left, right) else "false" for left, right in pairs]
    assert ours == in_javascript(engine, "String(v[0] < v[1])", pairs)


def test_deep_equality_keeps_types_apart():
    assert comparisons.deep_equal({"a": [1, {"b": None}]}, {"a": [1.0, {"b": None}]})
    assert not comparisons.deep_equal(1, True)
    assert not comparisons.deep_equal("1", 1)
    assert not comparisons.deep_equal({"a": None}, {})
