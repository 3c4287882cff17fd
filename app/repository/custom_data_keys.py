"""The keys that executions have noted custom data under, for whoever filters by them."""

from app.repository.connection import Connection

MOST = 200
"""Keys that are looked at, in their order."""
LOOKS = 25
"""Of a key, so many of its newest executions are asked for their project."""

# Goes from each key to the next one in execution_metadata_of_key, so that it reads as many entries as there are keys.
LIST = """
    WITH RECURSIVE used AS (
        (SELECT m.key, 1 AS number FROM execution_metadata AS m ORDER BY m.key LIMIT 1)
        UNION ALL
        SELECT (SELECT m.key FROM execution_metadata AS m WHERE m.key > u.key ORDER BY m.key LIMIT 1), u.number + 1
          FROM used AS u
         WHERE u.key IS NOT NULL AND u.number < %(most)s)
    SELECT u.key
      FROM used AS u
     WHERE u.key IS NOT NULL
       AND (%(project_id)s::text IS NULL OR EXISTS (
            SELECT
              FROM (SELECT m.execution_id
                      FROM execution_metadata AS m
                     WHERE m.key = u.key
                     ORDER BY m.execution_id DESC
                     LIMIT %(looks)s) AS newest
              JOIN executions AS e ON e.id = newest.execution_id
             WHERE e.project_id = %(project_id)s))
     ORDER BY u.key
"""


def list_keys(connection: Connection, *, project_id: str | None = None) -> list[str]:
    """The first keys in their order; with a project, those that its executions have noted lately."""
    values = {"project_id": project_id, "most": MOST, "looks": LOOKS}
    return [key for (key,) in connection.execute(LIST, values)]
