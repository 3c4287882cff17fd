"""Fires schedules: whichever worker comes first takes what is due, starts it and notes the next time, at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

import orjson
import psycopg
from cronsim import CronSimError
from psycopg_pool import ConnectionPool

from app.repository import lifecycle, triggers
from app.repository.connection import Connection, transaction
from app.repository.triggers import DueSchedule
from app.settings import Settings
from app.triggers.schedules import item_for, next_time

log = logging.getLogger(__name__)

AT_ONCE = 100
LONGEST_SLEEP = 1.0
SHORTEST_SLEEP = 0.01
LOOK_AGAIN = timedelta(hours=1)  # at a rule that cannot be followed now
LATE_SECONDS = 60.0  # what is later than this was missed: everything was down

InThread = Callable[[Callable[[], float]], Awaitable[float]]


class Schedules:
    """One worker's eye on the schedules of all active workflows."""

    def __init__(self, settings: Settings, pool: ConnectionPool[Connection]) -> None:
        self._fires_missed = settings.missed_schedules == "fire"
        self._pool = pool

    async def run(self, in_thread: InThread) -> None:
        """Fire what is due, as it becomes due, until cancelled."""
        while True:
            try:
                pause = await in_thread(self._fire_due)
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                log.warning("no schedules for now", extra={"reason": str(error).strip()})
                pause = LONGEST_SLEEP
            await asyncio.sleep(min(max(pause, SHORTEST_SLEEP), LONGEST_SLEEP))

    def _fire_due(self) -> float:
        """Fire what is due now; returns the seconds until something is due again."""
        with transaction(self._pool) as connection:
            for schedule in triggers.take_due_schedules(connection, limit=AT_ONCE):
                self._fire(connection, schedule)
            pause = triggers.seconds_to_next_schedule(connection)
        return LONGEST_SLEEP if pause is None else pause

    def _fire(self, connection: Connection, schedule: DueSchedule) -> None:
        """Start the workflow once, however many times were missed, and note when it is due again."""
        rule = orjson.loads(schedule.rule)
        try:
            item, next_at = item_for(rule, schedule.now), next_time(rule, schedule.now, schedule.due_at)
        except (CronSimError, ValueError, KeyError, StopIteration) as error:
            # It could be followed when it was stored: a timezone may be missing on this machine alone.
            log.error(
                "schedule cannot be followed",
                extra={"workflow": schedule.workflow_id, "node": schedule.node, "reason": repr(error)},
            )
            triggers.mark_fired(connection, schedule, schedule.now + LOOK_AGAIN)
            return
        late = (schedule.now - schedule.due_at).total_seconds()
        if self._fires_missed or late <= LATE_SECONDS:
            lifecycle.create_execution(
                connection,
                schedule.target,
                mode="trigger",
                start_node=schedule.node,
                items=orjson.dumps([{"json": item}]),
            )
        triggers.mark_fired(connection, schedule, next_at)
