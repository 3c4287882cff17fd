"""How far a move is: steps, each with what is counted in it; and a source that tells how far it is read."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from app.importing.n8n.rows import Row
from app.importing.n8n.source import Source, SourceExecution


class Progress(Protocol):
    """Is told of each step of a move."""

    def begin(self, what: str, most: int | None = None) -> None:
        """Another step begins. `what` is counted in it ("executions stored"), up to `most` where that is known."""

    def add(self, number: int = 1) -> None:
        """So many more are done."""

    def say(self, sentence: str) -> None:
        """Something that takes long: why, and how long."""


class Untold:
    """Progress that nobody looks at."""

    def begin(self, what: str, most: int | None = None) -> None:
        """See `Progress.begin`; told to nobody."""

    def add(self, number: int = 1) -> None:
        """See `Progress.add`; told to nobody."""

    def say(self, sentence: str) -> None:
        """See `Progress.say`; told to nobody."""


class WatchedSource:
    """A source that tells of each row that is read of n8n's tables."""

    def __init__(self, source: Source, progress: Progress) -> None:
        self._source, self._progress = source, progress
        self.name, self.remarks = source.name, source.remarks

    def rows(self, table: str) -> Iterator[Row]:
        """See `Source.rows`; each row is told as it is read."""
        self._progress.begin(f"rows of {table} read")
        for row in self._source.rows(table):
            self._progress.add()
            yield row

    def count_executions(self) -> int | None:
        """See `Source.count_executions`; told as a step, since it may take long."""
        self._progress.begin("executions counted")
        return self._source.count_executions()

    def count_brought(self) -> int | None:
        """See `Source.count_brought`; told as a step, since it may take long."""
        self._progress.begin("executions counted")
        return self._source.count_brought()

    def tells_gone(self) -> bool:
        """See `Source.tells_gone`."""
        return self._source.tells_gone()

    def executions(self, above: int) -> Iterator[SourceExecution]:
        """See `Source.executions`; who stores them tells of them."""
        return self._source.executions(above)

    def named(self, ids: Sequence[int]) -> Iterator[SourceExecution]:
        """See `Source.named`."""
        return self._source.named(ids)

    def newest(self, workflow_id: str, number: int) -> list[int]:
        """See `Source.newest`."""
        return self._source.newest(workflow_id, number)

    def read_file(self, reference: str) -> bytes | None:
        """See `Source.read_file`."""
        return self._source.read_file(reference)

    def close(self) -> None:
        """See `Source.close`."""
        self._source.close()
