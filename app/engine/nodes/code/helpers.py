"""Answers what a program asks while it runs: HTTP requests, sent by the worker's own client, and what a file is.

The program itself stays without any connection. What was sent for it once is not sent again when it has to run again:
in the sandbox's next process, or because its static data had changed.
"""

import asyncio
import base64
import hashlib
from collections.abc import Iterable
from typing import Any

import orjson

from app import large_json
from app.binary_files import display_size, encode_base64, file_entry, mime_type_of
from app.engine.nodes.code.calls import accepts, call_of, older_call_of, wants_bytes
from app.engine.nodes.http_request.answers import Reading, work_of
from app.engine.nodes.http_request.failures import RequestFailed, axios_error
from app.engine.nodes.http_request.requests import AT_ONCE, answered
from app.engine.nodes.shared.answer_bodies import body_of
from app.engine.run.computing import BYTES_OF_ONE, compute
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.memory import estimate
from app.engine.run.meter import TooMuchData
from app.engine.values import conversions
from app.outgoing.calls import Answer

MAX_CALLS = 1000
"""By one program."""
SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png", "png"),
    (b"\xff\xd8\xff", "image/jpeg", "jpg"),
    (b"GIF8", "image/gif", "gif"),
    (b"%PDF-", "application/pdf", "pdf"),
    (b"PK\x03\x04", "application/zip", "zip"),
    (b"\x1f\x8b", "application/gzip", "gz"),
    (b"BM", "image/bmp", "bmp"),
    (b"ID3", "audio/mpeg", "mp3"),
    (b"OggS", "audio/ogg", "ogg"),
    (b"<?xml ", "application/xml", "xml"),
)
"""How files begin, what they are and what their names end with."""

Json = dict[str, Any]
Task = asyncio.Task[bytes]


class CodeHelpers:
    """The answers to one run of a node; an asynchronous context manager that ends what is under way."""

    def __init__(self, context: NodeContext) -> None:
        self._context = context
        self._gate = asyncio.Semaphore(AT_ONCE)
        # What was asked is known by its digest: the questions of a program together may be gigabytes.
        self._calls: dict[int, tuple[bytes, Task]] = {}
        self._earlier: list[tuple[bytes, Task]] = []
        self._count = 0

    async def __aenter__(self) -> "CodeHelpers":
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [task for _, task in (*self._calls.values(), *self._earlier)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def begin_again(self) -> None:
        """What is asked from now on may differ; what does not is answered from what is known."""
        self._earlier += self._calls.values()
        self._calls = {}

    async def ask(self, question: bytes) -> bytes:
        """The reply to {call, name, given}. Raises TooMuchData where the run would hold too much."""
        with self._context.holding(estimate(question)):
            size = len(question) // BYTES_OF_ONE
            document = await compute(_question, question, size=size)
            return await self._reply_to(document, await compute(_digest, question, size=size))

    async def _reply_to(self, document: Json, asked: bytes) -> bytes:
        number = document["call"]
        known = self._calls.get(number)
        if known is None:
            task = self._take_earlier(asked)
            if task is None and self._count >= MAX_CALLS:
                return _reply(number, error={"message": f"A program may ask for {MAX_CALLS:,} things only"})
            task = task or self._start(document)
            self._calls[number] = (asked, task)
        elif known[0] == asked:
            task = known[1]
        else:
            said = "The program had to run again and asks for something else now, which is not sent a second time."
            return _reply(number, error={"message": said})
        result = await asyncio.shield(task)
        return result.replace(b'"call":0', b'"call":%d' % number, 1)

    def _take_earlier(self, asked: bytes) -> Task | None:
        """What the same question got in a run before, each one once."""
        for place, (earlier, task) in enumerate(self._earlier):
            if earlier == asked:
                del self._earlier[place]
                return task
        return None

    def _start(self, document: Json) -> Task:
        self._count += 1
        return asyncio.create_task(self._answer(document))

    async def _answer(self, document: Json) -> bytes:
        try:
            async with self._gate:
                return await self._do(document["name"], document["given"])
        except TooMuchData:
            raise
        except RequestFailed as error:
            shown = error.shown if isinstance(error.shown, dict) else {}
            return _reply(0, error={"message": error.message, **{k: v for k, v in shown.items() if k != "stack"}})
        except NodeError as error:
            return _reply(0, error={"message": error.message})
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            said = str(error) if type(error) is ValueError else "The options of the request could not be understood"
            return _reply(0, error={"message": said})

    async def _do(self, name: str, given: Json) -> bytes:
        if name == "file":
            return _reply(0, result=describe_file(given))
        older = name == "request"
        call = older_call_of(given) if older else call_of(given)
        reading = Reading("file" if wants_bytes(given, older=older) else "json")
        async with answered(self._context, call, reading, 0) as answer:
            return await compute(_older_result if older else _result, given, answer, size=work_of(answer))


def _digest(question: bytes) -> bytes:
    """What stands for a question without its number, with which it begins."""
    return hashlib.sha256(memoryview(question)[question.find(b",") + 1 :]).digest()


def _question(question: bytes) -> Json:
    """Raises NodeError for what no program of ours asks."""
    document = large_json.read(question)
    asked = document if isinstance(document, dict) else {}
    if not isinstance(asked.get("call"), int) or not isinstance(asked.get("given"), dict):
        raise NodeError("The program called a helper in a way that is not known.")
    if asked.get("name") not in ("httpRequest", "request", "file"):
        raise NodeError("The program called a helper that is not known.")
    return asked


def _reply(number: int, **said: Any) -> bytes:
    try:
        return orjson.dumps({"call": number, **said})
    except TypeError:
        return conversions.to_json_text({"call": number, **said}).encode()


def _result(options: Json, answer: Answer) -> bytes:
    if not accepts(options, answer.status):
        return _reply(0, error=axios_error(answer.status, f"Request failed with status code {answer.status}"))
    full, raw = bool(options.get("returnFullResponse")), wants_bytes(options, older=False)
    return _reply_with(answer, full, raw=raw, parse=options.get("encoding") != "text")


def _older_result(options: Json, answer: Answer) -> bytes:
    parse = bool(options.get("json"))
    if not 200 <= answer.status < 300 and options.get("simple") is not False:
        said = conversions.to_json_text(body_of(answer, parse=parse))
        return _reply(0, error=axios_error(answer.status, f"{answer.status} - {said}"))
    full = bool(options.get("resolveWithFullResponse"))
    return _reply_with(answer, full, raw=wants_bytes(options, older=True), parse=parse)


def _reply_with(answer: Answer, full: bool, *, raw: bool, parse: bool) -> bytes:
    rest = {"headers": answer.headers, "statusCode": answer.status, "statusMessage": answer.reason}
    if raw:
        content = encode_base64(answer.content)
        return _reply(0, result=rest if full else None, bytes=content)
    body = body_of(answer, parse=parse)
    return _reply(0, result={"body": body, **rest} if full else body)


def describe_file(given: Json) -> Json:
    """What is known of a file without its content: {size, head in base64, fileName, mimeType}, or {size, file}."""
    size = int(given["size"])
    sizes = {"fileSize": display_size(size), "bytes": size}
    if isinstance(given.get("file"), dict):
        return {**given["file"], **sizes}
    directory, _, name = str(given.get("fileName") or "").rpartition("/")
    mime_type, ending = _detect(base64.b64decode(given.get("head") or ""))
    said = str(given.get("mimeType") or mime_type_of(name) or "") or None
    entry = file_entry(b"", said or mime_type or "text/plain", name or None)
    extension = entry.get("fileExtension") if said or "." in name else ending
    made = {key: value for key, value in entry.items() if key in ("mimeType", "fileType")}
    more = {"fileExtension": extension, "directory": directory or None, "fileName": name or None}
    return {**made, **_drop_none(more.items()), **sizes}


def _drop_none(pairs: Iterable[tuple[str, Any]]) -> Json:
    return {key: value for key, value in pairs if value is not None}


def _detect(head: bytes) -> tuple[str | None, str | None]:
    return next(((kind, ending) for start, kind, ending in SIGNATURES if head.startswith(start)), (None, None))
