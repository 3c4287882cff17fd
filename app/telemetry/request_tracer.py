"""Spans of the requests that the API answers; it loads OpenTelemetry.

OpenTelemetry's own instrumentation for Flask is not taken: it puts the whole address into a span. That holds the paths
of webhooks, the signatures of links that executions wait at, and whatever callers put into a query.
"""

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, Span, SpanKind, Status, StatusCode, TraceFlags

from app.http_rules import METHODS
from app.places import version
from app.telemetry.provider import SERVICE, close_provider, cut, open_provider, parse_context
from app.telemetry.spans import Attributes, SpanCounts

ROLE = "main"
OTHER_METHOD = "_OTHER"
FIRST_FAILURE = 500
"""From this status on it is the server that has failed."""


class RequestTracer:
    """Sends spans as OpenTelemetry's variables say, in a thread of its own: what that meets costs spans only."""

    def __init__(self, counts: SpanCounts) -> None:
        """Raises SettingsError for variables that make no sense."""
        self._counts = counts
        self._provider = open_provider(ROLE, counts)
        self._tracer = self._provider.get_tracer(SERVICE, version())

    def begin(self, method: str, traceparent: str | None) -> "OpenRequestSpan":
        """A request has come; `traceparent` is its caller's, valid or None."""
        context = Context()
        if traceparent is not None:
            context = trace.set_span_in_context(NonRecordingSpan(parse_context(traceparent)), context)
        name = method if method in METHODS else "HTTP"
        known = {"http.request.method": method if method in METHODS else OTHER_METHOD}
        return OpenRequestSpan(name, self._tracer.start_span(name, context, kind=SpanKind.SERVER, attributes=known))

    def close(self, seconds: float) -> int:
        """Send what is queued, for so long at most. How many spans have not arrived because of that."""
        return close_provider(self._provider, self._counts, seconds)


class OpenRequestSpan:
    """A request that is being answered."""

    __slots__ = ("_name", "_span", "traceparent")

    def __init__(self, name: str, span: Span) -> None:
        self._name = name
        self._span = span
        own = span.get_span_context()
        self.traceparent = f"00-{own.trace_id:032x}-{own.span_id:016x}-{own.trace_flags & TraceFlags.SAMPLED:02x}"

    def end(self, route: str | None, status: int, attributes: Attributes) -> None:
        """It is answered; of the address nothing is told but the pattern."""
        span = self._span
        if not span.is_recording():
            return
        if route is not None:
            span.update_name(f"{self._name} {route}")
            span.set_attribute("http.route", route)
        span.set_attribute("http.response.status_code", status)
        for key, value in attributes.items():
            if value is not None:
                span.set_attribute(key, cut(value) if isinstance(value, str) else value)
        if status >= FIRST_FAILURE:
            span.set_attribute("error.type", str(status))
            span.set_status(Status(StatusCode.ERROR))
        span.end()
