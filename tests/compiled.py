"""What a test run loads is compiled once and kept, not once by each of its processes."""

import compileall
import importlib
import os
import re
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
BY_PYTEST = re.compile(r"test_\w+\.py$|conftest\.py$")
"""It compiles these itself, to show what an assert compared."""


def compile_program() -> None:
    """Compile the program and what helps the tests, with all processors; what is compiled already is left."""
    with ProcessPoolExecutor() as processes:
        list(processes.map(partial(compileall.compile_file, quiet=2), sources(), chunksize=50))


def sources() -> list[Path]:
    """The files to compile. compileall would hand over one by one all that stands beside them, ten times as many."""
    found = []
    for top in (TESTS.parent / "app", TESTS):
        for folder, below, names in os.walk(top):
            below[:] = [name for name in below if name not in ("node_modules", "__pycache__")]
            found += [Path(folder, name) for name in names if name.endswith(".py") and not BY_PYTEST.match(name)]
    return found


def load_share(number: int, processes: int) -> None:
    """Load the share of one of so many processes of the test modules, which pytest compiles then.

    Where all of them load all, in the same order, each compiles all. What cannot be loaded is told of by who collects.
    """
    for path in sorted(TESTS.rglob("test_*.py"))[number::processes]:
        name = ".".join(path.relative_to(TESTS.parent).with_suffix("").parts)
        with suppress(Exception, pytest.skip.Exception):
            importlib.import_module(name)
