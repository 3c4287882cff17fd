"""What processes cost from their start to their stop, in seconds of processor time.

`.venv/bin/python -m tests.bench.starts` prints it: of user and system together, of a process and all below it, the
median of seven. Each starts from nothing, but with its bytecode there.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from app.processes import Child
from tests import live
from tests.postgres import TestServer, cloned_database

TIMES = 7
COMMANDS = (("flask", "keys", "scopes"), ("app", "keys", "scopes"), ("app", "keys", "list"))


def cost(start_and_stop: Callable[[], object]) -> float:
    """Processor time of the processes that end meanwhile."""

    def spent() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    start_and_stop()  # what is cached from here on is for all
    costs = []
    for _ in range(TIMES):
        before = spent()
        start_and_stop()
        costs.append(spent() - before)
    return statistics.median(costs)


def subjects(url: str, home: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is started, by its name."""
    environ = live.environment(url, home)
    for words in COMMANDS:
        command = [sys.executable, "-m", *words]
        yield (
            " ".join(command[1:]),
            lambda command=command: subprocess.run(
                command, env=environ, cwd=live.PROJECT, stdout=subprocess.DEVNULL, check=True
            ),
        )
    yield "a worker", lambda: live.start_worker(url, home).stop()
    for number in (1, 2):
        yield (
            f"an API of {number}",
            lambda number=number: live.start_server(url, home, EXECUTIONS_HTTP_WORKERS=number).child.stop(),
        )


def main() -> None:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    live.WarmChild = Child  # type: ignore[misc,assignment]  # nothing is loaded beforehand here
    server = TestServer()
    try:
        with cloned_database(server.url("postgres")) as url, tempfile.TemporaryDirectory() as home:
            for name, start_and_stop in subjects(url, Path(home)):
                print(f"{name:24} {cost(start_and_stop):.2f} s", flush=True)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
