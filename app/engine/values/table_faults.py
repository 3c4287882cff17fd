"""Quotes that stand where none may, in a text with separated values: where they are, and what is left out with them."""

import csv
from collections.abc import Callable

from app.engine.values import conversions
from app.engine.values.table_cells import QUOTE, end_of_cells, end_of_line, end_of_plain, end_of_quoted
from app.engine.values.table_lines import CELL, Lines, count_line_ends


def find_fault(text: str, begin: int, delimiter: str) -> int | None:
    """Where the first cell begins, from `begin` on, in which a quote stands where none may.

    Looks at some cells at a time, between which other threads have their turn.
    """
    end: int | None = begin
    while end is not None and end < len(text):
        begin, end = end, end_of_cells(text, end, delimiter)
        if end > begin:
            continue
        if text[begin] == QUOTE:
            close = end_of_quoted(text, begin, len(text))
            end = None if close is None else close + 1
        else:
            end = end_of_plain(text, begin, delimiter)
            end = None if text.find(QUOTE, begin, end) >= 0 else end
        if end is None or text[end : end + 1] not in ("", delimiter, "\r", "\n"):
            return begin
        end += 1
    return None


def end_of_faulty_row(text: str, begin: int, delimiter: str) -> int:
    """Where the row ends whose faulty cell begins there. A quoted cell ends at a quote with a delimiter or the end of a
    line behind it, whatever lines it has by then."""
    place = begin
    while place < len(text):
        end = _end_of_open(text, place + 1, delimiter) if text[place] == QUOTE else end_of_plain(text, place, delimiter)
        if text[end : end + 1] != delimiter:
            return end_of_line(text, end)
        place = end + 1
    return place


def _end_of_open(text: str, place: int, delimiter: str) -> int:
    while (quote := text.find(QUOTE, place)) >= 0:
        after = text[quote + 1 : quote + 2]
        if after in ("", delimiter, "\r", "\n"):
            return quote + 1
        place = quote + (2 if after == QUOTE else 1)
    return len(text)


def describe_fault(
    text: str, delimiter: str, begin: int, hold: Callable[[int], None], *, named: bool = False, skipped: int = 0
) -> str:
    """What is wrong with the cell that begins there. `named`: the first row has names, which `hold` hears of as they
    are read; `skipped`: lines that stood before the text."""

    def line_of(place: int) -> int:
        return skipped + 1 + count_line_ends(text, 0, place)

    if text.startswith(QUOTE, begin):
        close = end_of_quoted(text, begin, len(text))
        if close is None:
            last = len(text.removesuffix("\n").removesuffix("\r"))
            return f"Quote Not Closed: the parsing is finished with an opening quote at line {line_of(last)}"
        got, line = text[close + 1], line_of(close + 1)
        return (
            f'Invalid Closing Quote: got "{got}" at line {line} instead of delimiter, record delimiter, '
            "trimable character (if activated) or comment"
        )
    row = max(text.rfind(end, 0, begin) for end in "\r\n") + 1
    hold(CELL * text.count(delimiter, row, begin))
    lines = Lines(text, delimiter, _count_nothing, row, begin)
    column = max(0, len(next(csv.reader(lines, delimiter=delimiter), [])) - 1)
    names = next(csv.reader(Lines(text, delimiter, hold), delimiter=delimiter)) if named and row else []
    shown = conversions.to_json_text(names[column]) if column < len(names) else str(column)
    value = text[begin : text.index(QUOTE, begin)]
    return (
        f"Invalid Opening Quote: a quote is found on field {shown} at line {line_of(begin)}, "
        f"value is {conversions.to_json_text(value)}" + (" (utf8 bom)" if value == "\ufeff" else "")
    )


def _count_nothing(size: int) -> None:
    """For what is counted elsewhere."""
