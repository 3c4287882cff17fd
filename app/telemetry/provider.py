"""What all spans of a process have in common: how they are sampled, what they are said to come from, where they go."""

import threading
import uuid

from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import SpanContext, TraceFlags

from app.environment import SettingsError
from app.places import version
from app.telemetry.collector import open_exporter
from app.telemetry.delivery import BoundedProcessor
from app.telemetry.spans import SpanCounts

SERVICE = "executions"
UNNAMED = "unknown_service"
MAX_TEXT_LENGTH = 1_000


def open_provider(role: str, counts: SpanCounts, ids: IdGenerator | None = None) -> TracerProvider:
    """What makes tracers that send as OpenTelemetry's variables say; `role` says which part of the program this is.

    Raises SettingsError for variables that make no sense.
    """
    try:
        # Its own end of a process waits for the collector for as long as that likes.
        provider = TracerProvider(
            resource=describe(role), id_generator=ids or RandomIdGenerator(), shutdown_on_exit=False
        )
        processor = BoundedProcessor(open_exporter(), counts)
    except ValueError as error:
        raise SettingsError(f"OpenTelemetry's variables (OTEL_...) cannot be used: {error}") from None
    provider.add_span_processor(processor)
    return provider


def close_provider(provider: TracerProvider, counts: SpanCounts, seconds: float) -> int:
    """Send what is queued, for so long at most. How many spans have not arrived because of that."""
    closing = threading.Thread(target=provider.shutdown, name="traces", daemon=True)
    closing.start()
    closing.join(seconds)
    return counts.waiting


def describe(role: str) -> Resource:
    """What is the same for all spans of this process; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come first."""
    said = Resource.create()
    ours: dict[str, str | bool | int | float] = {"n8n.instance.role": role}
    ours[SERVICE_VERSION], ours[SERVICE_INSTANCE_ID] = version(), str(uuid.uuid4())
    given = {name: value for name, value in said.attributes.items() if value != ""}
    if str(given.get(SERVICE_NAME, UNNAMED)).startswith(UNNAMED):
        given[SERVICE_NAME] = SERVICE
    return Resource({**ours, **given}, said.schema_url)


def parse_context(traceparent: str) -> SpanContext:
    """The span that a valid traceparent names."""
    _, trace_id, span_id, flags = traceparent.split("-")
    return SpanContext(int(trace_id, 16), int(span_id, 16), True, TraceFlags(int(flags, 16)))


def cut(text: str) -> str:
    """The beginning of a text, without lone surrogates."""
    return text[:MAX_TEXT_LENGTH].encode("utf-8", "replace").decode()
