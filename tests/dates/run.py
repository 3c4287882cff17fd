"""Running tests at a moment, in a process of their own whose clock libfaketime shifts."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests import clocks, postgres
from tests.dates.moments import Moment
from tests.dates.plugin import BEGINS
from tests.live import PROJECT
from tests.postgres import NEW_CLUSTER

SLICE = (
    "tests/engine",
    "tests/conformance",
    "tests/credentials",
    "tests/outgoing",
    "tests/triggers/test_schedules.py",
    "tests/repository",
    "tests/api",
    "tests/fuzz/test_parsing.py",
    "tests/importing/test_n8n_import.py",
    "tests/importing/test_n8n_keys.py",
    "tests/importing/test_n8n_switch.py",
    "tests/settings/test_settings.py",
    "tests/test_secrets.py",
    "tests/test_doctor.py",
)
"""What may know a date: all that runs in the test's own process, the database and the sandbox."""

CANNOT: Mapping[str, str] = {
    "tests/engine/sandbox/test_walls.py::test_a_process_has_no_rights_and_an_empty_environment": (
        "the shifted clock reaches the sandbox by its environment"
    ),
    "tests/engine/run/test_loop_turns.py::test_a_node_with_many_items_lets_the_loop_turn": (
        "it measures processor time, which each look at a shifted clock takes much of"
    ),
}
"""What cannot run with a shifted clock, and why."""


COUNTED = re.compile(r"\d+ (passed|failed|error|skipped)")


@dataclass(frozen=True)
class Ended:
    """How tests ended at a moment: pytest's exit code, what it printed, how long it took."""

    code: int
    output: str
    seconds: float

    @property
    def counted(self) -> str:
        """pytest's last line, such as `12 passed in 3.40s`; what else was printed may come after it."""
        lines = (line.strip("= ") for line in reversed(self.output.splitlines()))
        return next((line for line in lines if COUNTED.match(line)), "nothing was counted")


def run_tests(moment: Moment, tests: Sequence[str] = SLICE) -> Ended:
    """Run tests as if it were then and there."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTEST_") or name == NEW_CLUSTER
    }
    environ |= {"TZ": moment.zone, postgres.ZONE: moment.postgres_zone}
    if moment.begins is not None:
        command += ["-p", "tests.dates.plugin"]
        command += [f"--deselect={test}" for test in CANNOT]
        path = clocks.library()
        assert path is not None
        environ |= {BEGINS: moment.begins.isoformat(), **clocks.variables(path, 0)}
    began = time.monotonic()
    done = subprocess.run(
        [*command, *tests],
        cwd=PROJECT,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    clocks.remove_leftovers()
    return Ended(done.returncode, done.stdout + done.stderr, time.monotonic() - began)
