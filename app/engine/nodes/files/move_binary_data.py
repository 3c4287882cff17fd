"""Move Binary Data: the text of a file into an item's JSON, and JSON into a file."""

import codecs
from typing import Any

import orjson

from app import large_json
from app.binary_files import decode_base64, encode_base64, extension_of, file_entry
from app.engine.nodes.shared import binary
from app.engine.nodes.shared.binary import encoding_name
from app.engine.nodes.shared.issues import Required, rules
from app.engine.nodes.shared.json_errors import not_json
from app.engine.run.computing import BYTES_OF_ONE, compute, count_work, yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.json_texts import parse_json
from app.engine.run.memory import FIELD, base64_size
from app.engine.run.registry import node
from app.engine.values import conversions, paths
from app.outgoing.charsets import BYTE_ORDER_MARK

JSON, TEXT = "application/json", "text/plain"

ISSUES = rules(
    Required("sourceKey", "Source Key", "data", when={"mode": ["binaryToJson"]}),
    Required("destinationKey", "Destination Key", "data", when={"mode": ["binaryToJson"], "setAllData": [False]}),
    Required("sourceKey", "Source Key", "data", when={"mode": ["jsonToBinary"], "convertAllData": [False]}),
    Required("destinationKey", "Destination Key", "data", when={"mode": ["jsonToBinary"]}),
    defaults={"mode": "binaryToJson", "setAllData": True, "convertAllData": True},
)


@node("moveBinaryData", [1, 1.1], issues=ISSUES, plain=["mode"])
async def move_binary_data(context: NodeContext) -> Outputs:
    mode = context.parameters.get("mode", "binaryToJson")
    if mode not in ("binaryToJson", "jsonToBinary"):
        raise NodeError(f'The operation "{"null" if mode is None else mode}" is not known!')
    output: list[Item] = []
    resolved = await context.resolve_each(context.parameters, exact=True)
    for index, (item, parameters) in enumerate(zip(context.items, resolved, strict=True)):
        await yield_to_loop()
        if isinstance(parameters, NodeError):
            raise parameters
        if mode == "binaryToJson":
            moved = await _to_json(context, index, parameters)
        else:
            moved = await compute(_to_file, context, item, parameters, size=count_work([item]))
        if moved is not None:
            output.append({**moved, "pairedItem": {"item": index}})
    return [output]


async def _to_json(context: NodeContext, index: int, parameters: dict[str, Any]) -> Item | None:
    """The item with the text of a file in it; None for one without that file."""
    options, item = as_group(parameters.get("options")), context.items[index]
    name = conversions.to_string(parameters.get("sourceKey", "data"))
    files = dict(item.get("binary") or {})
    if not isinstance(files.get(name), dict):
        return None
    if not options.get("keepSource"):
        del files[name]
    if parameters.get("setAllData", True):
        async with binary.reading(context, name, index) as content:
            value = await _parse(context, await _text(context, content, options))
        json = value if isinstance(value, dict) else await _as_object(context, value)
    else:
        json = await compute(_copy, item["json"], size=count_work([item]))
        async with binary.reading(context, name, index) as content:
            value = await _value(context, content, options)
        paths.put_at(json, parameters.get("destinationKey", "data"), value, hold=context.hold)
    return {"json": json, **({"binary": files} if files else {})}


async def _value(context: NodeContext, content: bytes, options: dict[str, Any]) -> Any:
    if options.get("keepAsBase64"):
        context.hold(base64_size(len(content)))
        return await compute(encode_base64, content, size=len(content) // BYTES_OF_ONE)
    text = await _text(context, content, options)
    return await _parse(context, text) if options.get("jsonParse") else text


async def _parse(context: NodeContext, text: str) -> Any:
    try:
        return await parse_json(context, text)
    except ValueError:
        raise await not_json(context, text) from None


async def _as_object(context: NodeContext, value: Any) -> dict[str, Any]:
    """What JavaScript takes for the parts of a value that is no object, by their places."""
    if not isinstance(value, list | str):
        return {}
    context.hold(FIELD * len(value))
    return await compute(_by_places, value, size=len(value))


def _by_places(value: list[Any] | str) -> dict[str, Any]:
    return {str(place): part for place, part in enumerate(value)}


async def _text(context: NodeContext, content: bytes, options: dict[str, Any]) -> str:
    return await binary.decode(context, content, _encoding(options))


def _encoding(options: dict[str, Any]) -> str:
    given = options.get("encoding") or "utf8"
    try:
        return encoding_name(given)
    except NodeError:
        raise NodeError(f"Encoding not recognized: '{given}' (searched as: '{str(given).lower()}')") from None


def _copy(json: dict[str, Any]) -> dict[str, Any]:
    copied: dict[str, Any] = large_json.read(orjson.dumps(json))
    return copied


def _to_file(context: NodeContext, item: Item, parameters: dict[str, Any]) -> Item | None:
    """The item with a file of its JSON, or of a part of that; None for one without that part."""
    options = as_group(parameters.get("options"))
    converts_all = parameters.get("convertAllData", True)
    source = conversions.to_string(parameters.get("sourceKey", "data"))
    value = item["json"] if converts_all else paths.get(item["json"], source, paths.MISSING)
    if value is paths.MISSING:
        return None
    file = _file(value, options, context.version)
    json = {} if converts_all else _copy(item["json"])
    if options.get("keepSource"):
        json = item["json"]
    elif not converts_all:
        paths.remove(json, source)
    name = binary.name_for(parameters, "destinationKey")
    return {"json": json, "binary": {**(item.get("binary") or {}), name: file}}


def _file(value: Any, options: dict[str, Any], version: float) -> dict[str, Any]:
    raw = bool(options.get("useRawData"))
    mime_type = options.get("mimeType") or (TEXT if raw and version > 1 else JSON)
    name = options.get("fileName") or None
    if name is None and version > 1:
        extension = None if raw else extension_of(mime_type)
        name = "file" if extension is None else f"file.{extension}"
    made = file_entry(_content(value, options), str(mime_type), None if name is None else str(name))
    if name == "file":
        made.pop("fileExtension", None)
    return made


def _content(value: Any, options: dict[str, Any]) -> bytes:
    if options.get("dataIsBase64"):
        return decode_base64(conversions.to_string(value))
    raw = options.get("useRawData") and isinstance(value, str)
    text = value if raw else conversions.to_json_text(value)
    encoding = _encoding(options)
    mark = BYTE_ORDER_MARK if options.get("addBOM") and codecs.lookup(encoding).name.startswith("utf-8") else ""
    return (mark + text).encode(encoding, "replace")
