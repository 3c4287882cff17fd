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
from app.engine.values.table_faults import describe_fault, end_of_faulty_row, find_fault
from app.engine.values.table_lines import CELL, Lines, count_line_ends

NAME = 150
"""What the name of a column takes besides its signs."""


class MalformedTable(ValueError):
    """A quote stands where none may, or a row has not as many cells as the first."""


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
    skip: Callable[[], bool] = lambda: False,
    hold: Callable[[int], None] = lambda size: None,
) -> Iterator[list[str]]:
    """The rows that are not empty. Raises MalformedTable for a stray quote; where it is `relaxed`, the quote is a
    sign of the cell, and so is the one that the cell begins with.

    The message is that of the library which n8n reads tables with; `named` says that the first row has the names of
    the columns. `position` is told where each row ends. `skip` is asked whether to leave out a row with a stray quote,
    but for that of the names.
    `hold` hears of the bytes that a row of very many cells takes, before it is made and, below zero, when it is over.
    """
    if len(delimiter) > 1:
        hold(CELL * text.count(delimiter))
        text, delimiter = _with_one_sign(text, delimiter)
    csv.field_size_limit(2**31 - 1)
    if relaxed:
        text = _with_stray_quotes(text, delimiter, hold)
    position = position or Position()
    place, before, needs_names = 0, position.skipped, named
    while place < len(text):
        fault = None if relaxed else find_fault(text, place, delimiter)
        lines = Lines(text, delimiter, hold, place, fault)
        for row in _read_sound(lines, delimiter):
            if fault is not None and lines.place == fault and text[fault - 1] not in "\r\n":
                break  # the faulty cell is of this row
            position.line = before + lines.count
            if row:
                needs_names = False
                yield row
            lines.end_row()
        if fault is None:
            return
        if needs_names or not skip():
            raise MalformedTable(describe_fault(text, delimiter, fault, hold, named=named, skipped=position.skipped))
        end = end_of_faulty_row(text, fault, delimiter)
        before, place = before + count_line_ends(text, place, end), end


def _read_sound(lines: Lines, delimiter: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(lines, delimiter=delimiter)
    except csv.Error as error:
        raise MalformedTable(str(error)) from error


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
            raise MalformedTable(describe_fault(text, delimiter, begin - 1, hold))
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
