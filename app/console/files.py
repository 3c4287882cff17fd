"""Files that items hold: to be saved or, of images, looked at, and read piece by piece however large they are."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import orjson
from flask import Response, g, request

from app.api.executions.executions import require_execution_id
from app.api.executions.run_data import run_data_of
from app.api.executions.stream import log_failure
from app.api.face.auth import caller
from app.api.face.errors import Refused
from app.api.face.reads import from_primary_after_all, reading
from app.console.large_items import shorten
from app.console.members import BrokenFile, TooMuch, decode_text, member
from app.console.node_panel import IMAGES, wanted_items
from app.console.pages import page
from app.console.structures import TOO_LARGE, Items
from app.http_rules import attachment
from app.repository.connection import Connection
from app.repository.errors import Conflict, NodeDataNotFound, NotFound
from app.repository.execution_data import DataDamaged, DataGone
from app.repository.executions import Execution, get_execution
from app.repository.run_pages import RunData, output_of

POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
NOT_KEPT = "The file is not kept with the item"


@page("/executions/<execution_id>/file", scope="execution:read")
@from_primary_after_all
def file_of_item(execution_id: str) -> Response:
    """A file that an item holds: to be saved, or, of an image, to be looked at."""
    wanted, name = wanted_items(), request.args.get("name", "")
    with reading() as connection:
        execution = get_execution(connection, require_execution_id(execution_id), project_id=caller().project_id)
        entry = read_entry(connection, execution, wanted, name)
        with run_data_of(connection, execution) as data:
            content = decode_text(member(file_json(data, wanted, name), "data"))
    response = Response(begin(content))
    kind = str(entry.get("mimeType", ""))
    shown = kind in IMAGES and request.args.get("look") == "true"
    response.content_type = kind if shown else "application/octet-stream"
    response.headers["Content-Security-Policy"] = POLICY
    if not shown:
        response.headers["Content-Disposition"] = attachment(entry.get("fileName") or name)
    return response


def read_entry(connection: Connection, execution: Execution, wanted: Items, name: str) -> dict[str, Any]:
    """What the item says of the file. Raises NotFound, Conflict, NodeDataNotFound."""
    try:
        with run_data_of(connection, execution, at_once=True) as data:
            text = shorten(file_json(data, wanted, name))
    except TooMuch:
        raise Conflict(TOO_LARGE) from None
    entry = orjson.loads(text) if text else None
    if not isinstance(entry, dict):
        raise NotFound("The item has no such file")
    if not isinstance(entry.get("data", ""), str):
        raise Refused(409, NOT_KEPT)
    return entry


def file_json(data: RunData | None, wanted: Items, name: str) -> Iterator[bytes]:
    """The JSON of a file as the item has it, read when it is asked for. Raises NodeDataNotFound at once."""
    if data is None:
        raise NodeDataNotFound("The execution has recorded nothing yet")
    output = output_of(data, wanted.node, wanted.run, wanted.kind, wanted.number, given=wanted.given)
    pieces: Iterable[bytes] = () if output is None else data.page(output, wanted.offset, 1).pieces
    return member(member(pieces, "binary"), name)


def begin(content: Iterator[bytes]) -> Iterator[bytes]:
    """The content with its first piece read, so that what is no file is refused before it is sent."""
    try:
        first = next(content, b"")
    except BrokenFile:
        raise Refused(409, NOT_KEPT) from None
    except DataDamaged as error:
        raise Conflict(str(error)) from None
    except DataGone:
        raise Conflict("The execution's data was deleted or replaced while it was read") from None
    return log_failure(chain([first], content), g.get("request_id"))
