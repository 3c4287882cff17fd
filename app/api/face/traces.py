"""In which trace a caller sees its call, where traces are wanted."""

from flask import request

from app.api.face.services import services
from app.telemetry.traceparent import parse_traceparent


def called_within() -> str | None:
    """The caller's span, by its header `traceparent`, for what the call starts; None where nobody wants traces."""
    return parse_traceparent(request.headers.get("traceparent")) if services().settings.traces else None
