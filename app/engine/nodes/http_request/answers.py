"""What answers to HTTP Request become: how one is read, and the items and files that it stands for."""

import mimetypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from app.binary_files import file_entry
from app.engine.nodes.http_request.failures import of_answer
from app.engine.nodes.shared.answer_bodies import json_of
from app.engine.run.computing import BYTES_OF_ONE, compute
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.items import Item
from app.engine.run.memory import DICT, base64_size, estimate, text_size
from app.engine.values import conversions
from app.engine.values.conversions import CannotConvert
from app.outgoing.calls import Answer
from app.outgoing.charsets import codec_named
from app.outgoing.header_parameters import parameters

ACCEPT = {
    "json": "application/json,text/*;q=0.99",
    "text": "application/json,text/html,application/xhtml+xml,application/xml,text/*;q=0.9, */*;q=0.1",
    "autodetect": "application/json,text/html,application/xhtml+xml,application/xml,text/*;q=0.9, "
    "image/*;q=0.8, */*;q=0.7",
}
ACCEPT["file"] = ACCEPT["autodetect"]
BINARY = ("image/", "audio/", "video/", "font/", "application/octet-stream", "application/pdf", "application/zip",
          "application/gzip", "application/x-", "application/vnd.ms", "application/vnd.openxml")  # fmt: skip
TEXTUAL = (
    "application/x-www-form-urlencoded",
    "application/x-javascript",
    "application/x-ndjson",
    "application/x-yaml",
)
OCTETS = "application/octet-stream"
NOTHING = object()
"""The body of an answer without one, or that cannot be read as what it should be."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How an answer becomes items."""

    format: str = "autodetect"
    full: bool = False
    never_error: bool = False
    field: str = "data"
    split: bool = True
    """Whether each entry of an array becomes an item."""
    early: bool = False
    """Whether to read and to complain as versions 1 and 2 do."""


def check(answer: Answer, reading: Reading, item: int) -> None:
    """Raises NodeError for an answer that is no success, unless that is wanted."""
    if not 200 <= answer.status < 300 and not reading.never_error:
        parsed = reading.early or reading.format in ("json", "text")
        raise of_answer(answer, item, parsed=parsed, described=not reading.early)


def items_of(
    answer: Answer, reading: Reading, index: int, given: Item, hold: Callable[[int], None] = lambda size: None
) -> list[Item]:
    """The items that an answer to the input item `given` stands for; a file joins what that item holds already.

    `hold` hears of the bytes that many items take before they are made.
    Raises NodeError when the answer is not of the format asked for.
    """
    paired = {"item": index}
    rest = {
        "headers": answer.headers,
        "statusCode": answer.status,
        "statusMessage": answer.reason,
    }
    kind = content_type(answer)
    form = _format(answer, reading)
    if form == "file":
        file = _file(answer, kind)
        json = rest if reading.full else given["json"]
        return [{"json": json, "binary": {**(given.get("binary") or {}), reading.field: file}, "pairedItem": paired}]
    if form == "text":
        json = {}
        if answer.content:
            json[reading.field] = _text(answer, kind, reading)
        return [{"json": {**json, **rest} if reading.full else json, "pairedItem": paired}]
    body = _parse_json(answer, kind, reading)
    if reading.full:
        return [{"json": rest if body is NOTHING else {"body": body, **rest}, "pairedItem": paired}]
    if isinstance(body, list) and reading.split:
        hold(DICT * len(body))
        return [{"json": {} if entry is None else entry, "pairedItem": paired} for entry in body]
    return [{"json": {} if body is None or body is NOTHING else body, "pairedItem": paired}]


async def read_items(context: NodeContext, answer: Answer, reading: Reading, index: int) -> list[Item]:
    """The same as items_of; where the answer is large, in a thread. Raises TooMuchData: the entries of an array may
    take far less than the items that they become."""
    return await compute(items_of, answer, reading, index, context.items[index], context.hold, size=work_of(answer))


def memory_of(answer: Answer, reading: Reading) -> int:
    """About what the answer takes once it is read: as a file, or else as a text and as the JSON in it."""
    if _format(answer, reading) == "file":
        return base64_size(len(answer.content))
    return max(estimate(answer.content), text_size(answer.content, codec_named(answer.charset) or "utf-8"))


def work_of(answer: Answer) -> int:
    """How much it is to read an answer, in items that are computed: above a MiB it is for a thread."""
    return len(answer.content) // BYTES_OF_ONE


def content_type(answer: Answer) -> str:
    """The media type that the answer's header names, in lower case; empty for none."""
    return str(answer.headers.get("content-type") or "").partition(";")[0].strip().lower()


def _format(answer: Answer, reading: Reading) -> str:
    """json, text or file."""
    if reading.format != "autodetect":
        return reading.format
    kind = content_type(answer)
    if kind == "application/json":
        return "json"
    if not kind and not answer.content:
        return "json"
    return "file" if kind.startswith(BINARY) and kind not in TEXTUAL else "text"


def _text(answer: Answer, kind: str, reading: Reading) -> Any:
    """Objects and lists of JSON asked for as text are written anew; the early versions leave them as they are."""
    if kind == "application/json":
        try:
            parsed = json_of(answer)
        except CannotConvert:
            return answer.text()
        written = isinstance(parsed, dict | list) and not reading.early
        return conversions.to_json_text(parsed) if written else parsed
    return answer.text()


def _parse_json(answer: Answer, kind: str, reading: Reading) -> Any:
    """What the JSON of the answer says; a text in it has to be JSON in turn. Raises NodeError."""
    if not answer.content:
        return {} if reading.full and kind and reading.format == "autodetect" else NOTHING
    try:
        body = json_of(answer)
    except CannotConvert:
        body = NOTHING
    if isinstance(body, str):
        try:
            return conversions.parse_json(body)
        except CannotConvert:
            pass
    elif body is not NOTHING:
        return body
    if reading.format == "json" or isinstance(body, str):
        wanted = "String" if reading.early else "Text"
        raise NodeError(f'Response body is not valid JSON. Change "Response Format" to "{wanted}"')
    if reading.never_error:
        return {}
    raise NodeError("Invalid JSON in response body", anonymous=True)


def _file(answer: Answer, kind: str) -> dict[str, Any]:
    """The answer as a file. One that has neither type nor name gets the likeliest."""
    name = _given_name(answer) or urlsplit(answer.url).path.rstrip("/").rsplit("/", 1)[-1]
    mime_type = kind or mimetypes.guess_type(name)[0] or ("text/plain" if _is_text(answer.content) else OCTETS)
    entry = file_entry(answer.content, mime_type, name)
    return entry if name else {**entry, "fileName": f"data.{entry.get('fileExtension', 'bin')}"}


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def _given_name(answer: Answer) -> str:
    """The name that the sender gives the file: `filename*`, which tells its character set, before `filename`."""
    given = parameters(str(answer.headers.get("content-disposition") or ""))
    names = [(value, is_extended) for name, value, is_extended in given if name == "filename"]
    extended = [value for value, is_extended in names if is_extended]
    plain = [unquote(value) for value, is_extended in names if not is_extended]
    name = next(filter(None, [*extended, *plain]), "")
    return name.replace("\\", "/").rsplit("/", 1)[-1]
