"""What the spans of an execution and of its nodes tell, out of what is recorded of it.

Attributes are named as n8n names them; those that n8n has not begin with `executions.`. Of what workflows work on
nothing is told but how many items there were.
"""

import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from app.credentials.masking import Mask
from app.engine.run.document import RunDocument, replaced_input
from app.engine.run.run import TIMED_OUT, RunOutcome
from app.repository.executions import Execution
from app.repository.lifecycle import Claim, Result
from app.repository.traces import TraceOrigin
from app.telemetry.spans import Attribute, ExecutionSpan, NodeSpan, SpanError, TracePlace
from app.vocabulary import FAILED, Status
from app.worker.exchange import Assignment
from app.worker.texts import shorten

MAX_NODES = 500
"""Runs of nodes that one execution has spans for: those that ran last."""
CRASHED, FAILURE = "WorkflowCrashedError", "Error"

NodeRun = dict[str, Any]


def span_of(
    assignment: Assignment, result: Result, outcome: RunOutcome | None, first_index: int | None, seconds: float
) -> ExecutionSpan:
    """What is told of a run that has just ended or begun to wait, after so many seconds.

    Its nodes from `first_index` on have run in it; None: it came to none.
    """
    claim, workflow = assignment.claim, assignment.workflow
    document = RunDocument({}) if outcome is None else outcome.document
    now = time.time_ns() // 1_000_000
    runs = [] if first_index is None else runs_since(document, first_index)
    known = {node.get("name"): node for node in workflow.get("nodes") or []}
    nodes = [node_span(known.get(name), name, run, document, assignment.proof.mask) for name, run in runs[-MAX_NODES:]]
    error = error_of(result, document)
    return ExecutionSpan(
        place_of(claim.id, assignment.origin),
        started_ms=min([now - int(seconds * 1000), *(node.started_ms for node in nodes)]),
        ended_ms=max([now, *(node.started_ms + node.milliseconds for node in nodes)]),
        attributes={
            **_attributes_of(claim, result.status, None if error is None else error.type),
            "n8n.workflow.name": text_of(workflow.get("name")),
            "n8n.workflow.node_count": len(known),
            "executions.nodes.left_out": len(runs) - len(nodes) or None,
        },
        failed=result.status in FAILED or error is not None,
        error=error,
        resumed=claim.resumed,
        retried=None if claim.retry_of is None else place_of(claim.retry_of, assignment.retried),
        nodes=nodes,
    )


def recorded_span(execution: Execution, origins: Mapping[int, TraceOrigin]) -> ExecutionSpan:
    """What is told of an execution of which there is its row only, and that has failed; the times are PostgreSQL's."""
    retry_of = execution.retry_of
    kind = CRASHED if execution.status == "crashed" else FAILURE
    return ExecutionSpan(
        place_of(execution.id, origins.get(execution.id)),
        started_ms=milliseconds(execution.started_at or execution.created_at),
        ended_ms=milliseconds(execution.stopped_at or execution.created_at),
        attributes={
            **_attributes_of(execution, execution.status, kind),
            "n8n.workflow.name": execution.workflow_name,
        },
        failed=True,
        error=SpanError(kind, execution.error_message or ""),
        resumed=execution.json_size_bytes > 0,  # while it runs, only what has waited has data
        retried=None if retry_of is None else place_of(retry_of, origins.get(retry_of)),
    )


def _attributes_of(execution: Claim | Execution, status: Status, error_type: str | None) -> dict[str, Attribute]:
    """What the spans of all executions tell."""
    return {
        "n8n.execution.id": str(execution.id),
        "n8n.execution.mode": execution.mode,
        "n8n.execution.status": status,
        "n8n.execution.is_retry": execution.retry_of is not None,
        "n8n.execution.retry_of": text_of(execution.retry_of),
        "n8n.execution.error_type": error_type,
        "n8n.project.id": execution.project_id,
        "n8n.workflow.id": execution.workflow_id,
        "n8n.workflow.version_id": str(execution.workflow_version_id),
    }


def error_of(result: Result, document: RunDocument) -> SpanError | None:
    """How an execution has failed, with the message that is recorded; None for one that has not. Out of time is."""
    said = document.error or {}
    if result.status == "canceled" and said.get("name") == TIMED_OUT:
        return SpanError(TIMED_OUT, str(said.get("message") or ""))
    if result.status not in FAILED:
        return None
    return SpanError(str(said.get("name") or FAILURE), result.error_message or "")


def place_of(execution_id: int, origin: TraceOrigin | None) -> TracePlace:
    """Where an execution stands in its trace; one of which nothing is known begins its own."""
    if origin is None:
        return TracePlace(execution_id, execution_id)
    return TracePlace(execution_id, origin.root_id, origin.parent_id, origin.traceparent)


def runs_since(document: RunDocument, first_index: int) -> list[tuple[str, NodeRun]]:
    """The nodes that have run from this executionIndex on, in their order."""
    every = ((name, run) for name, runs in document.run_data.items() for run in runs)
    new = (pair for pair in every if pair[1].get("executionIndex", -1) >= first_index)
    return sorted(new, key=lambda pair: pair[1]["executionIndex"])


def node_span(node: Mapping[str, Any] | None, name: str, run: NodeRun, document: RunDocument, mask: Mask) -> NodeSpan:
    """What is told of one run of a node, which its workflow holds like this."""
    node, error, status = node or {}, run.get("error") or None, run.get("executionStatus")
    told = None
    if error is not None:
        told = SpanError(str(error.get("name") or FAILURE), shorten(mask.text(str(error.get("message") or ""))))
    return NodeSpan(
        started_ms=int(run.get("startTime") or 0),
        milliseconds=int(run.get("executionTime") or 0),
        attributes={
            "n8n.node.id": text_of(node.get("id")),
            "n8n.node.name": name,
            "n8n.node.type": text_of(node.get("type")),
            "n8n.node.type_version": number_of(node.get("typeVersion")),
            "n8n.node.items.input": count_inputs(run, document),
            # What a node that waits holds is what it was given.
            "n8n.node.items.output": 0 if status == "waiting" else count_outputs(run),
            "executions.node.status": text_of(status),
        },
        error=told,
    )


def count_outputs(run: NodeRun) -> int:
    """How many items a run of a node has given."""
    return sum(map(count, (run.get("data") or {}).values()))


def count_inputs(run: NodeRun, document: RunDocument) -> int | None:
    """How many items a run of a node got, as its sources had put out or a retry has given it in their place; None for
    the one that the run began at."""
    sources = list(run.get("source") or ())
    replaced = replaced_input(run)
    if replaced is not None:
        return len(replaced) + sum(count_given(source, document) for source in sources[1:] if source)
    return sum(count_given(source, document) for source in sources if source) if any(sources) else None


def count_given(source: Mapping[str, Any], document: RunDocument) -> int:
    """How many items came from one source."""
    runs = document.run_data.get(source.get("previousNode") or "") or []
    place, output = source.get("previousNodeRun") or 0, source.get("previousNodeOutput") or 0
    outputs = (runs[place].get("data") or {}).get("main") or [] if place < len(runs) else []
    return count(outputs[output : output + 1])


def count(outputs: Iterable[Any] | None) -> int:
    """How many items there are at these outputs, some of which may have none."""
    return sum(len(items) for items in outputs or () if items)


def number_of(value: Any) -> Attribute:
    """A number as an attribute, anything else as text."""
    return value if isinstance(value, int | float) else text_of(value)


def text_of(value: Any) -> str | None:
    """A value as the text of an attribute; None stays None."""
    return None if value is None else str(value)


def milliseconds(time: datetime) -> int:
    """Since 1970."""
    return int(time.timestamp() * 1000)
