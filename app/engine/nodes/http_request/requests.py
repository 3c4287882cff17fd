"""What the versions of HTTP Request share: sending for all items, in batches, and turning answers into items.

Knows calls and answers; how a version's parameters are read is the version's own business.
"""

import asyncio
import codecs
import math
import mimetypes
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import Any
from urllib.parse import unquote, urlsplit

from app.binary_files import file_entry
from app.engine.nodes.http_request.failures import RequestFailed, of_answer, of_exception
from app.engine.run.computing import compute
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.items import Item
from app.engine.run.memory import estimate
from app.engine.values import conversions
from app.engine.values.conversions import CannotConvert, Undefined
from app.outgoing.authentication import RenewableToken
from app.outgoing.client import Answer, Call
from app.outgoing.failures import NETWORK_FAILURES

AT_ONCE = 50
BYTES_OF_ONE = 10_000
"""Most requests that one node has under way."""
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

_UNSENDABLE = re.compile(r"[^\t\x20-\x7e\x80-\xff]+")
_HEADER_NAME = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+\Z")

Send = Callable[[], Awaitable[list[Item]]]
Prepare = Callable[[int], Send]


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


async def in_batches(context: NodeContext, size: int, interval: float, prepare: Prepare) -> list[Item]:
    """One request for each item, `size` at a time with `interval` seconds between; -1: all of them at once.

    `prepare` reads an item's parameters and gives what sends its request. Raises the NodeError of the first item that
    failed, unless the workflow goes on after errors. Parameters that make no request come before requests that fail,
    because n8n reads on while the first requests are under way; nothing is sent for the items that follow.
    """
    count = len(context.items)
    step = size if size > 0 else count or 1
    gate = asyncio.Semaphore(AT_ONCE)
    unprepared: list[NodeError] = []

    async def gated(index: int) -> list[Item]:
        async with gate:
            if unprepared and not context.continues_on_fail:
                return []
            try:
                send_one = prepare(index)
            except NodeError as error:
                unprepared.append(error)
                raise
            return await send_one()

    output: list[Item] = []
    for start in range(0, count, step):
        if start:
            await asyncio.sleep(interval)
        batch = range(start, min(start + step, count))
        answers = await asyncio.gather(*(gated(index) for index in batch), return_exceptions=True)
        if unprepared and not context.continues_on_fail:
            raise unprepared[0]
        for index, answer in zip(batch, answers, strict=True):
            if not isinstance(answer, BaseException):
                output.extend(answer)
            elif isinstance(answer, NodeError) and context.continues_on_fail:
                shown = answer.shown if isinstance(answer, RequestFailed) else answer.message
                output.append({"json": {"error": shown}, "pairedItem": {"item": index}})
            else:
                raise answer
    return output


async def send(context: NodeContext, call: Call, item: int) -> Answer:
    """Send the request, and once more where its access token was refused and another one was had.

    Raises NodeError, in n8n's words, when no answer came.
    """
    try:
        token = call.auth.token if isinstance(call.auth, RenewableToken) else ""
        answer = await context.outgoing.send(call)
        if isinstance(call.auth, RenewableToken) and await call.auth.renewed(answer.status, token):
            answer = await context.outgoing.send(call)
        # All answers are kept until the last has come, as what they become.
        context.hold(estimate(answer.content))
        return answer
    except NETWORK_FAILURES as error:
        raise of_exception(error, call.url, item) from error


async def send_one(context: NodeContext, call: Call, reading: Reading, item: int) -> list[Item]:
    """The items that come of an item's request. Raises NodeError."""
    answer = await send(context, call, item)
    check(answer, reading, item)
    return await items_beside(answer, reading, item, context.items[item])


def check(answer: Answer, reading: Reading, item: int) -> None:
    """Raises NodeError for an answer that is no success, unless that is wanted."""
    if not 200 <= answer.status < 300 and not reading.never_error:
        raise of_answer(answer, item, parsed=reading.early)


def items_of(answer: Answer, reading: Reading, index: int, given: Item) -> list[Item]:
    """The items that an answer to the input item `given` stands for; a file joins what that item holds already.

    Raises NodeError when the answer is not of the format asked for.
    """
    paired = {"item": index}
    rest = {
        "headers": answer.headers,
        "statusCode": answer.status,
        "statusMessage": answer.reason,
    }
    kind = content_type(answer)
    form = reading.format if reading.format != "autodetect" else _detect_format(kind, answer)
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
        return [{"json": rest if body is None else {"body": body, **rest}, "pairedItem": paired}]
    if isinstance(body, list) and reading.split:
        return [{"json": {} if entry is None else entry, "pairedItem": paired} for entry in body]
    return [{"json": {} if body is None else body, "pairedItem": paired}]


async def items_beside(answer: Answer, reading: Reading, index: int, given: Item) -> list[Item]:
    """The same as items_of; where the answer is large, in a thread."""
    return await compute(items_of, answer, reading, index, given, size=work_of(answer))


def work_of(answer: Answer) -> int:
    """How much it is to read an answer, in items that are computed: above a MiB it is for a thread."""
    return len(answer.content) // BYTES_OF_ONE


OCTETS = "application/octet-stream"


def content_type(answer: Answer) -> str:
    return str(answer.headers.get("content-type") or "").partition(";")[0].strip().lower()


def body_of(answer: Answer) -> Any:
    """The body as an expression sees it: JSON where it is JSON, else text."""
    try:
        return conversions.parse_json(answer.text())
    except CannotConvert:
        return answer.text()


def _detect_format(kind: str, answer: Answer) -> str:
    if kind == "application/json":
        return "json"
    if not kind and not answer.content:
        return "json"
    return "file" if kind.startswith(BINARY) and kind not in TEXTUAL else "text"


def _text(answer: Answer, kind: str, reading: Reading) -> Any:
    """JSON asked for as text is written anew; the early versions leave it as what it is."""
    text = answer.text()
    if kind == "application/json":
        try:
            parsed = conversions.parse_json(text)
        except CannotConvert:
            return text
        return parsed if reading.early else conversions.to_json_text(parsed)
    return text


def _parse_json(answer: Answer, kind: str, reading: Reading) -> Any:
    if not answer.content:
        return {} if reading.full and kind else None
    try:
        return conversions.parse_json(answer.text())
    except CannotConvert:
        pass
    if reading.format == "json":
        wanted = "String" if reading.early else "Text"
        raise NodeError(f'Response body is not valid JSON. Change "Response Format" to "{wanted}"')
    if reading.never_error:
        return None
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
    message = Message()
    message["content-disposition"] = str(answer.headers.get("content-disposition") or "")
    parameters: list[tuple[str, Any]] = message.get_params([], "content-disposition")
    found = [value for name, value in parameters if name.lower() == "filename"]
    extended = [_decode_extended(*value) for value in found if isinstance(value, tuple)]
    plain = [unquote(value) for value in found if isinstance(value, str)]
    name = next(filter(None, [*extended, *plain]), "")
    return name.replace("\\", "/").rsplit("/", 1)[-1]


def _decode_extended(charset: str | None, language: str | None, text: str) -> str:
    """A parameter of RFC 2231, whose bytes the header's parser has left as Latin-1."""
    try:
        codecs.lookup(charset or "utf-8")
    except LookupError:
        charset = None
    return collapse_rfc2231_value((charset or "utf-8", language, text))


def seconds(value: Any, default: float) -> float:
    """Milliseconds as the workflow gives them, in seconds."""
    number = conversions.to_number(value) if value not in (None, "") else default * 1000
    return number / 1000 if 0 < number < 3_600_000 else default


def pause(value: Any) -> float:
    """Milliseconds between two batches, in seconds: one second where nothing is said, none for what is no time."""
    return 1.0 if value is None else seconds(value, 0.0)


def batch_size(value: Any) -> int:
    """How many requests go at once: -1, all of them, where it says less than none, or nothing that is a number."""
    number = conversions.to_number(value)
    return max(1, int(number)) if 0 <= number < math.inf else -1


def whole(value: Any, default: int) -> int:
    """A number as a count; the default for what is none."""
    number = conversions.to_number(value)
    return int(number) if 0 < number < math.inf else default


def pairs(entries: Sequence[dict[str, Any]] | None) -> list[tuple[str, Any]]:
    """The named values of a list in the editor; those whose value is undefined are left out."""
    return [
        (conversions.to_string(entry.get("name", "")), entry.get("value", ""))
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and not isinstance(entry.get("value"), Undefined)
    ]


def named(entries: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Those that can become headers: with a name, and a value that is not null."""
    return [(name, value) for name, value in entries if name not in ("", "undefined") and value is not None]


def header_value(value: Any) -> str:
    """A value as a header can carry it, on one line and in Latin-1; as in n8n, other characters are left out."""
    return _UNSENDABLE.sub("", conversions.display(value)).strip()


def put_header(headers: dict[str, tuple[str, str]], name: str, value: Any, item: int) -> None:
    """Set one header, whatever the letter case of its name. Raises NodeError for a name that none can have."""
    name = name.strip()
    if not _HEADER_NAME.match(name):
        raise RequestFailed(
            f'Header name must be a valid HTTP token ["{name}"]',
            description=None,
            item=item,
            code="ERR_INVALID_HTTP_TOKEN",
            raw="",
            shown={"code": "ERR_INVALID_HTTP_TOKEN", "message": f'Header name must be a valid HTTP token ["{name}"]'},
        )
    headers[name.lower()] = (name, header_value(value))
