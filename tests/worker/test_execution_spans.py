"""What is told of executions: of a run, and of what has left no more than its row."""

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from app.credentials.masking import HIDDEN, Mask
from app.engine.run.document import RunDocument
from app.engine.run.run import TIMED_OUT
from app.repository import traces
from app.repository.traces import TraceOrigin
from app.telemetry.spans import SpanError, TracePlace
from app.worker.execution_spans import MAX_NODES, span_of
from app.worker.tracing import Tracing
from tests.workflows import no_op, stored

SECRET = "a token that proves the caller"


def run(index: int, **more: Any) -> dict[str, Any]:
    data = {"main": [[{"json": {"private": 1}}, {"json": {}}], None]}
    return {"startTime": 1_000 + index, "executionIndex": index, "executionTime": 5, "data": data, **more}


def told(runs: dict[str, list[dict[str, Any]]], status: str = "success", first_index: int = 0, **more: Any):
    claim = SimpleNamespace(
        id=7, workflow_id="w", workflow_version_id=uuid4(), project_id="p", mode="webhook", retry_of=None, resumed=False
    )
    nodes = [{"name": name, "type": "t", "typeVersion": 2} for name in runs]
    assignment = SimpleNamespace(
        claim=claim,
        workflow={"name": "W", "nodes": nodes},
        proof=SimpleNamespace(mask=Mask([SECRET])),
        origin=TraceOrigin(3, 5, None),
        retried=None,
    )
    document = RunDocument({"resultData": {"runData": runs, **more}})
    result = SimpleNamespace(id=7, status=status, error_message=None if status != "error" else "said")
    return span_of(assignment, result, SimpleNamespace(document=document), first_index, 0.5)


def test_a_run_is_told_without_its_data_and_without_secrets():
    error = {"name": "NodeApiError", "message": f"401 for {SECRET}"}
    sources = [{"previousNode": "A"}, {"previousNode": "A", "previousNodeOutput": 1}, None, {"previousNode": "gone"}]
    span = told({"A": [run(0)], "B": [run(1, source=sources, error=error, executionStatus="error")]}, "error")
    first, second = span.nodes
    assert (first.attributes["n8n.node.items.input"], first.attributes["n8n.node.items.output"]) == (None, 2)
    assert second.attributes["n8n.node.items.input"] == 2
    replaced = run(1, source=sources, inputOverride={"main": [[{"json": {}}] * 5, None, None, None]})
    assert told({"A": [run(0)], "B": [replaced]}).nodes[1].attributes["n8n.node.items.input"] == 5
    assert second.error == SpanError("NodeApiError", f"401 for {HIDDEN}")
    assert (second.started_ms, second.milliseconds) == (1_001, 5)
    assert span.place == TracePlace(7, 3, 5)
    assert (span.failed, span.error) == (True, SpanError("Error", "said"))
    assert SECRET not in repr(span)
    assert "private" not in repr(span)


def test_only_the_nodes_since_the_last_wait_are_told_and_not_too_many():
    span = told({"A": [run(0), run(2)], "B": [run(1)]}, first_index=1)
    assert [(node.attributes["n8n.node.name"], node.started_ms) for node in span.nodes] == [("B", 1_001), ("A", 1_002)]
    span = told({"A": [run(index) for index in range(MAX_NODES + 20)]})
    assert len(span.nodes) == MAX_NODES
    assert span.nodes[0].started_ms == 1_020
    assert span.attributes["executions.nodes.left_out"] == 20


def test_an_execution_whose_time_was_over_has_failed_and_a_stopped_one_has_not():
    late = told({}, "canceled", error={"name": TIMED_OUT, "message": "timed out"})
    assert (late.failed, late.error) == (True, SpanError(TIMED_OUT, "timed out"))
    stopped = told({}, "canceled", error={"name": "ManualExecutionCancelledError", "message": "stopped"})
    assert (stopped.failed, stopped.error) == (False, None)


def test_what_crashed_is_told_of_by_its_row_below_what_had_started_it(queue):
    queue.save(stored(no_op()))
    top, middle, lost, alone = queue.add(number=4)
    change = queue.connection.execute
    change("INSERT INTO execution_inputs (execution_id, traceparent) VALUES (%s, 'called')", [top])
    change("UPDATE executions SET parent_id = id - 1 WHERE id IN (%s, %s)", [middle, lost])
    change("UPDATE executions SET parent_id = 999999 WHERE id = %s", [alone])
    change(
        "UPDATE executions SET status = 'crashed', started_at = now(), stopped_at = now() + interval '2 s',"
        " retry_of = %s, error_message = 'lost' WHERE id = %s",
        [alone, lost],
    )
    origins = traces.read_origins(queue.connection, [lost, alone, 888_888])
    assert origins == {lost: TraceOrigin(top, middle, "called"), alone: TraceOrigin(alone, None, None)}
    spans = []
    Tracing(SimpleNamespace(send=spans.append)).send_ended(queue.connection, [lost])
    [span] = spans
    assert (span.place, span.retried) == (TracePlace(lost, top, middle, "called"), TracePlace(alone, alone))
    assert span.ended_ms - span.started_ms == 2_000
    assert (span.failed, span.error, span.resumed) == (True, SpanError("WorkflowCrashedError", "lost"), False)


def test_what_cannot_be_told_costs_nothing_but_its_span(caplog):
    tracing = Tracing(SimpleNamespace(send=None))
    tracing.note(SimpleNamespace(), SimpleNamespace(id=1), None, None, 1.0)
    assert "spans lost" in caplog.text
