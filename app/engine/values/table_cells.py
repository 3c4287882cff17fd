"""Where the cells and lines of separated values end, however long they are: looked for a part of the text at a time,
between which other threads have their turn."""

import re
from collections.abc import Iterator
from functools import cache

WINDOW = 2**20
"""Characters that are looked through at once."""
MANY_CELLS = 10_000
QUOTE = '"'
_QUOTED = re.compile(r'(?:(?>[^"]++|""))*+')
_LINE = re.compile(r"[^\r\n]*+(?:\r\n|\n|\r)")


@cache
def _cells(delimiter: str) -> re.Pattern[str]:
    mark = re.escape(delimiter)
    return re.compile(rf'(?:(?>(?:"(?:(?>[^"]++|""))*+"|[^"\r\n{mark}]*+)(?:{mark}|\r\n|\n|\r))){{1,{MANY_CELLS}}}+')


@cache
def _rest_of_cell(delimiter: str) -> re.Pattern[str]:
    return re.compile(rf"[^\r\n{re.escape(delimiter)}]*+")


def end_of_cells(text: str, begin: int, delimiter: str) -> int:
    """Where a row of well-formed cells ends, each with what parts it from the next, as many as are looked at at once;
    `begin` where there is none that is not longer."""
    cells = _cells(delimiter).match(text, begin, begin + WINDOW)
    return begin if cells is None else _after_line_end(text, cells.end())


def end_of_quoted(text: str, begin: int, end: int) -> int | None:
    """Where the quote stands, before `end`, that closes the one at `begin`; None: nowhere."""
    place = begin + 1
    while place < end:
        found = _QUOTED.match(text, place, min(place + WINDOW, end))
        place = found.end() if found is not None else place
        if place >= end or text[place] != QUOTE:
            continue
        if text[place + 1 : place + 2] != QUOTE:
            return place
        place += 2
    return None


def end_of_plain(text: str, begin: int, delimiter: str) -> int:
    """Where a delimiter or the end of a line follows, or the text ends."""
    place = begin
    while place < len(text):
        found = _rest_of_cell(delimiter).match(text, place, place + WINDOW)
        end = found.end() if found is not None else place
        if end < place + WINDOW:
            return end
        place = end
    return len(text)


def end_of_line(text: str, begin: int) -> int:
    """Where the next line begins, or the text ends."""
    found = _LINE.match(text, begin, begin + WINDOW)
    if found is not None:
        end = found.end()
    else:
        end = begin + WINDOW
        while end < len(text) and not (found := _LINE.match(text, end, end + WINDOW)):
            end += WINDOW
        end = min(end, len(text)) if found is None else found.end()
    return _after_line_end(text, end)


def _after_line_end(text: str, place: int) -> int:
    """Behind a line end of two characters of which only the first was looked at."""
    return place + 1 if text[place - 1 : place + 1] == "\r\n" else place


def parts_of_line(text: str, begin: int, end: int, delimiter: str, *, quoted: bool) -> Iterator[str]:
    """A line of well-formed cells in parts of which each ends within a quoted cell: so Python's reader of such tables
    knows that it goes on. For that, the cells at which it is cut are quoted, which changes no value.

    `quoted`: the line begins within a quoted cell.
    """
    place, before = begin, ""
    while True:
        if not quoted:
            stop = end_of_cells(text, place, delimiter) if end - place > WINDOW else end
            if stop >= end:
                yield before + text[place:end]
                return
            yield before + text[place:stop] + QUOTE
            place, quoted = stop, text[stop] == QUOTE
            if quoted:
                place += 1
        if quoted:
            close = end_of_quoted(text, place - 1, end)
            yield from _cut_quoted(text, place, end if close is None else close)
            if close is None:  # the cell goes on in the next line
                return
            place, quoted = close + 1, False
        else:
            stop = min(end_of_plain(text, place, delimiter), end)
            for inner in range(place, stop, WINDOW):
                yield text[inner : min(inner + WINDOW, stop)].replace(QUOTE, QUOTE * 2)
            place = stop
        before = QUOTE


def _cut_quoted(text: str, begin: int, end: int) -> Iterator[str]:
    """The inner of a quoted cell in parts, of which none ends with the first of two quotes."""
    while begin < end:
        stop = min(begin + WINDOW, end)
        if stop < end and (found := _QUOTED.match(text, begin, stop)) is not None and found.end() > begin:
            stop = found.end()
        yield text[begin:stop]
        begin = stop
