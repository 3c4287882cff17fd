"""Text with separated values, read as strictly and written as n8n does.

Knows text and JSON values, no node.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from app.engine.values import conversions, table_cells
from app.engine.values.table_cells import QUOTE

NAME = 150
"""What the name of a column takes besides its signs."""
CELL = 250
"""What a cell takes as a text and as a field with a name."""


class MalformedTable(ValueError):
    """A quote stands where none may, or a row has not as many cells as the first."""


def _check_quotes(text: str, delimiter: str, named: bool, hold: Callable[[int], None]) -> None:
    """Looks at some cells at a time, between which other threads have their turn.

    Raises MalformedTable. `hold` hears of the cells that are read to say where in its row a quote is wrong.
    """
    end: int | None = 0
    while end is not None and end < len(text):
        begin, end = end, table_cells.end_of_cells(text, end, delimiter)
        if end > begin:
            continue
        if text[begin] == QUOTE:
            close = table_cells.end_of_quoted(text, begin, len(text))
            end = None if close is None else close + 1
        else:
            end = table_cells.end_of_plain(text, begin, delimiter)
            end = None if text.find(QUOTE, begin, end) >= 0 else end
        if end is None or text[end : end + 1] not in ("", delimiter, "\r", "\n"):
            raise MalformedTable(_stray_quote(text, delimiter, begin, named, hold))
        end += 1


def _stray_quote(text: str, delimiter: str, begin: int, named: bool, hold: Callable[[int], None]) -> str:
    """What is wrong with the cell that begins there."""
    if text.startswith(QUOTE, begin):
        close = table_cells.end_of_quoted(text, begin, len(text))
        if close is None:
            return (
                f"Quote Not Closed: the parsing is finished with an opening quote at line {_line_of(text, len(text))}"
            )
        got, line = text[close + 1], _line_of(text, close + 1)
        return (
            f'Invalid Closing Quote: got "{got}" at line {line} instead of delimiter, record delimiter, '
            "trimable character (if activated) or comment"
        )
    row = max(text.rfind(end, 0, begin) for end in "\r\n") + 1
    hold(CELL * text.count(delimiter, row, begin))
    lines = _Lines(text[row:begin], delimiter, _count_nothing)
    column = max(0, len(next(csv.reader(lines, delimiter=delimiter), [])) - 1)
    names = next(csv.reader(_Lines(text, delimiter, hold), delimiter=delimiter)) if named and row else []
    shown = conversions.to_json_text(names[column]) if column < len(names) else str(column)
    value = text[begin : text.index(QUOTE, begin)]
    return (
        f"Invalid Opening Quote: a quote is found on field {shown} at line {_line_of(text, begin)}, "
        f"value is {conversions.to_json_text(value)}" + (" (utf8 bom)" if value == "\ufeff" else "")
    )


def _count_nothing(size: int) -> None:
    """For what is counted elsewhere."""


def _line_of(text: str, place: int) -> int:
    """Counted by methods that are done at once: no other thread has its turn during a regular expression."""
    return 1 + sum(text.count(end, 0, place) for end in "\r\n") - text.count("\r\n", 0, place)


@dataclass
class Position:
    """How many lines of a table are read, with those that were skipped before its first."""

    skipped: int = 0
    line: int = 0


def read(
    text: str,
    *,
    delimiter: str = ",",
    relaxed: bool = False,
    named: bool = False,
    position: Position | None = None,
    hold: Callable[[int], None] = lambda size: None,
) -> Iterator[list[str]]:
    """The rows that are not empty. Raises MalformedTable for a stray quote; where it is `relaxed`, the quote is a
    sign of the cell, and so is the one that the cell begins with.

    The message is that of the library which n8n reads tables with; `named` says that the first row has the names of
    the columns. `position` is told where each row ends.
    `hold` hears of the bytes that a row of very many cells takes, before it is made and, below zero, when it is over.
    """
    if len(delimiter) > 1:
        hold(CELL * text.count(delimiter))
        text, delimiter = _with_one_sign(text, delimiter)
    csv.field_size_limit(2**31 - 1)
    if relaxed:
        text = _with_stray_quotes(text, delimiter, hold)
    else:
        _check_quotes(text, delimiter, named, hold)
    position = position or Position()
    try:
        lines = _Lines(text, delimiter, hold)
        reader = csv.reader(lines, delimiter=delimiter)
        for row in reader:
            position.line = position.skipped + lines.count
            if row:
                yield row
            lines.end_row()
    except csv.Error as error:
        raise MalformedTable(str(error)) from error


class _Lines:
    """The lines of a text with their ends, one by one, long ones in parts; counts the cells of the row that they are
    of."""

    def __init__(self, text: str, delimiter: str, hold: Callable[[int], None]) -> None:
        self._text, self._place = text, 0
        self._parts: Iterator[str] = iter(())
        self._delimiter, self._hold = delimiter, hold
        self._cells = self._held = 0
        self._begins_row = True
        self.count = 0
        """How many lines were given."""

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        part = next(self._parts, None)
        return self._next_line() if part is None else part

    def _next_line(self) -> str:
        begin = self._place
        if begin >= len(self._text):
            raise StopIteration
        self._place = end = table_cells.end_of_line(self._text, begin)
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


def skip_lines(text: str, count: int) -> str:
    """The text without its first lines."""
    end = 0
    while count > 0 and end < len(text):
        end, count = table_cells.end_of_line(text, end), count - 1
    return text[end:]


def _with_one_sign(text: str, delimiter: str) -> tuple[str, str]:
    """The same table with a delimiter of one character, which does not occur in it, and that character.

    Looks at a part of the text at a time, between which other threads have their turn.
    """
    window = table_cells.WINDOW
    used = {sign for begin in range(0, len(text), window) for sign in set(text[begin : begin + window])}
    sign = next(sign for code in range(0xE000, 0xF900) if (sign := chr(code)) not in used)
    mark = re.compile(rf"[\r\n]|{re.escape(delimiter)}")
    made, written, end = io.StringIO(newline=""), 0, _end_if_quoted(text, 0)
    while end < len(text):
        found = mark.search(text, end, end + window + len(delimiter))
        if found is None:
            end += window  # the delimiter may begin before that, and end behind it
            continue
        made.write(text[written : found.start()] + (sign if found[0] == delimiter else found[0]))
        written = found.end()
        end = _end_if_quoted(text, written)
    made.write(text[written:])
    return made.getvalue(), sign


def _end_if_quoted(text: str, begin: int) -> int:
    """Where the cell ends that begins there, if it is quoted and closed; else where it begins."""
    if not text.startswith(QUOTE, begin):
        return begin
    close = table_cells.end_of_quoted(text, begin, len(text))
    return begin if close is None else close + 1


def _with_stray_quotes(text: str, delimiter: str, hold: Callable[[int], None]) -> str:
    """The same table with each cell that goes on behind its closing quote written as it is meant. Raises
    MalformedTable for a cell that is not closed.

    Looks at a part of the text at a time, between which other threads have their turn.
    """
    opening, window = re.compile(rf'(?:\A|[\r\n]|{re.escape(delimiter)})"'), table_cells.WINDOW
    written, parts, end = 0, [], 0
    while end < len(text):
        opened = opening.search(text, end, end + window)
        if opened is None:
            end += window - 1  # a quote may follow the last sign that was looked at
            continue
        begin = opened.end()
        close = table_cells.end_of_quoted(text, begin - 1, len(text))
        if close is None:
            raise MalformedTable(_stray_quote(text, delimiter, begin - 1, False, hold))
        end = table_cells.end_of_plain(text, close + 1, delimiter)
        if end > close + 1:
            after = text[close + 1 : end].replace(QUOTE, QUOTE * 2)
            parts += [text[written:begin], '""', text[begin:close], '""', after, QUOTE]
            written = end
    return "".join([*parts, text[written:]]) if parts else text


def write(
    rows: list[dict[str, Any]],
    *,
    delimiter: str = ",",
    header: bool = True,
    hold: Callable[[int], None] = lambda size: None,
) -> Iterator[str]:
    """The lines of rows as text, nested values in columns such as `a.b` and `list.0`.

    `hold` hears of the length of each line: where rows have few columns in common, the text is much longer than they.
    """
    flat = flat_rows(rows, hold)
    names = list(dict.fromkeys(name for row in flat for name in row))
    between = len(delimiter) * max(0, len(names) - 1)
    if header:
        hold(between)
        yield delimiter.join(_quote(name, delimiter) for name in names)
    for row in flat:
        hold(between)
        line = delimiter.join(_quote(_cell(row.get(name)), delimiter) for name in names)
        hold(len(line) - between)
        yield line


def flat_rows(rows: list[dict[str, Any]], hold: Callable[[int], None] = lambda size: None) -> list[dict[str, Any]]:
    """Rows without nested values: these stand in columns such as `a.b` and `list.0`.

    `hold` hears of the length of each name that this makes: under a long one there may be many.
    """
    made: dict[str, str] = {}

    def name_of(outer: str, key: Any) -> str:
        name = f"{outer}.{key}"
        known = made.get(name)
        if known is None:
            hold(NAME + len(name))
            known = made[name] = name
        return known

    def flatten(name: str, value: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(value, dict | list):
            children = value.items() if isinstance(value, dict) else enumerate(value)
            for key, child in children:
                yield from flatten(name_of(name, key) if name else str(key), child)
        else:
            yield name, value

    return [dict(flatten("", row)) for row in rows]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return conversions.to_string(value).upper() if isinstance(value, bool) else conversions.to_string(value)


def _quote(text: str, delimiter: str) -> str:
    if any(sign in text for sign in (delimiter, '"', "\n", "\r")):
        return '"' + text.replace('"', '""') + '"'
    return text
