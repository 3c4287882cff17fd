"""`make bench`: lists, reads, runs, a large run, webhooks, pruning, punctuality, live pages, the engine.

Prints tables, and writes them to var/bench.json and the growth as a picture to var/bench.svg. ROWS is 1,000,000 unless
given. tests/bench/n8n.py says how a real n8n is measured beside it.
"""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

from app.embedded import EmbeddedPostgres
from app.migrations import migrate
from app.repository.connection import connect
from tests.bench import bench_sandbox, engine, packages, webhooks
from tests.bench.console import report_console
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

SMALL = 10_000
RESULTS = Path(__file__).resolve().parents[2] / "var"


def main() -> None:
    rows = int(os.environ.get("ROWS", 1_000_000))
    n8n = N8n.from_environment()
    RESULTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder)
        postgres = EmbeddedPostgres(home)
        postgres.start()
        stack.callback(postgres.stop)
        small, large = (prepared(postgres, name) for name in ("small", "large"))
        with connect(small, autocommit=True) as connection:
            fill(connection, SMALL)
            [version] = connection.execute("SHOW server_version").fetchone() or ("",)
        report = Report(postgres=version, rows=rows)
        print(*(f"{name}: {value}" for name, value in report.about.items()), sep="\n")
        growth = report_growth(report, home, large, rows)
        if n8n is not None:
            n8n.fill(rows)
        report_lists(report, home, small, large, (SMALL, rows), n8n)
        report_filters(report, home, small, large, (SMALL, rows))
        report_console(report, home, large)
        webhooks.report_webhooks(report, home, large, n8n)
        report_run_data(report, home, prepared(postgres, "one_run"))
        report_pruning(report, home, large, rows)
        report_punctuality(report, home, prepared(postgres, "punctual"))
        report_watchers(report, home, prepared(postgres, "watched"))
        engine.report_engine(report)
        bench_sandbox.report_sandbox(report)
        packages.report_packages(report)
        report.write(RESULTS / "bench.json")
        draw_growth(growth, RESULTS / "bench.svg")
    print(f"\nAll figures: {RESULTS / 'bench.json'}; growth as a picture: {RESULTS / 'bench.svg'}")


def prepared(postgres: EmbeddedPostgres, name: str) -> str:
    """The address of a new, migrated database."""
    with connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # a fixed name of ours
    migrate(postgres.url(name))
    return postgres.url(name)


if __name__ == "__main__":
    main()
