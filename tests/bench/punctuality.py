"""How punctually waits end and schedules fire, with two workers: how many of them come more than half a second late."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from app.repository import triggers
from app.repository.connection import connect
from app.repository.triggers import NewSchedule
from app.triggers.schedules import next_time, schedules_of
from tests import live
from tests.bench.report import Report
from tests.patience import wait_until
from tests.triggers.test_firing import EVERY_SECOND, scheduled
from tests.worker.conftest import Queue
from tests.worker.test_wake_up import DUE, ENDS, SET_TIMES, SPREAD_SECONDS, WAITING
from tests.workflows import no_op, stored, wait

LATE_SECONDS = 0.5
SCHEDULES = 20
TICKS = 15


def report_punctuality(report: Report, home: Path, database_url: str) -> None:
    """Fill a table with both, over an empty database that is left with what was run."""
    with ExitStack() as stack, report.table("punctuality", number=",.0f", late=",.0f", share=".1%") as table:
        queue = Queue(stack.enter_context(connect(database_url, autocommit=True)))
        for _ in range(2):
            stack.callback(live.start_worker(database_url, home).stop)
        for name, late in (("waits that ended", late_waits(queue)), ("ticks of schedules", late_ticks(queue))):
            missed = sum(seconds > LATE_SECONDS for seconds in late)
            table.add(f"{name} over {LATE_SECONDS} s late", len(late), missed, missed / len(late))


def late_waits(queue: Queue) -> Sequence[float]:
    """Seconds from when each of the waits that were over to the end of its execution; many others go on waiting."""
    queue.save(stored(wait(3600), no_op()), "waits")
    ids = queue.add("waits", WAITING)
    queue.wait_for(ids, ["waiting"])
    first = datetime.now(UTC) + timedelta(seconds=1.5)
    seconds = [SPREAD_SECONDS * n / DUE for n in range(DUE)]
    due = ids[:: WAITING // DUE][:DUE]
    queue.connection.execute(SET_TIMES, {"ids": due, "seconds": seconds, "first": first})
    queue.wait_for(due, ["success"])
    ends = dict(queue.connection.execute(ENDS, [due]).fetchall())
    return [(ends[each] - first).total_seconds() - after for each, after in zip(due, seconds, strict=True)]


def late_ticks(queue: Queue) -> Sequence[float]:
    """Seconds from each full second to when the execution for it was made; what was left out is a second late."""
    definition = scheduled(EVERY_SECOND)
    names = [f"every second {number}" for number in range(SCHEDULES)]
    for name in names:
        queue.save(definition, name)
        rules = [
            NewSchedule(each.node, each.rule_index, orjson.dumps(each.rule), next_time(each.rule, datetime.now(UTC)))
            for each in schedules_of(orjson.loads(definition))
        ]
        with queue.connection.transaction():
            triggers.register(queue.connection, name, [], rules)
    query = "SELECT extract(epoch FROM e.created_at)::float FROM executions AS e WHERE e.workflow_id = %s ORDER BY e.id"
    late: list[float] = []
    for name in names:
        wait_until(lambda name=name: len(queue.connection.execute(query, [name]).fetchall()) >= TICKS)
        made = [row[0] for row in queue.connection.execute(query, [name])][:TICKS]
        late += [moment % 1 for moment in made]
        late += [1.0] * round(int(made[-1]) - int(made[0]) + 1 - TICKS)
    return late
