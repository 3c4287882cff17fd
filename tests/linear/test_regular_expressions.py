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
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
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
CALLS = r"compile|sub|subn|match|search|fullmatch|split|findall|finditer|template|Scanner"
OF_RE = re.compile(rf"(?:.+\.)?(?:re|regex)\.(?:_compiler\.)?(?:{CALLS})")
LAST = set(CALLS.split("|"))
MENTIONED = re.compile(r"\b(?:re|regex)\b")
ROOT = Path(app.__file__).parent
SOURCES = {file: file.read_text() for file in sorted(ROOT.rglob("*.py")) if "node_modules" not in file.parts}
USE = re.compile(r"(?:\b(\w+)\.)?\b(\w+)\.(match|fullmatch|search|sub|finditer|findall|split)\b")
"""Where a pattern is used, and how: `NAME.search` in its own module, `module.NAME.search` in others."""


def patterns() -> Iterator[Any]:
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
    inside = {f"app/{file.relative_to(ROOT)}" for file, text in SOURCES.items() if unmeasured(text)}
    assert inside == MADE_IN_FUNCTIONS.keys()


def test_what_is_given_to_validators_is_compiled_at_load():
    """Where marshmallow compiles a pattern that has no name, that is done as modules are loaded."""
    given = {
        f"{file.relative_to(ROOT)}:{line}"
        for file, text in SOURCES.items()
        if "Regexp" in text
        for line in given_without_name(text, named_patterns(file))
    }
    assert given
    assert given <= compiled_at_load().keys()


def named_patterns(file: Path) -> set[str]:
    """What compiled patterns are called in a module."""
    loaded = importlib.import_module(".".join(file.relative_to(ROOT.parent).with_suffix("").parts))
    return {name for name, value in vars(loaded).items() if isinstance(value, re.Pattern)}


def given_without_name(source: str, named: set[str]) -> list[int]:
    """The lines in which validators are given something else than the name of a compiled pattern."""
    calls = [each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.Call)]
    regexps = [call for call in calls if ast.unparse(call.func).endswith("Regexp")]
    return [call.lineno for call in regexps if not call.args or ast.unparse(call.args[0]) not in named]


def test_a_text_in_capitals_is_no_compiled_pattern():
    source = "def f():\n    TEXT = 'a+'\n    return Regexp(TEXT), Regexp(regex='a+')\nfits = Regexp(PATTERN)"
    assert given_without_name(source, {"PATTERN"}) == [3, 3]


def unmeasured(source: str) -> list[str]:
    """Where functions of `re` are called within functions or handed on, `re` itself is, or is imported by its name in
    a text."""
    if not MENTIONED.search(source):
        return []
    tree = ast.parse(source)
    names = _names_of_re(tree)
    modules = {"re", *(name.rpartition(".")[0] for name in names if "." in name)}
    owners = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Attribute)}
    called = {id(call.func) for call in ast.walk(tree) if isinstance(call, ast.Call)}
    inner = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    within = {id(each) for function in ast.walk(tree) if isinstance(function, inner) for each in ast.walk(function)}
    found = []
    for each in ast.walk(tree):
        last = each.attr if isinstance(each, ast.Attribute) else each.id if isinstance(each, ast.Name) else ""
        if last in LAST or last in names:
            text = ast.unparse(each)
            if (text in names or OF_RE.fullmatch(text)) and (id(each) in within or id(each) not in called):
                found.append(text)
        elif isinstance(each, ast.Name | ast.Attribute) and last in modules and id(each) not in owners:
            found.append("the module by another name")
        elif isinstance(each, ast.Constant) and each.value == "re":
            found.append("a name of the module, to import it by")
    return found


def _names_of_re(tree: ast.Module) -> set[str]:
    """What the functions of `re` are called in a module, however it imports them."""
    names: set[str] = set()
    for each in ast.walk(tree):
        if isinstance(each, ast.Import | ast.ImportFrom):
            of_re = isinstance(each, ast.ImportFrom) and each.module in ("re", "regex")
            for alias in each.names:
                if alias.name in ("re", "regex"):
                    names |= {f"{alias.asname or alias.name}.{call}" for call in LAST}
                elif of_re and alias.name == "*":
                    names |= LAST
                elif of_re and alias.name in LAST:
                    names.add(alias.asname or alias.name)
    return names


@pytest.mark.parametrize(
    "source",
    [
        "import os, re\ndef f(): re.compile('a')",
        "import re as other\nf = lambda: other.sub('a', '', 'b')",
        "from re import compile as made\nasync def f(): made('a')",
        "from app.notation import re\ndef f(): re.search('a', 'b')",
        "from app import notation\ndef f(): notation.re.search('a', 'b')",
        "import re\nclean = re.compile",
        "import re, functools\nclean = functools.partial(re.sub, 'a', '')",
        "import re\ndef f(): return map(re.compile, ['a'])",
        "import re\ndef f(): re.Scanner([])",
        "import importlib\nother = importlib.import_module('re')",
        "import re\nother = re\ndef f(): other.compile('a')",
        "import re\ndef f(made=re): return made.compile('a')",
        "import re as third\ndef f(): return getattr(third, 'compile')('a')",
        "from app import notation\nother = notation.re",
        "from re import *\ndef f(): compile('a')",
    ],
)
def test_a_call_in_a_function_is_seen(source):
    assert unmeasured(source)


def test_what_is_called_at_load_is_measured_where_it_is_compiled():
    assert not unmeasured("import re\nA = re.compile('a')\nB = {'b': re.sub('a', '', 'b')}\ndef f(): A.sub('', 'b')")
