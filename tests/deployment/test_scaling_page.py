"""docs/scaling.md names places of the program; they are there."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PAGE = (PROJECT / "docs" / "scaling.md").read_text()
# `NAME` in `path`, also several names before one path.
NAMED = re.compile(r"((?:`\w+`(?:,| and)?\s+)+)(?:in|of)\s+`((?:app|sql)/[\w./]+)`")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:app|sql|tests)/[\w./]+)`", PAGE))))
def test_every_file_that_it_names_is_there(path: str) -> None:
    assert (PROJECT / path).exists()


def test_every_place_that_it_names_is_there() -> None:
    found = [(name, path) for names, path in NAMED.findall(PAGE) for name in re.findall(r"`(\w+)`", names)]
    assert len(found) >= 12
    for name, path in found:
        assert re.search(rf"\b{name}\b", (PROJECT / path).read_text()), f"{name} is not in {path}"
