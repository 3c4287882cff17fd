"""A queue that tests fill and watch, over the test's own database."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from app.processes import Child
from app.repository import executions, lifecycle, workflows
from app.repository.connection import Connection, connect
from app.repository.execution_data import read_data
from app.repository.executions import Execution
from app.repository.lifecycle import StartInput
from app.vocabulary import ENDED
from tests import live
from tests.deployment.hosts import World, world
from tests.patience import wait_until
from tests.postgres import cloned_database
from tests.warm import SANDBOXES_WHEN_NEEDED
from tests.worker.renewing import party  # noqa: F401

REACH = {"EXECUTIONS_ALLOWED_HOSTS": "127.0.0.1"}
LEASE = {"EXECUTIONS_HEARTBEAT_SECONDS": 0.5, "EXECUTIONS_LEASE_SECONDS": 5}
"""Soon lost, and still not lost by a worker that only has to wait for a processor."""

IN_FLIGHT = "SELECT count(*) FROM executions WHERE status IN ('new', 'running')"


class Queue:
    """Saves workflows, queues executions of them and waits for what becomes of them."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def save(self, definition: bytes, workflow_id: str = "w1") -> str:
        workflows.create_workflow(
            self.connection, workflow_id, project_id="default", name=workflow_id, definition=definition
        )
        return workflow_id

    def add(
        self,
        workflow_id: str = "w1",
        number: int = 1,
        *,
        items: bytes | None = None,
        mode: str = "manual",
        retry_of: int | None = None,
    ) -> list[int]:
        workflow = workflows.get_workflow(self.connection, workflow_id)
        with self.connection.transaction():
            return [
                lifecycle.create_execution(
                    self.connection, workflow.target, StartInput(items=items), mode=mode, retry_of=retry_of
                )
                for _ in range(number)
            ]

    def get(self, execution_id: int) -> Execution:
        return executions.get_execution(self.connection, execution_id)

    def data(self, execution_id: int) -> dict[str, Any]:
        return orjson.loads(read_data(self.connection, [execution_id])[execution_id])

    def ran(self, execution_id: int) -> dict[str, list[str]]:
        """Each node that ran, with the status of each of its runs."""
        runs = self.data(execution_id)["resultData"]["runData"]
        return {name: [run["executionStatus"] for run in each] for name, each in runs.items()}

    def wait_for(self, ids: Iterable[int], statuses: Iterable[str] = ENDED) -> list[Execution]:
        """The executions, once each has one of the statuses."""
        ids = list(ids)

        def found() -> list[Execution]:
            return sorted(executions.get_executions(self.connection, ids), key=lambda execution: execution.id)

        def all_there() -> list[Execution] | None:
            there = found()
            there = [execution for execution in there if execution.status in statuses]
            return there if len(there) == len(ids) else None

        if not ids:
            return []
        return wait_until(all_there, lambda: f"still {[(e.id, e.status, e.error_message) for e in found()]}")

    def wait_for_data(self, ids: Iterable[int]) -> None:
        """Until the worker has recorded what has run of each: of what was stopped that comes after the status."""
        for execution_id in ids:
            wait_until(lambda each=execution_id: self.get(each).json_size_bytes, "what had run is not recorded")


@pytest.fixture
def queue(connect) -> Queue:
    return Queue(connect(autocommit=True))


@pytest.fixture
def outside() -> Iterator[World]:
    """Who hears of what executions do while they run; workers reach it with REACH."""
    with world() as server:
        yield server


@dataclass(frozen=True)
class Staffed:
    """A database that a worker, which may call this machine, works for."""

    database_url: str
    worker: Child


@pytest.fixture(scope="module")
def staffed(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staffed]:
    with cloned_database(postgres_url) as url:
        home = tmp_path_factory.mktemp("staffed")
        worker = live.start_worker(url, home, **{SANDBOXES_WHEN_NEEDED: 1, **REACH})
        try:
            yield Staffed(url, worker)
        finally:
            worker.stop()


@pytest.fixture
def staffed_queue(staffed: Staffed) -> Iterator[Queue]:
    """A queue like `queue`, empty, with one worker for all tests of a module, which must still be there at the end."""
    with connect(staffed.database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM executions")
        connection.execute("DELETE FROM workflows")
        connection.execute("DELETE FROM projects WHERE id <> 'default'")
        yield Queue(connection)
        wait_until(lambda: connection.execute(IN_FLIGHT).fetchone() == (0,), "something still runs")
    staffed.worker.check()
