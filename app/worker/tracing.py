"""The spans of one worker: noted when an execution ends or waits, and sent once PostgreSQL has recorded that."""

import logging
import os
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from app.engine.run.computing import compute, yield_to_loop
from app.engine.run.run import RunOutcome
from app.repository import executions, traces
from app.repository.connection import Connection
from app.repository.lifecycle import Result
from app.signatures import Signer
from app.telemetry.spans import ExecutionSpan, SpanCounts
from app.telemetry.wanted import check_traces
from app.worker.exchange import Assignment
from app.worker.execution_spans import recorded_span, span_of

if TYPE_CHECKING:
    from app.telemetry.tracer import Tracer

log = logging.getLogger(__name__)

TellEnded = Callable[[Connection, Sequence[int]], None]
ROLE = "worker"
CLOSE_SECONDS = 1.0
"""How long the end of a worker waits for the collector."""


def open_tracing(signer: Signer) -> "Tracing":
    """Begin to send spans as OpenTelemetry's variables say. Raises SettingsError."""
    check_traces(os.environ)
    from app.telemetry.tracer import Tracer  # loads OpenTelemetry, which only traces need

    return Tracing(Tracer(signer.sign, ROLE))


class Tracing:
    """Tells of executions. Whatever goes wrong here costs spans, and no execution."""

    def __init__(self, tracer: "Tracer") -> None:
        self._tracer = tracer
        self._noted: dict[int, ExecutionSpan] = {}

    @property
    def counts(self) -> SpanCounts:
        """What has become of the spans so far."""
        return self._tracer.counts

    def note(
        self,
        assignment: Assignment,
        result: Result,
        outcome: RunOutcome | None,
        first_index: int | None,
        seconds: float,
    ) -> None:
        """Keep what is to be told of a run that took so long; its nodes from this executionIndex on are new."""
        with at_the_cost_of_spans(result.id):
            self._noted[result.id] = span_of(assignment, result, outcome, first_index, seconds)

    async def send(self, ids: Sequence[int], recorded: Collection[int]) -> None:
        """Tell of those of these that are recorded. Of the others somebody else does, who has given them up."""
        for execution_id in ids:
            told = self._noted.pop(execution_id, None)
            if told is not None and execution_id in recorded:
                with at_the_cost_of_spans(execution_id):
                    await compute(self._tracer.send, told, size=len(told.nodes))
                await yield_to_loop()

    def send_ended(self, connection: Connection, ids: Sequence[int]) -> None:
        """Tell of executions that have ended without a run to tell of: their worker was lost, or their trigger failed.

        May be called in any thread.
        """
        ended = executions.get_executions(connection, ids)
        retried = [execution.retry_of for execution in ended if execution.retry_of is not None]
        origins = traces.read_origins(connection, [*ids, *retried])
        for execution in ended:
            with at_the_cost_of_spans(execution.id):
                self._tracer.send(recorded_span(execution, origins))

    def forget_all(self) -> None:
        """Of what was noted nothing is told."""
        self._noted.clear()

    def close(self) -> None:
        """Send what is on its way, if the collector takes it at once."""
        if left := self._tracer.close(CLOSE_SECONDS):
            log.warning("spans lost: the collector has not taken them in time", extra={"spans": left})


class at_the_cost_of_spans:
    """What is raised while this lasts is logged, and no more."""

    def __init__(self, execution_id: int) -> None:
        self._execution_id = execution_id

    def __enter__(self) -> None:
        """Nothing has failed yet."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> bool:
        if kind is None or not issubclass(kind, Exception):
            return False
        log.error("spans lost", exc_info=error, extra={"execution": self._execution_id})
        return True
