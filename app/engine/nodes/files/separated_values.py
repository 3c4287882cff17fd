"""Files of separated values: read as rows, and written from items."""

import codecs
import io
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from app.engine.nodes.shared.binary import encoding_name
from app.engine.run.computing import compute
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.items import Item
from app.engine.run.memory import base64_size, collect, text_size
from app.engine.values import conversions, tables
from app.engine.values.tables import MalformedTable
from app.outgoing.charsets import BYTE_ORDER_MARK, decode_pieces


async def write_rows(context: NodeContext, items: list[Item], *, delimiter: str, header: bool) -> bytes:
    """The items as a file, with a mark at its beginning for the sake of spreadsheets, as n8n writes it."""
    rows = [item["json"] for item in items]
    return await compute(_write, rows, delimiter, header, context.hold)


def _write(rows: list[dict[str, Any]], delimiter: str, header: bool, hold: Callable[[int], None]) -> bytes:
    made, between = io.BytesIO(), BYTE_ORDER_MARK
    for line in tables.write(rows, delimiter=delimiter, header=header, hold=hold):
        hold(base64_size(len(line)))  # besides what is counted of the line: it becomes a text in base64
        made.write((between + line).encode())
        between = "\n"
    return made.getvalue()


def read_rows(content: bytes, options: dict[str, Any], hold: Callable[[int], None]) -> list[dict[str, Any]]:
    """The rows of a table. Raises NodeError for one that is malformed."""
    codec = _codec(content, options)
    hold(text_size(content, codec))
    text = decode_pieces(content, codec)
    if not options.get("enableBOM") and content[:4].decode(codec, "ignore").startswith(BYTE_ORDER_MARK):
        text = BYTE_ORDER_MARK + text
    first = _whole("from_line", options.get("fromLine") or 1, "undefined")
    text = tables.skip_lines(text, first - 1)
    wanted = conversions.to_number(options.get("maxRowCount", -1))
    most = None if wanted <= -1 else _whole("to", wanted, conversions.to_string(wanted))
    errors = _Errors(options)
    position = tables.Position(skipped=first - 1)
    try:
        read = tables.read(
            text,
            named=options.get("headerRow") is not False,
            position=position,
            delimiter=_delimiter(options.get("delimiter")),
            relaxed=bool(options.get("relaxQuotes")),
            skip=errors.skip,
            hold=hold,
        )
        rows = collect(itertools.islice(_name_cells(read, options, errors, position), most), hold)
    except MalformedTable as error:
        raise NodeError(str(error)) from error
    return rows


def _codec(content: bytes, options: dict[str, Any]) -> str:
    """How the text is encoded: as its byte order mark says, where that is looked for."""
    if options.get("enableBOM"):
        for mark, codec in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le")):
            if content.startswith(mark):
                return codec
    return encoding_name(options.get("encoding"))


class _Errors:
    """How many malformed rows may be left out, and how many were."""

    def __init__(self, options: dict[str, Any]) -> None:
        given = (options.get("skipRecordsWithErrors") or {}).get("value") or {}
        self._skips = bool(given.get("enabled"))
        self._most = int(conversions.to_number(given.get("maxSkippedRecords", -1))) if self._skips else 0
        self._skipped = 0

    def skip(self) -> bool:
        """Whether one more is left out. Raises MalformedTable where that is one too many; without a limit above zero,
        none is."""
        self._skipped += 1
        if self._skips and 0 < self._most < self._skipped:
            raise MalformedTable("Max number of skipped records exceeded")
        return self._skips


def _whole(option: str, given: Any, shown: str) -> int:
    """The option as a number from one on. Raises NodeError, with the words of the library that n8n reads tables with,
    for any other."""
    number = conversions.to_number(given)
    if not float(number).is_integer():
        raise NodeError(f"Invalid Option: {option} must be an integer, got {shown}")
    if number < 1:
        raise NodeError(f"Invalid Option: {option} must be a positive integer greater than 0, got {shown}")
    return int(number)


def _delimiter(given: Any) -> str:
    if given == "":
        wanted = "a non empty string or buffer or array of string|buffer"
        raise NodeError(f'Invalid option delimiter: delimiter must be {wanted}, got ""')
    return str(given or ",")


def _name_cells(
    read: Iterable[list[str]], options: dict[str, Any], errors: _Errors, position: tables.Position
) -> Iterator[dict[str, Any]]:
    """Each row as an object: its cells by the names in the first row, or by their numbers."""
    empty_too = bool(options.get("includeEmptyCells"))
    names: list[str] | None = None
    width: int | None = None
    for row in read:
        if options.get("headerRow") is not False and names is None:
            names, width = row, len(row)
            continue
        width = width if width is not None else len(row)
        if len(row) != width:
            if errors.skip():
                continue
            wanted = f"expect {width}" if names is None else f"columns length is {width}"
            raise MalformedTable(f"Invalid Record Length: {wanted}, got {len(row)} on line {position.line}")
        cells = dict(zip(names or map(str, range(width)), row, strict=True))
        cells = {name: cell for name, cell in cells.items() if empty_too or cell != ""}
        yield cells if names is not None else {"row": row if empty_too else cells}
