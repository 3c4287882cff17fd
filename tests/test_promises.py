"""docs/promises.md and SECURITY.md: each promise names a test, and each test that it names is there."""

import ast
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PROMISES = re.split(r"^- ", (PROJECT / "docs" / "promises.md").read_text(), flags=re.MULTILINE)[1:]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def functions_of(path: Path) -> set[str]:
    functions = (entry for entry in ast.walk(ast.parse(path.read_text())) if isinstance(entry, ast.FunctionDef))
    return {function.name for function in functions}


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise[:40])
def test_each_promise_names_tests_that_are_there(promise: str) -> None:
    named = NAMED.findall(promise)
    assert named
    for path, name in named:
        assert (PROJECT / path).is_file(), path
        assert name in functions_of(PROJECT / path), f"{path}::{name}"


def test_each_row_of_the_security_page_names_tests_that_are_there() -> None:
    rows = [line for line in (PROJECT / "SECURITY.md").read_text().splitlines() if line.startswith("| ")][2:]
    assert rows
    for row in rows:
        checked = re.findall(r"`(tests/[\w/.]+)`", row.split("|")[-2])
        assert checked, row
        for path in checked:
            assert (PROJECT / path).exists(), path
