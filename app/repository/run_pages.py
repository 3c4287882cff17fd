"""What a run has recorded, node by node: its structure, and pages of the items at one output.

Of data with an index only that is read which is asked for; other data is read whole, and must be small.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from typing import Protocol

import msgspec

from app.repository.connection import Connection
from app.repository.errors import NodeDataNotFound
from app.repository.execution_data import DataDamaged, DataGone, DataReader, Opener, StoredData, read_data
from app.repository.run_index import (
    LENGTH_BYTES,
    SEGMENT_RUNS,
    Directory,
    IndexedError,
    IndexedRun,
    IndexedSource,
    Mark,
    Output,
    Segment,
    decode_directory,
    decode_segment,
    directory_length,
)
from app.repository.run_scan import PIECE_BYTES, UnreadableRunData, compact, item_texts, scan
from app.repository.zstd_splicing import MAX_HEADER_LENGTH, SIZE_FOLLOWS

PAGE_BYTES = 4 * 2**20
"""A page of items ends before it has more bytes, but for one item that has more by itself."""
BEGINNING_BYTES = 2**20  # of an index that is read at first, which mostly is all of it

BEGINNING = """
    SELECT d.execution_id, coalesce(d.encoding, 'identity'), d.encoding IS NULL, d.xmin::text,
           coalesce(octet_length(d.encoded), 0), coalesce(substring(d.encoded FROM 1 FOR %(header)s::int), ''),
           substring(d.run_index FROM 1 FOR %(size)s::int)
      FROM execution_data AS d
     WHERE d.execution_id = %(id)s
"""

INDEX_SLICE = """
    SELECT substring(d.run_index FROM %(position)s::int FOR %(size)s::int)
      FROM execution_data AS d
     WHERE d.execution_id = %(id)s AND d.xmin = %(version)s::text::xid
"""


@dataclass(frozen=True, slots=True)
class ItemPage:
    """Some items of an output, as pieces of JSON with commas between the items; `next_offset` None: none follow.

    `length`: bytes of the pieces; None where there are many, to be read one by one.
    """

    pieces: Iterable[bytes]
    next_offset: int | None
    length: int | None = 0


class RunData(Protocol):
    """What a run has recorded. Its methods raise DataGone when it is deleted or replaced meanwhile."""

    last_node: str | None
    failure: IndexedError | None
    counts: dict[str, int]
    """How often each node has run, in the order in which they first ran."""

    def runs(self, node: str, first: int, limit: int) -> list[IndexedRun]:
        """At most `limit` runs of a node that is in `counts`, from its run `first` on."""

    def page(self, output: Output, offset: int, limit: int) -> ItemPage:
        """At most `limit` items of an output from `offset` on, and of about PAGE_BYTES."""


class WholeData:
    """The data of a run that is in memory. Raises UnreadableRunData when it is none."""

    def __init__(self, text: bytes) -> None:
        try:
            scanned = scan(text)
        except UnreadableRunData:
            scanned = scan(text := compact(text))
        self._text, self._runs = text, scanned.runs
        self.last_node, self.failure = scanned.last_node, scanned.failure
        self.counts = {name: len(runs) for name, runs in scanned.runs.items()}

    def runs(self, node: str, first: int, limit: int) -> list[IndexedRun]:
        """See `RunData.runs`."""
        return self._runs[node][first : first + limit]

    def page(self, output: Output, offset: int, limit: int) -> ItemPage:
        """See `RunData.page`."""
        items = item_texts(self._text[output.start : output.end])[offset : offset + limit]
        taken = within(PAGE_BYTES, map(len, items))
        return page_of(items[:taken], following(output, offset + taken))


class IndexedData:
    """The data of a run as its index tells of it.

    A large item is read later, when `later` opens connections; everything else over the present connection: who holds
    one must not wait for another.
    """

    def __init__(self, connection: Connection, stored: StoredData, beginning: bytes, later: Opener) -> None:
        self._stored, self._beginning = stored, beginning
        self._connection, self._later = connection, later
        length = directory_length(beginning)
        self._behind = LENGTH_BYTES + length
        self.directory: Directory = decode_directory(self._read(LENGTH_BYTES, length))
        self.last_node, self.failure = self.directory.last_node, self.directory.failure
        self.counts = {node.name: node.runs for node in self.directory.nodes}
        self._segments = {node.name: node.segments for node in self.directory.nodes}

    def _now(self) -> AbstractContextManager[Connection]:
        return nullcontext(self._connection)

    @property
    def is_current(self) -> bool:
        """Whether it is the index of what is stored; an earlier release may have written that anew."""
        stored = self._stored
        return self.directory.stored == stored.size and stored.beginning[4:5] == bytes([SIZE_FOLLOWS])

    def runs(self, node: str, first: int, limit: int) -> list[IndexedRun]:
        """See `RunData.runs`; reads the segments of the index that have them."""
        runs: list[IndexedRun] = []
        skipped = first % SEGMENT_RUNS
        for segment in self._segments[node][first // SEGMENT_RUNS :]:
            if len(runs) >= skipped + limit:
                break
            runs += self._segment(segment)
        return runs[skipped : skipped + limit]

    def _segment(self, segment: Segment) -> list[IndexedRun]:
        return decode_segment(self._read(self._behind + segment.offset, segment.length))

    def _read(self, start: int, length: int) -> bytes:
        if start + length <= len(self._beginning):
            return self._beginning[start : start + length]
        stored = self._stored
        wanted = {"id": stored.execution_id, "version": stored.version, "position": start + 1, "size": length}
        with self._connection.cursor(binary=True) as cursor:
            row = cursor.execute(INDEX_SLICE, wanted).fetchone()
        part: bytes | None = None if row is None else row[0]
        if part is None or len(part) != length:
            raise DataGone(f"the data of execution {stored.execution_id} was deleted or replaced meanwhile")
        return part

    def page(self, output: Output, offset: int, limit: int) -> ItemPage:
        """See `RunData.page`; an item that is large comes alone, and is read while the answer is sent."""
        wanted = min(output.items, offset + limit)
        texts: list[bytes] = []
        left, item = PAGE_BYTES, offset
        for mark, end, following_item in pieces_of(output, offset):
            if item >= wanted:
                break
            start = output.start if mark.item == 0 else mark.position
            if end - start > max(left, 2 * PIECE_BYTES):  # one large item
                if texts:
                    break
                return ItemPage(self._text(mark, start, end, self._later), following(output, item + 1), None)
            text = b"".join(self._text(mark, start, end, self._now))
            items = item_texts(text)[item - mark.item : wanted - mark.item]
            taken = within(left, map(len, items)) if texts else max(within(left, map(len, items)), 1)
            texts += items[:taken]
            item += taken
            left -= sum(map(len, items[:taken]))
            if item < min(following_item, wanted):
                break
        return page_of(texts, following(output, item))

    def _text(self, mark: Mark, start: int, end: int, open_connection: Opener) -> Iterator[bytes]:
        """The text from `start` to `end`, read from the mark on."""
        skip, left = start - mark.position, end - start
        with closing(DataReader(open_connection).json_from(self._stored, mark.stored)) as pieces:
            for piece in pieces:
                part = piece[skip : skip + left]
                skip = max(skip - len(piece), 0)
                left -= len(part)
                if part:
                    yield part
                if not left:
                    return
        raise DataDamaged(self._stored.execution_id)


def page_of(texts: list[bytes], next_offset: int | None) -> ItemPage:
    """The texts of items as a page."""
    text = b",".join(texts)
    return ItemPage([text], next_offset, len(text))


def pieces_of(output: Output, offset: int) -> Iterator[tuple[Mark, int, int]]:
    """The pieces of an output from the one with the item `offset` on: its mark, its end, and the item behind it."""
    marks = output.marks
    for number, mark in enumerate(marks):
        end, item = output.end, output.items
        if number + 1 < len(marks):
            end, item = marks[number + 1].position - 1, marks[number + 1].item  # without the comma
        if item > offset:
            yield mark, end, item


def within(most: int, lengths: Iterable[int]) -> int:
    """How many of these lengths come to at most so much, one at least unless there is none."""
    taken = 0
    for length in lengths:
        most -= length
        if most < 0 and taken:
            break
        taken += 1
    return taken


def following(output: Output, offset: int) -> int | None:
    """Where the next page begins; None after the last item."""
    return offset if offset < output.items else None


def open_index(connection: Connection, execution_id: int, later: Opener) -> IndexedData | None:
    """The data of an execution by its index, as long as the connection is held; None where it has none to be read.

    `later` opens connections for what is read after that.
    """
    parameters = {"id": execution_id, "header": MAX_HEADER_LENGTH, "size": BEGINNING_BYTES}
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(BEGINNING, parameters).fetchone()
    if row is None or row[-1] is None:
        return None
    try:
        data = IndexedData(connection, StoredData(*row[:-1]), row[-1], later)
    except msgspec.DecodeError:
        return None
    return data if data.is_current else None


def read_whole(connection: Connection, execution_id: int) -> WholeData | None:
    """The data of an execution, read whole; None while nothing is recorded. Raises UnreadableRunData."""
    text = read_data(connection, [execution_id]).get(execution_id)
    return None if text is None else WholeData(text)


def output_of(data: RunData, node: str, run: int, kind: str, number: int, *, given: bool = False) -> Output | None:
    """The output of a run of a node by type of connection and number, or its input where that is `given`.

    None: nothing came out there, which is less than no items. An input is that which the run itself has recorded, else
    what came out at its source. Raises NodeDataNotFound.
    """
    runs = data.counts.get(node, 0)
    if run >= runs:
        ran = f"has run {runs} times" if runs else "is not in the execution, or never ran"
        raise NodeDataNotFound(f"The node '{node}' {ran}" + (f": there is no run {run}" if runs else ""))
    (run_data,) = data.runs(node, run, 1)
    outputs = (run_data.inputs if given else run_data.outputs).get(kind, [])
    if given and kind == "main" and (source := _source_of(run_data, number)) is not None:
        return output_of(data, source.node, source.run, kind, source.output)
    if number >= len(outputs):
        what = "input" if given else "output"
        raise NodeDataNotFound(f"The run {run} of the node '{node}' has no {what} {number} of the type {kind}")
    return outputs[number]


def _source_of(run: IndexedRun, number: int) -> IndexedSource | None:
    """Where the items at an input of the main flow came from; None where the run has recorded them itself."""
    own = run.inputs.get("main", [])
    if number < len(own) and own[number] is not None:
        return None
    return run.sources[number] if number < len(run.sources) else None
