"""Executions with what they produced, as parts of an answer: JSON that was stored is never parsed here.

A page is read in batches of bounded size, each when the caller has taken the one before, so that neither the size of
a page nor a slow caller costs memory or holds a connection. What is too large for a batch is read in slices.
"""

import logging
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import partial

import orjson

from app.api.executions.stream import Part
from app.api.rendering import render_execution
from app.repository.connection import Connection, read_again
from app.repository.custom_data import read_custom_data
from app.repository.damaged_data import read_intact
from app.repository.execution_data import Opener
from app.repository.executions import Execution
from app.repository.workflows import WorkflowVersion, get_versions, version_sizes
from app.schemas.base import splice

BATCH_BYTES = 2 * 2**20

log = logging.getLogger(__name__)


def shown_within(page: Sequence[Execution], each: int, together: int) -> frozenset[int]:
    """Ids of those whose data is shown: of at most `each` bytes, and the newest that are at most `together`.

    One that no longer fits does not keep smaller ones after it away.
    """
    shown = set()
    for execution in page:
        size = execution.json_size_bytes
        if size <= each and size <= together:
            shown.add(execution.id)
            together -= size
    return frozenset(shown)


class Details:
    """A page of executions with their data, where their ids are in `shown`, to be read batch by batch.

    `damaged`: those of what was read so far whose data cannot be read.
    """

    def __init__(
        self, connection: Connection, page: Sequence[Execution], shown: AbstractSet[int], *, with_input: bool = False
    ) -> None:
        self.shown, self._with_input = shown, with_input
        self.damaged: set[int] = set()
        sizes = version_sizes(connection, list({e.workflow_version_id for e in page}))
        self.batches: list[list[Execution]] = []
        self.length = weight = 0
        for execution in page:
            own = execution.json_size_bytes if execution.id in shown else 0
            own += sizes.get(execution.workflow_version_id, 0)
            if not self.batches or weight + own > BATCH_BYTES:
                self.batches.append([])
                weight = 0
            self.batches[-1].append(execution)
            weight += own
            self.length += own

    @property
    def small(self) -> bool:
        """Whether all of it can be held at once."""
        return self.length <= BATCH_BYTES

    def first(self, connection: Connection) -> list[Part]:
        """The first batch, with commas between its executions."""
        return self._read(connection, self.batches[0]) if self.batches else []

    def rest(self, open_connection: Opener) -> Iterator[Part]:
        """The other batches, with a comma before each."""
        for batch in self.batches[1:]:
            parts = read_again(partial(self._read_with, open_connection, batch))
            yield b","
            yield from parts

    def _read_with(self, open_connection: Opener, batch: Sequence[Execution]) -> list[Part]:
        with open_connection() as connection:
            return self._read(connection, batch)

    def _read(self, connection: Connection, batch: Sequence[Execution]) -> list[Part]:
        data = read_intact(connection, [e.id for e in batch if e.id in self.shown])
        damaged = {execution_id for execution_id, stored in data.items() if stored is None}
        for execution_id in damaged:
            log.warning("run data is damaged", extra={"execution": execution_id})
        self.damaged |= damaged
        metadata = read_custom_data(connection, [e.id for e in batch])
        versions = get_versions(connection, list({e.workflow_version_id for e in batch}))
        workflows = {version_id: workflow_json(version) for version_id, version in versions.items()}
        parts: list[Part] = []
        text: list[bytes] = []
        for execution in batch:
            if text:
                text.append(b",")
            text.append(orjson.dumps(render_execution(execution, with_input=self._with_input))[:-1])
            if execution.id not in self.shown:
                text.append(b',"dataTooLargeToDisplay":true')
            elif (stored := data.get(execution.id)) is not None:
                text.append(b',"data":')
                parts += [b"".join(text), stored]
                text.clear()
            else:
                text.append(b',"data":null,"dataIsDamaged":true' if execution.id in damaged else b',"data":null')
            # The workflow is null when execution and version were deleted since the page was read.
            text += [b',"workflowData":', workflows.get(execution.workflow_version_id, b"null")]
            text += [b',"customData":', orjson.dumps(metadata.get(execution.id, {})), b"}"]
        parts.append(b"".join(text))
        return parts


def workflow_json(version: WorkflowVersion) -> bytes:
    """The workflow as it was."""
    return splice({"id": version.workflow_id, "name": version.name, "versionId": str(version.id)}, version.definition)
