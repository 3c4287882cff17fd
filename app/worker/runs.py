"""Runs one assigned execution through the engine and turns what came out into a result to record."""

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from app.engine.outgoing import Outgoing
from app.engine.run import Outcome, RunRequest, prepare_retry, run_workflow
from app.engine.sandbox import Sandbox
from app.repository.lifecycle import Result
from app.worker.credentials import Credentials
from app.worker.exchange import UNSTORABLE, Assignment

log = logging.getLogger(__name__)

LONG_AGO = datetime.fromtimestamp(0, UTC)  # due already, whatever the clocks of two machines say
BROKEN = "The engine failed while it ran this workflow; the worker's log tells more"


@dataclass(frozen=True, slots=True)
class Reach:
    """What executions on this worker can reach outside of themselves."""

    credentials: Credentials
    outgoing: Outgoing


async def run(assignment: Assignment, sandbox: Sandbox, reach: Reach) -> Result:
    """Run an execution to its end or its next wait. Cancel the task to stop it: the result is then `canceled`."""
    claim = assignment.claim
    try:
        outcome = await run_workflow(request_for(assignment, reach), sandbox)
        return result_of(assignment, outcome)
    except Exception:
        log.exception("engine failed", extra={"execution": claim.id})
        return Result(claim.id, "error", claim.mode, b"{}", error_message=BROKEN, awaited=claim.awaited)


def request_for(assignment: Assignment, reach: Reach) -> RunRequest:
    """What the engine is asked: a fresh start, the rest after a wait, or a retry of what failed."""
    claim = assignment.claim
    earlier: dict[str, Any] | None = orjson.loads(assignment.earlier) if assignment.earlier else None
    given = assignment.input
    items = given.resume_items if claim.resumed else given.items
    return RunRequest(
        execution_id=str(claim.id),
        mode=claim.mode,
        workflow=assignment.workflow,
        start_node=given.start_node,
        items=None if items is None else orjson.loads(items),
        resume=earlier if claim.resumed or earlier is None else prepare_retry(earlier),
        credentials=reach.credentials.within_reach_of(claim.id),
        outgoing=reach.outgoing,
    )


def result_of(assignment: Assignment, outcome: Outcome) -> Result:
    """What is recorded of an outcome; its data is encoded here, once."""
    claim = assignment.claim
    try:
        data = orjson.dumps(outcome.data)
    except TypeError as error:
        log.error("result refused", extra={"execution": claim.id, "reason": str(error)})
        message = f"{UNSTORABLE}: {error}"
        return Result(claim.id, "error", claim.mode, b"{}", error_message=message, awaited=claim.awaited)
    failed = outcome.error
    return Result(
        claim.id,
        outcome.status,
        claim.mode,
        data,
        error_node=storable(failed.node) if failed else None,
        error_message=storable(failed.message) if failed else None,
        wait_till=outcome.wait_till,
        awaited=claim.awaited,
        metadata=tuple((storable(k) or "", storable(v) or "") for k, v in outcome.custom_data.items()),
    )


def storable(text: str | None) -> str | None:
    """The text without what a text column cannot hold: NUL and lone surrogates."""
    return None if text is None else text.replace("\x00", "").encode("utf-8", "replace").decode()


def handed_over(result: Result) -> Result:
    """A run that was cut short by the end of this worker: it waits for another one, which continues it at once."""
    return replace(result, status="waiting", wait_till=LONG_AGO, error_node=None, error_message=None)
