"""How punctually waits end and schedules fire, with two workers: how many of them come more than half a second late."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from app.repository.connection import connect
from tests import live
from tests.bench.report import Report
from tests.patience import wait_until
from tests.triggers.test_firing import EVERY_SECOND, NOTE_TICKS, activate, scheduled
from tests.worker.conftest import Queue
from tests.worker.test_wake_up import end_some_waits
from tests.workflows import no_op, stored, wait

WAITING = 2_000
DUE = 300
LATE_SECONDS = 0.5
SCHEDULES = 20
TICKS = 15
FIRED = """
    SELECT extract(epoch FROM t.noted - t.due)::float, extract(epoch FROM t.next - t.due)::int - 1
      FROM ticks AS t WHERE t.workflow_id = %(name)s ORDER BY t.due LIMIT %(ticks)s
"""


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
    return list(end_some_waits(queue, ids, DUE).values())


def late_ticks(queue: Queue) -> Sequence[float]:
    """Seconds from when each tick was due to when it was fired; one that was left out counts as a second late."""
    queue.connection.execute(NOTE_TICKS)
    names = [f"every second {number}" for number in range(SCHEDULES)]
    for name in names:
        activate(queue, scheduled(EVERY_SECOND), name)
    late: list[float] = []
    for name in names:
        fired = wait_until(lambda name=name: ticks(queue, name))
        for after, left_out in fired:
            late += [after, *[1.0] * left_out]
    return late


def ticks(queue: Queue, name: str) -> list[tuple[float, int]]:
    """The first ticks of a schedule, once there are enough: how late each was, how many after it were left out."""
    made: list[tuple[float, int]] = queue.connection.execute(FIRED, {"name": name, "ticks": TICKS}).fetchall()
    return made if len(made) == TICKS else []
