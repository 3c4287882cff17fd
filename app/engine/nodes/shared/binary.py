"""Files that items carry: where their bytes are.

Knows items, no node. The bytes stand in the item itself, in base64.
"""

import base64
import codecs
import re
from typing import Any

from app.engine.run.errors import NodeError
from app.engine.run.items import Item

_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/_-]+")
_URL_SAFE = str.maketrans("-_", "+/")


def read(item: Item, name: Any, index: int) -> bytes:
    """The bytes of the item's file `name`. Raises NodeError when there is none."""
    return decode(entry(item, name, index))


def entry(item: Item, name: Any, index: int) -> dict[str, Any]:
    """The file `name` of the item as it is written down. Raises NodeError when there is none."""
    if isinstance(name, dict) and "data" in name:
        return name
    if not isinstance(name, str):
        raise NodeError(
            "Provided parameter is not a string or binary data object.",
            description="Specify the name of the file's field in the input item, or a file itself",
            item_index=index,
        )
    found = (item.get("binary") or {}).get(name)
    if isinstance(found, dict):
        return found
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


def decode(file: dict[str, Any]) -> bytes:
    """The bytes of a file as it is written down."""
    return decode_base64(str(file.get("data", "")))


def decode_base64(text: str) -> bytes:
    """What base64 spells as far as Node.js reads it: up to the first "=", without what belongs to no alphabet."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # also for text that is not ASCII
        known = _NOT_BASE64.sub("", text.partition("=")[0]).translate(_URL_SAFE)
        whole = known[: len(known) - (len(known) % 4 == 1)]
        return base64.b64decode(whole + "=" * (-len(whole) % 4))


def encoding_name(given: Any) -> str:
    """Python's name for an encoding as n8n calls it; UTF-8 without one. Raises NodeError for one nobody knows."""
    name = {"ucs2": "utf-16-le", "ucs-2": "utf-16-le", "utf16le": "utf-16-le", "binary": "latin-1"}.get(given, given)
    try:
        return codecs.lookup(str(name or "utf-8")).name
    except LookupError:
        raise NodeError(f"The encoding '{given}' is not known.") from None
