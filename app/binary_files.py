"""How n8n writes a file down that an item carries: what it is, its name and size, and its bytes in base64."""

import base64
import io
import mimetypes
import re
from collections.abc import Iterator
from typing import Any

KINDS = (("image/", "image"), ("video/", "video"), ("audio/", "audio"), ("text/html", "html"), ("text/", "text"))
EXTENSIONS = {"text/plain": ".txt", "image/jpeg": ".jpg", "audio/mpeg": ".mpga"}
COMPRESSED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
UNKNOWN_KIND = "text/plain"
"""What a file is of which nobody said it, and whose name does not tell it."""
PIECE = 3 * 2**20
"""Bytes that become base64 at once, or four thirds of them characters that are read: meanwhile no other thread has its
turn."""
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
    made["data"] = encode_base64(content)
    if file_name:
        made["fileName"] = file_name
    return {**made, "fileSize": display_size(len(content)), "bytes": len(content)}


def file_bytes(entry: dict[str, Any]) -> bytes:
    """The bytes of a file as it is written down, whatever a workflow has put there."""
    return decode_base64(str(entry.get("data") or ""))


def encode_base64(content: bytes) -> str:
    """The bytes as items carry files; other threads have their turn meanwhile."""
    if len(content) <= PIECE:
        return base64.b64encode(content).decode()
    return "".join([base64.b64encode(piece).decode() for piece in _pieces_of_bytes(content)])


def _pieces_of_bytes(content: bytes) -> Iterator[memoryview]:
    view = memoryview(content)
    return (view[begin : begin + PIECE] for begin in range(0, len(view), PIECE))


def decode_base64(text: str) -> bytes:
    """What base64 spells as far as Node.js reads it: up to the first "=", without what belongs to no alphabet.

    Other threads have their turn meanwhile.
    """
    pieces = range(0, len(text), PIECE // 3 * 4)
    try:
        if len(pieces) <= 1:
            return base64.b64decode(text, validate=True)
        return _decode_pieces(text, pieces)
    except ValueError:  # also for text that is not ASCII
        return _decode_known(text)


def _decode_pieces(text: str, begins: range) -> bytes:
    """Raises ValueError for what is not base64 to its end."""
    made = io.BytesIO()
    for begin in begins:
        piece = text[begin : begin + begins.step]
        if piece[-1] == "=" and begin != begins[-1]:
            raise ValueError("padding before the end")
        made.write(base64.b64decode(piece, validate=True))
    return made.getvalue()


def _decode_known(text: str) -> bytes:
    made, rest = io.BytesIO(), ""
    end = text.find("=")
    end = len(text) if end < 0 else end
    for begin in range(0, end, PIECE):
        known = rest + _NOT_BASE64.sub("", text[begin : min(end, begin + PIECE)]).translate(_URL_SAFE)
        whole = len(known) - len(known) % 4
        made.write(base64.b64decode(known[:whole]))
        rest = known[whole:]
    if len(rest) > 1:
        made.write(base64.b64decode(rest + "=" * (-len(rest) % 4)))
    return made.getvalue()


def named_file(content: bytes, path: str, mime_type: str | None = None) -> dict[str, Any]:
    """As `file_entry`, for a file whose path may have folders; its kind is what its name tells where nobody says it."""
    folder, _, name = path.rstrip("/").rpartition("/")
    kind = mime_type or mime_type_of(name)
    made = file_entry(content, kind or UNKNOWN_KIND, name)
    if kind is None and not _suffix(name):
        made.pop("fileExtension", None)
    return {**made, "directory": folder} if folder else made


def mime_type_of(name: str) -> str | None:
    """What kind of file the end of a name tells of, or a name that is such an end (`.csv`)."""
    kind, encoding = mimetypes.guess_type(f"x.{name}")
    return COMPRESSED.get(encoding) if encoding and not name.lower().endswith("svgz") else kind


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
