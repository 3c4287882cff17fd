"""Custom data: keys and values that executions have noted about themselves, for lists to find them by."""

from collections.abc import Iterable, Sequence

from app.repository.connection import Connection

MAX_KEYS = 200
"""Keys that are looked at, in their order."""
LOOKS = 25
"""Of a key, so many of its newest executions are asked for their project."""

# Goes from each key to the next one in execution_metadata_of_key, so that it reads as many entries as there are keys.
LIST_KEYS = """
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


READ = """
    SELECT m.execution_id, m.key, m.value
      FROM execution_metadata AS m
     WHERE m.execution_id = ANY(%(ids)s)
     ORDER BY m.execution_id, m.key
"""

SAVE = """
    INSERT INTO execution_metadata (execution_id, key, value)
    VALUES (%(id)s, %(key)s, %(value)s)
    ON CONFLICT (execution_id, key) DO UPDATE SET value = EXCLUDED.value
"""


def list_keys(connection: Connection, *, project_id: str | None = None) -> list[str]:
    """The first keys in their order; with a project, those that its executions have noted lately."""
    values = {"project_id": project_id, "most": MAX_KEYS, "looks": LOOKS}
    return [key for (key,) in connection.execute(LIST_KEYS, values)]


def read_custom_data(connection: Connection, ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """The custom data of these executions; those that have none are left out."""
    custom_data: dict[int, dict[str, str]] = {}
    for execution_id, key, value in connection.execute(READ, {"ids": list(ids)}):
        custom_data.setdefault(execution_id, {})[key] = value
    return custom_data


def save_custom_data(connection: Connection, execution_id: int, data: Iterable[tuple[str, str]]) -> None:
    """Keep what an execution has noted, in the place of what it had noted under the same keys."""
    for key, value in data:
        connection.execute(SAVE, {"id": execution_id, "key": key, "value": value})
