"""Deleting more executions than one call should wait for: a job that workers do in small steps.

Only what was there when the job was made is deleted, and never what runs when its turn comes.
"""

from dataclasses import asdict, dataclass, replace
from datetime import datetime

import orjson
from psycopg.rows import args_row

from app.repository import counters
from app.repository.connection import Connection, read_one, scalar
from app.repository.deletions import DELETE, LOCK
from app.repository.errors import CannotDelete, Conflict, DeletionJobNotFound
from app.repository.execution_filters import ExecutionFilter, filter_of
from app.repository.executions import list_executions
from app.repository.project_locks import lock_project
from app.vocabulary import MAX_ID

STEP_SIZE = 500
MAX_UNFINISHED = 20
"""So many jobs of the keys of one project, or of the keys of all projects, may be under way."""

# Nothing where as many are under way as may be. Uses deletion_jobs_unfinished.
CREATE = """
    INSERT INTO deletion_jobs (project_id, wanted, above)
    SELECT %(project_id)s, %(wanted)s, coalesce((SELECT max(e.id) FROM executions AS e), 0) + 1
     WHERE (SELECT count(*)
              FROM deletion_jobs AS j
             WHERE j.finished_at IS NULL AND coalesce(j.project_id, '') = coalesce(%(project_id)s::text, '')
           ) < %(most)s
    RETURNING id
"""

# Jobs that ended a week ago are of interest to nobody.
FORGET = """
    DELETE FROM deletion_jobs AS j
     WHERE j.finished_at < now() - interval '7 days'
"""

GET = """
    SELECT j.id, j.deleted, j.created_at, j.finished_at
      FROM deletion_jobs AS j
     WHERE j.id = %(id)s AND (%(project_id)s::text IS NULL OR j.project_id = %(project_id)s)
"""

LIST = """
    SELECT j.id, j.deleted, j.created_at, j.finished_at
      FROM deletion_jobs AS j
     WHERE j.id < %(before)s AND (%(project_id)s::text IS NULL OR j.project_id = %(project_id)s)
     ORDER BY j.id DESC
     LIMIT %(limit)s
"""

# Uses deletion_jobs_unfinished. The lock lasts for one step: whoever comes next does the next one.
NEXT = """
    SELECT j.id, j.wanted, j.above
      FROM deletion_jobs AS j
     WHERE j.finished_at IS NULL
     ORDER BY j.id
     LIMIT 1
       FOR UPDATE SKIP LOCKED
"""

ADVANCE = """
    UPDATE deletion_jobs AS j
       SET deleted = j.deleted + %(deleted)s, above = %(above)s,
           finished_at = CASE WHEN %(finished)s THEN clock_timestamp() END
     WHERE j.id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class DeletionJob:
    """How far it is: `deleted` executions so far, `finished_at` None while there may be more."""

    id: int
    deleted: int
    created_at: datetime
    finished_at: datetime | None


def create_deletion_job(connection: Connection, wanted: ExecutionFilter) -> int:
    """Have workers delete whatever matches and exists now; returns the job's id.

    Raises CannotDelete when one of them runs, Conflict where too many jobs are under way.
    """
    if "running" in (wanted.statuses or ("running",)):
        running = replace(wanted, statuses=("running",))
        if list_executions(connection, running, limit=1):
            raise CannotDelete
    connection.execute(FORGET)
    lock_project(connection, "deletion jobs", wanted.visible_project)
    parameters = {
        "project_id": wanted.visible_project,
        "wanted": orjson.dumps(asdict(wanted)).decode(),
        "most": MAX_UNFINISHED,
    }
    job_id = scalar(connection, CREATE, parameters)
    if job_id is None:
        raise Conflict(f"{MAX_UNFINISHED} deletions in the background are under way: await the end of one")
    return int(job_id)


def get_deletion_job(connection: Connection, job_id: int, *, project_id: str | None = None) -> DeletionJob:
    """The job with this id, within a project when one is given. Raises DeletionJobNotFound."""
    return read_one(
        connection, args_row(DeletionJob), GET, {"id": job_id, "project_id": project_id}, DeletionJobNotFound
    )


def list_deletion_jobs(
    connection: Connection, *, project_id: str | None, limit: int, before: int | None = None
) -> list[DeletionJob]:
    """At most `limit` jobs, newest first; with `before`, only of ids below it."""
    values = {"project_id": project_id, "limit": limit, "before": MAX_ID if before is None else before}
    with connection.cursor(row_factory=args_row(DeletionJob)) as cursor:
        return cursor.execute(LIST, values).fetchall()


def delete_some(connection: Connection, *, size: int = STEP_SIZE) -> int | None:
    """Do one step of the oldest unfinished job: at most `size` executions; returns how many were deleted.

    None: there is nothing to do, or another worker does it.
    """
    job = connection.execute(NEXT).fetchone()
    if job is None:
        return None
    job_id, document, above = job
    wanted = filter_of(orjson.loads(document))
    ids = tuple(execution.id for execution in list_executions(connection, wanted, limit=size, before=above))
    deletable: list[int] = []
    if ids:
        condition, parameters = replace(wanted, ids=ids).condition()
        locked = connection.execute(LOCK.format(condition=condition), parameters).fetchall()
        deletable = [execution_id for execution_id, status in locked if status != "running"]
        connection.execute(DELETE, {"ids": deletable})
    advance = {"id": job_id, "deleted": len(deletable), "above": min(ids, default=above), "finished": len(ids) < size}
    connection.execute(ADVANCE, advance)
    counters.count_deleted(connection, len(deletable), by="job")
    return len(deletable)
