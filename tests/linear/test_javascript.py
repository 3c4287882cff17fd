"""Regular expressions of our own JavaScript take time that grows with the length of a text, as those of Python do."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import app
from app.engine.sandbox.process import NODE
from tests.linear.attacks import parts

ROOT = Path(app.__file__).parent
FILES = sorted(str(file) for file in ROOT.rglob("*.js") if "node_modules" not in file.parts)
ACORN = ROOT / "engine/sandbox/node_modules/acorn"
PROGRAM = Path(__file__).parent / "regular_expressions.js"
AS_IN_PYTHON = (
    (r"\\p\{[^}]*\}", r"\\w"),
    (r"\\P\{[^}]*\}", r"\\W"),
    (r"\(\?<(?![=!])", "(?P<"),
    (r"\[\^\]", r"[^\\0]"),
)
"""What JavaScript writes in another way; attacks need no more than texts that are like those that match."""


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


def test_they_are_linear():
    found = node(acorn=str(ACORN), files=FILES)
    assert found
    attacks = [attacks_on(each["pattern"]) for each in found]
    for place, each in enumerate(found):
        if each["pattern"] in KNOWN:
            attacks[place] = []
    slow = node(acorn=str(ACORN), files=FILES, attacks=attacks)
    assert not slow, "\n".join(slow)


def test_a_quadratic_one_is_noticed(tmp_path):
    file = tmp_path / "quadratic.js"
    file.write_text(r"const quadratic = /\s*\([^)]*\)$/; const linear = /a+b?/g;")
    found = node(acorn=str(ACORN), files=[str(file)])
    attacks = [attacks_on(each["pattern"]) for each in found]
    [slow] = node(acorn=str(ACORN), files=[str(file)], attacks=attacks)
    assert slow.startswith(r"/\s*\([^)]*\)$/")
