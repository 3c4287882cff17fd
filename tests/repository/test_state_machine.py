"""The state machine under random actors: two workers, two callers and a reaper over one database.

Hypothesis chooses the steps; a model in memory says what each answer must be and, after every step, what
PostgreSQL must hold.
"""

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.repository import deletions, executions, lifecycle, retries, workers
from app.repository.errors import CannotDelete, CannotRetry, CannotStop, ExecutionNotFound
from app.repository.execution_filters import ExecutionFilter
from app.repository.lifecycle import Result
from tests.repository.given import DATA, a_new_execution, a_worker, a_workflow

ENDED = {"success", "error", "canceled", "crashed"}
IN_FLIGHT = {"new", "running", "waiting"}
LEASE = 30.0


class Actors(RuleBasedStateMachine):
    """`self.model` maps id to [status, worker, retry_of, retry_success_id]."""

    ids = Bundle("ids")
    database_connect = None

    def __init__(self) -> None:
        super().__init__()
        self.connection = type(self).database_connect()
        self.connection.execute("TRUNCATE executions, workers, workflows, workflow_versions, counters CASCADE")
        a_workflow(self.connection)
        self.workers = [a_worker(self.connection), a_worker(self.connection)]
        self.model: dict[int, list] = {}

    def teardown(self) -> None:
        self.connection.close()

    def status(self, execution_id: int) -> str | None:
        return self.model[execution_id][0] if execution_id in self.model else None

    @rule(target=ids)
    def create(self) -> int:
        execution_id = a_new_execution(self.connection)
        self.model[execution_id] = ["new", None, None, None]
        return execution_id

    @rule(index=st.integers(0, 1), limit=st.integers(0, 4))
    def claim(self, index: int, limit: int) -> None:
        worker_id = self.workers[index]
        claimed = [claim.id for claim in lifecycle.claim(self.connection, worker_id, limit)]
        self.connection.commit()
        waiting = {i for i, row in self.model.items() if row[0] == "waiting"}
        queued = sorted(i for i, row in self.model.items() if row[0] == "new")
        assert len(claimed) == min(limit, len(waiting) + len(queued))
        # All are of one project, so whosever turn it is, they are the oldest.
        assert sorted(i for i in claimed if i not in waiting) == queued[: max(0, limit - len(waiting))]
        for execution_id in claimed:
            self.model[execution_id][:2] = ["running", worker_id]

    @rule(index=st.integers(0, 1), execution_id=ids, status=st.sampled_from(["success", "error", "waiting"]))
    def finish(self, index: int, execution_id: int, status: str) -> None:
        """Also tried by the worker that does not hold it, and on what has ended or is gone."""
        worker_id = self.workers[index]
        row = self.model.get(execution_id)
        held = row is not None and row[:2] == ["running", worker_id]
        mode = "retry" if row is not None and row[2] is not None else "manual"
        result = Result(
            execution_id,
            status,
            mode,
            DATA,
            error_message="failed" if status == "error" else None,
            wait_till=datetime.now(UTC) - timedelta(minutes=1) if status == "waiting" else None,
        )
        recorded = lifecycle.finish(self.connection, worker_id, [result])
        self.connection.commit()
        assert recorded == ({execution_id} if held else set())
        if held:
            row[0] = status
            if status == "success":
                original = row[2]
                while original is not None and original in self.model:
                    self.model[original][3] = execution_id
                    original = self.model[original][2]

    @precondition(lambda self: self.running())
    @rule(data=st.data(), status=st.sampled_from(["success", "error", "waiting"]))
    def finish_what_is_held(self, data: st.DataObject, status: str) -> None:
        execution_id = data.draw(st.sampled_from(self.running()))
        self.finish(self.workers.index(self.model[execution_id][1]), execution_id, status)

    @precondition(lambda self: self.running())
    @rule(data=st.data())
    def try_to_delete_what_runs(self, data: st.DataObject) -> None:
        self.delete([data.draw(st.sampled_from(self.running()))])

    @precondition(lambda self: self.failed())
    @rule(data=st.data())
    def retry_what_failed(self, data: st.DataObject) -> None:
        self.retry(data.draw(st.sampled_from(self.failed())))

    def running(self) -> list[int]:
        return [execution_id for execution_id, row in self.model.items() if row[0] == "running"]

    def failed(self) -> list[int]:
        return [execution_id for execution_id, row in self.model.items() if row[0] in ENDED - {"success"}]

    @rule(execution_id=ids)
    def stop(self, execution_id: int) -> None:
        status = self.status(execution_id)
        try:
            lifecycle.stop(self.connection, execution_id)
            assert status in IN_FLIGHT
            self.model[execution_id][0] = "canceled"
        except CannotStop:
            assert status in ENDED
        except ExecutionNotFound:
            assert status is None
        self.connection.commit()

    @rule(statuses=st.sets(st.sampled_from(sorted(IN_FLIGHT)), min_size=1))
    def stop_many(self, statuses: set[str]) -> None:
        matching = [row for row in self.model.values() if row[0] in statuses]
        stopped = lifecycle.stop_many(self.connection, ExecutionFilter(statuses=tuple(statuses)))
        assert len(stopped) == len(matching)
        self.connection.commit()
        for row in matching:
            row[0] = "canceled"

    @rule(target=ids, execution_id=ids)
    def retry(self, execution_id: int) -> int:
        status = self.status(execution_id)
        in_flight = any(row[2] == execution_id and row[0] in IN_FLIGHT for row in self.model.values())
        try:
            retry_id = retries.retry(self.connection, execution_id, load_workflow=False)
            assert status in ENDED - {"success"}
            assert not in_flight
            self.model[retry_id] = ["new", None, execution_id, None]
        except CannotRetry:
            assert status == "success" or status in IN_FLIGHT or in_flight
            retry_id = execution_id
        except ExecutionNotFound:
            assert status is None
            retry_id = execution_id
        self.connection.commit()
        return retry_id

    @rule(chosen=st.lists(ids, min_size=1, max_size=4))
    def delete(self, chosen: list[int]) -> None:
        there = [i for i in set(chosen) if i in self.model]
        try:
            assert deletions.delete_executions(self.connection, ExecutionFilter(ids=tuple(chosen))) == len(there)
            assert all(self.status(i) != "running" for i in there)
            for execution_id in there:
                del self.model[execution_id]
        except CannotDelete:
            assert any(self.status(i) == "running" for i in there)
        self.connection.commit()

    @rule(index=st.integers(0, 1))
    def lose_a_worker(self, index: int) -> None:
        """One worker falls silent, is reaped, and a new one takes its place."""
        lost = self.workers[index]
        silence = "UPDATE workers SET heartbeat_at = now() - interval '1 hour' WHERE id = %s"
        self.connection.execute(silence, [lost])
        crashed = lifecycle.reap(self.connection, lease_seconds=LEASE)
        assert not workers.heartbeat(self.connection, lost)
        assert lifecycle.claim(self.connection, lost, 5) == []
        self.connection.commit()
        held = sorted(i for i, row in self.model.items() if row[:2] == ["running", lost])
        assert sorted(crashed) == held
        for execution_id in held:
            self.model[execution_id][0] = "crashed"
        self.workers[index] = a_worker(self.connection)

    @rule()
    def reap_nobody(self) -> None:
        assert lifecycle.reap(self.connection, lease_seconds=LEASE) == []
        self.connection.commit()

    @invariant()
    def database_equals_model(self) -> None:
        rows = executions.list_executions(self.connection, ExecutionFilter(), limit=1000)
        self.connection.rollback()
        assert {e.id: (e.status, e.retry_of, e.retry_success_id) for e in rows} == {
            i: (row[0], row[2], row[3]) for i, row in self.model.items()
        }
        for e in rows:
            assert (e.stopped_at is not None) == (e.status in ENDED)
            assert (e.wait_till is not None) == (e.status == "waiting")
            assert e.started_at is not None or e.status in ("new", "canceled")
        pairs = [(row[2], row[0] in IN_FLIGHT) for row in self.model.values() if row[2] is not None]
        in_flight = [original for original, flying in pairs if flying]
        assert len(in_flight) == len(set(in_flight)), "two retries of one execution in flight"


def test_random_actors_keep_the_state_machine(connect) -> None:
    Actors.database_connect = staticmethod(connect)
    run_state_machine_as_test(
        Actors,
        settings=settings(
            max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
