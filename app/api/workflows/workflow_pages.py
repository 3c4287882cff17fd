"""A page of the list of workflows: made at once where they are small, else sent as it is read."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import orjson
from flask import Response

from app.api.executions.stream import PIECE_BYTES, stream_answer
from app.api.face.answers import raw_answer
from app.api.face.services import reading_later
from app.api.workflows.visible_workflows import show_workflows
from app.repository.connection import Connection
from app.repository.execution_data import Opener
from app.repository.run_pages import within
from app.repository.workflow_lists import WorkflowFilter, WorkflowPlace, list_workflows

BATCH_BYTES = 128 * 2**10
"""Stored bytes of the workflows that are read together, unless it is one. PostgreSQL's compression leaves a 255th of a
text at least: they have 32 MiB at most, and mostly below one."""


@dataclass(frozen=True, slots=True)
class WorkflowPage:
    """The places of the workflows of a page, and the cursor for what follows."""

    wanted: WorkflowFilter
    places: Sequence[WorkflowPlace]
    cursor: str | None
    with_pin_data: bool

    def answer(self, connection: Connection) -> Response:
        """The page; `connection` is the present one, which is not held while a caller takes its time."""
        batches = list(in_batches(self.places))
        if len(batches) > 1:
            return stream_answer(self._parts(batches, later := reading_later()), later)
        return raw_answer(b"".join(self._parts(batches, lambda: nullcontext(connection))))

    def _parts(self, batches: list[list[str]], connect: Opener) -> Iterator[bytes]:
        comma = b""
        yield b'{"data":['
        for ids in batches:
            texts = self._read(ids, connect)
            while texts:
                yield comma
                yield from in_pieces(texts.pop(0))  # none is kept while the next are read
                comma = b","
        yield b'],"nextCursor":' + orjson.dumps(self.cursor) + b"}"

    def _read(self, ids: list[str], connect: Opener) -> list[bytes]:
        """The workflows of a batch; who was deleted meanwhile, or moved out of the list, is left out."""
        with connect() as connection:
            batch = list_workflows(connection, replace(self.wanted, ids=ids), limit=len(ids))
            shown = show_workflows(connection, batch, with_pin_data=self.with_pin_data)
            return [orjson.dumps(workflow) for workflow in shown]


def in_batches(places: Sequence[WorkflowPlace]) -> Iterator[list[str]]:
    """The ids of workflows that are read together."""
    while places:
        taken = within(BATCH_BYTES, (place.stored for place in places))
        yield [place.id for place in places[:taken]]
        places = places[taken:]


def in_pieces(text: bytes) -> Iterator[bytes]:
    """The same bytes, in pieces as they are sent."""
    return (text[start : start + PIECE_BYTES] for start in range(0, len(text), PIECE_BYTES))
