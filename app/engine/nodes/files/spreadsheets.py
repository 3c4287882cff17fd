"""Spreadsheets: xlsx, xls, ods, rtf and HTML tables as rows and back, by SheetJS in the sandbox."""

from collections.abc import Callable
from typing import Any

from app.binary_files import decode_base64
from app.engine.nodes.files.library_calls import call_library, made_of
from app.engine.nodes.files.written_files import written_file
from app.engine.run.computing import compute
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.items import Item
from app.engine.sandbox import bundles
from app.engine.values import conversions, tables

MIME_TYPES = {
    "html": "text/html",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "rtf": "application/rtf",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""Of each format that can be written; all of them can be read."""
MAX_CELLS = 1_000_000
"""Of one sheet that is read, empty ones that it spans included; and of one that is written."""
READ = """
const MAX_CELLS = %d;
const { decode_range: decode, encode_range: encode, sheet_to_json: rowsOf } = xlsx.utils;

// A sheet may say that it spans a thousand million cells of which few are there.
const checkSpan = (range) => {
  const cells = (range.e.r - range.s.r + 1) * (range.e.c - range.s.c + 1);
  if (cells > MAX_CELLS) throw new Error(`The sheet spans ${cells} cells; at most ${MAX_CELLS} are read`);
};
const usedRange = (sheet, range) => {
  const used = { s: range.s, e: { r: range.s.r, c: range.s.c } };
  sheet['!data']?.forEach((row, r) => row?.forEach((cell, c) => {
    if (cell) used.e = { r: Math.max(used.e.r, r), c: Math.max(used.e.c, c) };
  }));
  return used;
};

const answer = ({ data, sheetName, range, header, empty, raw, text, mark }) => {
  const binary = Buffer.from(data, 'base64');
  // Zip archives and the compound files of old Excel are no text, and RTF is text in bytes.
  let book;
  if (text && !/^(PK|\\xd0\\xcf|\\{\\\\rt)/.test(binary.toString('latin1', 0, 4))) {
    const whole = binary.toString();
    book = xlsx.read(mark ? whole : whole.replace(/^\\ufeff/, ''), { raw, type: 'string', dense: true });
  } else {
    book = xlsx.read(binary, { raw, dense: true });
  }
  if (book.SheetNames.length === 0) throw new Error('Spreadsheet does not have any sheets!');
  if (sheetName && !Object.hasOwn(book.Sheets, sheetName)) {
    throw new Error(`Spreadsheet does not contain sheet called "${sheetName}"!`);
  }
  const sheet = book.Sheets[sheetName || book.SheetNames[0]];
  if (sheet['!ref']) {
    const span = decode(sheet['!ref']);
    const size = (span.e.r - span.s.r + 1) * (span.e.c - span.s.c + 1);
    if (size > MAX_CELLS) sheet['!ref'] = encode(usedRange(sheet, span));
    checkSpan(decode(sheet['!ref']));
  }
  const options = {};
  if (typeof range === 'object') throw new Error('The range has to be a text such as A2:C9, or a number');
  if (range !== undefined) {
    options.range = isNaN(range) ? range : parseInt(range, 10);
    if (isNaN(range)) checkSpan(decode(range));
  }
  if (empty) options.defval = '';
  if (!header) options.header = 1;
  if (!header && empty && sheet['!ref']) {
    // A row that is not there at all would stay without the cells that `empty` asks for.
    for (let row = 0; row <= decode(sheet['!ref']).e.r; row++) sheet['!data'][row] ??= [];
  }
  const rows = rowsOf(sheet, options);
  return header ? rows : rows.map((row) => ({ row }));
};
"""
WRITE = """
const answer = ({ rows, format, sheetName, header, compression }) => {
  const sheet = xlsx.utils.json_to_sheet(rows, { skipHeader: !header });
  const book = { SheetNames: [sheetName], Sheets: { [sheetName]: sheet } };
  return xlsx.write(book, { bookType: format, bookSST: false, type: 'base64', compression });
};
"""
LIBRARY = "@e965/xlsx/dist/xlsx.full.min.js"
SHEET_OPTIONS = frozenset({"ods", "xls", "xlsx"})


def own_options(operation: str, options: dict[str, Any]) -> dict[str, Any]:
    """Those options that the format has where it was chosen as an operation."""
    hidden = set() if operation in SHEET_OPTIONS else {"sheetName", "range"}
    if operation == "rtf":
        hidden |= {"headerRow", "includeEmptyCells"}
    return {name: value for name, value in options.items() if name not in hidden}


def read_request(data: str, options: dict[str, Any], *, keeps_mark: bool = False) -> dict[str, Any]:
    """What is to be read of one file: `data` in base64. `keeps_mark`: a byte order mark is a part of its text."""
    request: dict[str, Any] = {
        "data": data,
        "header": options.get("headerRow") is not False,
        "empty": bool(options.get("includeEmptyCells")),
        "raw": bool(options.get("rawData")),
        "text": bool(options.get("readAsString")),
        "mark": keeps_mark,
        "sheetName": _name(options, ""),
    }
    if conversions.truthy(options.get("range")):
        request["range"] = options["range"]
    return request


def _name(options: dict[str, Any], otherwise: str) -> str:
    given = options.get("sheetName")
    return conversions.to_string(given) if conversions.truthy(given) else otherwise


async def read_sheets(context: NodeContext, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each request (see `read_request`) {"made": rows} or {"failed": why}. Raises NodeError."""
    return await call_library(context, await bundles.program(READ % MAX_CELLS, xlsx=LIBRARY), requests)


async def write_sheet(
    context: NodeContext, items: list[Item], operation: str, options: dict[str, Any], name: str
) -> dict[str, Any]:
    """The items as one sheet in a file, as it stands in an item's `binary`; called so without a name of its own.

    Raises NodeError.
    """
    rows, columns = await compute(_flat_rows, [item["json"] for item in items], context.hold)
    if columns * len(rows) > MAX_CELLS:
        raise NodeError(f"The sheet has {columns * len(rows):,} cells; at most {MAX_CELLS:,} are written")
    request = {
        "rows": rows,
        "format": operation,
        "header": options.get("headerRow") is not False,
        "sheetName": _name(options, "Sheet") if operation in SHEET_OPTIONS else "Sheet",
        "compression": bool(options.get("compression")) and operation in ("xlsx", "ods"),
    }
    [answer] = await call_library(context, await bundles.program(WRITE, xlsx=LIBRARY), [request])
    # HTML is text, and of a text only the name tells what it is.
    kind = None if operation == "html" else MIME_TYPES[operation]
    return await compute(_file, made_of(answer, 0), options, name, kind)


def _flat_rows(rows: list[dict[str, Any]], hold: Callable[[int], None]) -> tuple[list[dict[str, Any]], int]:
    """The rows without nested values, and how many columns they have together."""
    flat = tables.flat_rows(rows, hold)
    return flat, len({name for row in flat for name in row})


def _file(content: str, options: dict[str, Any], name: str, kind: str | None) -> dict[str, Any]:
    return written_file(decode_base64(content), options, name, kind)
