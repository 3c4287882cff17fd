"""Spans on their way to the collector: in a queue with a bound, counted when they have arrived or are lost."""

import os
from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from app.telemetry.spans import SpanCounts

QUEUED = 2048
"""OpenTelemetry's own bound, where OTEL_BSP_MAX_QUEUE_SIZE sets no other."""


class CountingExporter(SpanExporter):
    """Sends by another exporter, and counts what became of it."""

    def __init__(self, exporter: SpanExporter, counts: SpanCounts) -> None:
        self._exporter = exporter
        self._counts = counts

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Called by OpenTelemetry: send the spans; they count as arrived only when the collector has taken them."""
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            self._counts.leave(len(spans), arrived=result is SpanExportResult.SUCCESS)
        return result

    def shutdown(self) -> None:
        """Called by OpenTelemetry at the end."""
        self._exporter.shutdown()


class BoundedProcessor(SpanProcessor):
    """Hands spans to a thread that sends them in batches; what finds the queue full is lost, and counted."""

    def __init__(self, exporter: SpanExporter, counts: SpanCounts) -> None:
        """Raises ValueError for sizes in OTEL_BSP_... that make no sense."""
        self._counts = counts
        self._most = queue_size()
        self._batches = BatchSpanProcessor(CountingExporter(exporter, counts), max_queue_size=self._most)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing is sent before its end."""

    def on_end(self, span: ReadableSpan) -> None:
        """Called by OpenTelemetry: queue a span that is sampled, or count it as lost."""
        if span.context is not None and span.context.trace_flags.sampled and self._counts.enter(self._most):
            self._batches.on_end(span)

    def shutdown(self) -> None:
        """Called by OpenTelemetry: send what is queued, and end the thread."""
        self._batches.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what is queued; False when that took longer."""
        flushed: bool = self._batches.force_flush(timeout_millis)
        return flushed


def queue_size() -> int:
    """How many spans may be on their way. Raises ValueError."""
    return int(os.environ.get("OTEL_BSP_MAX_QUEUE_SIZE", "").strip() or QUEUED)
