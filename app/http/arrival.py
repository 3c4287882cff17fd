"""When an HTTP request has arrived completely, from its bytes alone.

Only tells when it is worth a thread's while to read the request: what it means, and whether it is HTTP at all, is for
the server's own parser to say. What is not understood here counts as complete, so that the parser gets to refuse it.
The parser reads what has arrived and never waits for more: a request that means more to it holds no thread either.
"""

import re
from typing import Protocol

HEAD_BYTES = 64 * 2**10
"""A head that is longer, or a line of a chunked body's own, is nobody's in good faith."""

CONTENT_TO_LINES = 4
"""How many times as much is in chunks as in the lines around them, where there are more than some thousands."""
READ_AHEAD_BYTES = 64 * 2**10
"""How much of a body that is too large is read at most beyond what may be."""
END_OF_LINE = b"\r\n"
END_OF_HEAD = b"\r\n\r\n"
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*0*+(\d*+)[ \t]*\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*chunked[ \t]*\r\n", re.IGNORECASE)
EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
SIZE = re.compile(rb"[0-9a-fA-F]+")
MOST_DIGITS = 18
"""Of a length that is read as a number; what is longer is more than anybody takes."""


class HeadTooLong(Exception):
    """The head does not end within HEAD_BYTES."""


class TooManyChunks(Exception):
    """The body is cut into so many pieces that to put them together is what takes the time."""


class BodyProgress(Protocol):
    """How much of a body is there."""

    def completes_with(self, data: bytes) -> bool:
        """Whether the body has its end with these bytes, which follow on the earlier ones."""


class Arrival:
    """One request on its way in: give every piece to `add`."""

    def __init__(self, largest_body: int) -> None:
        self._largest_body = largest_body
        self._head = bytearray()
        self._body: BodyProgress | None = None
        self.received = 0
        self.is_ready = False
        """All of it is there, or as much as is worth waiting for."""
        self.complete = False
        """All of it is there."""
        self.expects_continue = False
        """The client waits to be told before it sends its body."""

    @property
    def head_is_there(self) -> bool:
        """Whether the request line and all headers have arrived."""
        return self._body is not None

    def add(self, data: bytes) -> None:
        """Take the next piece. Raises HeadTooLong, TooManyChunks."""
        self.received += len(data)
        if self._body is None:
            searched = max(0, len(self._head) - len(END_OF_HEAD) + 1)
            self._head += data
            end = self._head.find(END_OF_HEAD, searched)
            if max(end, len(self._head) if end < 0 else 0) > HEAD_BYTES:
                raise HeadTooLong
            if end < 0:
                return
            data = bytes(self._head[end + len(END_OF_HEAD) :])
            head = bytes(self._head[: end + 2])
            self._head.clear()
            self._body = body_of(head)
            self.expects_continue = not data and b"100-" in head and EXPECTS.search(head) is not None
        self.complete = self._body.completes_with(data)
        # The application refuses a body that is too large, whether it is all there or not.
        self.is_ready = self.complete or self._too_large()

    def _too_large(self) -> bool:
        if isinstance(self._body, InChunks):  # enough for whoever reads it to see that it is too large
            return self._body.content > self._largest_body + READ_AHEAD_BYTES
        return isinstance(self._body, OfLength) and self._body.length > self._largest_body


class OfLength:
    """A body whose length was announced."""

    def __init__(self, length: int) -> None:
        self.length = length
        self._left = length

    def completes_with(self, data: bytes) -> bool:
        """See `BodyProgress.completes_with`: as many bytes as were announced are there."""
        self._left -= len(data)
        return self._left <= 0


class InChunks:
    """A body in chunks, each behind a line with its size; one of size 0 and an empty line end it."""

    def __init__(self) -> None:
        self._line = b""
        self._around = 0
        """Bytes of the lines around chunks, beyond a quarter of what is in those."""
        self._skip = 0
        self._last = False
        self.content = 0
        """Bytes that have arrived, without the lines around them."""

    def completes_with(self, data: bytes) -> bool:
        """See `BodyProgress.completes_with`: also with a line longer than any may be. Raises TooManyChunks."""
        at = 0  # rather than cut off what was looked at: many chunks may come at once
        while at < len(data):
            if self._skip:
                taken = min(self._skip, len(data) - at)
                self._skip -= taken
                at += taken
                self.content += taken
                continue
            end = data.find(b"\n", at)
            if end < 0:
                self._line += data[at:]
                return len(self._line) > HEAD_BYTES
            line, self._line, at = self._line + data[at:end], b"", end + 1
            if self._ends_with(line.strip()):
                return True
        return False

    def _ends_with(self, line: bytes) -> bool:
        if self._last:
            return not line
        size = SIZE.fullmatch(line.split(b";")[0].strip())
        if size is None:
            return True  # no chunk at all
        length = int(size[0], 16)
        self._around += len(line) + 2 * len(END_OF_LINE) - length // CONTENT_TO_LINES
        if self._around > HEAD_BYTES:
            raise TooManyChunks
        self._last = length == 0
        self._skip = length + 2 if length else 0
        return False


def body_of(head: bytes) -> BodyProgress:
    """What the head announces: up to and with the last line's end."""
    names = head.lower()
    if b"\r\ntransfer-encoding:" in names and CHUNKED.search(head):
        return InChunks()
    length = CONTENT_LENGTH.search(head) if b"\r\ncontent-length:" in names else None
    if length is None:
        return OfLength(0)
    return OfLength(int(length[1] or b"0") if len(length[1]) <= MOST_DIGITS else 10**MOST_DIGITS)
