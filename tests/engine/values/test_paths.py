"""Paths and lists of fields are bounded: what parameters spell is looked for in every item."""

import pytest

from app.engine.run.errors import NodeError
from app.engine.run.parameters import MAX_NAMES, split_names
from app.engine.values import paths


@pytest.mark.parametrize("sign", [".", "a.", "[0]", "['a']"])
def test_a_path_of_very_many_steps_is_a_key(sign: str) -> None:
    long = sign * paths.MAX_LENGTH + "."
    assert paths.split(long) == [long]
    assert len(paths.split(sign * 1_000)) >= 1_000
    made: dict[str, object] = {}
    paths.put(made, long, 1)
    assert made == {long: 1}
    assert paths.get(made, long) == 1
    paths.remove(made, long)
    assert made == {}


def test_a_list_names_a_bounded_number_of_fields() -> None:
    assert len(split_names("a," * (MAX_NAMES - 1))) == MAX_NAMES - 1
    for given in ("a," * MAX_NAMES, ["a"] * MAX_NAMES):
        with pytest.raises(NodeError, match="20,000"):
            split_names(given)


@pytest.mark.parametrize("path", ["a[{}]", "a.{}", "a[{}].b"])
def test_a_number_that_is_too_long_for_an_index_is_a_name(path: str) -> None:
    spelled = path.format("9" * 5_000)
    assert paths.get({"a": [1]}, spelled, "nothing") == "nothing"
    made: dict[str, object] = {}
    paths.put(made, spelled, 1)
    assert paths.get(made, spelled) == 1
    listed = {"a": [1]}
    paths.put(listed, spelled, 2)
    paths.remove(listed, spelled)
    assert listed["a"][0] == 1
