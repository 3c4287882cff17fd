"""The regular expressions that the program compiles, and how its sources use them."""

import importlib
import json
import pkgutil
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import app

ROOT = Path(app.__file__).parent
SOURCES = {file: file.read_text() for file in sorted(ROOT.rglob("*.py")) if "node_modules" not in file.parts}
USE = re.compile(r"(?:\b(\w+)\.)?\b(\w+)\.(match|fullmatch|search|sub|finditer|findall|split)\b")


"""Where a pattern is used, and how: `NAME.search` in its own module, `module.NAME.search` in others."""


def patterns() -> Iterator[Any]:
    """Those that have a name at the top of a module, as parameters of a test: what is done with it, and the pattern."""
    uses = {file: Uses(source) for file, source in SOURCES.items()}
    everywhere = Uses("\n".join(SOURCES.values()))
    for module in pkgutil.walk_packages([str(ROOT)], "app."):
        loaded = importlib.import_module(module.name)
        here = uses[Path(str(loaded.__file__))]
        own = module.name.rpartition(".")[2]
        for name, value in vars(loaded).items():
            if isinstance(value, re.Pattern):
                used = here.of(name) | everywhere.of(name, own)
                yield pytest.param(use_of(value, used or {"search"}), value, id=f"{module.name}.{name}")
            elif isinstance(value, tuple):
                listed = [each for row in value if isinstance(row, tuple) for each in row]
                for pattern in (each for each in listed if isinstance(each, re.Pattern)):
                    yield pytest.param(pattern.findall, pattern, id=f"{module.name}.{name}-{pattern.pattern[:20]}")


class Uses:
    """How a source uses patterns. It is read once for all of them: there are hundreds, and three megabytes."""

    def __init__(self, source: str) -> None:
        self._found: dict[tuple[str | None, str], set[str]] = defaultdict(set)
        for module, name, use in USE.findall(source):
            self._found[None, name].add(use)
            self._found[module, name].add(use)

    def of(self, name: str, module: str | None = None) -> set[str]:
        """How it uses the pattern with this name, with its module's before it where that is given."""
        return self._found.get((module, name), set())


COMPILED = """
import importlib, json, pkgutil, re, sys
import app
compile, found, root = re._compile, [], app.__path__[0] + "/"
def note(pattern, flags):
    frame, made = sys._getframe(1), compile(pattern, flags)
    while frame and not frame.f_code.co_filename.startswith((root, "<frozen importlib")):
        frame = frame.f_back
    if frame and frame.f_code.co_filename.startswith(root):
        in_bytes = isinstance(made.pattern, bytes)
        text = made.pattern.decode("latin-1") if in_bytes else made.pattern
        found.append([frame.f_code.co_filename[len(root):], frame.f_lineno, text, made.flags, in_bytes])
    return made
re._compile = note
for module in pkgutil.walk_packages(app.__path__, "app."):
    importlib.import_module(module.name)
print(json.dumps(found))
"""


@cache
def compiled_at_load() -> dict[str, re.Pattern[Any]]:
    """What is compiled as the modules are loaded, by its place: the line of ours that led to it."""
    program = subprocess.run([sys.executable, "-c", COMPILED], capture_output=True, text=True, check=True)
    return {
        f"{file}:{line}": re.compile(text.encode("latin-1") if in_bytes else text, flags)
        for file, line, text, flags, in_bytes in json.loads(program.stdout)
    }


def compiled_elsewhere() -> dict[str, re.Pattern[Any]]:
    """Of that what has no name at the top of a module: in a class, in a dictionary, as a default, for a validator."""
    named = {each.values[1] for each in patterns()}
    return {place: pattern for place, pattern in compiled_at_load().items() if pattern not in named}


def use_of(pattern: re.Pattern[Any], names: set[str]) -> Callable[[Any], object]:
    """The most that is done with it: looking for it once at one place, or everywhere."""
    anywhere = names - {"match", "fullmatch"}
    return (lambda text: pattern.findall(text)) if anywhere else pattern.match
