"""Files handed to a JavaScript library in the sandbox: one after the other, within bounds that an error names.

A library runs in a process that has no rights and is ended at a limit of time or memory, so that a hostile file
(a zip that unpacks without end, a sheet with a thousand million empty cells) fails nothing but its own node.
"""

import io
import zipfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.binary_files import encode_base64
from app.engine.nodes.files.archive_headers import MAX_ENTRIES, entries_of_zip
from app.engine.nodes.shared import binary
from app.engine.nodes.shared.failed_items import failed_item
from app.engine.run.computing import compute, count_work, yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError, forget_frames
from app.engine.run.items import Item
from app.engine.run.memory import DICT, base64_size, weigh
from app.engine.run.programs import run_program
from app.engine.sandbox import MEMORY_SETTING, SandboxMemory, SandboxTimeout

MAX_BYTES = 32 * 2**20
"""Of one file that a library reads."""
MAX_UNPACKED = 128 * 2**20
"""Of all that one file holds, where it is a zip archive, as spreadsheets are."""
BATCH_BYTES = 4 * 2**20
"""Of files that are handed over in one trip: few large ones, many small ones."""

TOO_LARGE = "The file needs more memory to be read or written than there is for one"


async def check_size(content: bytes, index: int) -> None:
    """Raise NodeError for a file that is larger than may be read, as it lies there or unpacked."""
    if len(content) > MAX_BYTES:
        raise NodeError(f"The file has {len(content):,} bytes; at most {MAX_BYTES:,} are read", item_index=index)
    is_zip = content[:2] == b"PK"
    if is_zip and await compute(entries_of_zip, content) > MAX_ENTRIES:
        raise NodeError(f"The file holds more than {MAX_ENTRIES:,} files", item_index=index)
    unpacked = await compute(_unpacked_size, content) if is_zip else 0
    if unpacked > MAX_UNPACKED:
        raise NodeError(f"The file unpacks to {unpacked:,} bytes; at most {MAX_UNPACKED:,} are read", item_index=index)


def _unpacked_size(content: bytes) -> int:
    """What the archive says of its files. One that lies meets the sandbox's limit of memory."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return 0


async def call_library(context: NodeContext, program: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the program (see app.engine.sandbox.bundles) makes of each row: {"made"} or {"failed"}.

    Raises NodeError, which says what was too large, where the library needs more time or memory than there is.
    """
    answers: list[dict[str, Any]] = []
    for batch in _batches(rows):
        try:
            made = await run_program(context, program, batch)
        except NodeError as error:
            if isinstance(error.__cause__, SandboxMemory):
                raise NodeError(f"{TOO_LARGE}; {MEMORY_SETTING} sets how much that is") from error
            if isinstance(error.__cause__, SandboxTimeout):
                raise NodeError("Reading or writing the file takes too long") from error
            raise
        context.hold(await compute(_weigh, made, context.execution.ports.meter.room, size=count_work(made)))
        answers += made
    return answers


def _weigh(answers: list[dict[str, Any]], most: int) -> int:
    """What the answers take, and the items that their rows become."""
    rows = sum([len(answer["made"]) for answer in answers if isinstance(answer.get("made"), list)])
    return weigh(answers, most) + 2 * DICT * rows


def _batches(rows: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    batches: list[list[dict[str, Any]]] = []
    room = 0
    for row in rows:
        size = len(row.get("data") or "")
        if size > room or not batches:
            batches.append([])
            room = BATCH_BYTES
        batches[-1].append(row)
        room -= size
    return batches


def to_base64(content: bytes) -> str:
    """Bytes as programs get and give them."""
    return encode_base64(content)


@dataclass(frozen=True, slots=True)
class GivenFile:
    """One item's file, with the node's parameters as they are for this item."""

    index: int
    content: bytes
    parameters: dict[str, Any]


Read = Callable[[NodeContext, list[GivenFile]], Awaitable[list[list[Item] | NodeError]]]


async def extract_by_library(context: NodeContext, read: Read) -> list[Item]:
    """The items that `read` makes of the files of all items; `read` gets those that could be had, in one call.

    Raises NodeError for the first that fails, or puts its error in its place where the node goes on.
    """
    files: list[GivenFile] = []
    failures: dict[int, NodeError] = {}
    for index, parameters in enumerate(await context.resolve_each(context.parameters)):
        await yield_to_loop()
        try:
            if isinstance(parameters, NodeError):
                raise parameters
            async with binary.reading(context, parameters.get("binaryPropertyName", "data"), index) as content:
                await check_size(content, index)
            context.hold(len(content) + base64_size(len(content)))  # it is kept, and handed over as text
            files.append(GivenFile(index, content, parameters))
        except NodeError as error:
            forget_frames(error)
            failures[index] = error
            if not context.continues_on_fail:
                break
    made = dict(zip((file.index for file in files), await read(context, files) if files else [], strict=True))
    output: list[Item] = []
    for index in range(len(context.items)):
        result = failures[index] if index in failures else made[index]
        if not isinstance(result, NodeError):
            output += result
            continue
        output.append(failed_item(context, result, index))
    return output


def rows_of(answer: dict[str, Any], index: int) -> list[Item] | NodeError:
    """What a library has made, a list of objects, as items; or what it said instead."""
    if "failed" in answer:
        return NodeError(str(answer["failed"]), item_index=index)
    return [{"json": row, "pairedItem": {"item": index}} for row in answer.get("made") or []]


def made_of(answer: dict[str, Any], index: int) -> Any:
    """What the library has made. Raises NodeError with what it said instead."""
    if "failed" in answer:
        raise NodeError(str(answer["failed"]), item_index=index)
    return answer.get("made")
