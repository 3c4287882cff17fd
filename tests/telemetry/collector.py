"""A collector of traces: takes OTLP over HTTP, and keeps what it is told."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.patience import PATIENCE_SECONDS, wait_until

Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """A span as it has arrived; ids in hexadecimal digits, times in milliseconds since 1970."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    started: float
    ended: float
    attributes: Attributes
    failed: bool
    message: str
    events: list[tuple[str, Attributes]]
    links: list[tuple[str, str, Attributes]]
    resource: Attributes


class Collector:
    """Answers 200, or what `status` says; says nothing while `silent` is set."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.status = 200
        self.silent = threading.Event()
        self.ended = threading.Event()
        self.calls: list[Mapping[str, str]] = []
        self.spans: list[Told] = []

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        self.calls.append({"path": path, **{name.lower(): value for name, value in headers.items()}})
        if self.silent.is_set():
            self.ended.wait(PATIENCE_SECONDS)
        if self.status == 200:
            self.spans += decode(body)
        return self.status

    def of(self, execution_id: int | str, number: int = 1) -> list[Told]:
        """So many spans of an execution, in the order in which they have begun, once they are there."""

        def found() -> list[Told]:
            mine = [span for span in list(self.spans) if span.attributes.get("n8n.execution.id") == str(execution_id)]
            return sorted(mine, key=lambda span: span.started)

        return wait_until(lambda: len(found()) >= number and found(), lambda: f"{found()} of {execution_id}")

    def request(self, name: str) -> Told:
        """The first request of this name, once it is there."""
        return wait_until(
            lambda: next((span for span in list(self.spans) if span.name == name), None),
            lambda: f"{[span.name for span in self.spans]} has no {name}",
        )

    def below(self, span: Told) -> list[Told]:
        """The runs of nodes within an execution, in the order in which they have begun."""
        return [each for each in self.spans if each.parent_id == span.span_id and each.name == "node.execute"]


def decode(body: bytes) -> Iterator[Told]:
    for part in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = values(part.resource.attributes)
        for span in (span for scope in part.scope_spans for span in scope.spans):
            yield Told(
                span.name,
                span.trace_id.hex(),
                span.span_id.hex(),
                span.parent_span_id.hex(),
                span.start_time_unix_nano / 1e6,
                span.end_time_unix_nano / 1e6,
                values(span.attributes),
                span.status.code == span.status.STATUS_CODE_ERROR,
                span.status.message,
                [(event.name, values(event.attributes)) for event in span.events],
                [(link.trace_id.hex(), link.span_id.hex(), values(link.attributes)) for link in span.links],
                resource,
            )


def values(attributes: Any) -> Attributes:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(collector.take(self.path, dict(self.headers), body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield collector
        finally:
            collector.ended.set()
            server.shutdown()
