"""The spans of requests, where traces are wanted: each below its caller's span, and above what the request starts."""

import atexit
import logging
import os

from flask import Response, g, request

from app.api.face.metrics import RequestMetrics
from app.api.face.proxies import unwrap
from app.api.face.services import services
from app.settings import Settings
from app.telemetry.spans import RequestSpan, RequestSpans, SpanCounts
from app.telemetry.traceparent import parse_traceparent
from app.telemetry.wanted import CLOSE_SECONDS, check_traces

log = logging.getLogger(__name__)

UNTOLD = frozenset({"/healthz", "/healthz/readiness", "/metrics"})
"""Asked all the time, by what watches the server."""


def open_tracer(settings: Settings, metrics: RequestMetrics) -> RequestSpans | None:
    """What takes the spans of this process's requests; None where nobody wants traces. Raises SettingsError."""
    if not settings.traces:
        return None
    check_traces(os.environ)
    from app.telemetry.request_tracer import RequestTracer  # loads OpenTelemetry, which only traces need

    tracer = RequestTracer(SpanCounts(metrics.count_spans))
    atexit.register(tracer.close, CLOSE_SECONDS)
    return tracer


def begin_span() -> None:
    """The present request has come."""
    tracer = services().tracer
    if tracer is None or (request.url_rule is not None and request.url_rule.rule in UNTOLD):
        return
    try:
        g.span = tracer.begin(request.method, parse_traceparent(request.headers.get("traceparent")))
    except Exception:
        log.exception("span lost")


def end_span(response: Response) -> None:
    """The present request is answered."""
    span: RequestSpan | None = unwrap(g).pop("span", None)
    if span is None:
        return
    api_key = g.get("api_key")
    attributes = {
        "executions.request.id": g.request_id,
        "executions.api_key.id": None if api_key is None else api_key.id,
    }
    try:
        span.end(request.url_rule.rule if request.url_rule else None, response.status_code, attributes)
    except Exception:
        log.exception("span lost")


def called_within() -> str | None:
    """The span that what this request starts stands below: the request's own; None where nobody wants traces."""
    span: RequestSpan | None = g.get("span")
    return None if span is None else span.traceparent
