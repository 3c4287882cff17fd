"""How n8n writes a file down that an item carries: what it is, its name and size, and its bytes in base64."""

import base64
import mimetypes
from typing import Any

KINDS = (("image/", "image"), ("video/", "video"), ("audio/", "audio"), ("text/html", "html"), ("text/", "text"))
EXTENSIONS = {"text/plain": ".txt", "image/jpeg": ".jpeg"}


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
    return {**made, "fileSize": _display_size(len(content)), "bytes": len(content)}


def _extension(mime_type: str, file_name: str | None) -> str | None:
    if file_name and "." in file_name.rsplit("/", 1)[-1]:
        return file_name.rsplit(".", 1)[-1]
    guessed = EXTENSIONS.get(mime_type) or mimetypes.guess_extension(mime_type)
    return guessed[1:] if guessed else None


def _display_size(size: int) -> str:
    """A size for people, in powers of 1,000."""
    amount = float(size)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} GB"
