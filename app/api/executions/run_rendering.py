"""How the structure of a run looks from outside."""

from collections.abc import Sequence
from typing import Any

from app.notation import time_text
from app.repository.executions import Execution
from app.repository.relatives import Attempt, Origin
from app.repository.run_index import IndexedError, IndexedRun, IndexedSource, Output, Outputs, SubExecution
from app.repository.run_pages import RunData

MAX_RUNS = 10_000
"""Runs that a structure shows, of all nodes together."""


def render_structure(
    execution: Execution, data: RunData | None, attempts: Sequence[Attempt], origin: Origin
) -> dict[str, Any]:
    """The structure of a run; None: nothing is recorded."""
    counts = {} if data is None else data.counts
    most = runs_of_each(list(counts.values()), MAX_RUNS)
    nodes = [
        {
            "name": name,
            "runCount": count,
            "runs": [] if data is None else [render_run(run) for run in data.runs(name, 0, most)],
        }
        for name, count in counts.items()
    ]
    return {
        "executionId": str(execution.id),
        "status": execution.status,
        "recorded": data is not None,
        "jsonSizeBytes": execution.json_size_bytes,
        "lastNodeExecuted": None if data is None else data.last_node,
        "error": None if data is None else render_failure(data.failure),
        "parentId": None if origin.parent_id is None else str(origin.parent_id),
        "workflowVersionId": str(execution.workflow_version_id),
        "versionSavedAt": origin.version_saved_at and time_text(origin.version_saved_at),
        "worker": None if origin.worker_id is None else {"id": str(origin.worker_id), "host": origin.worker_host},
        "attempts": [render_attempt(attempt) for attempt in attempts],
        "nodes": nodes,
    }


def runs_of_each(counts: Sequence[int], most: int) -> int:
    """How many runs of each node are shown so that they are at most so many together: as many of each as there are,
    or of those that ran often only the first."""
    if sum(counts) <= most:
        return max(counts, default=0)
    left, others = most, len(counts)
    for count in sorted(counts):
        if count * others > left:
            break
        left -= count
        others -= 1
    return max(left // others, 1)


def render_attempt(attempt: Attempt) -> dict[str, Any]:
    """One of an execution and its retries, for JSON."""
    return {
        "id": str(attempt.id),
        "status": attempt.status,
        "retryOf": None if attempt.retry_of is None else str(attempt.retry_of),
        "startedAt": attempt.started_at and time_text(attempt.started_at),
        "stoppedAt": attempt.stopped_at and time_text(attempt.stopped_at),
    }


def render_run(run: IndexedRun) -> dict[str, Any]:
    """One run of a node, for JSON; times in milliseconds."""
    return {
        "executionIndex": run.index,
        "startTime": run.started,
        "executionTime": run.duration,
        "executionStatus": run.status,
        "source": [render_source(source) for source in run.sources],
        "outputs": render_outputs(run.outputs),
        "inputs": render_outputs(run.inputs),
        "error": render_failure(run.failure),
        "hints": run.hints,
        "subExecution": render_sub_execution(run.sub_execution),
        "subExecutions": run.sub_executions or ([run.sub_execution.execution_id] if run.sub_execution else []),
        "tries": [
            {"startTime": each.started, "executionTime": each.duration, "error": each.message} for each in run.tries
        ],
    }


def render_source(source: IndexedSource | None) -> dict[str, Any] | None:
    """Where an input came from, in n8n's shape."""
    if source is None:
        return None
    return {
        "previousNode": source.node,
        "previousNodeOutput": source.output,
        "previousNodeRun": source.run,
    }


def render_outputs(outputs: Outputs) -> dict[str, list[dict[str, Any] | None]]:
    """What came out, by type of connection."""
    return {kind: [render_output(output) for output in each] for kind, each in outputs.items()}


def render_output(output: Output | None) -> dict[str, Any] | None:
    """What came out at one output, without its items."""
    if output is None:
        return None
    return {"items": output.items, "sizeBytes": output.size, "digest": output.digest}


def render_failure(failure: IndexedError | None) -> dict[str, Any] | None:
    """Why a node or a run has failed, for JSON."""
    if failure is None:
        return None
    return {
        "message": failure.message,
        "name": failure.name,
        "description": failure.description,
        "node": failure.node,
    }


def render_sub_execution(started: SubExecution | None) -> dict[str, Any] | None:
    """The execution that a run has started, for JSON."""
    return None if started is None else {"executionId": started.execution_id, "workflowId": started.workflow_id}
