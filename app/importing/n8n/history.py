"""Stores executions in batches, each in a transaction of its own. An import that was cut short goes on there."""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from app.importing.n8n.executions import UNFINISHED, ExecutionMapper
from app.importing.n8n.progress import Progress
from app.importing.n8n.report import Report
from app.importing.n8n.row_savepoints import REFUSED
from app.importing.n8n.rows import MAX_ID, ODD
from app.importing.n8n.source import Source, SourceError, SourceExecution
from app.repository import import_leftovers, import_progress, imported_ids, imported_waits, imports
from app.repository.connection import Connection
from app.repository.import_leftovers import Leftover, Means
from app.repository.imports import ImportedExecution

MAX_GAPS = 100
"""How far below the highest id a missing one is looked for again."""

CREATED, REPLACED = CAME = ("created", "brought up to date")
"""What a report says of executions that were written."""

BATCH = 500
BATCH_BYTES = 8 * 2**20


@dataclass(slots=True)
class Reached:
    """How far a pass is: the highest id that was stored. `missed`: what was asked for by its id and has not come.
    `gone`: what has been deleted there."""

    highest_id: int
    missed: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    recent: deque[int] = field(default_factory=lambda: deque(maxlen=MAX_GAPS))

    def gaps(self, above: int) -> list[int]:
        """Ids just below the highest one that were not there: an execution may get its id and show up after a later
        one. They are looked for once more."""
        lowest = max(above, self.highest_id - MAX_GAPS)
        return sorted(set(range(lowest + 1, self.highest_id)) - set(self.recent))


class HistoryWriter:
    """Stores executions of one source. The connection is in no transaction between two calls."""

    def __init__(
        self,
        connection: Connection,
        mapper: ExecutionMapper,
        report: Report,
        forget: Callable[[], None],
        means: Means,
    ) -> None:
        self._connection, self._mapper, self._report, self._forget = connection, mapper, report, forget
        self._means = means

    def bring(self, source: Source, progress: Progress) -> list[int]:
        """Store what is not here yet; returns the ids of what waits here and is gone there.

        Raises CannotMix, SourceError.
        """
        with self._connection.transaction():
            before = import_progress.read_progress(self._connection, source.name)
            self._mapper.start_after(imported_ids.created_at(self._connection, before))
        reached = Reached(before)
        for ids in import_leftovers.pages(self._connection, source.name, self._means):
            reached.missed.update(ids)
            self._bring_all(source.name, source.named(ids), reached, progress)
        self._bring_all(source.name, source.executions(before), reached, progress)
        if source.tells_gone():
            reached.gone |= reached.missed
        gaps = reached.gaps(before) if reached.recent else []
        with self._connection.transaction():
            gone = imported_waits.find_held(self._connection, reached.gone)  # they may have been hidden only
            import_leftovers.forget(self._connection, source.name, reached.gone.difference(gone))
            import_leftovers.save(self._connection, source.name, [Leftover(each) for each in gaps])
            import_progress.save_progress(self._connection, source.name, reached.highest_id)
            imported_ids.start_own_ids(self._connection)
        return gone

    def _bring_all(
        self, name: str, executions: Iterator[SourceExecution], reached: Reached, progress: Progress
    ) -> None:
        for batch in batches(executions):
            self._bring_batch(name, batch, reached)
            progress.add(len(batch))

    def _bring_batch(self, name: str, batch: list[SourceExecution], reached: Reached) -> None:
        highest = max((execution.id for execution in batch if execution.id <= MAX_ID), default=0)
        wanted, leftovers = [], []
        for execution in batch:
            if execution.id > MAX_ID:
                self._report.lose(execution.id, "its id is too large")
            elif not execution.row.get("workflowId"):
                self._report.lose(execution.id, "it names no workflow")
            elif execution.row.get("deletedAt") is not None:
                self._report.count("executions", "deleted in n8n")
                reached.gone.add(execution.id)
            elif execution.row.get("status") in UNFINISHED:
                leftovers.append(Leftover(execution.id))
                self._report.count("executions", "not ended yet")
            else:
                wanted.append(execution)
                if execution.row.get("status") == "waiting":
                    leftovers.append(Leftover(execution.id))
        try:
            with self._connection.transaction():
                import_progress.refuse_to_mix(self._connection, highest)
                left_behind = self._store(wanted, above=reached.highest_id)
                self._save(name, batch, highest, [*leftovers, *left_behind], reached.gone)
        except REFUSED:
            self._forget()
            self._one_by_one(name, batch, wanted, leftovers, reached, highest)
        reached.highest_id = max(reached.highest_id, highest)
        reached.missed.difference_update(execution.id for execution in batch)
        reached.recent.extend(execution.id for execution in batch)

    def _one_by_one(
        self,
        name: str,
        batch: list[SourceExecution],
        wanted: list[SourceExecution],
        leftovers: list[Leftover],
        reached: Reached,
        highest: int,
    ) -> None:
        """What PostgreSQL refuses of one execution must not keep the others back."""
        for execution in wanted:
            try:
                with self._connection.transaction():
                    left_behind = self._store([execution], above=reached.highest_id)
                leftovers += left_behind
            except REFUSED as error:
                self._forget()
                self._report.lose(execution.id, f"PostgreSQL refuses it: {error.diag.message_primary or error}")
        with self._connection.transaction():
            self._save(name, batch, highest, leftovers, reached.gone)

    def _save(
        self,
        name: str,
        batch: list[SourceExecution],
        highest: int,
        leftovers: Sequence[Leftover],
        gone: Collection[int],
    ) -> None:
        """Note how far it is, and what of a batch is left over. What is gone there is seen to at the end."""
        left_over = {each.id for each in leftovers}
        known = (execution.id for execution in batch if execution.id <= MAX_ID)
        whole = [number for number in known if number not in left_over and number not in gone]
        import_leftovers.forget(self._connection, name, whole)
        import_leftovers.save(self._connection, name, leftovers)
        import_progress.save_progress(self._connection, name, highest)

    def _store(self, executions: list[SourceExecution], *, above: int) -> list[Leftover]:
        """Store them, and return those that do not come whole, for now."""
        records, left_behind = [], []
        for execution in executions:
            try:
                record, losses = self._mapper.record(execution, in_order=execution.id > above)
            except ODD as error:
                self._report.lose(execution.id, f"it is laid out as none of n8n's: {error!r:.100}")
                continue
            if execution.id <= above:
                fitting = imported_ids.fit_time(self._connection, execution.id, record.created_at)
                record = replace(record, created_at=fitting)
            records.append(record)
            for reason in losses.reasons:
                self._report.lose(execution.id, reason)
            leftover = losses.leftover(execution.id, self._means.most_bytes)
            if leftover is not None and execution.row.get("status") != "waiting":
                left_behind.append(leftover)
        brought = imports.bring(self._connection, records)
        self._count(records, brought)
        for execution_id in brought.others:
            self._report.lose(execution_id, "there is another execution of this id here, of another workflow")
        return left_behind

    def _count(self, records: list[ImportedExecution], brought: imports.Brought) -> None:
        for what, number in (
            (CREATED, brought.created),
            (REPLACED, brought.replaced),
            ("here already", len(records) - brought.created - brought.replaced - len(brought.others)),
        ):
            if number:
                self._report.count("executions", what, number)


def batches(executions: Iterator[SourceExecution], *, most_bytes: int = BATCH_BYTES) -> Iterator[list[SourceExecution]]:
    """The executions in lists that come to a bounded number and size; what is larger than that is alone.

    Those that were read before a SourceError come before it.
    """
    batch: list[SourceExecution] = []
    size = 0
    try:
        for execution in executions:
            length = len(execution.flatted or "") + execution.document_bytes
            if batch and (len(batch) == BATCH or size + length > most_bytes):
                yield batch
                batch, size = [], 0
            batch.append(execution)
            size += length
    except SourceError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
