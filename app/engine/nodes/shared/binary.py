"""Files that items carry: where their bytes are.

Knows items, no node. The bytes stand in the item itself, in base64.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from app.binary_files import file_bytes
from app.engine.run.computing import BYTES_OF_ONE, compute
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.items import Item
from app.engine.run.memory import text_size
from app.engine.values import conversions
from app.outgoing.charsets import codec_named, decode_pieces

NODE_NAMES = {
    "ucs2": "utf-16-le",
    "ucs-2": "utf-16-le",
    "utf16le": "utf-16-le",
    "utf16be": "utf-16-be",
    "utf32le": "utf-32-le",
    "utf32be": "utf-32-be",
    "binary": "latin-1",
    "koi8r": "koi8-r",
    "koi8u": "koi8-u",
    "big5": "big5hkscs",
}
_NUMBERED = {"win": "cp", "windows": "cp", "iso8859": "iso8859-"}
_NUMBER = re.compile(r"(win|windows|iso8859)(\d+)\Z")


def read(item: Item, name: Any, index: int) -> bytes:
    """The bytes of the item's file `name`. Raises NodeError when there is none."""
    return file_bytes(entry(item, name, index))


def name_for(parameters: dict[str, Any], parameter: str) -> str:
    """The name under which an item gets a file: what the parameter gives, resolved exactly, as JavaScript writes it."""
    return conversions.to_string(parameters.get(parameter, "data"))


@asynccontextmanager
async def reading(context: NodeContext, name: Any, index: int) -> AsyncIterator[bytes]:
    """As `read`, of one of the node's items; the bytes count for as long as this lasts, and those of a large file are
    read in a thread, so that the loop goes on. Raises TooMuchData."""
    file = entry(context.items[index], name, index)
    size = len(str(file.get("data") or ""))
    with context.holding(size * 3 // 4):
        yield await compute(file_bytes, file, size=size // BYTES_OF_ONE)


async def decode(context: NodeContext, content: bytes, codec: str) -> str:
    """The text, with what cannot be read replaced and no byte order mark, counted before it is there; of a large file
    in a thread. Raises TooMuchData."""
    size = len(content) // BYTES_OF_ONE
    context.hold(await compute(text_size, content, codec, size=size))
    return await compute(decode_pieces, content, codec, size=size)


def entry(item: Item, name: Any, index: int) -> dict[str, Any]:
    """The file `name` of the item as it is written down. Raises NodeError when there is none."""
    if isinstance(name, dict) and "data" in name and name.get("mimeType") is not None:
        return name
    if not isinstance(name, str):
        raise NodeError(
            "Provided parameter is not a string or binary data object.",
            description="Specify the name of the file's field in the input item, or a file itself",
            item_index=index,
        )
    file = (item.get("binary") or {}).get(name)
    if isinstance(file, dict):
        return file
    if isinstance(item.get("binary"), dict):
        raise NodeError(
            f"The item has no binary field '{name}' [item {index}]",
            description="Check that the parameter where you specified the input binary field name is correct, "
            "and that it matches a field in the binary input",
            item_index=index,
        )
    raise NodeError(
        f"This operation expects the node's input data to contain a binary file '{name}', "
        f"but none was found [item {index}]",
        description="Make sure that the previous node outputs a binary file",
        item_index=index,
    )


def encoding_name(given: Any) -> str:
    """Python's name for an encoding as n8n calls it; UTF-8 without one. Raises NodeError for one nobody knows."""
    asked = conversions.display(given or "utf-8")
    codec = codec_named(NODE_NAMES.get(asked, _NUMBER.sub(_numbered, asked)))
    if codec is None:
        raise NodeError(f"The encoding '{asked}' is not known.")
    return codec


def _numbered(name: re.Match[str]) -> str:
    return _NUMBERED[name[1]] + name[2]
