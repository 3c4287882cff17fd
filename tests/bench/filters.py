"""Every filter of a list, alone and in pairs, in psql and over the API: on a small and on a large table."""

from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from app.repository.connection import Connection, connect
from app.repository.execution_filters import ExecutionFilter
from tests import live
from tests.bench.lists import psql_milliseconds
from tests.bench.load import Target, drive
from tests.bench.report import Report

SHOWN = 15
ROUNDS = 15
PARAMETERS = {
    "statuses": "status",
    "workflow_ids": "workflowId",
    "project_ids": "projectId",
    "modes": "mode",
    "started_after": "startedAfter",
    "started_before": "startedBefore",
    "tags": "tag",
    "votes": "vote",
    "metadata_key": "metadataKey",
    "metadata_value": "metadataValue",
    "retry_of": "retryOf",
    "error": "error",
}


def filters(connection: Connection) -> dict[str, dict[str, Any]]:
    """What a list can be asked for; times lie a third into the table and a third before its end."""
    [first, last] = connection.execute("SELECT min(started_at), max(started_at) FROM executions").fetchone() or ()
    third: timedelta = (last - first) / 3
    return {
        "status": {"statuses": ("error",)},
        "rare status": {"statuses": ("crashed",)},
        "workflow": {"workflow_ids": ("w7",)},
        "project": {"project_ids": ("other",)},
        "key's project": {"visible_project": "other"},
        "mode": {"modes": ("webhook",)},
        "startedAfter": {"started_after": last - third},
        "startedBefore": {"started_before": first + third},
        "tag": {"tags": ("t1",)},
        "vote": {"votes": ("up",)},
        "metadata": {"metadata_key": "customer", "metadata_value": "700"},
        "retryOf": {"retry_of": (996,)},
        "error": {"error": "no answer"},
    }


def report_filters(report: Report, home: Path, small: str, large: str, sizes: tuple[int, int]) -> None:
    """A page of 100 for each, one client; the ones that grow most come first, all are in the JSON."""
    columns = {f"{way}, {size:,}": ".2f" for way in ("psql", "API") for size in sizes} | {"API, times": ".2f"}
    with ExitStack() as stack, report.table("ms for a page of 100", shown=SHOWN, **columns) as table:
        tables = []
        for database_url in (small, large):
            connection = stack.enter_context(connect(database_url, autocommit=True))
            server = live.start_server(database_url, home)
            stack.callback(server.child.stop)
            tables.append((connection, filters(connection), server))
        names = tables[0][1]
        pairs = (pair for pair in combinations(names, 2) if not names[pair[0]].keys() & names[pair[1]].keys())
        rows = {}
        for parts in [*((name,) for name in names), *pairs]:
            wanted = [merged(of, parts) for _, of, _ in tables]
            in_psql = [
                psql_milliseconds(connection, ExecutionFilter(**one), rounds=ROUNDS)
                for (connection, _, _), one in zip(tables, wanted, strict=True)
            ]
            by_api: list[float | None] = [
                api_milliseconds(server, one) for (_, _, server), one in zip(tables, wanted, strict=True)
            ]
            times = by_api[1] / by_api[0] if by_api[0] and by_api[1] else None
            rows[" and ".join(parts)] = (*in_psql, *by_api, times)
        for name, figures in sorted(rows.items(), key=lambda row: row[1][-1] or 0, reverse=True):
            table.add(name, *figures)


def api_milliseconds(server: live.LiveServer, wanted: dict[str, Any]) -> float | None:
    """The median of one client that asks again and again; None for what a key stands for and not a parameter."""
    if "visible_project" in wanted:
        return None
    query = []
    for name, value in wanted.items():
        values = value if isinstance(value, tuple) else (value,)
        query += [(PARAMETERS[name], v.isoformat() if isinstance(v, datetime) else v) for v in values]
    target = Target(f"{server.url}/api/v1/executions?{urlencode(query)}", server.key)
    return drive(target, clients=1, seconds=0.2, warm_up=0.1).percentile(0.5)


def merged(of: dict[str, dict[str, Any]], parts: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for part in parts for name, value in of[part].items()}
