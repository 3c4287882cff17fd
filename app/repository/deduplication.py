"""What Remove Duplicates nodes have seen in earlier executions of their workflow.

The row of a history is locked first, so that of executions that run at once only one takes a value for new.
"""

import hashlib
from collections.abc import Iterable

from app.repository.connection import Connection

VALUES = "values"

OPEN = """
    INSERT INTO deduplication_histories AS h (workflow_id, scope, kind)
    SELECT w.id, %(scope)s, %(kind)s
      FROM workflows AS w
     WHERE w.id = %(workflow_id)s
    ON CONFLICT (workflow_id, scope) DO UPDATE SET size = h.size
    RETURNING h.kind, h.size, h.highest
"""

# Those that come last have been seen last. A value that was brought from n8n is known by its MD5.
NOTE_VALUES = """
    WITH given AS (
        SELECT seen.value, seen.md5, now() + seen.place * interval '1 microsecond' AS seen_at
          FROM unnest(%(values)s::bytea[], %(md5s)s::bytea[]) WITH ORDINALITY AS seen (value, md5, place)),
    known AS (
        UPDATE deduplication_values AS v
           SET seen_at = g.seen_at
          FROM given AS g
         WHERE v.workflow_id = %(workflow_id)s AND v.scope = %(scope)s AND v.value_sha256 IN (g.value, g.md5)
        RETURNING g.value)
    INSERT INTO deduplication_values (workflow_id, scope, value_sha256, seen_at)
    SELECT %(workflow_id)s, %(scope)s, g.value, g.seen_at
      FROM given AS g
     WHERE NOT EXISTS (SELECT FROM known AS k WHERE k.value = g.value)
    RETURNING value_sha256
"""

FORGET_OLDEST = """
    WITH oldest AS (
        SELECT v.value_sha256
          FROM deduplication_values AS v
         WHERE v.workflow_id = %(workflow_id)s AND v.scope = %(scope)s
         ORDER BY v.seen_at NULLS FIRST, v.value_sha256
         LIMIT %(surplus)s)
    DELETE FROM deduplication_values AS v
     USING oldest AS o
     WHERE v.workflow_id = %(workflow_id)s AND v.scope = %(scope)s AND v.value_sha256 = o.value_sha256
"""

RESIZE = """
    UPDATE deduplication_histories AS h
       SET size = %(size)s
     WHERE h.workflow_id = %(workflow_id)s AND h.scope = %(scope)s
"""

RAISE = """
    UPDATE deduplication_histories AS h
       SET highest = greatest(h.highest, %(highest)s)
     WHERE h.workflow_id = %(workflow_id)s AND h.scope = %(scope)s
"""

CLEAR = """
    DELETE FROM deduplication_histories AS h
     WHERE h.workflow_id = %(workflow_id)s AND h.scope = %(scope)s
"""


LONGEST_SCOPE = 500
"""Characters of a scope that is kept as it is: the id of a node may be of any length, an entry of an index may not."""


class OtherKind(Exception):
    """The history holds values and the highest one was asked for, or the other way round."""


class HistoryFull(Exception):
    """There is no room for as many values."""


class NoSuchWorkflow(Exception):
    """The workflow is not stored, or not any more, so it has no history."""


def add_values(
    connection: Connection, workflow_id: str, scope: str, values: Iterable[str], *, number: int, room: float | None
) -> set[str]:
    """Note the values and return those that are new.

    `number` items come in, which must not be more than there is `room` for; what has not been seen for longest makes
    way for them. Raises HistoryFull, OtherKind, NoSuchWorkflow.
    """
    size, _ = _open(connection, workflow_id, scope, VALUES)
    if room is not None and number > room:
        raise HistoryFull
    texts = {value: value.encode("utf-8", "surrogatepass") for value in values}
    digests = {hashlib.sha256(text).digest(): value for value, text in texts.items()}
    md5s = [hashlib.md5(text, usedforsecurity=False).digest() for text in texts.values()]
    history = {"workflow_id": workflow_id, "scope": kept_scope(scope)}
    rows = connection.execute(NOTE_VALUES, {**history, "values": [*digests], "md5s": md5s})
    new = {digests[bytes(digest)] for (digest,) in rows}
    size += len(new)
    if room is not None and size > room:
        size -= connection.execute(FORGET_OLDEST, {**history, "surplus": size - int(room)}).rowcount
    connection.execute(RESIZE, {**history, "size": size})
    return new


def pass_highest(connection: Connection, workflow_id: str, scope: str, kind: str, highest: float) -> float | None:
    """Raise the highest value to this one; returns what it was before, None when there was none.

    `kind` is "number" or "date". Raises OtherKind, NoSuchWorkflow.
    """
    _, before = _open(connection, workflow_id, scope, kind)
    connection.execute(RAISE, {"workflow_id": workflow_id, "scope": kept_scope(scope), "highest": highest})
    return before


def clear(connection: Connection, workflow_id: str, scope: str) -> None:
    """Forget what was seen."""
    connection.execute(CLEAR, {"workflow_id": workflow_id, "scope": kept_scope(scope)})


def kept_scope(scope: str) -> str:
    """The scope as it stands in the database: a long one by its SHA-256."""
    if len(scope) <= LONGEST_SCOPE:
        return scope
    return f"sha256:{hashlib.sha256(scope.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _open(connection: Connection, workflow_id: str, scope: str, kind: str) -> tuple[int, float | None]:
    row = connection.execute(OPEN, {"workflow_id": workflow_id, "scope": kept_scope(scope), "kind": kind}).fetchone()
    if row is None:
        raise NoSuchWorkflow
    if row[0] != kind:
        raise OtherKind
    return row[1], row[2]
