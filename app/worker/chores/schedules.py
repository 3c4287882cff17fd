"""Fires schedules: whichever worker comes first takes what is due, starts it and notes the next time, at once."""

import logging
from datetime import timedelta

import orjson
from cronsim import CronSimError

from app.repository import lifecycle, polls, triggers
from app.repository.connection import Connection
from app.repository.lifecycle import StartInput
from app.repository.triggers import DueSchedule
from app.settings import Settings
from app.triggers.schedules import item_for, next_time
from app.worker.chores.chore import Chore
from app.worker.database import Database

log = logging.getLogger(__name__)

AT_ONCE = 25
"""In one transaction. Whose rule becomes due meanwhile waits for its end."""
MAX_SLEEP = 1.0
MIN_SLEEP = 0.01
LOOK_AGAIN = timedelta(hours=1)  # at a rule that cannot be followed now
LATE_SECONDS = 60.0  # what is later than this was missed: everything was down


def schedules(settings: Settings, database: Database) -> Chore:
    """One worker's eye on the schedules of all active workflows: fires what is due, as it becomes due."""
    fires_missed = settings.missed_schedules == "fire"

    async def step() -> float:
        pause = await database.transact(fire_due, fires_missed=fires_missed)
        return min(max(pause, MIN_SLEEP), MAX_SLEEP)

    return Chore("schedules", step)


def fire_due(connection: Connection, *, fires_missed: bool) -> float:
    """Fire what is due now; returns the seconds until something is due again."""
    for schedule in triggers.take_due_schedules(connection, limit=AT_ONCE):
        fire(connection, schedule, fires_missed=fires_missed)
    pause = triggers.seconds_to_next_schedule(connection)
    return MAX_SLEEP if pause is None else pause


def fire(connection: Connection, schedule: DueSchedule, *, fires_missed: bool) -> None:
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
    if rule.get("polls"):
        polls.ask(connection, schedule.workflow_id, schedule.node)
        triggers.mark_fired(connection, schedule, next_at)
        return
    late = (schedule.now - schedule.due_at).total_seconds()
    if fires_missed or late <= LATE_SECONDS:
        lifecycle.create_execution(
            connection,
            schedule.target,
            StartInput(schedule.node, orjson.dumps([{"json": item}])),
            mode="trigger",
        )
    triggers.mark_fired(connection, schedule, next_at)
