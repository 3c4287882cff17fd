"""Extract From File: JSON, text, base64, rows, PDF texts and calendars out of the files that items carry."""

from typing import Any

from app.binary_files import encode_base64
from app.engine.nodes.files import spreadsheets
from app.engine.nodes.files.calendars import read_calendars
from app.engine.nodes.files.kept_parts import keeps_fields, kept_files
from app.engine.nodes.files.library_calls import GivenFile, extract_by_library, made_of, rows_of, to_base64
from app.engine.nodes.files.pdf import read_pdf
from app.engine.nodes.files.separated_values import read_rows
from app.engine.nodes.shared import binary
from app.engine.nodes.shared.binary import encoding_name
from app.engine.nodes.shared.failed_items import failed_item
from app.engine.nodes.shared.issues import Required, rules
from app.engine.nodes.shared.json_errors import explain_json
from app.engine.run.computing import BYTES_OF_ONE, compute, yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError, forget_frames
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.json_texts import parse_json
from app.engine.run.memory import DICT, base64_size
from app.engine.run.registry import node
from app.engine.values import paths
from app.engine.values.conversions import CannotConvert
from app.outgoing.charsets import BYTE_ORDER_MARK, guess_charset

NOT_JSON = "The file selected in 'Input Binary Field' is not in JSON format"
OTHER_FILE = "Try to change the operation or select a JSON file in 'Input Binary Field'"
WHOLE_FILES = ["binaryToPropery", "fromJson", "text", "fromIcs", "xml"]
ISSUES = rules(
    Required(
        "binaryPropertyName",
        "Input Binary Field",
        "data",
        when={"operation": ["csv", "html", "rtf", "ods", "xls", "xlsx", *WHOLE_FILES, "pdf"]},
    ),
    Required("destinationKey", "Destination Output Field", "data", when={"operation": WHOLE_FILES}),
    defaults={"operation": "csv"},
)


@node("extractFromFile", [1, 1.1], issues=ISSUES, plain=["operation"], wraps_expression_errors=True)
async def extract_from_file(context: NodeContext) -> Outputs:
    operation = context.parameters.get("operation", "csv")
    if operation in spreadsheets.MIME_TYPES:
        return [await extract_by_library(context, _read_sheets)]
    if operation in BY_LIBRARY:
        return [await extract_by_library(context, BY_LIBRARY[operation])]
    if operation != "csv" and operation not in WHOLE_FILES:
        raise NodeError(f"The operation '{operation}' of Extract From File is not supported.")
    output: list[Item] = []
    for index, parameters in enumerate(await context.resolve_each(context.parameters, exact=operation != "csv")):
        await yield_to_loop()
        try:
            if isinstance(parameters, NodeError):
                raise parameters
            item = context.items[index]
            async with binary.reading(context, parameters.get("binaryPropertyName", "data"), index) as content:
                if operation == "csv":
                    output += await compute(_rows, context, content, as_group(parameters.get("options")), index)
                else:
                    value = await _value(context, operation, content, parameters, index)
                    output.append(_item(context, item, parameters, value, index))
        except NodeError as error:
            output.append(failed_item(context, error, index))
    return [output]


def _rows(context: NodeContext, content: bytes, options: dict[str, Any], index: int) -> list[Item]:
    rows = read_rows(content, options, context.hold)
    context.hold(2 * DICT * len(rows))
    return [{"json": row, "pairedItem": {"item": index}} for row in rows]


async def _read_sheets(context: NodeContext, files: list[GivenFile]) -> list[list[Item] | NodeError]:
    operation = context.parameters["operation"]
    requests = [
        spreadsheets.read_request(
            to_base64(file.content), spreadsheets.own_options(operation, as_group(file.parameters.get("options")))
        )
        for file in files
    ]
    answers = await spreadsheets.read_sheets(context, requests)
    return [rows_of(answer, file.index) for answer, file in zip(answers, files, strict=True)]


async def _read_calendars(context: NodeContext, files: list[GivenFile]) -> list[list[Item] | NodeError]:
    texts = [await _text(context, file.content, file.parameters) for file in files]
    answers = await read_calendars(context, texts)
    made: list[list[Item] | NodeError] = []
    for answer, file in zip(answers, files, strict=True):
        try:
            value = made_of(answer, file.index)
            made.append([_item(context, context.items[file.index], file.parameters, value, file.index)])
        except NodeError as error:
            forget_frames(error)
            made.append(error)
    return made


BY_LIBRARY = {"pdf": read_pdf, "fromIcs": _read_calendars}


async def _text(context: NodeContext, content: bytes, parameters: dict[str, Any]) -> str:
    """The text of a file; its byte order mark is part of it only where that is wanted, and an encoding is chosen."""
    options = as_group(parameters.get("options"))
    codec = encoding_name(options.get("encoding") or guess_charset(content))
    text = await binary.decode(context, content, codec)
    marked = content[:4].decode(codec, "ignore").startswith(BYTE_ORDER_MARK)
    kept = marked and options.get("encoding") and options.get("stripBOM") is False
    return BYTE_ORDER_MARK + text if kept else text


async def _value(context: NodeContext, operation: str, content: bytes, parameters: dict[str, Any], index: int) -> Any:
    if operation == "binaryToPropery":
        context.hold(base64_size(len(content)))
        return await compute(encode_base64, content, size=len(content) // BYTES_OF_ONE)
    text = await _text(context, content, parameters)
    if operation != "fromJson":
        return text
    if not text:
        return {}
    try:
        return await parse_json(context, text)
    except CannotConvert:
        complaint = await explain_json(context, text)
    if complaint.startswith("Unexpected token"):
        raise NodeError(NOT_JSON, description=OTHER_FILE, item_index=index)
    raise NodeError(complaint, item_index=index)


def _item(context: NodeContext, item: Item, parameters: dict[str, Any], value: Any, index: int) -> Item:
    json = dict(item["json"]) if keeps_fields(parameters) else {}
    paths.put_at(json, parameters.get("destinationKey", "data"), value, hold=context.hold)
    made: Item = {"json": json, "pairedItem": {"item": index}}
    if "binary" in item:
        made["binary"] = kept_files(item["binary"], parameters)
    return made
