"""Traces, end to end: what a collector hears of an API and a worker, and that a bad one costs nothing but spans."""

from collections.abc import Iterator

import orjson
import pytest

from app.loopback import open_url
from tests.live import free_port
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.telemetry.collector import Collector, collecting
from tests.worker.test_sub_workflows import call, child
from tests.workflows import node, set_field, stop_and_error, stored

pytestmark = pytest.mark.slow

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLER = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as made:
        yield made


def variables(collector: Collector) -> dict[str, str]:
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=acme",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }


def counted(port: int) -> dict[str, float]:
    with open_url(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_SECONDS) as response:
        lines = response.read().decode().splitlines()
    name = "executions_worker_process_spans_total"
    return {line.split('"')[1]: float(line.split()[-1]) for line in lines if line.startswith(name)}


def test_what_a_collector_hears(collector, queue, start_server, start_worker) -> None:
    settings, port = variables(collector), free_port()
    server = start_server(**settings)
    worker = start_worker(**settings, EXECUTIONS_WORKER_PORT=port)

    def save(name: str, definition: bytes) -> str:
        return server.post("/api/v1/workflows", {"name": name, **orjson.loads(definition)}).body["id"]

    inner = save("inner", child(set_field("a", "1"), node("Wait", "wait", {"resume": "webhook"}, 1.1)))
    hook = node("Hook", "webhook", {"path": "traced", "httpMethod": "POST", "responseMode": "onReceived"}, 2)
    errors = save("errors", stored(set_field("seen", "1"), trigger=node("Error", "errorTrigger")))
    failing = save(
        "failing", stored(set_field("a", "1"), call(inner), stop_and_error(), trigger=hook, errorWorkflow=errors)
    )
    assert server.post(f"/api/v1/workflows/{failing}/activate").status == 200
    assert server.post("/webhook/traced", {}, traceparent=CALLER).status == 200

    def started_by(execution_id: int) -> int:
        """The execution that this one has started last."""
        last = "SELECT max(id) FROM executions WHERE parent_id = %s AND mode = 'error'"
        return wait_until(lambda: queue.connection.execute(last, [execution_id]).fetchone()[0])

    # The parent waits for its child, and the child for a call.
    [first] = [
        row[0]
        for row in wait_until(
            lambda: queue.connection.execute("SELECT id FROM executions WHERE parent_id IS NULL").fetchall()
        )
    ]
    [waiting] = collector.of(first)
    [[second]] = queue.connection.execute("SELECT id FROM executions WHERE parent_id IS NOT NULL").fetchall()
    [begun] = collector.of(second)
    request = collector.request("POST /webhook/<path:path>")
    assert (request.trace_id, request.parent_id, request.failed) == (TRACE, SPAN, False)
    assert request.attributes["http.response.status_code"] == 200
    assert request.resource["n8n.instance.role"] == "main"
    assert (waiting.name, waiting.trace_id, waiting.parent_id) == ("workflow.execute", TRACE, request.span_id)
    assert (begun.trace_id, begun.parent_id) == (TRACE, waiting.span_id)
    assert waiting.attributes["n8n.execution.status"] == begun.attributes["n8n.execution.status"] == "waiting"
    assert begun.attributes["n8n.execution.mode"] == "integrated"
    hook_run, edit, called = collector.below(waiting)
    assert [each.attributes["n8n.node.name"] for each in (hook_run, edit, called)] == ["Hook", "Edit", "Call"]
    assert edit.attributes["n8n.node.type"] == "n8n-nodes-base.set"
    assert (edit.attributes["n8n.node.items.input"], edit.attributes["n8n.node.items.output"]) == (1, 1)
    assert called.attributes["executions.node.status"] == "waiting"
    assert waiting.started <= hook_run.started <= hook_run.ended <= waiting.ended

    # Both go on, the parent fails, and its error workflow runs.
    queue.connection.execute("UPDATE executions SET resume_on = NULL, wait_till = now() WHERE id = %s", [second])
    _, ended = collector.of(first, 2)
    assert (ended.trace_id, ended.parent_id) == (TRACE, waiting.span_id)
    assert ended.links == [(TRACE, waiting.span_id, {"n8n.continuation.reason": "resume"})]
    assert ended.attributes["n8n.execution.status"] == "error"
    assert (ended.failed, ended.message) == (True, "halted")
    assert [each.attributes["n8n.node.name"] for each in collector.below(ended)] == ["Call", "Halt"]
    [failed] = [each for each in collector.below(ended) if each.failed]
    [[event, said]] = failed.events
    assert (event, said["exception.message"]) == ("exception", "halted")
    assert failed.attributes["error.type"] == said["exception.type"] == ended.attributes["n8n.execution.error_type"]
    [told] = collector.of(started_by(first))
    assert (told.trace_id, told.parent_id, told.failed) == (TRACE, waiting.span_id, False)

    # A retry begins a trace of its own, linked to what it retries; a run of its own, too.
    retried = int(server.post(f"/api/v1/executions/{first}/retry").body["id"])
    [again] = collector.of(retried)
    assert again.trace_id != TRACE
    assert again.parent_id == ""
    assert again.links == [(TRACE, waiting.span_id, {"executions.link": "retry_of"})]
    assert (again.attributes["n8n.execution.is_retry"], again.attributes["n8n.execution.retry_of"]) == (
        True,
        str(first),
    )
    run = int(server.post(f"/api/v1/workflows/{inner}/run", traceparent=CALLER.replace("-01", "-00")).body["id"])
    queue.wait_for([run], ["waiting"])
    assert collector.of(started_by(retried))[0].trace_id == again.trace_id
    assert not [span for span in collector.spans if span.attributes.get("n8n.execution.id") == str(run)]
    assert again.resource["service.name"] == "executions"
    assert again.resource["deployment.environment.name"] == "test"
    assert {(call["path"], call["x-tenant"]) for call in collector.calls} == {("/v1/traces", "acme")}
    told = [span for span in collector.spans if span.resource["n8n.instance.role"] == "worker"]
    assert wait_until(lambda: counted(port)["sent"] == len(told))

    # Of what callers put into an address or a header nothing is told, and of what is asked all the time.
    secrets = {"X-N8N-API-KEY": "n8n-api-key", "Authorization": "Bearer to-ken", "Cookie": "n8n-auth=coo-kie"}
    assert server.get("/webhook/hidden-path?token=in-query").status == 404
    assert server.get("/api/v1/executions?cursor=in-query", **secrets).status == 401
    assert server.get(f"/webhook-waiting/{second}/hidden-path?signature=in-query").status in (401, 404, 409)
    assert server.get("/healthz").status == server.get("/metrics").status == 200
    assert server.get("/api/v1/no-such/hidden-path").status == 404
    collector.request("GET /webhook-waiting/<execution_id>/<path:suffix>")
    refused = collector.request("GET /api/v1/executions")
    assert (refused.attributes["http.response.status_code"], refused.failed) == (401, False)
    assert refused.parent_id == ""
    collector.request("GET")
    asked = repr([span for span in collector.spans if span.resource["n8n.instance.role"] == "main"])
    assert not [each for each in ("hidden", "in-query", "n8n-api-key", "to-ken", "coo-kie", "healthz") if each in asked]

    # What the collector refuses is lost and counted; what it keeps waiting keeps nobody waiting.
    collector.status = 500
    queue.save(stored(set_field("a", "1")))
    queue.wait_for(queue.add(number=3))
    wait_until(lambda: counted(port)["lost"] == 9, lambda: counted(port))
    collector.silent.set()
    calls = len(collector.calls)
    queue.wait_for(queue.add(number=3))
    wait_until(lambda: len(collector.calls) > calls)
    assert {server.get("/api/v1/executions").status for _ in range(5)} == {200}
    assert worker.stop(PATIENCE_SECONDS) == 0
    assert {each.status for each in queue.wait_for(queue.add(), ["new"])} == {"new"}
