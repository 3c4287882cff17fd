"""Every filter of a list, alone and in pairs, in psql: over a small and over a large table."""

from datetime import timedelta
from itertools import combinations
from typing import Any

from app.repository.connection import Connection, connect
from app.repository.execution_filters import ExecutionFilter
from tests.bench.lists import psql_milliseconds
from tests.bench.report import Report

SHOWN = 15
ROUNDS = 15


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
    }


def report_filters(report: Report, small: str, large: str, sizes: tuple[int, int]) -> None:
    """A page of 101 for each; the ones that grow most come first, all are in the JSON."""
    heading = f"page of 101 in psql, {SHOWN} that grow most"
    columns = {f"ms at {size:,}": ".2f" for size in sizes} | {"times": ".2f"}
    with (
        connect(small, autocommit=True) as few,
        connect(large, autocommit=True) as many,
        report.table(heading, shown=SHOWN, **columns) as table,
    ):
        single = filters(many), filters(few)
        names = [(name,) for name in single[0]] + [
            (one, other)
            for one, other in combinations(single[0], 2)
            if not single[0][one].keys() & single[0][other].keys()
        ]
        found = []
        for parts in names:
            slow, quick = (
                psql_milliseconds(connection, ExecutionFilter(**merged(of, parts)), rounds=ROUNDS)
                for connection, of in ((many, single[0]), (few, single[1]))
            )
            found.append((" and ".join(parts), quick, slow, slow / quick))
        for row in sorted(found, key=lambda row: row[2] - row[1], reverse=True):
            table.add(*row)


def merged(of: dict[str, dict[str, Any]], parts: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for part in parts for name, value in of[part].items()}
