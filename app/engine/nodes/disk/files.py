"""Read/Write Files from Disk, and the three nodes that it took the place of."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.binary_files import file_entry, mime_type_of
from app.engine.nodes.disk.folder import Folder, NotAllowed
from app.engine.nodes.shared import binary
from app.engine.nodes.shared.failed_items import failed_item
from app.engine.nodes.shared.issues import Required, rules
from app.engine.run.computing import compute
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.registry import node
from app.engine.values import conversions

ISSUES = rules(
    Required("fileSelector", "File(s) Selector", when={"operation": ["read"]}),
    Required("fileName", "File Path and Name", when={"operation": ["write"]}),
    Required("dataPropertyName", "Input Binary Field", "data", when={"operation": ["write"]}),
    defaults={"operation": "read"},
)
NO_FOLDER = "This server keeps no files for workflows"
HOW = "Whoever runs it can allow a folder with EXECUTIONS_FILES_FOLDER."


@node("readWriteFile", [1, 1.1], issues=ISSUES, plain=["operation"])
async def read_write_file(context: NodeContext) -> Outputs:
    writes = context.parameters.get("operation", "read") == "write"
    return [await _act_on_each(context, _write if writes else _read)]


@node("readBinaryFile", [1], issues=rules(Required("filePath", "File Path")))
async def read_binary_file(context: NodeContext) -> Outputs:
    return [await _act_on_each(context, _read_one)]


@node("readBinaryFiles", [1], issues=rules(Required("fileSelector", "File Selector")))
async def read_binary_files(context: NodeContext) -> Outputs:
    return [await _act_on_each(context, _read_many)]


@node("writeBinaryFile", [1], issues=rules(Required("fileName", "File Name")))
async def write_binary_file(context: NodeContext) -> Outputs:
    return [await _act_on_each(context, _write)]


Act = Callable[[NodeContext, Folder, dict[str, Any], int], list[Item]]


async def _act_on_each(context: NodeContext, act: Act) -> list[Item]:
    """What `act` makes of each item, or its error where the node goes on."""
    root = context.execution.ports.files
    if root is None:
        raise NodeError(NO_FOLDER, description=HOW)
    made: list[Item] = []
    for index, parameters in enumerate(await context.resolve_each(context.parameters)):
        try:
            if isinstance(parameters, NodeError):
                raise parameters
            items = await compute(_on_disk, act, context, root, parameters, index)
            made += [{**item, "pairedItem": {"item": index}} for item in items]
        except NodeError as error:
            made.append(failed_item(context, error, index))
    return made


def _on_disk(act: Act, context: NodeContext, root: Path, parameters: dict[str, Any], index: int) -> list[Item]:
    try:
        items = act(context, Folder(root), parameters, index)
        return items
    except NotAllowed as error:
        raise NodeError(str(error), item_index=index) from error
    except FileNotFoundError as error:
        raise NodeError("The file or directory does not exist", item_index=index) from error
    except OSError as error:
        raise NodeError(f"The file cannot be used: {error.strerror}", item_index=index) from error


def _read(context: NodeContext, folder: Folder, parameters: dict[str, Any], index: int) -> list[Item]:
    options = as_group(parameters.get("options"))
    selector = str(parameters.get("fileSelector") or "")
    literal = options.get("literalBrackets", context.version > 1) is not False
    paths = folder.find(selector, literal_brackets=literal)
    if not paths:
        hint = (
            ". If [ ] and ( ) were meant as a character class or group, turn off 'Treat Brackets and Parentheses as "
            "Literal' in Options"
        )
        said = f'No file matching the selector "{selector}" found'
        described = said + hint if literal and any(sign in selector for sign in "[]()") else said
        raise NodeError("No file(s) found", description=described, item_index=index)
    made: list[Item] = []
    for path in paths:
        file = _file(context, folder, path, options)
        shown = {key: value for key, value in file.items() if key not in ("data", "directory", "bytes")}
        made.append({"json": shown, "binary": {conversions.to_string(options.get("dataPropertyName") or "data"): file}})
    return made


def _read_one(context: NodeContext, folder: Folder, parameters: dict[str, Any], index: int) -> list[Item]:
    name = str(parameters.get("filePath") or "")
    paths = folder.find(name, literal_brackets=True)
    if not paths:
        raise NodeError(f'The file "{name}" could not be found.', item_index=index)
    file = _file(context, folder, paths[0], {})
    item = context.items[index]
    field = conversions.to_string(parameters.get("dataPropertyName") or "data")
    return [{"json": item["json"], "binary": {**(item.get("binary") or {}), field: file}}]


def _read_many(context: NodeContext, folder: Folder, parameters: dict[str, Any], index: int) -> list[Item]:
    field = conversions.to_string(parameters.get("dataPropertyName") or "data")
    paths = folder.find(str(parameters.get("fileSelector") or ""), literal_brackets=False)
    return [{"json": {}, "binary": {field: _file(context, folder, path, {})}} for path in paths]


def _file(context: NodeContext, folder: Folder, path: Path, options: dict[str, Any]) -> dict[str, Any]:
    context.hold(path.stat().st_size * 4 // 3)
    content = folder.read(path)
    name = str(options.get("fileName") or path.name)
    mime_type = str(options.get("mimeType") or mime_type_of(path.name) or "text/plain")
    file = file_entry(content, mime_type, name)
    if options.get("fileExtension"):
        file["fileExtension"] = str(options["fileExtension"])
    return {**file, "directory": os.path.dirname(path)}


def _write(context: NodeContext, folder: Folder, parameters: dict[str, Any], index: int) -> list[Item]:
    item, name = context.items[index], str(parameters.get("fileName") or "")
    content = binary.read(item, parameters.get("dataPropertyName") or "data", index)
    append = bool(as_group(parameters.get("options")).get("append"))
    folder.write(name, content, append=append)
    made: Item = {"json": {**item["json"], "fileName": name}}
    if "binary" in item:
        made["binary"] = item["binary"]
    return [made]
