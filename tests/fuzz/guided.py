"""The properties of test_parsing under Atheris, which looks for what makes new lines of the program run.

`.venv/bin/python -m tests.fuzz.guided workflow -max_total_time=600` goes on for ten minutes; what fails is printed, and
kept as a file that is given again as the last argument. Several ways in may be named: each gets so long, one after the
other, in a process of its own.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path

import atheris

PROJECT = Path(__file__).resolve().parents[2]


def nodes() -> Iterator[str]:
    """The modules of single nodes: a way in reads of what kind a node is and runs none, and they are most of all."""
    for file in (PROJECT / "app/engine/nodes").rglob("*.py"):
        name = ".".join(file.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
        if not name.startswith("app.engine.nodes.shared"):
            yield name


with atheris.instrument_imports(include=["app"], exclude=list(nodes())):
    from tests.fuzz import test_parsing

TARGETS = {
    "cursor": test_parsing.test_a_cursor_is_one_of_ours_or_invalid,
    "query": test_parsing.test_a_query_loads_or_says_what_is_wrong,
    "workflow": test_parsing.test_a_workflow_is_taken_or_refused,
    "input": test_parsing.test_what_a_run_is_given_is_taken_or_refused,
}


def fuzz(name: str, options: Sequence[str]) -> int:
    """Fuzz one of TARGETS in a process of its own, in which all is instrumented already; returns its exit code."""
    pid = os.fork()
    if not pid:
        atheris.Setup([sys.argv[0], *options], TARGETS[name].hypothesis.fuzz_one_input)
        atheris.Fuzz()  # ends this process
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    names = list(takewhile(TARGETS.__contains__, sys.argv[1:]))
    if not names:
        sys.exit(f"name a way in: {', '.join(TARGETS)}")
    codes = [fuzz(name, sys.argv[1 + len(names) :]) for name in names]
    sys.exit(f"failed: {codes}" if any(codes) else 0)
