"""What is told of requests; nothing is sent over a network here."""

import pytest

from app.telemetry.request_tracer import RequestTracer
from app.telemetry.spans import SpanCounts
from tests.telemetry.test_tracer import SPAN, TRACE, kept

__all__ = ["kept"]


@pytest.mark.parametrize(
    ("method", "route", "status", "name", "told"),
    [
        ("GET", "/a/<id>", 200, "GET /a/<id>", {"http.request.method": "GET", "http.route": "/a/<id>"}),
        ("GET", None, 404, "GET", {"http.request.method": "GET"}),
        ("to-ken", "/a", 405, "HTTP /a", {"http.request.method": "_OTHER", "http.route": "/a"}),
        ("POST", "/a", 503, "POST /a", {"http.request.method": "POST", "http.route": "/a", "error.type": "503"}),
    ],
)
def test_a_request_is_told_by_its_pattern(kept, method, route, status, name, told):
    counted = []
    tracer = RequestTracer(SpanCounts(lambda *each: counted.append(each)))
    span = tracer.begin(method, f"00-{TRACE}-{SPAN}-01")
    span.end(route, status, {"id": "x\ud800", "none": None})
    assert tracer.close(60) == 0
    [sent] = kept.spans
    assert (sent.name, dict(sent.attributes)) == (name, {**told, "http.response.status_code": status, "id": "x?"})
    assert span.traceparent == f"00-{TRACE}-{sent.context.span_id:016x}-01"
    assert f"{sent.parent.span_id:016x}" == SPAN
    assert sent.kind.name == "SERVER"
    assert (sent.status.status_code.name == "ERROR") is (status >= 500)
    assert counted == [("sent", 1)]


def test_what_a_request_starts_is_sampled_as_the_request_is(kept, monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
    tracer = RequestTracer(SpanCounts())
    for given, flags in ((None, "00"), (f"00-{TRACE}-{SPAN}-00", "00"), (f"00-{TRACE}-{SPAN}-01", "01")):
        span = tracer.begin("GET", given)
        span.end("/a", 200, {})
        assert span.traceparent.endswith(f"-{flags}")
        assert (TRACE in span.traceparent) is (given is not None)
    tracer.close(60)
    assert len(kept.spans) == 1
