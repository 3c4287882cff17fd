"""Convert to File: JSON, text, base64 and separated values into files that items carry."""

import base64
import binascii
import mimetypes
from functools import partial
from typing import Any

import orjson

from app.binary_files import file_entry
from app.engine.nodes.files import spreadsheets
from app.engine.nodes.files.calendars import write_event
from app.engine.nodes.shared.binary import encoding_name
from app.engine.nodes.shared.issues import Required, rules
from app.engine.run.computing import breathe, compute
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.items import Item, Outputs
from app.engine.run.registry import node
from app.engine.values import conversions, paths, tables

BYTE_ORDER_MARK = "\ufeff"


ISSUES = rules(
    Required("sourceProperty", "Base64 Input Field", when={"operation": ["toBinary"]}),
    Required("sourceProperty", "Text Input Field", when={"operation": ["toText"]}),
    Required("start", "Start", when={"operation": ["iCal"]}),
    Required("end", "End", when={"operation": ["iCal"]}),
    Required(
        "binaryPropertyName",
        "Put Output File in Field",
        "data",
        when={"operation": [*["csv", "html", "rtf", "ods", "xls", "xlsx", "toBinary", "toText", "toJson", "iCal"]]},
    ),
    defaults={"operation": "csv"},
)


@node("convertToFile", [1, 1.1], issues=ISSUES, plain=["operation", "mode"], wraps_expression_errors=True)
async def convert_to_file(context: NodeContext) -> Outputs:
    operation = context.parameters.get("operation", "csv")
    resolved = await context.resolve(context.parameters) if context.items else []
    if not resolved:
        return [[]]
    if operation == "csv":
        options = resolved[0].get("options") or {}
        write = partial(
            tables.write,
            [item["json"] for item in context.items],
            delimiter=str(options.get("delimiter") or ","),
            header=options.get("headerRow") is not False,
            hold=context.hold,
        )
        text = await compute(write)
        content = (BYTE_ORDER_MARK + text).encode()  # for the sake of spreadsheets, as n8n writes it
        return [[_all(context, resolved[0], content, "text/csv", "File.csv")]]
    if operation in spreadsheets.MIME_TYPES:
        file = await spreadsheets.write_sheet(context, context.items, operation, resolved[0].get("options") or {})
        return [[_one_for_all(context, resolved[0], file)]]
    if operation == "toJson" and context.parameters.get("mode", "once") == "once":
        content = await compute(_json, [item["json"] for item in context.items], resolved[0])
        return [[_all(context, resolved[0], content, "application/json", "file.json")]]
    make = {"toJson": _json_file, "toText": _text_file, "toBinary": _binary_file}.get(operation)
    if make is None and operation != "iCal":
        raise NodeError(f"The operation '{operation}' of Convert to File is not supported.")
    output: list[Item] = []
    for index, (item, parameters) in enumerate(zip(context.items, resolved, strict=True)):
        await breathe()
        try:
            file = (
                await _calendar_file(context, parameters, index)
                if make is None
                else make(item, parameters, index, context.version)
            )
            output.append({"json": {}, "binary": {_field(parameters): file}, "pairedItem": {"item": index}})
        except NodeError as error:
            if not context.continues_on_fail:
                raise
            output.append({"json": {"error": error.message}, "pairedItem": {"item": index}})
    return [output]


def _field(parameters: dict[str, Any]) -> str:
    return str(parameters.get("binaryPropertyName") or "data")


def _all(context: NodeContext, parameters: dict[str, Any], content: bytes, mime_type: str, name: str) -> Item:
    """One item with one file for all."""
    given = (parameters.get("options") or {}).get("fileName")
    return _one_for_all(context, parameters, file_entry(content, mime_type, str(given or name)))


def _one_for_all(context: NodeContext, parameters: dict[str, Any], file: dict[str, Any]) -> Item:
    origins = [{"item": index} for index in range(len(context.items))]
    return {"json": {}, "binary": {_field(parameters): file}, "pairedItem": origins}


def _encode_text(text: str, options: dict[str, Any]) -> bytes:
    mark = BYTE_ORDER_MARK if options.get("addBOM") else ""
    return (mark + text).encode(encoding_name(options.get("encoding")), "replace")


def _json(value: Any, parameters: dict[str, Any]) -> bytes:
    options = parameters.get("options") or {}
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2 if options.get("format") else 0).decode()
    return _encode_text(text, options)


def _json_file(item: Item, parameters: dict[str, Any], index: int, version: float) -> dict[str, Any]:
    name = (parameters.get("options") or {}).get("fileName")
    return file_entry(_json(item["json"], parameters), "application/json", str(name or "file.json"))


async def _calendar_file(context: NodeContext, parameters: dict[str, Any], index: int) -> dict[str, Any]:
    text = await write_event(context, parameters, index)
    name = (parameters.get("additionalFields") or {}).get("fileName")
    return file_entry(text.encode(), "text/calendar", str(name or "event.ics"))


def _text_file(item: Item, parameters: dict[str, Any], index: int, version: float) -> dict[str, Any]:
    options = parameters.get("options") or {}
    content = _encode_text(conversions.display(_source(item, parameters, index)), options)
    return file_entry(content, "text/plain", str(options.get("fileName") or "file.txt"))


def _binary_file(item: Item, parameters: dict[str, Any], index: int, version: float) -> dict[str, Any]:
    options = parameters.get("options") or {}
    text = conversions.display(_source(item, parameters, index))
    if version > 1 or options.get("dataIsBase64") is not False:
        try:
            content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=None)
        except binascii.Error as error:
            raise NodeError("The value is not valid base64.", item_index=index) from error
    else:
        content = _encode_text(text, options)
    name = str(options.get("fileName") or "")
    mime_type = options.get("mimeType") or (mimetypes.guess_type(name)[0] if name else None)
    return file_entry(content, str(mime_type or "application/octet-stream"), name or "file")


def _source(item: Item, parameters: dict[str, Any], index: int) -> Any:
    name = str(parameters.get("sourceProperty") or "")
    value = paths.get(item["json"], name)
    if value is None:
        raise NodeError(f'The value in "{name}" is not set', item_index=index)
    return value
