"""Regular expressions of our own JavaScript take time that grows with the length of a text, as those of Python do."""

import importlib
import json
import pkgutil
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

import app
from app.engine.sandbox.process import NODE
from tests.linear.attacks import parts

ROOT = Path(app.__file__).parent
FILES = sorted(
    str(file)
    for file in ROOT.rglob("*.*js")
    if file.suffix in (".js", ".cjs", ".mjs") and "node_modules" not in file.parts
)
ACORN = ROOT / "engine/sandbox/node_modules/acorn"
PROGRAM = Path(__file__).parent / "regular_expressions.js"
AS_IN_PYTHON = (
    (r"\\p\{[^}]*\}", r"\\w"),
    (r"\\P\{[^}]*\}", r"\\W"),
    (r"\(\?<(?![=!])", "(?P<"),
    (r"\[\^\]", r"[^\\0]"),
)
"""What JavaScript writes in another way; attacks need no more than texts that are like those that match."""


LIKE_PROGRAM = re.compile(r"=>|const |\{\{|\$json|\$input|function|return |RegExp")
MADE = {
    "app.engine.nodes.conditions.javascript_facts.MATCH_PATTERN",
    "app.engine.nodes.conditions.old_conditions.MATCH_PATTERN",
    "app.engine.nodes.rename_keys.REPLACE",
    "engine/nodes/files/js/pdf-surroundings.js",
    "engine/sandbox/js/realm/code-globals.js",
    "engine/sandbox/js/realm/evaluate.js",
    "engine/sandbox/js/realm/harden.js",
    "engine/sandbox/js/realm/methods-string.js",
    "packages/js/parameters.js",
    "packages/js/routing.js",
}
"""Programs that make some of their regular expressions of others, or of what a workflow says, or that hand on
`RegExp`."""
KNOWN = {
    r"\[\^[^\]]+\](?:: .*$)?",
    r"\s{0,2}\[[^\]]*\]: .*$",
    r"!\[[^\]]*\][([][^)\]]*[)\]]",
    r"\[([^\]]*)\][([][^)\]]*[)\]]",
}
"""Of removeMarkdown, which takes away what n8n takes away. Their time is that of the expression that calls it: it is
ended after its seconds, in a process of its project, and holds up nobody else."""


def node(**given: Any) -> Any:
    program = subprocess.run(
        [NODE, PROGRAM], input=json.dumps(given), capture_output=True, text=True, check=True, timeout=600
    )
    return json.loads(program.stdout)


def attacks_on(pattern: str) -> list[tuple[str, str, str]]:
    for theirs, ours in AS_IN_PYTHON:
        pattern = re.sub(theirs, ours, pattern)
    return list(parts(re.compile(pattern)))


def texts() -> list[tuple[str, str]]:
    """Programs and expressions that modules hold, by the names that they have there."""
    found = []
    for module in pkgutil.walk_packages([str(ROOT)], "app."):
        for name, value in vars(importlib.import_module(module.name)).items():
            for each in strings(value):
                if LIKE_PROGRAM.search(each):
                    text = each.replace("%d", "0").removeprefix("={{").removesuffix("}}")
                    found.append((f"{module.name}.{name}", f"async () => {{ {text} }}"))
    return found


def strings(value: Any) -> list[str]:
    """A string, or those in a list, a tuple or a dictionary; not those in a cache, which has no names as keys."""
    inner = list(value) if isinstance(value, list | tuple) else []
    if isinstance(value, dict):
        inner = [each for name, each in value.items() if isinstance(name, str)]
    return [each for each in [value, *inner] if isinstance(each, str)]


def test_they_are_linear():
    given = {"acorn": str(ACORN), "files": FILES, "texts": texts()}
    found = node(**given)
    assert found
    made = {each["file"] for each in found if each["pattern"] is None}
    assert {name.removeprefix(f"{ROOT}/") for name in made} == MADE
    attacks = [attacks_on(each["pattern"]) if each["pattern"] not in (None, *KNOWN) else [] for each in found]
    slow = node(**given, attacks=attacks)
    assert not slow, "\n".join(slow)


@pytest.mark.parametrize("program", [r"/\s*\([^)]*\)$/", r"new RegExp('\\s*\\([^)]*\\)$', 'g')"])
def test_a_quadratic_one_is_noticed(program):
    text = f"const quadratic = {program}; const linear = /a+b?/g;"
    given = {"acorn": str(ACORN), "files": [], "texts": [("odd", text)]}
    found = node(**given)
    attacks = [attacks_on(each["pattern"]) for each in found]
    [slow] = node(**given, attacks=attacks)
    assert slow.startswith(r"/\s*\([^)]*\)$/")


@pytest.mark.parametrize(
    ("program", "pattern"),
    [
        ("globalThis['RegExp']('a+')", "a+"),
        ("new self.RegExp(`a+`)", "a+"),
        ("text.search('a+')", "a+"),
        ("const R = RegExp", None),
        ("Reflect.construct(RegExp, ['a+'])", None),
        ("new self.RegExp(of)", None),
    ],
)
def test_each_way_to_make_one_is_seen(program, pattern):
    [found] = node(acorn=str(ACORN), files=[], texts=[("odd", f"{program}; text instanceof RegExp")])
    assert found["pattern"] == pattern
