"""Files that items carry: where their bytes are, and how a new one is written down in n8n's shape.

Knows items, no node. The bytes stand in the item itself, in base64.
"""

import base64
import binascii
import codecs
import mimetypes
from typing import Any

from app.engine.errors import NodeError
from app.engine.registry import Item

KINDS = (("image/", "image"), ("video/", "video"), ("audio/", "audio"), ("text/html", "html"), ("text/", "text"))


def read(item: Item, name: Any, index: int) -> bytes:
    """The bytes of the item's file `name`. Raises NodeError when there is none."""
    return decode(entry(item, name, index))


def entry(item: Item, name: Any, index: int) -> dict[str, Any]:
    """The file `name` of the item as it is written down. Raises NodeError when there is none."""
    if isinstance(name, dict) and "data" in name:
        return name
    found = (item.get("binary") or {}).get(name)
    if isinstance(found, dict):
        return found
    if item.get("binary"):
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


def decode(file: dict[str, Any]) -> bytes:
    try:
        return base64.b64decode(str(file.get("data", "")))
    except binascii.Error as error:
        raise NodeError("The binary data is not valid base64.") from error


def make(content: bytes, mime_type: str, file_name: str | None = None) -> dict[str, Any]:
    """A file as it stands in an item's `binary`."""
    made: dict[str, Any] = {"mimeType": mime_type}
    kind = next((kind for prefix, kind in KINDS if mime_type.startswith(prefix)), None)
    kind = {"application/json": "json", "application/pdf": "pdf"}.get(mime_type, kind)
    if kind is not None:
        made["fileType"] = kind
    extension = _extension(mime_type, file_name)
    if extension:
        made["fileExtension"] = extension
    made["data"] = base64.b64encode(content).decode()
    if file_name:
        made["fileName"] = file_name
    made["fileSize"] = display_size(len(content))
    made["bytes"] = len(content)
    return made


def _extension(mime_type: str, file_name: str | None) -> str | None:
    if file_name and "." in file_name.rsplit("/", 1)[-1]:
        return file_name.rsplit(".", 1)[-1]
    guessed = {"text/plain": ".txt", "image/jpeg": ".jpeg"}.get(mime_type) or mimetypes.guess_extension(mime_type)
    return guessed[1:] if guessed else None


def display_size(size: int) -> str:
    """A size for people, in powers of 1,000, as n8n shows it."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:.3g} {unit}"
        amount /= 1000
    raise AssertionError("the last unit takes any size")


def encoding_name(given: Any) -> str:
    """Python's name for an encoding as n8n calls it; UTF-8 without one. Raises NodeError for one nobody knows."""
    name = {"ucs2": "utf-16-le", "ucs-2": "utf-16-le", "utf16le": "utf-16-le", "binary": "latin-1"}.get(given, given)
    try:
        return codecs.lookup(str(name or "utf-8")).name
    except LookupError:
        raise NodeError(f"The encoding '{given}' is not known.") from None
