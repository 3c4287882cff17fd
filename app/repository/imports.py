"""Stores executions that another program has run.

Ids are kept, and ids grow with time (lists find a moment by halving them). So what comes has to be older, or have
come from the same source, as `import_progress.refuse_to_mix` makes sure.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from uuid import UUID

import psycopg

from app.dates import WAIT_INDEFINITELY
from app.repository import execution_totals, failure_groups, failure_words, imported_waits
from app.repository.connection import Connection, json_of, scalar
from app.repository.custom_data import save_custom_data
from app.repository.execution_data import Encoded, encode_run_data
from app.repository.imported_waits import Wait
from app.vocabulary import FAILED, Mode, Status

KNOWN = """
    SELECT e.id, e.status = 'waiting' AND w.execution_id IS NOT NULL, e.workflow_id, w.digest
      FROM executions AS e
      LEFT JOIN imported_waits AS w ON w.execution_id = e.id AND w.released_at IS NULL
     WHERE e.id = ANY(%(ids)s::bigint[])
"""

COPY_EXECUTIONS = """
    COPY executions (id, workflow_id, workflow_version_id, project_id, status, mode, created_at, started_at, stopped_at,
                     wait_till, waits_for, parent_id, retry_of, retry_success_id, vote, note, error_node, error_message,
                     json_size_bytes, input_preview)
    FROM STDIN (FORMAT BINARY)
"""
EXECUTION_TYPES = (
    "int8", "text", "uuid", "text", "text", "text", "timestamptz", "timestamptz", "timestamptz",
    "timestamptz", "int8", "int8", "int8", "int8", "text", "text", "text", "text", "int8", "json",
)  # fmt: skip

COPIED = attrgetter(
    "id", "workflow_id", "version_id", "project_id", "status", "mode", "created_at", "started_at", "stopped_at",
    "held_until", "waits_for", "parent_id", "retry_of", "retry_success_id", "vote", "note", "error_node",
    "error_message",
)  # fmt: skip

COPY_DATA = "COPY execution_data (execution_id, encoding, encoded, run_index) FROM STDIN (FORMAT BINARY)"

# A held execution that has gone on there. Nothing else of it can have changed here but its annotations.
REPLACE = """
    UPDATE executions AS e
       SET status = %(status)s, started_at = %(started_at)s, stopped_at = %(stopped_at)s, wait_till = %(wait_till)s,
           waits_for = %(waits_for)s, retry_success_id = %(retry_success_id)s, error_node = %(error_node)s,
           error_message = %(error_message)s, json_size_bytes = %(json_size_bytes)s
     WHERE e.id = %(id)s AND e.status = 'waiting'
"""

# One that came without all its data, which was too large for that import. It has never gone on here.
COMPLETE = """
    UPDATE executions AS e
       SET error_node = %(error_node)s, error_message = %(error_message)s, json_size_bytes = %(json_size_bytes)s,
           input_preview = %(input_preview)s::json
     WHERE e.id = %(id)s AND e.workflow_id = %(workflow_id)s AND e.status = %(status)s
       AND e.status NOT IN ('new', 'running', 'waiting')
       AND e.json_size_bytes < %(json_size_bytes)s
       AND NOT EXISTS (SELECT FROM imported_waits AS w WHERE w.execution_id = e.id)
"""

SAVE_DATA = """
    INSERT INTO execution_data (execution_id, encoding, encoded, run_index, waiting_node)
    VALUES (%(id)s, %(encoding)s, %(encoded)s, %(run_index)s, %(waiting_node)s)
    ON CONFLICT (execution_id) DO UPDATE
       SET data = NULL, encoding = EXCLUDED.encoding, encoded = EXCLUDED.encoded, run_index = EXCLUDED.run_index,
           waiting_node = EXCLUDED.waiting_node
"""

SAVE_TAG = """
    INSERT INTO execution_tags (execution_id, tag_id)
    VALUES (%(id)s, %(tag_id)s)
    ON CONFLICT (execution_id, tag_id) DO NOTHING
"""

# A failure that came earlier and has been mended there since.
LINK_RETRIES = """
    WITH newest AS (
        SELECT r.retry_of, r.workflow_id, max(r.id) AS id
          FROM executions AS r
         WHERE r.id = ANY(%(ids)s) AND r.status = 'success'
         GROUP BY r.retry_of, r.workflow_id),
    mended AS (
        INSERT INTO mended_failures (execution_id)
        SELECT e.id
          FROM executions AS e
          JOIN newest AS n ON n.retry_of = e.id AND n.workflow_id = e.workflow_id
         WHERE e.status IN ('error', 'crashed') AND e.retry_success_id IS NULL)
    UPDATE executions AS e
       SET retry_success_id = n.id
      FROM newest AS n
     WHERE e.id = n.retry_of AND e.workflow_id = n.workflow_id AND coalesce(e.retry_success_id, 0) < n.id
"""


@dataclass(frozen=True, slots=True)
class ImportedExecution:
    """An execution as it comes in: ended, or waiting (with `wait`). `data` is JSON in n8n's shape, `input_preview` what
    lists show of what it began with. `parent_id` is what waits for its end."""

    id: int
    workflow_id: str
    version_id: UUID
    project_id: str
    status: Status
    mode: Mode
    created_at: datetime
    started_at: datetime | None
    stopped_at: datetime | None
    retry_of: int | None = None
    retry_success_id: int | None = None
    parent_id: int | None = None
    vote: str | None = None
    note: str | None = None
    error_node: str | None = None
    error_message: str | None = None
    data: bytes | None = None
    input_preview: bytes | None = None
    wait: Wait | None = None
    metadata: Sequence[tuple[str, str]] = ()
    tags: Sequence[str] = ()

    @property
    def held_until(self) -> datetime | None:
        """The `waitTill` of one that waits, which no clock reaches; None for one that has ended."""
        return None if self.wait is None else WAIT_INDEFINITELY

    @property
    def waits_for(self) -> int | None:
        """The id of the sub-execution whose end lets it go on; None: it waits for none."""
        return None if self.wait is None else self.wait.child


@dataclass(frozen=True, slots=True)
class Brought:
    """How many executions of a batch came new, and how many replaced what was held here; and the ids that are taken
    here by executions of other workflows."""

    created: int = 0
    replaced: int = 0
    others: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class _Batch:
    """Executions by what is here of each: nothing, one that is held and has changed there, or one that has ended."""

    new: list[ImportedExecution]
    held: list[ImportedExecution]
    ended: list[ImportedExecution]
    others: set[int]
    """Ids that executions of other workflows have here."""


def bring(connection: Connection, executions: Sequence[ImportedExecution]) -> Brought:
    """Store those that are not here; those that are held here and have gone on since replace what is here.

    Those that came with less data than they have now are completed. What is here otherwise stays as it is.
    """
    batch = _compare_with_stored(connection, executions)
    encoded = _encode(batch.new)
    _copy(connection, batch.new, encoded)
    encoded |= _encode(batch.held)
    # One that was stopped here meanwhile stays as it is here.
    replaced = [each for each in batch.held if connection.execute(REPLACE, _values(each)).rowcount]
    with connection.pipeline():
        for again, stored in ((False, batch.new), (True, replaced)):
            for execution in stored:
                _save_rest(connection, execution, encoded.get(execution.id), again=again)
    completed = [execution for execution in batch.ended if _complete(connection, execution)]
    _note(connection, [*batch.new, *replaced], completed)
    return Brought(len(batch.new), len(replaced) + len(completed), sorted(batch.others))


def _compare_with_stored(connection: Connection, executions: Sequence[ImportedExecution]) -> _Batch:
    known = {row[0]: row[1:] for row in connection.execute(KNOWN, {"ids": [each.id for each in executions]})}
    batch = _Batch([], [], [], set())
    for execution in executions:
        if execution.id not in known:
            batch.new.append(execution)
            continue
        is_held, workflow_id, digest = known[execution.id]
        if workflow_id != execution.workflow_id:
            batch.others.add(execution.id)
        if not is_held:
            batch.ended.append(execution)
        elif workflow_id == execution.workflow_id and digest != _digest(execution):
            batch.held.append(execution)
    return batch


def _copy(connection: Connection, executions: Sequence[ImportedExecution], encoded: Mapping[int, Encoded]) -> None:
    """Store new executions; the data of those that wait comes with the rest of them."""
    with connection.cursor() as cursor, cursor.copy(COPY_EXECUTIONS) as copy:
        copy.set_types(EXECUTION_TYPES)
        for execution in executions:
            copy.write_row(_row(execution))
    with connection.cursor() as cursor, cursor.copy(COPY_DATA) as copy:
        copy.set_types(("int8", "text", "bytea", "bytea"))
        for execution in executions:
            if execution.wait is None and (data := encoded.get(execution.id)) is not None:
                copy.write_row((execution.id, data.encoding, data.content, data.index))


def _note(connection: Connection, stored: Sequence[ImportedExecution], completed: Sequence[ImportedExecution]) -> None:
    """Append rows for totals, problems and search by words, and link failures to the retries that mend them."""
    for append in (execution_totals.append, failure_groups.append_imported):
        append(connection, [execution.id for execution in stored])
    # Failures come there when they are grouped, and what was stopped may have a message as well.
    stopped = [each for each in stored if each.error_message is not None and each.status not in FAILED]
    failure_words.note_changed(connection, [execution.id for execution in (*completed, *stopped)])
    retries = [each.id for each in stored if each.retry_of is not None and each.status == "success"]
    if retries:
        connection.execute(LINK_RETRIES, {"ids": retries})


def _complete(connection: Connection, execution: ImportedExecution) -> bool:
    """Whether more of an execution's data came now than is here; it is stored then."""
    if execution.data is None or not connection.execute(COMPLETE, _values(execution)).rowcount:
        return False
    [data] = encode_run_data([execution.data])
    connection.execute(SAVE_DATA, {"id": execution.id, "waiting_node": None, **data.values()})
    return True


def _encode(executions: Iterable[ImportedExecution]) -> dict[int, Encoded]:
    with_data = [execution for execution in executions if execution.data is not None]
    encoded = encode_run_data([execution.data or b"" for execution in with_data])
    return {execution.id: data for execution, data in zip(with_data, encoded, strict=True)}


def _row(execution: ImportedExecution) -> tuple[object, ...]:
    return (*COPIED(execution), len(execution.data or b""), json_of(execution.input_preview))


def _values(execution: ImportedExecution) -> dict[str, object]:
    return {
        "id": execution.id,
        "workflow_id": execution.workflow_id,
        "status": execution.status,
        "started_at": execution.started_at,
        "stopped_at": execution.stopped_at,
        "wait_till": execution.held_until,
        "waits_for": execution.waits_for,
        "retry_success_id": execution.retry_success_id,
        "error_node": execution.error_node,
        "error_message": execution.error_message,
        "json_size_bytes": len(execution.data or b""),
        "input_preview": json_of(execution.input_preview),
    }


def _digest(execution: ImportedExecution) -> bytes:
    """Of all that may change of an execution while it waits: one that comes again as it was is not written again."""
    changing = (
        execution.status, execution.started_at, execution.stopped_at, execution.retry_success_id, execution.error_node,
        execution.error_message, execution.wait, execution.metadata, execution.tags,
    )  # fmt: skip
    digest = hashlib.sha256(repr(changing).encode("utf-8", "backslashreplace"))
    digest.update(execution.data or b"")
    return digest.digest()


def _save_rest(connection: Connection, execution: ImportedExecution, data: Encoded | None, *, again: bool) -> None:
    wait = execution.wait
    if data is not None and (wait is not None or again):
        node = None if wait is None else json_of(wait.node)
        connection.execute(SAVE_DATA, {"id": execution.id, "waiting_node": node, **data.values()})
    if wait is not None:
        imported_waits.hold(connection, execution.id, wait, digest=_digest(execution))
    elif again:
        imported_waits.forget(connection, execution.id)
    save_custom_data(connection, execution.id, execution.metadata)
    for tag_id in execution.tags:
        connection.execute(SAVE_TAG, {"id": execution.id, "tag_id": tag_id})


def count_up_to(connection: Connection, highest_id: int) -> int:
    """How many executions there are with ids up to this one. Reads them all."""
    return int(scalar(connection, "SELECT count(*) FROM executions AS e WHERE e.id <= %(id)s", {"id": highest_id}) or 0)


def analyze(connection: Connection) -> None:
    """Let the planner know what has come; in no transaction."""
    for table in ("executions", "execution_data", "execution_tags", "execution_metadata", "workflow_versions"):
        connection.execute(psycopg.sql.SQL("ANALYZE {}").format(psycopg.sql.Identifier(table)))
