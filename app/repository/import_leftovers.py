"""Executions that an import has not brought, or not whole: which of them a later pass asks for again, and when."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from app.repository.connection import Connection, scalar

PAGE = 1_000

# Uses import_leftovers_of_each_pass.
OF_EACH_PASS = """
    SELECT l.execution_id
      FROM import_leftovers AS l
     WHERE l.source = %(source)s AND l.execution_id > %(after)s AND NOT l.needs_folder AND l.needs_above IS NULL
     ORDER BY l.execution_id
     LIMIT %(limit)s
"""

# Uses the primary key.
MENDABLE = """
    SELECT l.execution_id
      FROM import_leftovers AS l
     WHERE l.source = %(source)s AND l.execution_id > %(after)s
       AND ((NOT l.needs_folder AND l.needs_above IS NULL)
            OR (l.needs_folder AND %(folder)s)
            OR l.needs_above < %(most_bytes)s)
     ORDER BY l.execution_id
     LIMIT %(limit)s
"""

OUT_OF_REACH = """
    SELECT count(*)
      FROM import_leftovers AS l
     WHERE l.source = %(source)s AND (l.needs_folder OR l.needs_above IS NOT NULL)
       AND NOT (l.needs_folder AND %(folder)s) AND coalesce(l.needs_above >= %(most_bytes)s, true)
"""

SAVE = """
    INSERT INTO import_leftovers AS l (source, execution_id, needs_folder, needs_above)
    SELECT %(source)s, left_over.id, left_over.needs_folder, left_over.needs_above
      FROM unnest(%(ids)s::bigint[], %(folder)s::boolean[], %(above)s::bigint[])
           AS left_over (id, needs_folder, needs_above)
    ON CONFLICT (source, execution_id) DO UPDATE
       SET needs_folder = EXCLUDED.needs_folder, needs_above = EXCLUDED.needs_above
     WHERE (l.needs_folder, l.needs_above) IS DISTINCT FROM (EXCLUDED.needs_folder, EXCLUDED.needs_above)
"""

FORGET = """
    DELETE FROM import_leftovers AS l
     WHERE l.source = %(source)s AND l.execution_id = ANY(%(ids)s::bigint[])
"""


@dataclass(frozen=True, slots=True)
class Leftover:
    """An execution, and what brings more of it: the folder of files, a bound above `needs_above` bytes, or, with
    neither, time."""

    id: int
    needs_folder: bool = False
    needs_above: int | None = None


@dataclass(frozen=True, slots=True)
class Means:
    """What an import has to bring more: whether a folder of files is named, and the bound of what it reads, in bytes.
    With `unchanged` ones only what time may mend is asked for again."""

    folder: bool = False
    most_bytes: int = 0
    unchanged: bool = False


def pages(connection: Connection, source: str, means: Means) -> Iterator[list[int]]:
    """The ids of those that may come now, in pages, the lowest first. What is saved or forgotten meanwhile is not seen
    again."""
    query = OF_EACH_PASS if means.unchanged else MENDABLE
    values = {"source": source, "after": 0, "limit": PAGE, "folder": means.folder, "most_bytes": means.most_bytes}
    while page := [row[0] for row in connection.execute(query, values)]:
        yield page
        values["after"] = page[-1]


def count_out_of_reach(connection: Connection, source: str, means: Means) -> int:
    """How many lack what these means do not bring."""
    values = {"source": source, "folder": means.folder, "most_bytes": means.most_bytes}
    return int(scalar(connection, OUT_OF_REACH, values))


def save(connection: Connection, source: str, leftovers: Sequence[Leftover]) -> None:
    """Note these, each once."""
    if leftovers:
        values = {
            "source": source,
            "ids": [each.id for each in leftovers],
            "folder": [each.needs_folder for each in leftovers],
            "above": [each.needs_above for each in leftovers],
        }
        connection.execute(SAVE, values)


def forget(connection: Connection, source: str, ids: Collection[int]) -> None:
    """These came whole, or are gone."""
    if ids:
        connection.execute(FORGET, {"source": source, "ids": list(ids)})
