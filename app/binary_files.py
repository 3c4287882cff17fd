"""How n8n writes a file down that an item carries: what it is, its name and size, and its bytes in base64."""

import base64
import mimetypes
import re
from typing import Any

KINDS = (("image/", "image"), ("video/", "video"), ("audio/", "audio"), ("text/html", "html"), ("text/", "text"))
EXTENSIONS = {"text/plain": ".txt", "image/jpeg": ".jpg", "audio/mpeg": ".mpga"}
COMPRESSED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
UNKNOWN_KIND = "text/plain"
"""What a file is of which nobody said it, and whose name does not tell it."""
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/_-]+")
_URL_SAFE = str.maketrans("-_", "+/")


def file_entry(content: bytes, mime_type: str, file_name: str | None = None) -> dict[str, Any]:
    """The file as it stands in an item's `binary`."""
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
    return {**made, "fileSize": display_size(len(content)), "bytes": len(content)}


def file_bytes(entry: dict[str, Any]) -> bytes:
    """The bytes of a file as it is written down, whatever a workflow has put there."""
    return decode_base64(str(entry.get("data") or ""))


def decode_base64(text: str) -> bytes:
    """What base64 spells as far as Node.js reads it: up to the first "=", without what belongs to no alphabet."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # also for text that is not ASCII
        known = _NOT_BASE64.sub("", text.partition("=")[0]).translate(_URL_SAFE)
        quartets = known[: len(known) - (len(known) % 4 == 1)]
        return base64.b64decode(quartets + "=" * (-len(quartets) % 4))


def named_file(content: bytes, path: str, mime_type: str | None = None) -> dict[str, Any]:
    """As `file_entry`, for a file whose path may have folders; its kind is what its name tells where nobody says it."""
    folder, _, name = path.rstrip("/").rpartition("/")
    kind = mime_type or mime_type_of(name)
    made = file_entry(content, kind or UNKNOWN_KIND, name)
    if kind is None and not _suffix(name):
        made.pop("fileExtension", None)
    return {**made, "directory": folder} if folder else made


def mime_type_of(name: str) -> str | None:
    """What kind of file a name tells of."""
    kind, encoding = mimetypes.guess_type(name)
    return COMPRESSED.get(encoding) if encoding else kind


def extension_of(mime_type: str) -> str | None:
    """What the names of files of this kind end with, without a dot."""
    essence = mime_type.partition(";")[0].strip()
    guessed = EXTENSIONS.get(essence) or mimetypes.guess_extension(essence)
    return guessed[1:] if guessed else None


def _suffix(name: str) -> str:
    """What stands behind the last dot of a name, unless it begins there."""
    stem, dot, suffix = name.rpartition(".")
    return suffix if dot and stem.strip(".") else ""


def _extension(mime_type: str, file_name: str | None) -> str | None:
    return _suffix((file_name or "").rsplit("/", 1)[-1]) or extension_of(mime_type)


def display_size(size: int) -> str:
    """A size for people, in powers of 1,000."""
    amount = float(size)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} GB"
