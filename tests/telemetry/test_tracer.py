"""How spans stand to each other, and what becomes of them on their way; nothing is sent over a network here."""

import hashlib
import threading

import pytest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from app.environment import SettingsError
from app.telemetry import provider
from app.telemetry.provider import MAX_TEXT_LENGTH
from app.telemetry.spans import ExecutionSpan, NodeSpan, SpanError, TracePlace
from app.telemetry.tracer import Tracer
from tests.patience import wait_until

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Kept(SpanExporter):
    """Keeps what is exported, or raises; waits while `closed`."""

    def __init__(self) -> None:
        self.spans = []
        self.result = SpanExportResult.SUCCESS
        self.open = threading.Event()
        self.open.set()

    def export(self, spans):
        self.open.wait()
        if self.result is None:
            raise OSError("broken")
        self.spans += spans
        return self.result

    def shutdown(self) -> None: ...


@pytest.fixture
def kept(monkeypatch) -> Kept:
    made = Kept()
    monkeypatch.setattr(provider, "open_exporter", lambda: made)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "5")
    return made


def open_tracer() -> Tracer:
    return Tracer(lambda text: hashlib.sha256(text.encode()).hexdigest(), "worker")


def told(number: int, root: int | None = None, parent: int | None = None, **more) -> ExecutionSpan:
    place = TracePlace(number, root or number, parent, more.pop("traceparent", None))
    return ExecutionSpan(place, 1_000, 2_000, {"number": number}, **more)


def test_a_family_stands_in_one_trace_whoever_sends_which_span_first(kept):
    one, other = open_tracer(), open_tracer()
    other.send(told(3, root=1, parent=2))
    one.send(told(2, root=1, parent=1, resumed=True))
    other.send(told(2, root=1, parent=1))
    one.send(told(1, nodes=[NodeSpan(1_100, 50, {"n": "a"}, SpanError("Bad", "x" * 5_000 + "\ud800"))], failed=True))
    one.close(60)
    other.close(60)
    spans = {(span.name, span.attributes.get("number")): span for span in kept.spans if not span.links}
    first, second, third = (spans["workflow.execute", number] for number in (1, 2, 3))
    node = spans["node.execute", None]
    assert len({span.context.trace_id for span in kept.spans}) == 1
    assert first.parent is None
    assert second.parent.span_id == node.parent.span_id == first.context.span_id
    assert third.parent.span_id == second.context.span_id
    [resumed] = [span for span in kept.spans if span.links]
    assert resumed.parent.span_id == resumed.links[0].context.span_id == second.context.span_id
    assert resumed.context.span_id != second.context.span_id
    assert (node.start_time, node.end_time) == (1_100_000_000, 1_150_000_000)
    assert node.status.description == "x" * MAX_TEXT_LENGTH
    assert not first.status.is_ok
    assert one.counts.sent + other.counts.sent == len(kept.spans) == 5


def test_what_is_not_sampled_is_not_sampled_anywhere_in_its_trace(kept, monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    tracer = open_tracer()
    for number in range(1, 41):
        tracer.send(told(number))
        tracer.send(told(number + 100, root=number, parent=number))
    tracer.send(told(500, traceparent=f"00-{TRACE}-{SPAN}-00"))
    tracer.send(told(501, traceparent=f"00-{TRACE}-{SPAN}-01"))
    tracer.close(60)
    seen = {span.attributes["number"] for span in kept.spans}
    family = {number for number in seen if number <= 40}
    assert 5 < len(family) < 35
    assert {number - 100 for number in seen if 100 < number < 500} == family
    assert {number for number in seen if number >= 500} == {501}


def test_what_does_not_arrive_is_counted_and_waits_in_a_bounded_queue(kept, monkeypatch):
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "10")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "5")
    tracer = open_tracer()
    kept.open.clear()
    for number in range(1, 31):
        tracer.send(told(number))
    assert (tracer.counts.lost, tracer.counts.waiting) == (20, 10)
    assert tracer.close(0.01) == 10
    kept.result = None
    kept.open.set()
    wait_until(lambda: tracer.counts.lost > 20)


@pytest.mark.parametrize(
    ("name", "size"), [("OTEL_BSP_MAX_QUEUE_SIZE", "many"), ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "-3")]
)
def test_sizes_that_make_no_sense_are_a_sentence(kept, monkeypatch, name, size):
    monkeypatch.setenv(name, size)
    with pytest.raises(SettingsError, match="OTEL_"):
        open_tracer()
