"""What a run has recorded, node by node: its structure, and pages of the items of one node."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import chain
from typing import Any

import orjson
from flask import Response

from app.api.executions.data_budget import largest, room_for
from app.api.executions.executions import require_execution_id
from app.api.executions.run_rendering import render_structure
from app.api.executions.stream import buffer_answer, stream_answer
from app.api.face.answers import answer
from app.api.face.auth import caller
from app.api.face.blueprint import Blueprint
from app.api.face.reads import from_primary_after_all, reading, reading_later
from app.repository.connection import Connection
from app.repository.damaged_data import read_intact
from app.repository.errors import Conflict, NodeDataNotFound
from app.repository.execution_data import CORRUPTED, DataDamaged, DataGone, Opener
from app.repository.executions import Execution, get_execution
from app.repository.relatives import read_attempts, read_origin
from app.repository.run_pages import ItemPage, RunData, open_index, output_of, read_whole
from app.repository.run_scan import UnreadableRunData
from app.schemas.run_data import RunDataQuery, RunDataSchema

# What reading whole takes: the text, and what is noted of it.
MEMORY_OF_A_BYTE = 2

blueprint = Blueprint("executions-data", __name__, url_prefix="/api/v1/executions", description="Data by node.")


@blueprint.endpoint(
    "GET",
    "/<execution_id>/data",
    scope="execution:read",
    query=RunDataQuery,
    answer=RunDataSchema,
    errors=[404, 409],
)
@from_primary_after_all
def get_run_data(query: dict[str, Any], execution_id: str) -> Response:
    """Read what an execution has recorded, node by node.

    Without `node`: its structure, which is the runs of every node with their times, sources and errors, and how many
    items came out where. With `node`: a page of the items at one output of one run, or with `input` at one of its
    inputs: what came out at its source, or the items that a retry gave it instead.
    """
    project_id = caller().project_id
    with reading() as connection:
        execution = get_execution(connection, require_execution_id(execution_id), project_id=project_id)
        with run_data_of(connection, execution) as data:
            if "node" in query:
                return answer_page(query, data)
            attempts = read_attempts(connection, execution.id, project_id=project_id)
            origin = read_origin(connection, execution.id, project_id=project_id)
            return answer(render_structure(execution, data, attempts, origin))


@contextmanager
def run_data_of(connection: Connection, execution: Execution, *, at_once: bool = False) -> Iterator[RunData | None]:
    """What the execution has recorded; None while that is nothing. Raises Conflict for what cannot be read by node.

    A large item is read over connections of its own, after this one was given back; `at_once` over this one.
    """
    try:
        later: Opener = (lambda: nullcontext(connection)) if at_once else reading_later()
        indexed = open_index(connection, execution.id, later)
        if indexed is not None:
            yield indexed
            return
        size = execution.json_size_bytes * MEMORY_OF_A_BYTE
        if size > largest():
            raise Conflict(
                f"The execution's data has {execution.json_size_bytes:,} bytes and no index, which executions before "
                "the last upgrade lack: read all of it with includeData=true&ignoreDataSizeLimit=true"
            )
        with room_for(size):
            yield read_whole(connection, execution.id)
    except UnreadableRunData as error:
        if None in read_intact(connection, [execution.id]).values():
            raise Conflict(str(DataDamaged(execution.id))) from error
        raise Conflict("The execution's data has no structure by nodes: read it with includeData=true") from error
    except DataDamaged as error:
        raise Conflict(str(error)) from error
    except CORRUPTED as error:
        raise Conflict(str(DataDamaged(execution.id))) from error
    except DataGone as error:
        raise Conflict("The execution's data was deleted or replaced while it was read") from error


def answer_page(query: dict[str, Any], data: RunData | None) -> Response:
    """A page of the items at one output as the answer. Raises NodeDataNotFound."""
    if data is None:
        raise NodeDataNotFound("The execution has recorded nothing yet")
    node, run, kind, number = query["node"], query["run"], query["type"], query["output"]
    output = output_of(data, node, run, kind, number, given=query["input"])
    page = ItemPage((), None) if output is None else data.page(output, query["offset"], query["limit"])
    envelope = {
        "node": node,
        "run": run,
        "type": kind,
        "output": number,
        "input": query["input"],
        "offset": query["offset"],
        "total": 0 if output is None else output.items,
        "nextOffset": page.next_offset,
    }
    start = orjson.dumps(envelope)[:-1] + b',"items":['
    if page.length is None:
        return stream_answer(chain([start], page.pieces, [b"]}"]), reading_later())
    return buffer_answer([start, *page.pieces, b"]}"], reading_later(), page.length)
