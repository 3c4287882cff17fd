"""Makes spans from what is told of runs, and sends them; it loads OpenTelemetry.

Spans are named as n8n names them, and so are their attributes where n8n has such. Their ids are signatures of the
executions' ids: whoever knows of an execution knows its span, and nothing has to be kept for that.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, Status, StatusCode, TraceFlags

from app.places import version
from app.telemetry.provider import SERVICE, close_provider, cut, open_provider, parse_context
from app.telemetry.spans import Attributes, ExecutionSpan, NodeSpan, SpanCounts, SpanError, TracePlace

EXECUTION = "workflow.execute"
NODE = "node.execute"
SAMPLED, NOT_SAMPLED = TraceFlags(TraceFlags.SAMPLED), TraceFlags(TraceFlags.DEFAULT)


class PlannedIds(RandomIdGenerator):
    """Gives the next span the ids that were planned for it, and random ones where none were."""

    def __init__(self) -> None:
        self._planned: tuple[int | None, int | None] = (None, None)

    @contextmanager
    def planned(self, trace_id: int | None, span_id: int | None) -> Iterator[None]:
        """Plan the ids of the span that is started while this lasts."""
        self._planned = trace_id, span_id
        try:
            yield
        finally:
            self._planned = (None, None)

    def generate_trace_id(self) -> int:
        """Called by OpenTelemetry for a span without a parent; 128 bits."""
        return self._planned[0] or super().generate_trace_id()

    def generate_span_id(self) -> int:
        """Called by OpenTelemetry for each span; 64 bits."""
        return self._planned[1] or super().generate_span_id()


class Tracer:
    """Sends spans as OpenTelemetry's variables say, in a thread of its own: what that meets costs spans only."""

    def __init__(self, sign: Callable[[str], str], role: str) -> None:
        """`sign` gives 64 hexadecimal digits for a text, `role` says which part of the program this is.

        Raises SettingsError for variables that make no sense.
        """
        self._sign = sign
        self._ids = PlannedIds()
        self._lock = threading.Lock()
        self.counts = SpanCounts()
        self._provider = open_provider(role, self.counts, self._ids)
        self._tracer = self._provider.get_tracer(SERVICE, version())

    def send(self, told: ExecutionSpan) -> None:
        """Queue the spans of an execution, where it is one that is sampled. May be called in any thread."""
        span = self._start(told)
        if not span.is_recording():
            return
        within = trace.set_span_in_context(span)
        for node in told.nodes:
            self._send_node(node, within)
        finish(span, told.error, failed=told.failed, at=told.ended_ms)

    def close(self, seconds: float) -> int:
        """Send what is queued, for so long at most. How many spans have not arrived because of that."""
        return close_provider(self._provider, self.counts, seconds)

    def _start(self, told: ExecutionSpan) -> Span:
        parent = self._parent_of(told.place)
        links = []
        if told.resumed:
            # What ran before the wait has the execution's own id: what comes after stands below it.
            parent = self._context_of(told.place)
            links.append(Link(parent, {"n8n.continuation.reason": "resume"}))
        if told.retried is not None:
            links.append(Link(self._context_of(told.retried), {"executions.link": "retry_of"}))
        trace_id, span_id = self._ids_of(told.place.execution_id)
        context = None if parent is None else trace.set_span_in_context(NonRecordingSpan(parent))
        with self._lock, self._ids.planned(trace_id, None if told.resumed else span_id):
            return self._tracer.start_span(
                EXECUTION,
                context or Context(),
                attributes=clean(told.attributes),
                links=links,
                start_time=told.started_ms * 1_000_000,
            )

    def _send_node(self, node: NodeSpan, within: Context) -> None:
        with self._lock:
            span = self._tracer.start_span(
                NODE, within, attributes=clean(node.attributes), start_time=node.started_ms * 1_000_000
            )
        finish(span, node.error, failed=node.error is not None, at=node.started_ms + node.milliseconds)

    def _parent_of(self, place: TracePlace) -> SpanContext | None:
        """The span that an execution's own stands below: of the execution that started it, or of its caller."""
        if place.parent_id is not None:
            return self._context_of(TracePlace(place.parent_id, place.root_id, traceparent=place.traceparent))
        return None if place.traceparent is None else parse_context(place.traceparent)

    def _context_of(self, place: TracePlace) -> SpanContext:
        """The span of an execution, whoever has sent it."""
        _, span_id = self._ids_of(place.execution_id)
        if place.traceparent is not None:
            called = parse_context(place.traceparent)
            return SpanContext(called.trace_id, span_id, True, called.trace_flags)
        trace_id, _ = self._ids_of(place.root_id)
        sampling = self._provider.sampler.should_sample(Context(), trace_id, EXECUTION)
        sampled = sampling.decision is Decision.RECORD_AND_SAMPLE
        return SpanContext(trace_id, span_id, True, SAMPLED if sampled else NOT_SAMPLED)

    def _ids_of(self, execution_id: int) -> tuple[int, int]:
        """The trace of an execution that nothing has called for, and the span of any execution."""
        signature = self._sign(f"trace {execution_id}")
        return int(signature[:32], 16), int(signature[32:48], 16)


def finish(span: Span, error: SpanError | None, *, failed: bool, at: int) -> None:
    """End a span at this time (milliseconds since 1970), well or with its error."""
    if error is not None:
        kind, message = cut(error.type), cut(error.message)
        span.set_attribute("error.type", kind)
        said = {"exception.type": kind, "exception.message": message}
        span.add_event("exception", said, timestamp=at * 1_000_000)
        span.set_status(Status(StatusCode.ERROR, message))
    else:
        span.set_status(Status(StatusCode.ERROR if failed else StatusCode.OK))
    span.end(at * 1_000_000)


def clean(attributes: Attributes) -> dict[str, str | int | float | bool]:
    """Those that are there, with texts that Protocol Buffers can hold and not too long."""
    there = {name: value for name, value in attributes.items() if value is not None}
    return {name: cut(value) if isinstance(value, str) else value for name, value in there.items()}
