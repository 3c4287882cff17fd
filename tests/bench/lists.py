"""Lists and reads over the API: compared with a bare view, with a small table, with psql and with a real n8n."""

import re
import statistics
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from app.embedded.binaries import postgres_binaries
from app.repository.connection import Connection, connect
from app.repository.execution_filters import ExecutionFilter
from app.repository.execution_lists import page_statement
from tests import live
from tests.bench.load import CLIENTS, Target, drive, drive_in_turn
from tests.bench.n8n import N8n
from tests.bench.report import Report

PSQL_ROUNDS = 200


@dataclass(frozen=True)
class Case:
    """One thing to ask for: `query` of the API, `bare` of the view beside it, `wanted` for the statement alone."""

    name: str
    query: str
    bare: str
    wanted: dict[str, Any] = field(default_factory=dict)
    before: int | None = None
    n8n: str | None = None


def cases(rows: int) -> list[Case]:
    deep = rows // 2
    failed, seventh = {"statuses": ("error",)}, {"workflow_ids": ("w7",)}
    return [
        Case("list 100, first page", "?limit=100", "list?limit=100", n8n="?limit=100"),
        Case("list 100, deep page", f"?limit=100&lastId={deep}", f"list?lastId={deep}", before=deep, n8n=deeper(deep)),
        Case("list 100, status=error", "?limit=100&status=error", "list?status=error", failed, n8n="?status=error"),
        Case("list 100, workflowId", "?limit=100&workflowId=w7", "list?workflowId=w7", seventh),
        Case("list 100, both", "?workflowId=w7&status=error", "list?workflowId=w7&status=error", failed | seventh),
        Case("list 100, includeData", "?limit=100&includeData=true", "list?includeData=true"),
        Case("get", f"/{deep}?", f"get/{deep}?", {"ids": (deep,)}, n8n=f"/{deep}?"),
    ]


def deeper(last: int) -> str:
    """The query that asks an n8n for the page after this id."""
    return f"?limit=100&cursor={N8n.cursor(last)}"


def report_lists(report: Report, home: Path, small: str, large: str, sizes: tuple[int, int], n8n: N8n | None) -> None:
    """Each case over a table of sizes[1] executions, and what there is to compare it with."""
    columns = {
        "requests/s": ",.0f",
        "p50 ms": ".1f",
        "p99 ms": ".1f",
        "of bare view": ".0%",
        f"of {sizes[0]:,} rows": ".0%",
        "psql, ms": ".2f",
    }
    if n8n is not None:
        columns[f"n8n at {n8n.rows:,} rows"] = ",.1f"
    with (
        ExitStack() as stack,
        connect(large, autocommit=True) as connection,
        report.table(f"over the API, {CLIENTS} clients", **columns) as table,
    ):
        many, few = (served(home, url, stack) for url in (large, small))
        for case, few_case in zip(cases(sizes[1]), cases(sizes[0]), strict=True):
            loaded, bare, quick = drive_in_turn(
                [
                    Target(f"{many.url}/api/v1/executions{case.query}", many.key),
                    Target(f"{many.url}/bare/{case.bare}", many.key),
                    Target(f"{few.url}/api/v1/executions{few_case.query}", few.key),
                ],
                rounds=3,
            )
            compared: list[float | None] = [
                loaded.per_second / bare.per_second,
                loaded.per_second / quick.per_second,
                psql_milliseconds(connection, ExecutionFilter(**case.wanted), before=case.before),
            ]
            if n8n is not None:
                theirs = n8n.target(f"/executions{case.n8n}") if case.n8n else None
                compared.append(drive(theirs, seconds=5).per_second if theirs else None)
            table.add(case.name, *loaded.figures, *compared)


def served(home: Path, database_url: str, stack: ExitStack) -> live.LiveServer:
    """The API with the bare views beside it, until the stack is left."""
    server = live.start_server(database_url, home, application="tests.bench.wsgi:app", EXECUTIONS_HTTP_WORKERS=2)
    stack.callback(server.child.stop)
    return server


def psql_milliseconds(
    connection: Connection, wanted: ExecutionFilter, *, before: int | None = None, rounds: int = PSQL_ROUNDS
) -> float:
    """What the statement of a page of 101 (or of one) takes in psql, one after the other: the median."""
    statement, parameters = page_statement(wanted, limit=1 if wanted.ids else 101, before=before)
    text = psycopg.ClientCursor(connection).mogrify(sql.Composed([statement]), parameters)
    script = "\\timing on\n\\o /dev/null\n" + f"{' '.join(text.split())};\n" * rounds
    command = [postgres_binaries() / "psql", "-X", "-q", "-d", connection.info.dsn]
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=True)
    return statistics.median(float(ms) for ms in re.findall(r"Time: ([\d.]+) ms", done.stdout))
