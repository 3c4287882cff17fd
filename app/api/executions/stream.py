"""The body of an answer that holds run data: put together from text and from what is stored, in the caller's coding.

Memory stays bounded whatever is stored, and no connection is held while a caller takes its time. For callers that
take zstd what is stored becomes part of the answer without being decoded.
"""

import logging
import zlib
from collections.abc import Iterable, Iterator
from itertools import groupby

import zstandard
from flask import Response, g

from app.api.face.answers import raw_answer
from app.api.face.codings import GZIP, GZIP_FORMAT, IDENTITY, LEVEL, ZSTD, Coding, mark_coding, wanted_coding
from app.repository.execution_data import DataReader, Opener, StoredData
from app.repository.zstd_splicing import fits, splice_frames

log = logging.getLogger(__name__)

Part = bytes | StoredData
PIECE_BYTES = 64 * 1024  # of what is sent at once, where the parts are smaller


def stream_answer(parts: Iterable[Part], open_connection: Opener) -> Response:
    """An answer that is sent as it is read. When reading fails, the connection is cut: half of it looks like half."""
    coding = wanted_coding().name
    return mark_coding(
        raw_answer(log_failure(encode_parts(parts, coding, open_connection), g.get("request_id"))), coding
    )


def log_failure(pieces: Iterator[bytes], request_id: str | None) -> Iterator[bytes]:
    """The pieces, with a line in the log when they end too early."""
    try:
        yield from pieces
    except Exception as error:
        log.warning("answer cut off", extra={"reason": str(error).strip(), "request_id": request_id})
        raise


def buffer_answer(parts: Iterable[Part], open_connection: Opener, length: int) -> Response:
    """An answer that is made before it is sent; `length` of its text, as far as known."""
    wanted: Coding = wanted_coding()
    coding = wanted.name if wanted.fits(length) else IDENTITY
    return mark_coding(raw_answer(b"".join(encode_parts(parts, coding, open_connection))), coding)


def encode_parts(parts: Iterable[Part], coding: str, open_connection: Opener) -> Iterator[bytes]:
    """The text of the parts in a coding. Raises DataGone, BrokenFrame."""
    reader = DataReader(open_connection)
    if coding == ZSTD:
        return join_small_pieces(splice_frames(zstd_frames(parts, reader)))
    pieces = decode_parts(parts, reader)
    return join_small_pieces(compress_gzip(pieces) if coding == GZIP else pieces)


def decode_parts(parts: Iterable[Part], reader: DataReader) -> Iterator[bytes]:
    """The parts as they are read, what is stored decoded."""
    for part in parts:
        if isinstance(part, StoredData):
            yield from reader.as_json(part)
        else:
            yield part


def join_small_pieces(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, small pieces joined."""
    gathered: list[bytes] = []
    length = 0
    for piece in pieces:
        gathered.append(piece)
        length += len(piece)
        if length >= PIECE_BYTES:
            yield b"".join(gathered)
            gathered.clear()
            length = 0
    if gathered:
        yield b"".join(gathered)


def compress_gzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces as one gzip stream."""
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP_FORMAT)
    for piece in pieces:
        yield compressor.compress(piece)
    yield compressor.flush()


def zstd_frames(parts: Iterable[Part], reader: DataReader) -> Iterator[Iterable[bytes]]:
    """Those that are stored, and others for what stands between them."""
    compressor = zstandard.ZstdCompressor(level=LEVEL)
    for stored, run in groupby(parts, is_passed_on):
        if stored:
            yield from (reader.as_stored(part) for part in run if isinstance(part, StoredData))
        else:
            yield compress_zstd(decode_parts(run, reader), compressor)


def is_passed_on(part: Part) -> bool:
    """Whether it is stored as a frame that can become part of the answer's."""
    return isinstance(part, StoredData) and part.encoding == ZSTD and fits(part.beginning)


def compress_zstd(pieces: Iterable[bytes], compressor: zstandard.ZstdCompressor) -> Iterator[bytes]:
    """The pieces as one zstd frame."""
    encoder = compressor.compressobj()
    for piece in pieces:
        yield encoder.compress(piece)
    yield encoder.flush()
