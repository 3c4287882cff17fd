"""The lines of a text with separated values, one by one or counted."""

from collections.abc import Callable, Iterator

from app.engine.values import table_cells

CELL = 250
"""What a cell takes as a text and as a field with a name."""


class Lines:
    """The lines of a text, or of a part of it, with their ends, one by one, long ones in parts; counts the cells of the
    row that they are of."""

    def __init__(
        self, text: str, delimiter: str, hold: Callable[[int], None], begin: int = 0, end: int | None = None
    ) -> None:
        self._text, self._end = text, len(text) if end is None else end
        self.place = begin
        """Where the next line begins."""
        self._parts: Iterator[str] = iter(())
        self._delimiter, self._hold = delimiter, hold
        self._cells = self._held = 0
        self._begins_row = True
        self.count = 0
        """How many lines were given."""

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        part = next(self._parts, None)
        return self._next_line() if part is None else part

    def _next_line(self) -> str:
        begin = self.place
        if begin >= self._end:
            raise StopIteration
        self.place = end = min(table_cells.end_of_line(self._text, begin), self._end)
        self.count += 1
        self._cells += self._text.count(self._delimiter, begin, end)
        if self._cells - self._held > table_cells.MANY_CELLS:
            self._hold((self._cells - self._held) * CELL)
            self._held = self._cells
        quoted, self._begins_row = not self._begins_row, False
        if end - begin <= table_cells.WINDOW:
            return self._text[begin:end]
        self._parts = table_cells.parts_of_line(self._text, begin, end, self._delimiter, quoted=quoted)
        return next(self._parts)

    def end_row(self) -> None:
        """The cells of this row are read, and are no longer counted here."""
        if self._held:
            self._hold(-self._held * CELL)
        self._cells = self._held = 0
        self._begins_row = True


def count_line_ends(text: str, begin: int, end: int) -> int:
    """Between two places. Counted by methods that are done at once: no other thread has its turn during a regular
    expression."""
    return sum(text.count(mark, begin, end) for mark in "\r\n") - text.count("\r\n", begin, end)
