"""Retrying more executions than one call should wait for: a job that workers do in small steps.

Only what was there when the job was made is retried, so none of its own retries, each with every guard of a single
one. While much is queued, a job waits: whoever starts other work is not put behind all of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import orjson
from psycopg.rows import args_row

from app.repository.bulk_calls import create_bulk_call, note_touched
from app.repository.connection import Connection, json_of, read_one, scalar
from app.repository.errors import CannotRetry, Conflict, RetryJobNotFound
from app.repository.execution_filters import ExecutionFilter, filter_of
from app.repository.project_locks import lock_project
from app.repository.relatives import MAX_CHAIN_LENGTH
from app.repository.restarts import Checked, Restart, read_restart
from app.repository.retries import RetryAnswer, find_retryable, retry_many, retryable_page
from app.vocabulary import MAX_ID

STEP_SIZE = 100
COUNTED_UP_TO = 10_000
MAX_UNFINISHED = 20
"""So many jobs of the keys of one project, or of the keys of all projects, may be under way."""
MAX_QUEUED = 1_000
"""While so many executions are queued, of whatever kind, no job queues more."""

# Nothing where as many are under way as may be. Uses retry_jobs_unfinished.
CREATE = """
    INSERT INTO retry_jobs (project_id, wanted, load_workflow, retry_from, matched, bulk_call_id, above)
    SELECT %(project_id)s, %(wanted)s, %(load_workflow)s, %(retry_from)s, %(matched)s, %(bulk_call_id)s,
           coalesce((SELECT max(e.id) FROM executions AS e), 0) + 1
     WHERE (SELECT count(*)
              FROM retry_jobs AS j
             WHERE j.finished_at IS NULL AND coalesce(j.project_id, '') = coalesce(%(project_id)s::text, '')
           ) < %(most)s
    RETURNING id
"""

# Jobs that ended a week ago are of interest to nobody.
FORGET = """
    DELETE FROM retry_jobs AS j
     WHERE j.finished_at < now() - interval '7 days'
"""

GET = """
    SELECT j.id, j.matched, j.retried, j.refused, j.created_at, j.finished_at, j.bulk_call_id AS touched_by
      FROM retry_jobs AS j
     WHERE j.id = %(id)s AND (%(project_id)s::text IS NULL OR j.project_id = %(project_id)s)
"""

LIST = """
    SELECT j.id, j.matched, j.retried, j.refused, j.created_at, j.finished_at, j.bulk_call_id AS touched_by
      FROM retry_jobs AS j
     WHERE j.id < %(before)s AND (%(project_id)s::text IS NULL OR j.project_id = %(project_id)s)
     ORDER BY j.id DESC
     LIMIT %(limit)s
"""

# Waits for the step that is being done.
END = """
    UPDATE retry_jobs AS j
       SET finished_at = coalesce(j.finished_at, clock_timestamp())
     WHERE j.id = %(id)s AND (%(project_id)s::text IS NULL OR j.project_id = %(project_id)s)
"""

RESULTS = """
    SELECT r.execution_id, r.retry_id, r.message
      FROM retry_job_results AS r
     WHERE r.job_id = %(id)s AND r.execution_id < %(before)s
     ORDER BY r.execution_id DESC
     LIMIT %(limit)s
"""

# Uses retry_jobs_unfinished. The lock lasts for one step: whoever comes next does the next one.
NEXT = """
    SELECT j.id, j.wanted, j.load_workflow, j.retry_from, j.above, j.bulk_call_id, j.created_at
      FROM retry_jobs AS j
     WHERE j.finished_at IS NULL
     ORDER BY j.id
     LIMIT 1
       FOR UPDATE SKIP LOCKED
"""

# Uses executions_by_retry_of.
RETRIED_SINCE = """
    SELECT max(e.id)
      FROM executions AS e
     WHERE e.retry_of = %(id)s AND e.stopped_at >= %(asked_at)s
"""

# Of chains of retries, those of which the job has come to one already.
TAKEN = """
    WITH RECURSIVE chain AS (
        SELECT r.root, r.root AS id, 1 AS steps
          FROM unnest(%(roots)s::bigint[]) AS r (root)
         UNION ALL
        SELECT c.root, e.id, c.steps + 1
          FROM chain AS c
          JOIN executions AS e ON e.retry_of = c.id
         WHERE c.steps < %(longest)s)
    SELECT DISTINCT c.root
      FROM chain AS c
      JOIN retry_job_results AS r ON r.job_id = %(job_id)s AND r.execution_id = c.id
"""

IS_FULL = """
    SELECT count(*) >= %(most)s
      FROM (SELECT FROM executions AS e WHERE e.status = 'new' LIMIT %(most)s) AS queued
"""

ADVANCE = """
    UPDATE retry_jobs AS j
       SET retried = j.retried + %(retried)s, refused = j.refused + %(refused)s, above = %(above)s,
           finished_at = CASE WHEN %(finished)s THEN clock_timestamp() END
     WHERE j.id = %(id)s
"""

SAVE_RESULT = """
    INSERT INTO retry_job_results (job_id, execution_id, retry_id, message)
    VALUES (%(job_id)s, %(execution_id)s, %(retry_id)s, %(message)s)
"""


@dataclass(frozen=True, slots=True)
class RetryJob:
    """How far it is: `finished_at` None while there may be more. `matched`: how many did when it was asked for, None
    for more than COUNTED_UP_TO. `touched_by` lists its retries; None for a job that is older than such lists."""

    id: int
    matched: int | None
    retried: int
    refused: int
    created_at: datetime
    finished_at: datetime | None
    touched_by: int | None


Check = Callable[[Connection, Sequence[int], Restart], Checked]
"""Says of executions which of them cannot go on where a retry is to, and which had begun there."""


def create_retry_job(connection: Connection, wanted: ExecutionFilter, *, load_workflow: bool, restart: Restart) -> int:
    """Have workers retry whatever matches and exists now; returns the job's id. `restart` has no items.

    Raises Conflict where too many are under way.
    """
    connection.execute(FORGET)
    matched = len(find_retryable(connection, wanted, limit=COUNTED_UP_TO + 1))
    parameters = {
        "project_id": wanted.visible_project,
        "wanted": orjson.dumps(asdict(wanted)).decode(),
        "load_workflow": load_workflow,
        "retry_from": json_of(restart.stored_place()),
        "matched": matched if matched <= COUNTED_UP_TO else None,
        "bulk_call_id": create_bulk_call(connection, wanted.visible_project),
        "most": MAX_UNFINISHED,
    }
    lock_project(connection, "retry jobs", wanted.visible_project)
    job_id = scalar(connection, CREATE, parameters)
    if job_id is None:
        raise Conflict(f"{MAX_UNFINISHED} retries in the background are under way: await the end of one, or cancel one")
    return int(job_id)


def get_retry_job(connection: Connection, job_id: int, *, project_id: str | None = None) -> RetryJob:
    """The job with this id, within a project when one is given. Raises RetryJobNotFound."""
    return read_one(connection, args_row(RetryJob), GET, {"id": job_id, "project_id": project_id}, RetryJobNotFound)


def list_retry_jobs(
    connection: Connection, *, project_id: str | None, limit: int, before: int | None = None
) -> list[RetryJob]:
    """At most `limit` jobs, newest first; with `before`, only of ids below it."""
    values = {"project_id": project_id, "limit": limit, "before": MAX_ID if before is None else before}
    with connection.cursor(row_factory=args_row(RetryJob)) as cursor:
        return cursor.execute(LIST, values).fetchall()


def end_retry_job(connection: Connection, job_id: int, *, project_id: str | None = None) -> RetryJob:
    """Retry nothing more of a job; one that has ended stays as it is. Raises RetryJobNotFound."""
    connection.execute(END, {"id": job_id, "project_id": project_id})
    return get_retry_job(connection, job_id, project_id=project_id)


def read_results(connection: Connection, job_id: int, *, limit: int, before: int | None = None) -> list[RetryAnswer]:
    """What became of at most `limit` executions of the job, newest first; with `before`, only of ids below it."""
    wanted = {"id": job_id, "before": MAX_ID if before is None else before, "limit": limit}
    with connection.cursor(row_factory=args_row(RetryAnswer)) as cursor:
        return cursor.execute(RESULTS, wanted).fetchall()


def refuse_if_retried_since(connection: Connection, execution_id: int, asked_at: datetime) -> None:
    """Raise CannotRetry for an execution of which another retry has ended since a job was asked for: two that ask for
    the same at once get one retry of each."""
    if retry_id := scalar(connection, RETRIED_SINCE, {"id": execution_id, "asked_at": asked_at}):
        raise CannotRetry(f"It was retried after this was asked for: execution {retry_id}")


def retry_some(connection: Connection, check: Check, *, size: int = STEP_SIZE) -> int | None:
    """Do one step of the oldest unfinished job: at most `size` executions; returns how many were to be retried.

    None: there is nothing to do, too much is queued, or another worker does it.
    """
    job = connection.execute(NEXT).fetchone()
    if job is None or scalar(connection, IS_FULL, {"most": MAX_QUEUED}):
        return None
    job_id, document, load_workflow, place, above, call_id, asked_at = job
    wanted, restart = filter_of(orjson.loads(document)), read_restart(place)
    page = retryable_page(connection, wanted, size=size, before=above)
    values = {"roots": page.roots, "job_id": job_id, "longest": MAX_CHAIN_LENGTH}
    ids = page.newest_of_chains({root for (root,) in connection.execute(TAKEN, values)})
    checked = check(connection, ids, restart)
    answers = [RetryAnswer(refused, None, message) for refused, message in checked.refused.items()]
    answers += retry_many(
        connection,
        [execution_id for execution_id in ids if execution_id not in checked.refused],
        load_workflow=load_workflow,
        restart=restart,
        check=lambda execution_id: refuse_if_retried_since(connection, execution_id, asked_at),
        beginning=checked.beginning,
        project_id=wanted.visible_project,
    )
    _save_results(connection, job_id, answers)
    retry_ids = [one.retry_id for one in answers if one.retry_id is not None]
    if call_id is not None:
        note_touched(connection, call_id, retry_ids, project_id=wanted.visible_project)
    advance = {"retried": len(retry_ids), "refused": len(answers) - len(retry_ids), "above": page.before}
    connection.execute(ADVANCE, advance | {"id": job_id, "finished": page.is_last})
    return len(ids)


def _save_results(connection: Connection, job_id: int, answers: Sequence[RetryAnswer]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            SAVE_RESULT,
            [
                {"job_id": job_id, "execution_id": one.id, "retry_id": one.retry_id, "message": one.message}
                for one in answers
            ],
        )
