"""What one worker says of itself: whether it lives, whether it is ready, and its measurements for Prometheus.

The figures of all workers together come from the database, by way of the API; these are of one process.
"""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Histogram, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from app.engine.sandbox import Sandbox
from app.places import version
from app.telemetry.spans import SpanCounts
from app.worker.health import HealthAnswer, json_page
from app.worker.worker import Worker

PREFIX = "executions_worker_process"
"""Without the last part the names are the API's, which tells of all workers."""
LAG_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
RUN_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Vitals(Collector):
    """What a worker says; may be asked in any thread."""

    def __init__(self, worker: Worker, sandbox: Sandbox, slots: int) -> None:
        """`slots`: how many executions the worker may run at once."""
        self._worker = worker
        self._sandbox = sandbox
        self._slots = slots
        self._registry = CollectorRegistry()
        self._registry.register(self)
        lag = Histogram(
            f"{PREFIX}_loop_lag_seconds",
            "How much later than it should the worker's loop turned.",
            buckets=LAG_BUCKETS,
            registry=self._registry,
        )
        runs = Histogram(
            f"{PREFIX}_run_seconds",
            "How long executions ran until they ended or waited, by what became of them.",
            ("status",),
            buckets=RUN_BUCKETS,
            registry=self._registry,
        )
        worker.observe_runs(lambda status, seconds: runs.labels(status).observe(seconds))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        worker.pulse.observe = lag.observe

    def pages(self) -> Mapping[str, Callable[[], HealthAnswer]]:
        """What is answered at which path."""
        return {"/healthz": self.alive, "/healthz/readiness": self.ready, "/metrics": self.metrics}

    def alive(self) -> HealthAnswer:
        """503 when only a new process helps: the loop stands still, or the beat's thread does."""
        worker, beat = self._worker, self._worker.beat
        if not worker.turns:
            return json_page(503, f"The worker's loop has stood still for {worker.pulse.silence:.0f} s")
        if beat is not None and not beat.tries:
            return json_page(503, "The worker's beat stands still")
        return json_page(200)

    def ready(self) -> HealthAnswer:
        """503 while the worker claims nothing: it stops, holds no lease, or does not reach the database."""
        beat = self._worker.beat
        if self._worker.is_stopping:
            return json_page(503, "The worker is stopping")
        if beat is None or beat.lost:
            return json_page(503, "The worker holds no lease")
        if not beat.reaches_database:
            return json_page(503, "The database is not available at the moment")
        return json_page(200)

    def metrics(self) -> HealthAnswer:
        """All measurements in Prometheus' text format."""
        return HealthAnswer(generate_latest(self._registry), content_type=TEXT)

    def describe(self) -> list[Metric]:
        """Nothing is asked before the first scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The families, all from this process's memory: no database is asked."""
        worker, beat = self._worker, self._worker.beat
        tally = worker.tally
        yield InfoMetricFamily("executions_build", "The program.", value={"version": version()})
        yield _gauge("slots", "Executions that it can run at once.", self._slots)
        yield _gauge("running", "Executions that it runs.", worker.running)
        yield _gauge("sandbox_processes", "Processes that run JavaScript for it.", len(self._sandbox.pids))
        yield _gauge("loop_silence_seconds", "Since its loop turned.", worker.pulse.silence)
        yield _gauge("lease_seconds", "Until its lease lapses without another beat.", beat.seconds_left if beat else 0)
        yield _gauge("database_up", "1 when its last beat reached the database.", bool(beat and beat.reaches_database))
        yield _counter("claims", "Executions that it has claimed.", tally.claims)
        yield _counter("results", "Results that it has recorded.", tally.results)
        yield _counter("late_results", "Results that came after a stop or a reaping.", tally.late_results)
        if worker.spans is not None:
            yield _spans(worker.spans)
        yield _counter("sandbox_kills", "Processes that were ended at a limit, or died.", self._sandbox.ended)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"{PREFIX}_{name}", text, value=value)


def _spans(counts: SpanCounts) -> Metric:
    family = CounterMetricFamily(
        f"{PREFIX}_spans", "Spans of OpenTelemetry, by what became of them.", labels=["result"]
    )
    family.add_metric(["sent"], counts.sent)
    family.add_metric(["lost"], counts.lost)
    return family
