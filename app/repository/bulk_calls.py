"""Which executions a call that changes many of them has touched: a list can be asked for exactly these."""

from collections.abc import Collection

from app.repository.connection import Connection, scalar

MAX_CALLS = 1_000
"""Of the calls with keys of one project, or with keys of all projects, the newest so many are known."""
FORGOTTEN_AT_ONCE = 10

CREATE = """
    INSERT INTO bulk_calls (project_id)
    VALUES (%(project_id)s)
    RETURNING id
"""

# Nothing where the call has been forgotten, or is of another project. The lock keeps it until these stand beside it.
NOTE = """
    INSERT INTO bulk_call_executions (call_id, execution_id)
    SELECT made.id, touched.id
      FROM (SELECT c.id FROM bulk_calls AS c
             WHERE c.id = %(call_id)s AND c.project_id IS NOT DISTINCT FROM %(project_id)s
               FOR KEY SHARE) AS made
     CROSS JOIN unnest(%(ids)s::bigint[]) AS touched (id)
    ON CONFLICT (call_id, execution_id) DO NOTHING
"""

# What retries in the background touch is known for as long as they are.
FORGET = """
    DELETE FROM bulk_calls AS c
     WHERE c.made_at < now() - interval '7 days'
       AND NOT EXISTS (SELECT FROM retry_jobs AS j WHERE j.bulk_call_id = c.id)
"""

# Uses bulk_calls_of_project. What another one is dropping, or adds to, is left to the next call.
FORGET_SURPLUS = """
    DELETE FROM bulk_calls AS c
     WHERE c.id IN (
           SELECT old.id
             FROM bulk_calls AS old
            WHERE coalesce(old.project_id, '') = coalesce(%(project_id)s, '')
              AND old.id <= (SELECT n.id
                               FROM bulk_calls AS n
                              WHERE coalesce(n.project_id, '') = coalesce(%(project_id)s, '')
                              ORDER BY n.id DESC
                             OFFSET %(most)s
                              LIMIT 1)
              AND NOT EXISTS (SELECT FROM retry_jobs AS j WHERE j.bulk_call_id = old.id)
            ORDER BY old.id
            LIMIT %(at_once)s
              FOR UPDATE SKIP LOCKED)
"""


def create_bulk_call(connection: Connection, project_id: str | None) -> int:
    """Begin to note what a call touches; returns its id. `project_id`: what its key is limited to.

    Of calls with such keys, those before the newest MAX_CALLS are forgotten.
    """
    call_id = int(scalar(connection, CREATE, {"project_id": project_id}))
    connection.execute(FORGET_SURPLUS, {"project_id": project_id, "most": MAX_CALLS, "at_once": FORGOTTEN_AT_ONCE})
    return call_id


def note_touched(connection: Connection, call_id: int, ids: Collection[int], *, project_id: str | None) -> None:
    """Note executions that a call has touched; nothing where there is no such call within what the key may see."""
    connection.execute(NOTE, {"call_id": call_id, "ids": list(ids), "project_id": project_id})


def note_call(connection: Connection, ids: Collection[int], *, project_id: str | None) -> int | None:
    """Note what a call has touched, and return the id under which it can be listed; None where it touched nothing."""
    if not ids:
        return None
    call_id = create_bulk_call(connection, project_id)
    note_touched(connection, call_id, ids, project_id=project_id)
    return call_id


def forget_old(connection: Connection) -> None:
    """Drop what calls of more than a week ago have touched."""
    connection.execute(FORGET)
