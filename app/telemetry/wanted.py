"""Whether traces are wanted, and whether what sends them is there."""

from collections.abc import Mapping
from importlib.util import find_spec

from app.environment import SettingsError, parse_url
from app.telemetry.spans import SpanCounts

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN = "http/protobuf"
NEEDED = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")
INSTALL = (
    "install the packages for it: `pip install 'executions-api[opentelemetry]'`, or `make install-opentelemetry` in a "
    "clone"
)
CLOSE_SECONDS = 1.0
"""How long the end of a process of the API waits for the collector."""


def wants_traces(environ: Mapping[str, str]) -> bool:
    """Whether OpenTelemetry's variables name a collector, and none of them says that there are to be no traces."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
        return False
    return any(environ.get(name, "").strip() for name in ENDPOINTS)


def check_traces(environ: Mapping[str, str]) -> None:
    """Raise SettingsError, which says what to do, where traces are wanted that cannot be sent."""
    if not wants_traces(environ):
        return
    for name in PROTOCOLS:
        protocol = environ.get(name, "").strip()
        if protocol not in ("", SPOKEN):
            raise SettingsError(
                f"{name} is {protocol!r}: traces are sent by {SPOKEN}, which collectors take at port 4318"
            )
        if protocol:
            break  # that of traces counts, whatever the other says
    named = next(name for name in ENDPOINTS if environ.get(name, "").strip())
    parse_url(environ[named].strip(), named)
    if not is_installed():
        raise SettingsError(f"{named} asks for traces: {INSTALL}")


def try_traces(environ: Mapping[str, str]) -> None:
    """Begin to send traces, where they are wanted, and stop at once. Raises SettingsError where that does not go."""
    check_traces(environ)
    if wants_traces(environ):
        from app.telemetry.request_tracer import RequestTracer  # loads OpenTelemetry, which only traces need

        RequestTracer(SpanCounts()).close(CLOSE_SECONDS)


def is_installed() -> bool:
    """Whether OpenTelemetry's packages are there."""
    try:
        return all(find_spec(name) is not None for name in NEEDED)
    except ModuleNotFoundError:
        return False
