"""One zstd frame put together from several, without decoding any: what is stored goes out as part of an answer.

Frames may simply follow each other (RFC 8878), but httpx and others stumble where one ends and the next begins. So
the blocks of all are put into one. A block refers to text before it by distance, to the tables of the block before,
which the first of a frame never does, and to the last three distances, which are 1, 4 and 8 when a frame begins. A
block in front of each sets them so: it stands for a few spaces, which JSON allows between its parts.
"""

from collections.abc import Iterable, Iterator

import zstandard

WINDOW_LOG = 21
# Magic number, a descriptor that promises nothing (no size, no checksum), and how far back a reference may reach.
BEGIN = zstandard.FRAME_HEADER + bytes([0, (WINDOW_LOG - 10) << 3])
# 17 spaces: 8 as they are, then three times 3 bytes from 8, from 4 and from 1 byte before, with the predefined tables.
RESET = bytes.fromhex("940000402020202020202020" + "0300380076001850b8")
SPACES = 17
END = bytes([1, 0, 0])  # a last block, of nothing
SIZE_FOLLOWS = 0xC0  # a descriptor: the size of the text in 8 bytes
MAX_HEADER_LENGTH = 18
RLE = 1  # the type of a block that is one byte and how often it is repeated


class BrokenFrame(Exception):
    """A frame ends before its last block does."""


def fits(beginning: bytes) -> bool:
    """Whether a frame that begins so can become part of another: it does not reach farther back."""
    parameters = zstandard.get_frame_parameters(beginning)
    return parameters.window_size <= 1 << WINDOW_LOG and parameters.dict_id == 0


def splice_frames(frames: Iterable[Iterable[bytes]]) -> Iterator[bytes]:
    """One frame with the text of all, spaces between them. Each comes in slices. Raises BrokenFrame."""
    yield BEGIN
    for number, slices in enumerate(frames):
        if number:
            yield RESET
        yield from blocks(slices)
    yield END


def begin_of_size(size: int) -> bytes:
    """The beginning of a frame that says how many bytes of text it holds."""
    return zstandard.FRAME_HEADER + bytes([SIZE_FOLLOWS, (WINDOW_LOG - 10) << 3]) + size.to_bytes(8, "little")


def blocks(slices: Iterable[bytes]) -> Iterator[bytes]:
    """The blocks of a frame, none of them marked as the last. Raises BrokenFrame."""
    source = iter(slices)
    rest = b""
    while len(rest) < MAX_HEADER_LENGTH and (more := next(source, None)) is not None:
        rest += more
    rest = rest[zstandard.frame_header_size(rest) :]
    last = False
    while not last:
        while len(rest) < 3:
            rest += following(source)
        header = int.from_bytes(rest[:3], "little")
        last, kind, left = bool(header & 1), header >> 1 & 3, header >> 3
        yield (header & ~1).to_bytes(3, "little")
        if kind == RLE:
            left = 1
        rest = rest[3:]
        while left > len(rest):
            yield rest
            left -= len(rest)
            rest = following(source)
        yield rest[:left]
        rest = rest[left:]


def following(source: Iterator[bytes]) -> bytes:
    """The next slice. Raises BrokenFrame where there is none."""
    try:
        return next(source)
    except StopIteration:
        raise BrokenFrame("a frame ends before its last block does") from None
