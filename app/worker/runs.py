"""Runs one assigned execution through the engine and turns what came out into a result to record."""

import asyncio
import json
import logging
from collections.abc import Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import orjson

from app.credentials.masking import Mask
from app.engine.run.computing import FEW, Interrupted, compute
from app.engine.run.errors import NodeError
from app.engine.run.node_types import NodeTypes
from app.engine.run.ports import Ports
from app.engine.run.preview import preview
from app.engine.run.run import TIMED_OUT, RunOutcome, refuse_input, run_workflow, stop_early
from app.engine.sandbox import Sandbox
from app.engine.sandbox.checks import MAX_KEY_LENGTH, MAX_LINE_LENGTH, MAX_VALUE_LENGTH
from app.repository.execution_data import INDEXED_BYTES, encode_run_data
from app.repository.lifecycle import Claim, Failure, Result
from app.repository.static_data import StaticChange
from app.worker import run_data
from app.worker.answers import BYTES_AN_ITEM, NO_PORTS, PACKAGED, AnsweringNode, answer_of, evaluate_answering_node
from app.worker.database import Database
from app.worker.exchange import UNSTORABLE, Assignment
from app.worker.run_requests import DamagedData, read_request, read_unread
from app.worker.texts import shorten, shorten_name, strip_unstorable

T = TypeVar("T")

log = logging.getLogger(__name__)

LONG_AGO = datetime.fromtimestamp(0, UTC)  # due already, whatever the clocks of two machines say
TEXTS = ("message", "description", "stack")
SMALL = 10
"""Of what `size_of` gives: so little is written at one go without a look at it."""
BROKEN = "The engine failed while it ran this workflow; the worker's log tells more"


class Ended(NamedTuple):
    """What is recorded of a run, and its outcome where the engine came to one."""

    result: Result
    outcome: RunOutcome | None


async def run(
    assignment: Assignment, sandbox: Sandbox, types: NodeTypes, ports: Ports, database: Database | None = None
) -> Ended:
    """Run an execution to its end or its next wait. Cancel the task to stop it: the result is then `canceled`, without
    data where nothing of it has run.

    `database` is where it reads what the claim has left out.
    """
    claim, untouched = assignment.claim, False
    try:
        try:
            if assignment.unread and database is not None:
                assignment = await read_unread(assignment, database)
            outcome = await run_workflow(await read_request(assignment, ports), sandbox, types)
        except NodeError as error:
            untouched = goes_on(claim, error)
            outcome, assignment = refuse_input(error), replace(assignment, earlier=None)
        except asyncio.CancelledError:
            _uncancel()
            untouched = True
            outcome, assignment = stop_early(), replace(assignment, earlier=None)
        try:
            webhook = await evaluate_answering_node(assignment, sandbox, types, ports)
        except asyncio.CancelledError:
            # Stopped at its very end: what has come out stands, and whether it is still wanted the database says.
            _uncancel()
            webhook = None
        result = await _write_result(assignment, outcome, webhook, ports)
        return Ended(_tell_proof(assignment, replace(result, data=None) if untouched else result), outcome)
    except (Exception, Interrupted):
        return break_off(assignment)


def break_off(assignment: Assignment) -> Ended:
    """What is recorded where an exception that nobody foresaw is handled: without a result it would hold its place."""
    claim = assignment.claim
    log.exception("engine failed", extra={"execution": claim.id})
    result = Result(claim.id, "error", claim.mode, None, error_message=BROKEN, awaited=claim.awaited)
    return Ended(_tell_proof(assignment, result), None)


def _uncancel() -> None:
    """A stop of this task has been heard."""
    if (task := asyncio.current_task()) is not None:
        task.uncancel()


def goes_on(claim: Claim, error: NodeError) -> bool:
    """Whether a later retry is to go on from what this execution was to go on from, and could not read for now: what it
    had recorded itself, unless that is damaged, or what the execution that it retries had."""
    return not isinstance(error, DamagedData) if claim.resumed else claim.retry_of is not None


def _tell_proof(assignment: Assignment, result: Result) -> Result:
    """The result of an execution with whose input is kept, or not, what has proved its caller."""
    return result if assignment.input.sealed is None else replace(result, has_proof=True)


async def _write_result(
    assignment: Assignment, outcome: RunOutcome, webhook: AnsweringNode | None, ports: Ports
) -> Result:
    """As `result_of`, which is not cut short: a stop comes too late for what has come out."""
    size = size_of(outcome, ports)
    if size <= FEW:  # a task for it would cost more than the work, and would not wait for others either
        return result_of(assignment, outcome, webhook, ports)
    return await to_the_end(_write_in_turn(assignment, outcome, webhook, ports, size))


async def _write_in_turn(
    assignment: Assignment, outcome: RunOutcome, webhook: AnsweringNode | None, ports: Ports, size: int
) -> Result:
    """As `result_of`, beside the loop, and not while others write as much as there is room for."""
    async with ports.meter.writing(min(size * BYTES_AN_ITEM, run_data.MAX_BYTES)):
        return await compute(result_of, assignment, outcome, webhook, ports, size=size)


def size_of(outcome: RunOutcome, ports: Ports) -> int:
    """How much it may be to write down an outcome, in items that are computed: nodes may all have had the same data."""
    runs = sum(map(len, outcome.document.run_data.values()))
    return ports.meter.used * max(1, runs) // BYTES_AN_ITEM


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Await work that is not cut short any more: it records what has come out."""
    task = asyncio.ensure_future(work)
    while True:
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if task.cancelled() or current is None:
                raise
            current.uncancel()


def result_of(
    assignment: Assignment, outcome: RunOutcome, webhook: AnsweringNode | None = None, ports: Ports = NO_PORTS
) -> Result:
    """What is recorded of an outcome. Its data is encoded here, once, and compressed where it is large: done in the
    transaction that records it, that would keep PostgreSQL and all other executions of the worker waiting.

    `webhook` is the node whose webhook somebody waits for, `ports` are what the run had.
    """
    claim, mask = assignment.claim, assignment.proof.mask
    outcome = hide_in_custom_data(outcome, mask)
    hide_in_lines(outcome, mask)
    try:
        data = mask.json(run_data.encode(outcome.data, small=size_of(outcome, ports) <= SMALL))
    except RecursionError:
        return refuse_result(claim, "it is nested too deeply")
    except (TypeError, ValueError) as error:
        return refuse_result(claim, str(error))
    failed, workflow = outcome.error, assignment.workflow
    children = outcome.document.children if outcome.resume_on == "child" else []
    return Result(
        claim.id,
        outcome.status,
        claim.mode,
        encode_run_data([data])[0] if len(data) > INDEXED_BYTES else data,
        error_node=None if failed is None or failed.node is None else shorten_name(failed.node),
        error_message=shorten(mask.text(strip_unstorable(failed.message))) if failed else None,
        wait_till=outcome.wait_till,
        resume_on=outcome.resume_on,
        waits_for=int(children[-1]) if children else None,
        waiting_node=waiting_node(outcome),
        awaited=claim.awaited,
        metadata=tuple((strip_unstorable(key), strip_unstorable(value)) for key, value in outcome.custom_data.items()),
        answer=answer_of(webhook, outcome, ports),
        keep=is_kept(workflow, claim.mode, outcome.status) and not is_ignored(assignment, outcome),
        failure=failure_of(claim, outcome, mask, ports.address),
        static_data=changes_of(claim, outcome, mask),
        input_preview=preview_of(outcome, mask),
        workflow_id=claim.workflow_id,
    )


def hide_in_custom_data(outcome: RunOutcome, mask: Mask) -> RunOutcome:
    """The outcome with its custom data masked: JavaScript has cut its keys and values."""
    if not mask or not outcome.custom_data:
        return outcome
    custom_data = {
        mask.cut_text(strip_unstorable(key), MAX_KEY_LENGTH): mask.cut_text(strip_unstorable(value), MAX_VALUE_LENGTH)
        for key, value in outcome.custom_data.items()
    }
    result = {**outcome.data["resultData"], "metadata": custom_data}
    return replace(outcome, data={**outcome.data, "resultData": result}, custom_data=custom_data)


def hide_in_lines(outcome: RunOutcome, mask: Mask) -> None:
    """Mask the lines that programs have written: JavaScript has cut them, too."""
    runs = chain.from_iterable(outcome.document.run_data.values()) if mask else ()
    for metadata in (run.get("metadata") for run in runs):
        if isinstance(metadata, dict) and isinstance(lines := metadata.get("console"), list):
            metadata["console"] = [mask.cut_text(str(line), MAX_LINE_LENGTH) for line in lines]


def preview_of(outcome: RunOutcome, mask: Mask) -> bytes | None:
    """What lists show of what the run was about, as JSON."""
    try:
        shown = preview(outcome.document, mask.text)
        return None if shown is None else orjson.dumps(shown)
    except TypeError:
        return None  # text that is none


def refuse_result(claim: Claim, reason: str) -> Result:
    """What is recorded in place of data that cannot be stored."""
    log.error("result refused", extra={"execution": claim.id, "reason": reason})
    message = f"{UNSTORABLE}: {reason}"
    return Result(claim.id, "error", claim.mode, b"{}", error_message=message, awaited=claim.awaited)


def changes_of(claim: Claim, outcome: RunOutcome, mask: Mask) -> tuple[StaticChange, ...]:
    """What the run has changed of its workflow's static data; a manual run only tries things out."""
    if claim.mode == "manual":
        return ()
    return tuple(
        StaticChange(claim.workflow_id, strip_unstorable(scope), mask.json(orjson.dumps(part, default=str)))
        for scope, part in outcome.static_data.items()
    )


def waiting_node(outcome: RunOutcome) -> bytes | None:
    """The node that waits for a call, as JSON: whoever calls is checked against it."""
    if outcome.resume_on != "webhook":
        return None
    node = outcome.document.due_node
    return orjson.dumps(node if outcome.asks is None else {**(node or {}), "parameters": outcome.asks}, default=str)


def is_ignored(assignment: Assignment, outcome: RunOutcome) -> bool:
    """Whether the trigger of a package has looked at a call and had nothing for the workflow, so that no node ran."""
    items = assignment.input.items
    called = assignment.claim.mode == "webhook" and items is not None and PACKAGED in items[:64]
    return called and outcome.status == "success" and not outcome.document.run_data


def is_kept(workflow: dict[str, Any], mode: str, status: str) -> bool:
    """Whether the workflow's settings let this run be kept; a manual run always is."""
    names = {"success": "saveDataSuccessExecution", "error": "saveDataErrorExecution"}
    if mode == "manual" or status not in names:
        return True
    return bool((workflow.get("settings") or {}).get(names[status]) != "none")


def failure_of(claim: Claim, outcome: RunOutcome, mask: Mask, address: str | None) -> Failure | None:
    """What an error workflow is told of this end; None where nothing has failed. A run out of time has failed, too."""
    document = outcome.document
    error = document.error or {}
    if claim.mode == "manual" or not (outcome.status == "error" or error.get("name") == TIMED_OUT):
        return None
    if mask:
        error = json.loads(mask.json(run_data.encode(error)))
    texts = {name: shorten(text) for name in TEXTS if isinstance(text := error.get(name), str)}
    return Failure({**error, **texts}, document.last_node, address)


def hand_over_result(result: Result) -> Result:
    """A run that was cut short by the end of this worker: it waits for another one, which continues it at once."""
    result = replace(result, status="waiting", wait_till=LONG_AGO, failure=None)
    return replace(result, error_node=None, error_message=None, answer=None)
