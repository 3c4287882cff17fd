"""Executions with what they produced, as parts of JSON that was stored and is never parsed here.

A page's data is read in batches of bounded size, each in a transaction of its own, so that neither the size
of a page nor a slow client costs memory or holds a connection.
"""

from collections.abc import Iterator, Sequence

import orjson

from app.api.rendering import render_execution
from app.api.services import Services
from app.repository.connection import Connection, transaction
from app.repository.executions import Execution, read_data, read_metadata
from app.repository.workflows import WorkflowVersion, get_versions, version_sizes
from app.schemas.base import splice

BATCH_BYTES = 8 * 2**20


def detailed(connection: Connection, executions: Sequence[Execution], shown_bytes: int | None) -> Iterator[list[bytes]]:
    """The parts of each execution's JSON with its data; data above `shown_bytes` stays away (None: nothing does)."""
    shown = [e for e in executions if is_shown(e, shown_bytes)]
    data = read_data(connection, [e.id for e in shown])
    metadata = read_metadata(connection, [e.id for e in executions])
    versions = get_versions(connection, list({e.workflow_version_id for e in executions}))
    for execution in executions:
        parts = [orjson.dumps(render_execution(execution))[:-1]]
        if is_shown(execution, shown_bytes):
            parts += [b',"data":', data.get(execution.id, b"null")]
        else:
            parts.append(b',"dataTooLargeToDisplay":true')
        parts += [b',"workflowData":', workflow_json(versions.get(execution.workflow_version_id))]
        parts += [b',"customData":', orjson.dumps(metadata.get(execution.id, {})), b"}"]
        yield parts


def workflow_json(version: WorkflowVersion | None) -> bytes:
    """The workflow as it was; null when execution and version were deleted since the page was read."""
    if version is None:
        return b"null"
    return splice({"id": version.workflow_id, "name": version.name, "versionId": str(version.id)}, version.definition)


def is_shown(execution: Execution, shown_bytes: int | None) -> bool:
    return shown_bytes is None or execution.json_size_bytes <= shown_bytes


def batches(connection: Connection, page: Sequence[Execution], shown_bytes: int | None) -> list[list[Execution]]:
    """The page in runs of executions that together stay under BATCH_BYTES; a larger one stands alone."""
    sizes = version_sizes(connection, list({e.workflow_version_id for e in page}))
    found: list[list[Execution]] = []
    weight = 0
    for execution in page:
        own = execution.json_size_bytes if is_shown(execution, shown_bytes) else 0
        own += sizes.get(execution.workflow_version_id, 0)
        if not found or weight + own > BATCH_BYTES:
            found.append([])
            weight = 0
        found[-1].append(execution)
        weight += own
    return found


def page_parts(
    services: Services, first: list[bytes], rest: Sequence[list[Execution]], shown_bytes: int | None, tail: bytes
) -> Iterator[bytes]:
    """The answer to a list: the batch that was read already, the others as the client takes them, and the end."""
    yield b'{"data":['
    yield from first
    for batch in rest:
        with transaction(services.pool) as connection:
            read = joined(connection, batch, shown_bytes)
        yield b","
        yield from read
    yield tail


def joined(connection: Connection, batch: Sequence[Execution], shown_bytes: int | None) -> list[bytes]:
    """The parts of a batch, with commas between its executions."""
    parts: list[bytes] = []
    for execution_parts in detailed(connection, batch, shown_bytes):
        if parts:
            parts.append(b",")
        parts += execution_parts
    return parts
