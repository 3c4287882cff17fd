"""Convert to File: JSON, text, base64, rows and calendars into files that items carry."""

import math
from collections.abc import Callable
from typing import Any

import orjson

from app.binary_files import decode_base64, extension_of, file_entry, named_file
from app.engine.nodes.files import spreadsheets
from app.engine.nodes.files.calendars import write_event
from app.engine.nodes.files.separated_values import write_rows
from app.engine.nodes.files.written_files import path_of, written_file
from app.engine.nodes.shared.binary import encoding_name, name_for
from app.engine.nodes.shared.failed_items import failed_item
from app.engine.nodes.shared.issues import Required, rules
from app.engine.nodes.shared.value_names import received
from app.engine.run.computing import BYTES_OF_ONE, compute, count_work, yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.memory import base64_size
from app.engine.run.registry import node
from app.engine.values import conversions, paths
from app.engine.values.conversions import Undefined
from app.outgoing.charsets import BYTE_ORDER_MARK

WIDTHS = {"utf-16": 2, "utf-32": 4}
"""How many bytes a character takes at least, in encodings with more than one."""
NO_BYTES = (
    "The first argument must be of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object"
)

ISSUES = rules(
    Required("sourceProperty", "Base64 Input Field", when={"operation": ["toBinary"]}),
    Required("sourceProperty", "Text Input Field", when={"operation": ["toText"]}),
    Required("start", "Start", when={"operation": ["iCal"]}),
    Required("end", "End", when={"operation": ["iCal"]}),
    Required(
        "binaryPropertyName",
        "Put Output File in Field",
        "data",
        when={"operation": ["csv", "html", "rtf", "ods", "xls", "xlsx", "toBinary", "toText", "toJson", "iCal"]},
    ),
    defaults={"operation": "csv"},
)


@node("convertToFile", [1, 1.1], issues=ISSUES, plain=["operation", "mode"], wraps_expression_errors=True)
async def convert_to_file(context: NodeContext) -> Outputs:
    operation = context.parameters.get("operation", "csv")
    resolved = await context.resolve_each(context.parameters, exact=True)
    if not resolved:
        return [[]]
    each = operation in ("toText", "toBinary", "iCal") or (
        operation == "toJson" and context.parameters.get("mode", "once") != "once"
    )
    if isinstance(resolved[0], NodeError) and not each:
        raise resolved[0]
    if not each and operation in ("csv", "toJson", *spreadsheets.MIME_TYPES):
        try:
            return [[await _file_of_all(context, operation, resolved[0])]]
        except NodeError as error:
            if operation == "toJson":
                raise  # as in n8n, which lets the workflow go on with the node's input then
            return [[failed_item(context, error, 0)]]
    if not each:
        raise NodeError(f"The operation '{operation}' of Convert to File is not supported.")
    output: list[Item] = []
    for index, (item, parameters) in enumerate(zip(context.items, resolved, strict=True)):
        await yield_to_loop()
        try:
            if isinstance(parameters, NodeError):
                raise parameters
            file = await _file_of_one(context, operation, item, parameters, index)
            output.append(
                {
                    "json": {},
                    "binary": {name_for(parameters, "binaryPropertyName"): file},
                    "pairedItem": {"item": index},
                }
            )
        except NodeError as error:
            output.append(failed_item(context, error, index))
    return [output]


async def _file_of_all(context: NodeContext, operation: str, parameters: dict[str, Any]) -> Item:
    """One item with one file for all. Raises NodeError."""
    options = as_group(parameters.get("options"))
    if operation == "csv":
        delimiter, header = str(options.get("delimiter") or ","), options.get("headerRow") is not False
        content = await write_rows(context, context.items, delimiter=delimiter, header=header)
        file = await compute(written_file, content, options, "File.csv", size=len(content) // BYTES_OF_ONE)
    elif operation == "toJson":
        values = [item["json"] for item in context.items]
        file = await compute(_json_file, context, values, parameters, options.get("fileName"))
    else:
        file = await spreadsheets.write_sheet(context, context.items, operation, options, f"File.{operation}")
    origins = [{"item": index} for index in range(len(context.items))]
    return {"json": {}, "binary": {name_for(parameters, "binaryPropertyName"): file}, "pairedItem": origins}


async def _file_of_one(
    context: NodeContext, operation: str, item: Item, parameters: dict[str, Any], index: int
) -> dict[str, Any]:
    if operation == "iCal":
        return await _calendar_file(context, parameters, index)
    if operation == "toJson":
        options = as_group(parameters.get("options"))
        size = math.inf if options.get("format") else count_work([item["json"]])
        return await compute(_json_file, context, item["json"], parameters, options.get("fileName"), size=size)
    make = _text_file if operation == "toText" else _binary_file
    named = parameters.get("sourceProperty")
    value = item["json"].get(named) if isinstance(named, str) else None
    size = len(value) // BYTES_OF_ONE if isinstance(value, str | list) else 0
    return await compute(make, context, item, parameters, index, size=size)


MARKED = ("utf-16", "utf-32", "utf-8-sig")
"""Encodings that begin with a byte order mark by themselves."""


def _encode_text(text: str, options: dict[str, Any], hold: Callable[[int], None]) -> bytes:
    codec = encoding_name(options.get("encoding"))
    mark = BYTE_ORDER_MARK if options.get("addBOM") and codec.startswith("utf") and codec not in MARKED else ""
    size = len(text) * WIDTHS.get(codec[:6], 1)
    hold(size + base64_size(size))  # both are there while it becomes base64
    return (mark + text).encode(codec, "replace")


def _json(context: NodeContext, value: Any, parameters: dict[str, Any]) -> bytes:
    options = as_group(parameters.get("options"))
    with context.holding(_indents(value) if options.get("format") else 0):
        text = orjson.dumps(value, option=orjson.OPT_INDENT_2 if options.get("format") else 0)
    if encoding_name(options.get("encoding")) != "utf-8":
        return _encode_text(text.decode(), options, context.hold)
    context.hold(len(text) + base64_size(len(text)))
    return BYTE_ORDER_MARK.encode() + text if options.get("addBOM") else text


def _indents(value: Any) -> int:
    """How many spaces stand before the lines of a value that is written with two for each level."""
    spaces = 0
    stack = [(value, 1)]
    while stack:
        each, level = stack.pop()
        inner = each.values() if isinstance(each, dict) else each
        spaces += 2 * level * len(each)
        stack += [(child, level + 1) for child in inner if isinstance(child, dict | list)]
    return spaces


def _json_file(context: NodeContext, value: Any, parameters: dict[str, Any], name: Any) -> dict[str, Any]:
    return named_file(_json(context, value, parameters), path_of(name, "file.json"), "application/json")


async def _calendar_file(context: NodeContext, parameters: dict[str, Any], index: int) -> dict[str, Any]:
    text = await write_event(context, parameters, index)
    context.hold(base64_size(len(text)))
    name = (parameters.get("additionalFields") or {}).get("fileName")
    return file_entry(text.encode(), "text/calendar", str(name or "event.ics"))


def _text_file(context: NodeContext, item: Item, parameters: dict[str, Any], index: int) -> dict[str, Any]:
    options = as_group(parameters.get("options"))
    value = _source(item, parameters, index)
    content = _encode_text("null" if value is None else conversions.display(value), options, context.hold)
    kind = "application/json" if value is None or isinstance(value, dict | list) else "text/plain"
    return named_file(content, path_of(options.get("fileName"), "file.txt"), kind)


def _binary_file(context: NodeContext, item: Item, parameters: dict[str, Any], index: int) -> dict[str, Any]:
    options = as_group(parameters.get("options"))
    value = _source(item, parameters, index)
    if context.version > 1 or options.get("dataIsBase64") is not False:
        content = _bytes(value)
    else:
        content = _encode_text(conversions.display(value), options, context.hold)
    given = options.get("mimeType")
    if conversions.truthy(given) and not isinstance(given, str | Undefined):
        raise NodeError("mimeType.startsWith is not a function", item_index=index)
    mime_type = given if given and isinstance(given, str) else None
    ending = extension_of(mime_type) if mime_type else None
    return named_file(content, path_of(options.get("fileName"), f"file.{ending}" if ending else "file"), mime_type)


def _bytes(value: Any) -> bytes:
    """What base64 or an array of numbers spells. Raises NodeError for anything else."""
    if isinstance(value, str):
        return decode_base64(value)
    if isinstance(value, list):
        return bytes(int(each) % 256 if conversions.is_number(each) and math.isfinite(each) else 0 for each in value)
    raise NodeError(f"{NO_BYTES}. Received {received(value)}")


def _source(item: Item, parameters: dict[str, Any], index: int) -> Any:
    given = parameters.get("sourceProperty", "")
    if not conversions.truthy(given):
        return item["json"]
    name = conversions.to_string(given)
    value = paths.get(item["json"], name, paths.MISSING)
    if value is paths.MISSING:
        raise NodeError(f'The value in "{name}" is not set', item_index=index)
    return value
