"""Regular expressions take time that grows with the length of a text and not with its square.

Each stands at the top of its module, where it is found here, so that a new one is measured without being listed.
"""

import ast
import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import app
from tests.linear.attacks import attack, parts, repeats

SMALL = int(os.environ.get("LINEAR_SIZE", "1000"))
"""Letters of a text: 1,000 in `make test`, 2,000 in `make check-linear`."""
SHARE = SMALL / 2_000
FACTOR = 8
"""A text so many times as long takes so many times as long, three times that at most; a quadratic one takes 64."""
MIN_SECONDS = 0.008 * SHARE**2
"""What a quadratic pattern takes for the large text at least; less may be chance."""
NOTICED_SECONDS = 0.0001 * SHARE
"""A linear pattern is through with the small text long before that, a quadratic one is not."""
LONG_SECONDS = 0.02
"""No linear pattern takes so long for the small text: there is no need of the large one."""
ALIKE = 1.25
"""Where the small text takes no more than so many times what a text of an eighth of it takes eight times, the part that
grows with the square is too small for the large text to show it either."""

MADE_IN_FUNCTIONS = {
    "app/engine/run/scope.py": "from a node's name, which is escaped; see test_scope_pattern",
    "app/engine/values/table_cells.py": "from a delimiter; see test_table_pattern",
    "app/engine/values/tables.py": "from a delimiter; see test_table_pattern",
}
PYTHON_CALLS = {"compile", "sub", "subn", "match", "search", "fullmatch", "split", "findall", "finditer"}
IMPORTED = re.compile(r"^\s*(?:from|import)\b.*\bre(?:gex)?\b", re.MULTILINE)
ROOT = Path(app.__file__).parent


def patterns() -> Iterator[Any]:
    for module in pkgutil.walk_packages([str(ROOT)], "app."):
        loaded = importlib.import_module(module.name)
        source = Path(str(loaded.__file__)).read_text()
        for name, value in vars(loaded).items():
            if isinstance(value, re.Pattern):
                yield pytest.param(use_of(value, uses(name, source)), value, id=f"{module.name}.{name}")
            elif isinstance(value, tuple):
                listed = [each for row in value if isinstance(row, tuple) for each in row]
                for pattern in (each for each in listed if isinstance(each, re.Pattern)):
                    yield pytest.param(pattern.findall, pattern, id=f"{module.name}.{name}-{pattern.pattern[:20]}")


COMPILED = """
import importlib, json, pkgutil, re, sys
import app
compile, found, root = re._compiler.compile, [], app.__path__[0] + "/"
def note(pattern, flags=0):
    frame = sys._getframe(1)
    while frame.f_globals["__name__"].partition(".")[0] in ("functools", "marshmallow", "re"):
        frame = frame.f_back
    made = compile(pattern, flags)
    if frame.f_code.co_filename.startswith(root) and isinstance(made.pattern, str):
        found.append([frame.f_code.co_filename[len(root):], frame.f_lineno, made.pattern, made.flags])
    return made
re.purge()
re._compiler.compile = note
for module in pkgutil.walk_packages(app.__path__, "app."):
    importlib.import_module(module.name)
print(json.dumps(found))
"""


def compiled_elsewhere() -> dict[str, re.Pattern[str]]:
    """What is compiled as the modules are loaded and has no name at the top of one: in a class, in a dictionary, as a
    default, for a validator."""
    program = subprocess.run([sys.executable, "-c", COMPILED], capture_output=True, text=True, check=True)
    named = {each.values[1] for each in patterns()}
    compiled = {
        f"{file}:{line}": re.compile(pattern, flags) for file, line, pattern, flags in json.loads(program.stdout)
    }
    return {place: pattern for place, pattern in compiled.items() if pattern not in named}


def uses(name: str, source: str) -> set[str]:
    """How a module uses one of its patterns; one whose use cannot be seen is searched for."""
    return set(re.findall(rf"\b{name}\.(match|fullmatch|search|sub|finditer|findall|split)\b", source)) or {"search"}


def use_of(pattern: re.Pattern[Any], names: set[str]) -> Callable[[Any], object]:
    """The most that is done with it: looking for it once at one place, or everywhere."""
    anywhere = names - {"match", "fullmatch"}
    return (lambda text: pattern.findall(text)) if anywhere else pattern.match


def seconds(use: Callable[[Any], object], text: Any, most: int = 3) -> float:
    """The processor time of this thread that one use takes, at best: other programs do not count."""
    taken = []
    for _ in range(most):
        began = time.thread_time()
        use(text)
        taken.append(time.thread_time() - began)
    return min(taken)


def grows_with_the_square(use: Callable[[Any], object], pattern: re.Pattern[Any]) -> list[tuple[str, float, float]]:
    if not repeats(pattern):
        return []
    as_bytes = isinstance(pattern.pattern, bytes)
    for piece in parts(pattern):
        texts = [attack(*piece, size) for size in (SMALL // FACTOR, SMALL, SMALL * FACTOR)]
        tiny, small, large = [text.encode() for text in texts] if as_bytes else texts
        before = seconds(use, small, 1)
        if before < NOTICED_SECONDS or before < seconds(use, tiny) * FACTOR * ALIKE:
            continue
        before = seconds(use, small)
        if before < NOTICED_SECONDS:
            continue
        if before > LONG_SECONDS:
            return [(f"{small[:40]!r}...{small[-10:]!r}", before, LONG_SECONDS)]
        # Each time beside the small text, as the machine may be slower now; one that is quick enough is enough.
        pairs = ((seconds(use, large, 1), seconds(use, small)) for _ in range(3))
        if all(after > max(beside * FACTOR * 3, MIN_SECONDS) for after, beside in pairs):
            return [(f"{small[:40]!r}...{small[-10:]!r}", before, before * FACTOR * 3)]
    return []


@pytest.mark.parametrize(("use", "pattern"), list(patterns()))
def test_it_is_linear(use, pattern):
    assert grows_with_the_square(use, pattern) == []


def test_those_without_a_name_are_linear():
    found = compiled_elsewhere()
    assert found
    assert [place for place, each in found.items() if grows_with_the_square(each.findall, each)] == []


@pytest.mark.parametrize(
    ("use", "quadratic"),
    [
        ("search", r"\s*\([^)]*\)\Z"),
        ("search", r"\{\{(.*?)\}\}"),
        ("search", r" \[line \d+[^\]]*\]\Z"),
        ("search", r"[a-z]+="),
        ("match", r"\d+\.?\d*\Z"),
        ("match", r"x+x+y"),
    ],
)
def test_a_quadratic_one_is_noticed(use, quadratic):
    pattern = re.compile(quadratic, re.DOTALL)
    assert grows_with_the_square(getattr(pattern, use), pattern)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a|b[cd]?", False),
        (r"(?:a(b))?(?=c)(?<!d)\1\Z", False),
        ("a+", True),
        ("a{2}", True),
        ("a|(?:b|(c{0,9}))", True),
        ("a(?=.*?b)", True),
        ("(a)?b(?<!c{2})", True),
        ("(a)?(?(1)b*|c)", True),
        ("(?>a(?i:b*))", True),
    ],
)
def test_what_repeats_is_seen(source, expected):
    assert repeats(re.compile(source)) == expected


def test_each_stands_at_the_top_of_its_module():
    """One that is written inside of a function is not measured: name it at the top, or say here what measures it."""
    inside = {}
    for file in sorted(ROOT.rglob("*.py")):
        if "node_modules" in file.parts:
            continue
        if not IMPORTED.search(text := file.read_text()):
            continue
        tree = ast.parse(text)
        names = _names_of_re(tree)
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
                if any(ast.unparse(call.func) in names for call in calls):
                    inside[f"app/{file.relative_to(ROOT)}"] = True
    assert inside.keys() <= MADE_IN_FUNCTIONS.keys()


def _names_of_re(tree: ast.Module) -> set[str]:
    """What the functions of `re` are called in a module, however it imports them."""
    names: set[str] = set()
    for each in ast.walk(tree):
        if isinstance(each, ast.Import):
            for alias in each.names:
                if alias.name in ("re", "regex"):
                    names |= {f"{alias.asname or alias.name}.{call}" for call in PYTHON_CALLS}
        elif isinstance(each, ast.ImportFrom) and each.module in ("re", "regex"):
            names |= {alias.asname or alias.name for alias in each.names if alias.name in PYTHON_CALLS}
    return names


@pytest.mark.parametrize("imported", ["import os, re", "import re as other", "from re import compile as made"])
def test_a_call_is_seen_however_re_is_imported(imported):
    call = {"import os, re": "re.compile", "import re as other": "other.compile"}.get(imported, "made")
    assert call in _names_of_re(ast.parse(imported))
