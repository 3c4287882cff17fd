"""Items that are too large to be held in memory: read piece by piece, with their long texts cut. Pure.

`app/console/members.py` takes one of their members out.
"""

import re
from collections.abc import Iterable, Iterator

import orjson

LONGEST = 64 * 1024
KEPT = 300
"""Of a text with more than LONGEST bytes of JSON so many are kept."""
MOST = 2**20
TEXT = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
"""What follows within a text up to its last quote, with whole escapes."""
QUOTE = b'"'[0]


def shorten(pieces: Iterable[bytes]) -> bytes | None:
    """The JSON that comes in these pieces with its long texts cut; None where it has more than MOST bytes even so."""
    out = bytearray()
    begin: int | None = None  # where the text that is read stands in `out`
    is_long = is_escaped = False
    for piece in pieces:
        at = 0
        while at < len(piece):
            if begin is None:
                quote = piece.find(b'"', at)
                end = len(piece) if quote < 0 else quote + 1
                out += piece[at:end]
                begin = None if quote < 0 else len(out)
                at = end
                continue
            if is_escaped:
                end, is_escaped = at + 1, False
            elif piece[at] == QUOTE:
                out += b'"'
                begin, is_long, at = None, False, at + 1
                continue
            else:
                end = end_of_text(piece, at)
                is_escaped = end == at
                end += is_escaped
            if not is_long:
                out += piece[at:end]
                is_long = len(out) - begin > LONGEST
                if is_long:
                    out[begin:] = beginning_of(bytes(out[begin : begin + KEPT]))
            at = end
        if len(out) > MOST:
            return None
    return bytes(out)


def end_of_text(piece: bytes, at: int) -> int:
    """Where a text that goes on at `at` ends: at its quote, with the piece, or before half an escape."""
    quote = piece.find(b'"', at)
    end = len(piece) if quote < 0 else quote
    if piece.find(b"\\", at, end) < 0:
        return end
    found = TEXT.match(piece, at)
    return found.end() if found else at


def beginning_of(text: bytes) -> bytes:
    """A text up to its first escape, without the last letter where that is cut, and an ellipsis."""
    plain, _, _ = text.partition(b"\\")
    return (plain.decode(errors="ignore") + "…").encode()


class Search:
    """Looks for a text in pieces that somebody else reads, as `contains` of items does."""

    def __init__(self, text: str) -> None:
        self._text = orjson.dumps(text.lower())[1:-1]
        self.has_found = False

    def watch(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The same pieces; `has_found` is known at their end."""
        before = b""
        for piece in pieces:
            self.has_found = self.has_found or self._text in (before + piece).decode(errors="ignore").lower().encode()
            before = piece[-4 * len(self._text) :]
            yield piece
