"""Dicts that never grow beyond a number of entries."""

from app.bounded_dict import BoundedDict


def test_the_oldest_entry_makes_room():
    numbers: BoundedDict[str, int] = BoundedDict(2)
    numbers.update({"a": 1, "b": 2, "c": 3})
    assert numbers == {"b": 2, "c": 3}


def test_an_entry_that_is_set_again_is_the_youngest():
    numbers: BoundedDict[str, int] = BoundedDict(2)
    for name in "aba":
        numbers[name] = len(numbers)
    numbers["c"] = 9
    assert list(numbers) == ["a", "c"]
