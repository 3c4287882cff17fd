"""What a test run loads is compiled once and kept, not once by each of its processes."""

import compileall
import importlib
import re
from contextlib import suppress
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
NOT_AS_PYTHON_DOES = re.compile(r"node_modules|/test_\w+\.py$|/conftest\.py$")
"""pytest compiles the last two itself, to show what an assert compared."""


def compile_program() -> None:
    """Compile the program and what helps the tests, with all processors; what is compiled already is left."""
    for folder in (TESTS.parent / "app", TESTS):
        compileall.compile_dir(folder, quiet=2, rx=NOT_AS_PYTHON_DOES, workers=0)


def load_share(number: int, processes: int) -> None:
    """Load the share of one of so many processes of the test modules, which pytest compiles then.

    Where all of them load all, in the same order, each compiles all. What cannot be loaded is told of by who collects.
    """
    for path in sorted(TESTS.rglob("test_*.py"))[number::processes]:
        name = ".".join(path.relative_to(TESTS.parent).with_suffix("").parts)
        with suppress(Exception, pytest.skip.Exception):
            importlib.import_module(name)
