"""Measurements for Prometheus: how long requests take, and what the database knows about executions.

With PROMETHEUS_MULTIPROC_DIR set, all processes of a server answer with the sum of them all.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from psycopg_pool import ConnectionPool

from app.http_rules import METHODS
from app.places import version
from app.repository import counters, failures, workers
from app.repository.connection import UNREACHABLE, Connection
from app.repository.execution_counts import queue_state

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)

Database = Callable[[], AbstractContextManager[Connection]]


class RequestMetrics:
    """Durations of requests by endpoint, method and status, and where they were read from."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "executions_http_request_duration_seconds",
            "How long requests took, by the path's pattern, method and status.",
            ("endpoint", "method", "status"),
            buckets=BUCKETS,
            registry=self._registry,
        )

        self._reads = Counter(
            "executions_reads",
            "Lists and reads of executions, by the database that answered: primary or replica.",
            ("database",),
            registry=self._registry,
        )

        self._pool_waits = Counter(
            "executions_pool_waits", "Calls that had to wait for a database connection.", registry=self._registry
        )
        self._pool_wait_seconds = Counter(
            "executions_pool_wait_seconds", "How long they waited altogether.", registry=self._registry
        )
        self._pool_errors = Counter(
            "executions_pool_errors", "Calls that got no database connection in time.", registry=self._registry
        )
        self._pool_looked_at = 0.0
        self._spans = Counter(
            "executions_http_spans",
            "Spans of requests, by what became of them: sent or lost.",
            ("result",),
            registry=self._registry,
        )

    def observe_pool(self, pool: ConnectionPool[Connection], *, now: float) -> None:
        """Note what became of this process's waits for connections; looks at most once a second."""
        if now < self._pool_looked_at + 1:
            return
        self._pool_looked_at = now
        stats = pool.pop_stats()
        self._pool_waits.inc(stats.get("requests_queued", 0))
        self._pool_wait_seconds.inc(stats.get("requests_wait_ms", 0) / 1000)
        self._pool_errors.inc(stats.get("requests_errors", 0))

    def observe_read(self, database: str) -> None:
        """Note which database answered a read."""
        self._reads.labels(database).inc()

    def observe(self, endpoint: str, method: str, status: int, seconds: float) -> None:
        """Note one request; a method that nobody knows is not kept by its name."""
        self._seconds.labels(endpoint, method if method in METHODS else "other", str(status)).observe(seconds)

    def count_spans(self, result: str, number: int) -> None:
        """Note what became of spans: `sent` or `lost`. May be called in any thread."""
        self._spans.labels(result).inc(number)

    def text(self) -> bytes:
        """These measurements, of all processes of this server, in Prometheus' format."""
        registry = self._registry
        if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


class ExecutionCollector(Collector):
    """What the database knows: the same whichever server is asked."""

    def __init__(self, database: Database, lease_seconds: float) -> None:
        self._database = database
        self._lease_seconds = lease_seconds

    def collect(self) -> Iterator[Metric]:
        """The families; without a database none but `executions_build` and `executions_database_up`, which is 0."""
        yield InfoMetricFamily("executions_build", "The program.", value={"version": version()})
        up = GaugeMetricFamily("executions_database_up", "1 when the database answers.")
        try:
            with self._database() as connection:
                totals = counters.totals(connection)
                state = queue_state(connection)
                capacity = workers.read_capacity(connection, lease_seconds=self._lease_seconds)
                backlog = failures.read_backlog(connection)
        except UNREACHABLE:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from from_totals(totals)
        now = GaugeMetricFamily("executions_now", "Executions that have not ended, by status.", labels=["status"])
        for status, value in (("new", state.queued), ("running", state.running), ("waiting", state.waiting)):
            now.add_metric([status], value)
        yield now
        yield gauge("executions_queue_depth", "Executions that are queued.", state.queued)
        yield gauge("executions_queue_oldest_seconds", "Age of the oldest queued one.", state.oldest_queued_seconds)
        yield gauge("executions_workers", "Workers that are alive.", capacity.workers)
        yield gauge("executions_worker_slots", "Executions that they can run at once.", capacity.slots)
        yield gauge(
            "executions_failure_notices_pending", "Notices of failures that are still to be sent.", backlog.number
        )
        yield gauge("executions_failure_notices_oldest_seconds", "Age of the oldest of them.", backlog.oldest_seconds)


COUNTED: dict[str, tuple[str, str, tuple[str, ...]]] = {
    counters.ENDED: ("executions_ended", "Executions that ended, by status and mode.", ("status", "mode")),
    counters.LATE_RESULTS: ("executions_late_results", "Results that came after a stop or a reaping.", ()),
    counters.LEASES_LAPSED: ("executions_leases_lapsed", "Workers that were given up after a silence.", ()),
    counters.SANDBOX_KILLS: (
        "executions_sandbox_kills",
        "JavaScript processes that were killed at a limit or died.",
        (),
    ),
    counters.DELETED: ("executions_deleted", "Executions that were deleted: by a call, a job or pruning.", ("by",)),
}
"""Name, meaning and labels of each total that is shown as it stands."""


def from_totals(totals: Iterable[counters.Total]) -> Iterator[Metric]:
    """The running totals as metrics."""
    families = {name: CounterMetricFamily(*shown[:2], labels=shown[2]) for name, shown in COUNTED.items()}
    bounds: dict[str, float] = {}
    latency_sum = 0.0
    for total in totals:
        if total.name in families:
            labels = COUNTED[total.name][2]
            families[total.name].add_metric([total.labels[label] for label in labels], total.value)
        elif total.name == counters.CLAIM_LATENCY_BUCKET:
            bounds[total.labels["le"]] = total.value
        elif total.name == counters.CLAIM_LATENCY_SUM:
            latency_sum = total.value
    yield from families.values()
    latency = HistogramMetricFamily("executions_claim_latency_seconds", "From being queued to being claimed.")
    every = [*(str(bound) for bound in counters.CLAIM_LATENCY_BOUNDS), "+Inf"]
    latency.add_metric([], [(bound, bounds.get(bound, 0.0)) for bound in every], latency_sum)
    yield latency


def gauge(name: str, help_text: str, value: float) -> Metric:
    """A figure that goes up and down."""
    return GaugeMetricFamily(name, help_text, value=value)


def executions_text(database: Database, lease_seconds: float) -> bytes:
    """The database's measurements in Prometheus' format."""
    registry = CollectorRegistry()
    registry.register(ExecutionCollector(database, lease_seconds))
    return generate_latest(registry)
