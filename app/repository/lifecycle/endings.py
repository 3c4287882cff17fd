"""What follows the end of an execution, whoever has ended it: the worker that ran it, a stop, or the reaper.

One thing more stands in the schema: the notice of a failure, which a trigger writes (sql/0006.failures.sql).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.repository import counters, execution_events, execution_totals, failure_groups, notifications
from app.repository.connection import Connection
from app.repository.lifecycle.error_workflows import Failure, start_error_workflows
from app.repository.lifecycle.parents import wake_parents
from app.vocabulary import FAILED, Ended, Mode, Status

# Ancestors are locked before their retries, in the order of ids that everything else locks in, too.
LOCK_CHAINS = """
    WITH RECURSIVE chain AS (
        SELECT e.id, e.retry_of FROM executions AS e WHERE e.id = ANY(%(ids)s)
        UNION
        SELECT e.id, e.retry_of FROM executions AS e JOIN chain AS c ON e.id = c.retry_of)
    SELECT e.id
      FROM executions AS e
     WHERE e.id IN (SELECT c.id FROM chain AS c)
     ORDER BY e.id
       FOR NO KEY UPDATE
"""

LINK_RETRY_CHAIN = """
    WITH RECURSIVE chain AS (
        SELECT e.id, e.retry_of FROM executions AS e WHERE e.id = %(id)s
        UNION
        SELECT e.id, e.retry_of FROM executions AS e JOIN chain AS c ON e.id = c.retry_of),
    mended AS (
        INSERT INTO mended_failures (execution_id)
        SELECT e.id
          FROM executions AS e
         WHERE e.id IN (SELECT c.retry_of FROM chain AS c)
           AND e.status IN ('error', 'crashed') AND e.retry_success_id IS NULL)
    UPDATE executions AS e
       SET retry_success_id = %(id)s
     WHERE e.id IN (SELECT c.retry_of FROM chain AS c)
"""

# Nothing goes on from here that may see what has proved a webhook's caller.
FORGET_PROOFS = """
    UPDATE execution_inputs AS i
       SET sealed = NULL
     WHERE i.execution_id = ANY(%(ids)s) AND i.sealed IS NOT NULL
"""

# A parent that has waited for it has still to read it.
DROP = """
    DELETE FROM executions AS e
     WHERE e.id = ANY(%(ids)s)
       AND NOT EXISTS (SELECT FROM executions AS p
                        WHERE p.id = e.parent_id AND p.status = 'waiting' AND p.waits_for = e.id)
"""


@dataclass(frozen=True, slots=True)
class Ending:
    """An execution that has just ended.

    `failure`: what its error workflow is told, if it has one; None where nothing has failed. `awaited`: somebody is
    to be told. `keep` False: the workflow's settings say that nothing of it is kept. `may_have_proof`: what has proved
    its caller may be kept with its input.
    """

    id: int
    status: Ended
    mode: Mode
    failure: Failure | None = None
    awaited: bool = False
    keep: bool = True
    may_have_proof: bool = True


def ends_a_chain(status: Status, mode: Mode) -> bool:
    """Whether this end is the success that others were retried for."""
    return status == "success" and mode == "retry"


def append(connection: Connection, endings: Sequence[Ending]) -> None:
    """Append what statistics, problems and whoever watches are to know of these ends, in their transaction.

    For a stop and the reaper; a worker's own ends have it in the statement that records them (finish_statements.py).
    """
    execution_totals.append(connection, [ending.id for ending in endings])
    failure_groups.append(connection, [ending.id for ending in endings if ending.status in FAILED])
    execution_events.note(connection, [ending.id for ending in endings])


def follow_up(connection: Connection, endings: Sequence[Ending], *, counted_by: int | None = counters.NOBODY) -> None:
    """Do what these ends bring with them, in the transaction that ended them.

    Chains of retries learn of their success, callers and parents that wait are woken, what has proved them is
    forgotten, error workflows are queued, what shall not be kept is dropped, and all are counted. Whoever may end a
    chain has locked it before (LOCK_CHAINS). `counted_by` is None where they are counted already. The caller opens the
    pipeline: psycopg waits for ever when it enters one inside another while much is still to be sent.
    """
    for ending in endings:
        if ends_a_chain(ending.status, ending.mode):
            connection.execute(LINK_RETRY_CHAIN, {"id": ending.id})
        if ending.awaited:
            notifications.announce_answer(connection, ending.id)
    if proved := [ending.id for ending in endings if ending.may_have_proof]:
        connection.execute(FORGET_PROOFS, {"ids": proved})
    if children := [ending.id for ending in endings if ending.mode == "integrated"]:
        wake_parents(connection, children)
    start_error_workflows(connection, {each.id: each.failure for each in endings if each.failure is not None})
    if dropped := [ending.id for ending in endings if not ending.keep]:
        connection.execute(DROP, {"ids": dropped})
    if counted_by is not None:
        counters.count_ended(connection, counted_by, [(ending.status, ending.mode) for ending in endings])
