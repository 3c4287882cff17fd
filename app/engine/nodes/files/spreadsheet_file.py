"""Spreadsheet File, from before there were Extract from File and Convert to File."""

from typing import Any

from app.engine.nodes.files import spreadsheets
from app.engine.nodes.files.library_calls import GivenFile, extract_by_library, rows_of, to_base64
from app.engine.nodes.files.separated_values import read_rows, write_rows
from app.engine.nodes.files.written_files import written_file
from app.engine.nodes.shared.binary import name_for
from app.engine.nodes.shared.failed_items import failed_item
from app.engine.nodes.shared.issues import Required, rules
from app.engine.run.computing import compute
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError, forget_frames
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.registry import node
from app.engine.values.conversions import Undefined

ISSUES = rules(
    Required("binaryPropertyName", "Input Binary Field", "data", when={"operation": ["fromFile"]}),
    Required("binaryPropertyName", "Put Output File in Field", "data", when={"operation": ["toFile"]}),
    defaults={"operation": "fromFile"},
)
CSV = "text/csv"


@node("spreadsheetFile", [1, 2], issues=ISSUES, plain=["operation"], exact=True)
async def spreadsheet_file(context: NodeContext) -> Outputs:
    if context.parameters.get("operation", "fromFile") == "toFile":
        try:
            return [await _write(context)] if context.items else [[]]
        except NodeError as error:
            return [[failed_item(context, error, 0)]]
    return [await extract_by_library(context, _read)]


async def _read(context: NodeContext, files: list[GivenFile]) -> list[list[Item] | NodeError]:
    """The rows of each file, or what is wrong with it: separated values by themselves, all others by the library."""
    separated = [file for file in files if _is_separated(context, file)]
    others = [file for file in files if file not in separated]
    requests = [
        spreadsheets.read_request(to_base64(file.content), _options(file), keeps_mark=context.version < 2)
        for file in others
    ]
    answers = await spreadsheets.read_sheets(context, requests) if requests else []
    made = {file.index: rows_of(answer, file.index) for answer, file in zip(answers, others, strict=True)}
    for file in separated:
        options = _options(file) if file.parameters.get("fileFormat") == "csv" else _common(_options(file))
        try:
            rows = await compute(read_rows, file.content, options, context.hold)
        except NodeError as error:
            forget_frames(error)
            made[file.index] = error
            continue
        made[file.index] = [{"json": row, "pairedItem": {"item": file.index}} for row in rows]
    return [made[file.index] for file in files]


def _is_separated(context: NodeContext, file: GivenFile) -> bool:
    if context.version < 2:
        return False
    kind = file.parameters.get("fileFormat") or "autodetect"
    if kind != "autodetect":
        return bool(kind == "csv")
    name = file.parameters.get("binaryPropertyName") or "data"
    given = (context.items[file.index].get("binary") or {}).get(name)
    return isinstance(given, dict) and given.get("mimeType") == CSV


def _options(file: GivenFile) -> dict[str, Any]:
    return as_group(file.parameters.get("options"))


def _common(options: dict[str, Any]) -> dict[str, Any]:
    """Those options that separated values have where the format was not chosen."""
    return {name: options[name] for name in ("headerRow", "includeEmptyCells") if name in options}


def _defined(settings: dict[str, Any]) -> dict[str, Any]:
    """Those that are not undefined."""
    return {name: value for name, value in settings.items() if not isinstance(value, Undefined)}


async def _write(context: NodeContext) -> list[Item]:
    [parameters, *_] = await context.resolve(context.parameters, exact=True)
    options = _defined(as_group(parameters.get("options")))
    kind = str(_defined(parameters).get("fileFormat") or "xls")
    if kind == "csv":
        header = options.get("headerRow") is not False
        content = await write_rows(context, context.items, delimiter=",", header=header)
        file = written_file(content, options, "spreadsheet.csv")
    elif kind in spreadsheets.MIME_TYPES:
        file = await spreadsheets.write_sheet(context, context.items, kind, options, f"spreadsheet.{kind}")
    else:
        raise NodeError(f"The file format '{kind}' is not supported.")
    origins = [{"item": index} for index in range(len(context.items))]
    return [{"json": {}, "binary": {name_for(parameters, "binaryPropertyName"): file}, "pairedItem": origins}]
