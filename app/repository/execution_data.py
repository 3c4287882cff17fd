"""What executions produced: JSON, compressed once by the worker that writes it, and read whole or in slices.

Rows from before compression hold the JSON as it is. A reader that takes its time reads slice by slice, each in a
statement of its own; `version` tells when the row is no longer the one that the first slice came from.
"""

import io
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise
from typing import IO, Any, NamedTuple, Protocol, cast

import zstandard
from psycopg import errors as pg

from app.repository.connection import Connection, read_again
from app.repository.run_index import encode_index
from app.repository.run_scan import UnreadableRunData, scan
from app.repository.zstd_splicing import BEGIN, END, RESET, SPACES, begin_of_size, blocks, fits

IDENTITY, ZSTD = "identity", "zstd"
CORRUPTED = (pg.DataCorrupted, pg.InternalError_)
"""What PostgreSQL raises where its own pages or compressed values are damaged."""
DAMAGED = b"damaged"
"""What stands for data that cannot be read: no JSON."""

# `python -m tests.bench.compression` compares them: beyond 2 it takes longer and leaves no less of run data. (And not
# lz4, which no HTTP client decodes.)
LEVEL = 2
WORTH_BYTES = 256  # below, the frame and the columns cost about what is saved
INDEXED_BYTES = 256 * 1024
"""Data of more bytes is stored with an index, and so that reading can begin in the middle of it."""
SLICE_BYTES = 512 * 1024
# A slice of an older row costs PostgreSQL the whole row, so there are fewer of them.
OLD_SLICE_BYTES = 4 * SLICE_BYTES
CUT_SLICE_BYTES = 128 * 1024  # from a cut on little is read

# OFFSET 0: the bytes of an older row are made once, not once for each use. Those of a new one are not touched here.
WHOLE = """
    SELECT d.execution_id, coalesce(d.encoding, 'identity'), s.bytes
      FROM execution_data AS d
     CROSS JOIN LATERAL (SELECT coalesce(d.encoded, convert_to(d.data::text, 'UTF8')) AS bytes OFFSET 0) AS s
     WHERE d.execution_id = ANY(%(ids)s)
"""

BEGINNINGS = """
    SELECT d.execution_id, coalesce(d.encoding, 'identity'), d.encoding IS NULL, d.xmin::text, octet_length(s.bytes),
           substring(s.bytes FROM 1 FOR %(size)s::int)
      FROM execution_data AS d
     CROSS JOIN LATERAL (SELECT coalesce(d.encoded, convert_to(d.data::text, 'UTF8')) AS bytes OFFSET 0) AS s
     WHERE d.execution_id = ANY(%(ids)s)
"""

SLICE = """
    SELECT substring(s.bytes FROM %(position)s::int FOR %(size)s::int)
      FROM execution_data AS d
     CROSS JOIN LATERAL (SELECT coalesce(d.encoded, convert_to(d.data::text, 'UTF8')) AS bytes OFFSET 0) AS s
     WHERE d.execution_id = %(id)s AND d.xmin = %(version)s::text::xid
"""


class DataGone(Exception):
    """The row was deleted or replaced between two slices: what was read is no whole."""


class DataDamaged(DataGone):
    """What is stored is not what a worker has written."""

    def __init__(self, execution_id: int) -> None:
        super().__init__(
            f"The data of execution {execution_id} is damaged: retry the execution with from: start, restore the row "
            "of execution_data from a backup, or delete the execution. What else is known of it can still be read"
        )


@dataclass(frozen=True, slots=True)
class Encoded:
    """Run data as it is stored, the bytes that it has as JSON, and the index of large data."""

    encoding: str
    content: bytes
    json_bytes: int
    index: bytes | None = None

    def values(self) -> dict[str, Any]:
        """The parameters of a statement that stores it."""
        return {"encoding": self.encoding, "encoded": self.content, "run_index": self.index}


class StoredData(NamedTuple):
    """The beginning of what is stored of an execution, of `size` bytes in all, and how to know the rest.

    `old`: from before compression. `text`: the JSON, where it is small and was decoded already.
    (A list makes two of them a row, and a tuple is made in a third of the time of a frozen dataclass.)
    """

    execution_id: int
    encoding: str
    old: bool
    version: str
    size: int
    beginning: bytes
    text: bytes | None = None

    @property
    def is_small(self) -> bool:
        """Whether it is a frame that is here as a whole and may be decoded at once."""
        return self.encoding == ZSTD and self.size == len(self.beginning) and self.json_bytes <= SLICE_BYTES

    @property
    def json_bytes(self) -> int:
        """The size of the JSON."""
        return zstandard.frame_content_size(self.beginning) if self.encoding == ZSTD else self.size


class Opener(Protocol):
    """Opens a connection for one slice; another one when the last broke."""

    def __call__(self) -> AbstractContextManager[Connection]:
        """A connection for one slice; to be closed by leaving the context."""


def encode_run_data(documents: Sequence[bytes]) -> list[Encoded]:
    """The JSON documents as they are to be stored."""
    # A frame with a checksum tells of every damage. What is put together of several has none that covers it.
    compressor, piecewise = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True), zstandard.ZstdCompressor(LEVEL)
    encoded = []
    for document in documents:
        if len(document) > INDEXED_BYTES and (indexed := _encode_with_index(document, piecewise)) is not None:
            encoded.append(indexed)
        elif len(document) >= WORTH_BYTES and len(frame := compressor.compress(document)) < len(document):
            encoded.append(Encoded(ZSTD, frame, len(document)))
        else:
            encoded.append(Encoded(IDENTITY, document, len(document)))
    return encoded


def _encode_with_index(document: bytes, compressor: zstandard.ZstdCompressor) -> Encoded | None:
    """Large data as one frame that can be read from its cuts on, a few spaces at each; None: it is no run's data."""
    try:
        scanned = scan(document)
    except UnreadableRunData:
        return None
    text, edges = memoryview(document), [0, *scanned.cuts, len(document)]
    made, places = io.BytesIO(), []  # from which no second one is made at the end, as from a list
    made.write(begin_of_size(len(document) + SPACES * len(scanned.cuts)))
    for start, end in pairwise(edges):
        frame = compressor.compress(text[start:end])
        if not fits(frame):
            return None
        if start:
            made.write(RESET)
        places.append(made.tell())
        # In slices: of a frame in one piece, what is left would be copied once for each block.
        made.writelines(blocks(frame[at : at + SLICE_BYTES] for at in range(0, len(frame), SLICE_BYTES)))
    made.write(END)
    content = made.getvalue()
    return Encoded(ZSTD, content, len(document), encode_index(scanned, len(content), places))


def read_data(connection: Connection, ids: Sequence[int]) -> dict[int, bytes]:
    """The run data of these executions as JSON; those that have none are left out.

    Of what is damaged comes what is no JSON, or DAMAGED: whoever reads many at once loses one by it, not all.
    """
    try:
        return _read_whole(connection, ids)
    except CORRUPTED:
        if len(ids) == 1:
            return {ids[0]: DAMAGED}
        return {key: text for execution_id in ids for key, text in read_data(connection, [execution_id]).items()}


def _read_whole(connection: Connection, ids: Sequence[int]) -> dict[int, bytes]:
    decompressor = zstandard.ZstdDecompressor()
    with connection.transaction(), connection.cursor(binary=True) as cursor:
        return {
            execution_id: _decompress(decompressor, content) if encoding == ZSTD else content
            for execution_id, encoding, content in cursor.execute(WHOLE, {"ids": list(ids)})
        }


def _decompress(decompressor: zstandard.ZstdDecompressor, content: bytes) -> bytes:
    try:
        return decompressor.decompress(content)
    except zstandard.ZstdError:
        return DAMAGED


def read_beginnings(connection: Connection, ids: Sequence[int], size: int = SLICE_BYTES) -> dict[int, StoredData]:
    """At most `size` bytes of what is stored of each of these executions; those that have nothing are left out."""
    with connection.cursor(binary=True) as cursor:
        rows = cursor.execute(BEGINNINGS, {"ids": list(ids), "size": size})
        return {row[0]: StoredData(*row) for row in rows}


class DataReader:
    """Reads what is stored to its end; no connection is held between two slices. For one thread."""

    def __init__(self, open_connection: Opener) -> None:
        self._open_connection = open_connection
        self._decompressor = zstandard.ZstdDecompressor()

    def as_stored(self, stored: StoredData) -> Iterator[bytes]:
        """The bytes as they are stored, in slices. Raises DataGone."""
        yield stored.beginning
        yield from self._read_from(stored, len(stored.beginning), OLD_SLICE_BYTES if stored.old else SLICE_BYTES)

    def json_from(self, stored: StoredData, place: int) -> Generator[bytes, None, None]:
        """The JSON from a cut on, which stands at this place of what is stored, to the end. Raises DataGone."""
        slices = Slices(chain([BEGIN], self._read_from(stored, place, CUT_SLICE_BYTES)))
        try:
            yield from self._decompressor.read_to_iter(cast(IO[bytes], slices))
        except zstandard.ZstdError as error:
            raise DataDamaged(stored.execution_id) from error

    def _read_from(self, stored: StoredData, position: int, size: int) -> Iterator[bytes]:
        while position < stored.size:
            wanted = {"id": stored.execution_id, "version": stored.version, "position": position + 1, "size": size}
            try:
                piece = read_again(partial(self._slice, wanted))
            except CORRUPTED as error:
                raise DataDamaged(stored.execution_id) from error
            if piece is None:
                raise DataGone(f"the data of execution {stored.execution_id} was deleted or replaced meanwhile")
            position += len(piece)
            yield piece

    def _slice(self, wanted: Mapping[str, Any]) -> bytes | None:
        with self._open_connection() as connection, connection.cursor(binary=True) as cursor:
            row = cursor.execute(SLICE, wanted).fetchone()
        return None if row is None else row[0]

    def as_json(self, stored: StoredData) -> Iterable[bytes]:
        """The JSON, in pieces of bounded size however well it was compressed. Raises DataGone."""
        if stored.text is not None:
            return (stored.text,)
        if stored.encoding != ZSTD:
            return self.as_stored(stored)
        try:
            if stored.is_small:
                return (self._decompressor.decompress(stored.beginning),)
        except zstandard.ZstdError as error:
            raise DataDamaged(stored.execution_id) from error
        return self._decompress(stored)

    def _decompress(self, stored: StoredData) -> Iterator[bytes]:
        slices, length = Slices(self.as_stored(stored)), 0
        try:
            for piece in self._decompressor.read_to_iter(cast(IO[bytes], slices)):
                length += len(piece)
                yield piece
        except zstandard.ZstdError as error:
            raise DataDamaged(stored.execution_id) from error
        if length != stored.json_bytes:
            raise DataDamaged(stored.execution_id)


class Slices:
    """Slices as the decompressor reads them: never more than it asks for, which it would write past its buffer."""

    def __init__(self, slices: Iterator[bytes]) -> None:
        self._slices = slices
        self._rest = memoryview(b"")

    def read(self, size: int) -> bytes:
        """At most `size` bytes, none at the end."""
        if not self._rest:
            self._rest = memoryview(next(self._slices, b""))
        piece, self._rest = self._rest[:size], self._rest[size:]
        return bytes(piece)
