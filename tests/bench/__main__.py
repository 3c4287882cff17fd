"""`make bench` measures everything, `make bench ARGS=console` the parts that are named; `--list` says which there are.

Prints tables, and writes them to var/bench.json and the growth as a picture to var/bench.svg; where parts are named, to
files of their own (var/bench-console.json). tests/bench/n8n.py says how a real n8n is measured beside it.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

from app.embedded import EmbeddedPostgres
from app.migrations import migrate
from app.repository.connection import connect
from tests.bench import bench_sandbox, engine, packages, webhooks
from tests.bench.console import report_console
from tests.bench.data_view import report_data_view
from tests.bench.fill import fill
from tests.bench.filters import report_filters
from tests.bench.lists import report_lists
from tests.bench.n8n import N8n
from tests.bench.pruning import report_pruning
from tests.bench.punctuality import report_punctuality
from tests.bench.report import Report, draw_growth
from tests.bench.run_data import report_run_data
from tests.bench.runs import report_growth
from tests.bench.watchers import report_watchers
from tests.bench.writes import report_writes
from tests.warm import COLD_STARTS

SMALL, LARGE = 10_000, 1_000_000
RESULTS = Path(__file__).resolve().parents[2] / "var"


class Bench:
    """What the parts share: the report, and databases that are made when the first part wants them."""

    def __init__(self, home: Path, postgres: EmbeddedPostgres, rows: int, svg: Path) -> None:
        self.home = home
        self.rows = rows
        self.svg = svg
        self.n8n = N8n.from_environment()
        self._postgres = postgres
        with connect(postgres.url("postgres"), autocommit=True) as connection:
            [version] = connection.execute("SHOW server_version").fetchone() or ("",)
        self.report = Report(postgres=version, rows=rows)

    def prepared(self, name: str) -> str:
        """The address of a new, migrated database."""
        with connect(self._postgres.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # a fixed name of ours
        migrate(self._postgres.url(name))
        return self._postgres.url(name)

    @cached_property
    def small(self) -> str:
        return self._filled("small", SMALL)

    @cached_property
    def large(self) -> str:
        return self._filled("large", self.rows)

    def grow(self) -> None:
        """Fill the large table, and measure on the way."""
        address = self.prepared("large")
        draw_growth(report_growth(self.report, self.home, address, self.rows), self.svg)
        vars(self)["large"] = address

    def console(self) -> None:
        """See PARTS."""
        report_console(self.report, self.home, self.large)
        report_data_view(self.report, self.home, self.prepared("data_view"))

    def lists(self) -> None:
        if self.n8n is not None:
            self.n8n.fill(self.rows)
        report_lists(self.report, self.home, self.small, self.large, (SMALL, self.rows), self.n8n)

    def _filled(self, name: str, rows: int) -> str:
        address = self.prepared(name)
        print(f"Filling a table with {rows:,} executions", flush=True)
        with connect(address, autocommit=True) as connection:
            fill(connection, rows)
        return address


PARTS: Mapping[str, tuple[str, Callable[[Bench], None]]] = {
    "growth": ("what workers and the API get through, from the empty table to the full one", Bench.grow),
    "lists": ("lists of the API, beside bare statements and a real n8n", Bench.lists),
    "filters": (
        "lists by each filter",
        lambda b: report_filters(b.report, b.home, b.small, b.large, (SMALL, b.rows)),
    ),
    "console": ("the console's pages, also in a browser, and tasks of its data view there", Bench.console),
    "writes": (
        "what an execution's life costs with and without what is written for the console",
        lambda b: report_writes(b.report, b.prepared("writes")),
    ),
    "webhooks": ("webhooks", lambda b: webhooks.report_webhooks(b.report, b.home, b.large, b.n8n)),
    "run_data": (
        "a run of 100 MB, its structure and its pages",
        lambda b: report_run_data(b.report, b.home, b.prepared("one_run")),
    ),
    "pruning": (
        "deleting old executions beside other work; deletes from the large table",
        lambda b: report_pruning(b.report, b.home, b.large, b.rows),
    ),
    "punctuality": (
        "how punctually schedules and waits end",
        lambda b: report_punctuality(b.report, b.home, b.prepared("punctual")),
    ),
    "watchers": ("live pages", lambda b: report_watchers(b.report, b.home, b.prepared("watched"))),
    "engine": ("the engine alone", lambda b: engine.report_engine(b.report)),
    "sandbox": ("JavaScript of many projects", lambda b: bench_sandbox.report_sandbox(b.report)),
    "packages": ("nodes of packages", lambda b: packages.report_packages(b.report)),
}
"""What each part measures, in the order in which all are."""


def main(arguments: Sequence[str] | None = None) -> None:
    wanted = parser().parse_args(arguments)
    if wanted.list:
        print(*(f"{name:12} {text}" for name, (text, _) in PARTS.items()), sep="\n")
        return
    measure([name for name in PARTS if name in (wanted.parts or PARTS)], wanted.rows)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser("make bench ARGS=...", description="Measure the API, the console and the worker.")
    made.add_argument("parts", nargs="*", metavar="PART", choices=[[], *PARTS], help=f"one of {', '.join(PARTS)}")
    made.add_argument("--list", action="store_true", help="say what each part measures, and end")
    made.add_argument(
        "--rows",
        type=positive,
        default=os.environ.get("ROWS", LARGE),
        help=f"executions in the large table; ROWS, or {LARGE:,}, when absent",
    )
    return made


def positive(text: str) -> int:
    """A number of rows. Raises ValueError."""
    number = int(text.replace("_", "").replace(",", ""))
    if number < 1:
        raise ValueError
    return number


def measure(parts: Sequence[str], rows: int) -> None:
    """Measure these parts, print what is found and write it down."""
    RESULTS.mkdir(exist_ok=True)
    results = RESULTS / ("bench.json" if len(parts) == len(PARTS) else f"bench-{'-'.join(parts)}.json")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder)
        postgres = EmbeddedPostgres(home)
        postgres.start()
        stack.callback(postgres.stop)
        bench = Bench(home, postgres, rows, results.with_suffix(".svg"))
        print(*(f"{name}: {value}" for name, value in bench.report.about.items()), sep="\n")
        for name in parts:
            PARTS[name][1](bench)
        bench.report.write(results)
    print(f"\nAll figures: {results}", end="")
    print(f"; growth as a picture: {results.with_suffix('.svg')}" if "growth" in parts else "")


if __name__ == "__main__":
    os.environ[COLD_STARTS] = "1"  # a forked process shares its memory with others, and copies what it changes
    main()
