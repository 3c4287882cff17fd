"""Forms and query strings: fields by their names, and the files that a form brings."""

import re
import uuid
from binascii import unhexlify
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from multipart import MultipartError, PushMultipartParser  # type: ignore[import-untyped]
from werkzeug.http import parse_options_header

from app.api.webhooks.bodies.charsets import codec_of
from app.api.webhooks.bodies.errors import UnreadableBody
from app.api.webhooks.bodies.json_text import string_text
from app.binary_files import file_entry

MAX_FIELDS = 10_000
MAX_PARTS = 1_000
MAX_BOUNDARY_LENGTH = 200
PIECE_BYTES = 64 * 2**10
UNKNOWN_KIND = "application/octet-stream"
MAX_NAME_DEPTH = 5
MAX_INDEX = 19
"""Above it, a number is the name of a field."""
ESCAPES = re.compile(rb"(?:(?>%[0-9A-Fa-f]{2}))++")
BARE_NAME = re.compile(r";\s*+filename=(?!\")([^;]*+)", re.IGNORECASE)
TOKEN = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]++")
NAME = re.compile(r"[^\[\]]+|\[\]")


def form_fields(data: bytes, charset: str | None) -> dict[str, Any]:
    """The fields of a form in application/x-www-form-urlencoded. Raises UnreadableBody for too many."""
    return gather(form_pairs(data, charset))


def form_pairs(
    data: bytes, charset: str | None, value: Callable[[str, int], Any] = string_text
) -> list[tuple[str, Any]]:
    """The same in the order in which they came; `value` makes them of a text and the bytes that it came in."""
    if data.count(b"&") >= MAX_FIELDS:
        raise UnreadableBody(f"The form has more than {MAX_FIELDS} fields")
    return list(_pairs(data, codec_of(charset), value))


def plain_text(text: str, size: int) -> str:
    """The text itself. Raises UnreadableBody for what `string_text` refuses."""
    string_text(text, size)
    return text


def _pairs(data: bytes, codec: str, value_of: Callable[[str, int], Any]) -> Iterator[tuple[str, Any]]:
    for field in data.split(b"&"):
        name, _, value = field.partition(b"=")
        if field:
            text = _unquote(value).decode(codec, "replace")
            yield _unquote(name).decode(codec, "replace"), value_of(text, len(value))


def _unquote(text: bytes) -> bytes:
    """Without percent-encoding; what is none stays. The library looks at each percent sign by itself.

    In pieces: what stands between escapes is kept in a list.
    """
    text = text.replace(b"+", b" ")
    if b"%" not in text:
        return text
    made, start = bytearray(), 0
    while start < len(text):
        end = start + PIECE_BYTES
        cut = text.rfind(b"%", end - 2, end) if end < len(text) else -1
        end = cut if cut > start else end
        made += ESCAPES.sub(_unescape, text[start:end])
        start = end
    return bytes(made)


def _unescape(match: re.Match[bytes]) -> bytes:
    return unhexlify(match[0].replace(b"%", b""))


def multipart_form(data: bytes, boundary: str, prefix: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields and files of a form in multipart/form-data; see `named_files` for `prefix`. Raises UnreadableBody."""
    fields, files = multipart_pairs(data, boundary)
    return gather(fields), dict(named_files(files, prefix))


def multipart_pairs(
    data: bytes, boundary: str, value: Callable[[str, int], Any] = string_text
) -> tuple[list[tuple[str, Any]], list[tuple[str, dict[str, Any]]]]:
    """The same in the order in which they came; `value` as in `form_pairs`. Raises UnreadableBody."""
    if not 0 < len(boundary) <= MAX_BOUNDARY_LENGTH:
        raise UnreadableBody("The form has no boundary, or one that is too long")
    fields: list[tuple[str, Any]] = []
    files: list[tuple[str, dict[str, Any]]] = []
    try:
        for part, content in _parts(data, boundary):
            kind = part.header("Content-Type")
            if not kind:
                text = content.decode("utf-8", "replace")
                fields.append((part.name, value(text, len(content))))
            elif content or part.filename != "":  # else nobody has chosen a file
                files.append((part.name, file_entry(content, kind, _name_of(part))))
    except MultipartError as error:
        raise UnreadableBody(str(error.args[0]) if error.args else str(error)) from None
    return fields, files


def _name_of(part: Any) -> str:
    """The last step of the name that a part's file was sent with, or else one that no other has.

    A name without quotation marks is none where it holds what has to stand in them, such as a slash or a blank.
    """
    disposition = part.header("Content-Disposition")
    if (bare := BARE_NAME.search(disposition)) is not None and not TOKEN.fullmatch(bare[1].strip()):
        return str(uuid.uuid4())
    _, options = parse_options_header(disposition)
    name = (part.filename or options.get("filename") or "").rstrip("/")
    return name.rsplit("/", 1)[-1] or str(uuid.uuid4())


def _parts(data: bytes, boundary: str) -> Iterator[tuple[Any, bytes]]:
    with PushMultipartParser(boundary, max_segment_count=MAX_PARTS) as parser:
        part, content = None, bytearray()
        for start in range(0, len(data), PIECE_BYTES):
            if parser.closed:
                return
            for event in parser.parse(data[start : start + PIECE_BYTES]):
                if event is None:
                    yield part, bytes(content)
                elif isinstance(event, bytes | bytearray):
                    content += event
                else:
                    part, content = event, bytearray()


def named_files(files: list[tuple[str, Any]], prefix: str) -> Iterator[tuple[str, Any]]:
    """The files of a form, each under its field's name; of several in one field, and with a prefix, numbered."""
    by_field: dict[str, list[Any]] = {}
    for field, file in files:
        by_field.setdefault(field, []).append(file)
    number = 0
    for field, several in by_field.items():
        for index, file in enumerate(several):
            yield f"{prefix}{number}" if prefix else field if len(several) == 1 else f"{field}{index}", file
            number += 1


def gather(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A name that came once has a value, one that came several times a list."""
    values: dict[str, list[Any]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: given[0] if len(given) == 1 else given for name, given in values.items()}


def nest(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Parameters of a query, in which `a[b]=1` is a value inside of `a`, and `a[]=1` and `a[0]=1` are in a list."""
    nested: dict[str, Any] = {}
    for name, value in pairs:
        _insert(nested, _keys(name), value)
    return {name: _with_lists(value) for name, value in nested.items()}


def _keys(name: str) -> list[str]:
    """The steps of a name; a list within a name goes on at its first place."""
    keys = NAME.findall(name)[:MAX_NAME_DEPTH] if "[" in name and not name.startswith("[]") else []
    return [key if key != "[]" else "0" for key in keys[:-1]] + keys[-1:] or [name]


def _insert(nested: dict[str, Any], keys: list[str], value: str) -> None:
    listed = len(keys) > 1 and (keys[-1] == "[]" or _is_index(keys[-1]))
    *steps, key = keys[:-1] if listed else keys
    within = nested
    for step in steps:
        within = _open(within, step)
    earlier = within.get(key)
    if listed and (isinstance(earlier, dict) or (keys[-1] != "[]" and earlier is None)):
        within, key = _open(within, key), keys[-1] if keys[-1] != "[]" else _next_index(earlier or {})
        listed, earlier = False, within.get(key)
    if isinstance(earlier, list):
        earlier.append(value)
    elif earlier is None:
        within[key] = [value] if listed else value
    elif isinstance(earlier, dict) and all(map(_is_index, earlier)):
        earlier[_next_index(earlier)] = value
    else:
        within[key] = [earlier, value]


def _open(within: dict[str, Any], key: str) -> dict[str, Any]:
    """The object at a key; what stood there in its place is numbered in it."""
    inner = within.get(key, [])
    if not isinstance(inner, dict):
        inner = {str(index): value for index, value in enumerate(inner if isinstance(inner, list) else [inner])}
        within[key] = inner
    return inner


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdecimal() and len(key) <= 2 and str(int(key)) == key and int(key) <= MAX_INDEX


def _next_index(taken: dict[str, Any]) -> str:
    return str(max((int(key) + 1 for key in taken if _is_index(key)), default=len(taken)))


def _with_lists(value: Any) -> Any:
    """The value with a list in the place of each object whose keys are all numbers, in their order."""
    if isinstance(value, list):
        return [_with_lists(one) for one in value]
    if not isinstance(value, dict):
        return value
    made = {key: _with_lists(one) for key, one in value.items()}
    return [made[key] for key in sorted(made, key=int)] if all(map(_is_index, made)) else made
