"""What the engine is asked for an assigned execution: where its run begins, and with what."""

import asyncio
import logging
import random
from dataclasses import replace
from typing import Any, NamedTuple

import orjson

from app import large_json
from app.credentials.proofs import Proof
from app.engine.run.computing import FEW, compute
from app.engine.run.errors import NodeError
from app.engine.run.memory import estimate
from app.engine.run.meter import TooMuchData
from app.engine.run.ports import Ports
from app.engine.run.restart import CannotRestart, restart_at, restart_at_failure
from app.engine.run.run import RunRequest
from app.repository.connection import UNREACHABLE, is_refusal
from app.repository.restarts import NodeRun
from app.triggers import trigger_nodes
from app.worker.answers import BYTES_AN_ITEM
from app.worker.database import LARGE_BYTES, Database
from app.worker.exchange import Assignment
from app.worker.given import Given, read_given
from app.worker.refusals import ATTEMPTS, pause_after

log = logging.getLogger(__name__)

MAX_PAUSE = 2.0  # seconds between two attempts to reach PostgreSQL

EARLIER_TIMES = 4
"""So many times the memory of a run may be taken by what it had recorded before: nodes that passed on the same items
had them in memory once, and each has written them down."""


async def read_request(assignment: Assignment, ports: Ports) -> RunRequest:
    """What the engine is asked, read beside the loop where it is large. Raises NodeError, as `request_for`."""
    given = assignment.input
    texts = (given.items, given.resume_items, given.restart.items, assignment.earlier, assignment.static_data)
    items = sum(len(text) for text in texts if text) // BYTES_AN_ITEM
    if items <= FEW:
        return request_for(assignment, ports)
    return await compute(request_for, assignment, ports)


async def read_unread(assignment: Assignment, database: Database) -> Assignment:
    """The assignment with what was left out at its claim because it is large, so that nothing small waits for it.

    Raises NodeError where PostgreSQL refuses each time to read it, and GoneData.
    """
    given = await _read_persistently(assignment, database)
    earlier = given.earlier or assignment.earlier
    if assignment.earlier_unread and earlier is None:
        raise GoneData
    return replace(assignment, input=given.input, earlier=earlier, earlier_unread=False)


async def _read_persistently(assignment: Assignment, database: Database) -> Given:
    refusals = 0
    while True:
        try:
            found = await database.send(LARGE_BYTES + 1, read_given, [assignment.claim], large=True)
            return found[assignment.claim.id]
        except UNREACHABLE as error:
            what, pause = "PostgreSQL cannot be reached", random.uniform(0.1, MAX_PAUSE)
            if is_refusal(error):
                refusals += 1
                if refusals == ATTEMPTS:
                    raise RefusedRead(error.diag.message_primary) from None
                what, pause = "large items refused for now", pause_after(refusals)
            log.warning(what, extra={"execution": assignment.claim.id, "reason": str(error).strip()})
        await asyncio.sleep(pause)


def request_for(assignment: Assignment, ports: Ports) -> RunRequest:
    """What the engine is asked: a fresh start, the rest after a wait, or a retry of what failed.

    Raises TooMuchData for items that would take more memory than a run may: whoever calls a webhook chooses them; and
    for data of an earlier part that would take far more. Raises NodeError for items that cannot be read, DamagedData
    where what it goes on from cannot.
    """
    claim = assignment.claim
    if assignment.earlier and estimate(assignment.earlier) > EARLIER_TIMES * ports.meter.limit:
        raise TooMuchData(ports.meter.limit)
    begin = beginning_of(assignment)
    size = None if begin.items is None else estimate(begin.items)
    if size is not None:
        ports.meter.check(size)
    return RunRequest(
        execution_id=str(claim.id),
        mode=claim.mode,
        workflow=assignment.workflow,
        start_node=begin.start_node or error_trigger_name(claim.mode, assignment.workflow),
        items=None if begin.items is None else show_proof(read_items(begin.items), assignment.proof),
        items_size=size,
        resume=begin.resume,
        ports=ports,
        parsed=assignment.parsed,
        static_data={} if assignment.static_data is None else orjson.loads(assignment.static_data),
    )


def read_items(text: bytes) -> list[dict[str, Any]]:
    """Items that were written as JSON. Raises NodeError for what is too large in too many levels."""
    try:
        items: list[dict[str, Any]] = large_json.read(text)
    except orjson.JSONDecodeError:
        raise NodeError(
            f"What this execution begins with holds more than {large_json.AT_ONCE:,} values in more than "
            f"{large_json.MAX_LEVELS} levels",
            description="Send less at once, or in fewer levels.",
        ) from None
    return items


class RefusedRead(NodeError):
    """PostgreSQL does not let be read what the execution begins with."""

    def __init__(self, said: str | None) -> None:
        super().__init__(
            f"What this execution begins with could not be read: PostgreSQL has refused it {ATTEMPTS} times ({said})",
            description="Retry when PostgreSQL has more time or memory for it.",
        )


class GoneData(NodeError):
    """What the execution goes on from was deleted after it had been claimed."""

    def __init__(self) -> None:
        super().__init__("What was recorded before is gone", description="Retry with from: start.")


class DamagedData(NodeError):
    """What the execution goes on from cannot be read."""

    def __init__(self) -> None:
        super().__init__(
            "What was recorded before is damaged",
            description="Retry with from: start, or restore the row of execution_data from a backup and retry again.",
        )


class Beginning(NamedTuple):
    """Where a run begins: `resume` is the document that it goes on from; None: `start_node` with `items` (JSON)."""

    start_node: str | None
    items: bytes | None
    resume: dict[str, Any] | None = None


def beginning_of(assignment: Assignment) -> Beginning:
    """Where a fresh run, the rest after a wait, or a retry begins. Raises DamagedData."""
    given, claim = assignment.input, assignment.claim
    place = given.restart.place
    if not claim.resumed and place == "start":
        return Beginning(given.start_node, given.restart.items or given.items)
    try:
        earlier: dict[str, Any] | None = large_json.read(assignment.earlier) if assignment.earlier else None
    except orjson.JSONDecodeError:
        raise DamagedData from None
    if claim.resumed:
        return Beginning(given.start_node, given.resume_items, earlier)
    items = None if given.restart.items is None else orjson.loads(given.restart.items)
    if isinstance(place, NodeRun):
        return _beginning_at(assignment, earlier or {}, place, items)
    if earlier is not None and (resume := restart_at_failure(earlier, items)) is not None:
        return Beginning(given.start_node, given.items, resume)
    return Beginning(given.start_node, given.restart.items or given.items)


def _beginning_at(
    assignment: Assignment, earlier: dict[str, Any], place: NodeRun, items: list[dict[str, Any]] | None
) -> Beginning:
    """A retry that goes on at a run of a node, or starts over there when nothing comes before it."""
    given = assignment.input
    try:
        resume = restart_at(earlier, place.node, place.run, items)
    except CannotRestart:
        # It was deleted since the retry was asked for. A node that is not there refuses the run.
        return Beginning(f"{place.node} of execution {assignment.claim.retry_of}, which is gone", None)
    if resume is not None:
        return Beginning(given.start_node, None, resume)
    return Beginning(place.node, given.restart.items or given.items)


def show_proof(items: list[dict[str, Any]], proof: Proof) -> list[dict[str, Any]]:
    """The items of a call with what has proved its caller."""
    if proof:
        proof.show(items)
    return items


def error_trigger_name(mode: str, workflow: dict[str, Any]) -> str | None:
    """Where an error workflow starts that an earlier release has queued; the engine's choice for every other mode.

    Where there is no Error Trigger, it is the name of a node that is not there: the run is refused.
    """
    if mode != "error":
        return None
    nodes = trigger_nodes(workflow, "errorTrigger")
    return nodes[0]["name"] if nodes else "Error Trigger"
