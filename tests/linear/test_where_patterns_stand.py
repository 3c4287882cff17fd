"""Each regular expression stands at the top of its module, where it is found and measured, or is named here."""

import ast
import importlib
import re
from pathlib import Path

import pytest

from tests.linear.compiled_patterns import ROOT, SOURCES, compiled_at_load

MADE_IN_FUNCTIONS = {
    "app/engine/run/scope.py": "from a node's name, which is escaped; see test_scope_pattern",
    "app/engine/values/table_cells.py": "from a delimiter; see test_table_pattern",
    "app/engine/values/tables.py": "from a delimiter; see test_table_pattern",
}
CALLS = r"compile|sub|subn|match|search|fullmatch|split|findall|finditer|template|Scanner"
OF_RE = re.compile(rf"(?:.+\.)?(?:re|regex)\.(?:_compiler\.)?(?:{CALLS})")
LAST = set(CALLS.split("|"))
MENTIONED = re.compile(r"\b(?:re|regex)\b")


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
