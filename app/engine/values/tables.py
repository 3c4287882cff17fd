"""Text with separated values, read as strictly and written as n8n does.

Knows text and JSON values, no node.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from app.engine.values import conversions


class MalformedTable(ValueError):
    """A quote stands where none may, or a row has not as many cells as the first."""


@cache
def _well_formed(delimiter: str) -> re.Pattern[str]:
    mark = re.escape(delimiter)
    return re.compile(rf'(?:(?:"(?:[^"]|"")*+"|[^"\r\n{mark}]*+)(?:{mark}|\r\n|\n|\r|\Z))*+')


def read(text: str, *, delimiter: str = ",", relaxed: bool = False) -> Iterator[list[str]]:
    """The rows that are not empty. Raises MalformedTable for a stray quote, unless `relaxed`."""
    if len(delimiter) > 1:
        text, delimiter = _with_one_sign(text, delimiter)
    if not relaxed and not _well_formed(delimiter).fullmatch(text):
        raise MalformedTable("A quote stands inside of a field that is not quoted")
    csv.field_size_limit(2**31 - 1)
    try:
        yield from (row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row)
    except csv.Error as error:
        raise MalformedTable(str(error)) from error


def _with_one_sign(text: str, delimiter: str) -> tuple[str, str]:
    """The same table with a delimiter of one character, which does not occur in it, and that character."""
    used = set(text)
    sign = next(sign for code in range(0xE000, 0xF900) if (sign := chr(code)) not in used)
    mark = re.compile(rf'(\A|[\r\n]|{re.escape(delimiter)})("(?:[^"]|"")*+")?')
    return mark.sub(lambda found: (sign if found[1] == delimiter else found[1]) + (found[2] or ""), text), sign


def write(
    rows: list[dict[str, Any]],
    *,
    delimiter: str = ",",
    header: bool = True,
    hold: Callable[[int], None] = lambda size: None,
) -> str:
    """Rows as text, nested values in columns such as `a.b` and `list.0`; no line break at the end.

    `hold` hears of the length of each line: where rows have few columns in common, the text is much longer than they.
    """
    flat = flat_rows(rows)
    names = list(dict.fromkeys(name for row in flat for name in row))
    lines = [delimiter.join(_quote(name, delimiter) for name in names)] if header else []
    for row in flat:
        lines.append(delimiter.join(_quote(_cell(row.get(name)), delimiter) for name in names))
        hold(len(lines[-1]))
    return "\n".join(lines)


def flat_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without nested values: these stand in columns such as `a.b` and `list.0`."""
    return [dict(_flatten("", row)) for row in rows]


def _flatten(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list):
        children = value.items() if isinstance(value, dict) else enumerate(value)
        for key, child in children:
            yield from _flatten(f"{name}.{key}" if name else str(key), child)
    else:
        yield name, value


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return conversions.to_string(value).upper() if isinstance(value, bool) else conversions.to_string(value)


def _quote(text: str, delimiter: str) -> str:
    if any(sign in text for sign in (delimiter, '"', "\n", "\r")):
        return '"' + text.replace('"', '""') + '"'
    return text
