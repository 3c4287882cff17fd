"""A queue that tests fill and watch, over the test's own database."""

import time
from collections.abc import Iterable
from typing import Any

import orjson
import pytest

from app.repository import executions, lifecycle, workflows
from app.repository.connection import Connection
from app.repository.execution_data import read_data
from app.repository.executions import Execution
from app.vocabulary import ENDED


class Queue:
    """Saves workflows, queues executions of them and waits for what becomes of them."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def save(self, definition: bytes, workflow_id: str = "w1") -> str:
        workflows.create_workflow(
            self.connection, workflow_id, project_id="default", name=workflow_id, definition=definition
        )
        return workflow_id

    def add(self, workflow_id: str = "w1", number: int = 1, *, mode: str = "manual", **options: Any) -> list[int]:
        workflow = workflows.get_workflow(self.connection, workflow_id)
        with self.connection.transaction():
            return [
                lifecycle.create_execution(
                    self.connection,
                    workflow.target,
                    mode=mode,
                    **options,
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

    def wait_for(self, ids: Iterable[int], statuses: Iterable[str] = ENDED, seconds: float = 15) -> list[Execution]:
        """The executions, once each has one of the statuses."""
        ids = list(ids)
        deadline = time.monotonic() + seconds
        while True:
            found = executions.get_executions(self.connection, ids)
            if len(found) == len(ids) and all(execution.status in statuses for execution in found):
                return sorted(found, key=lambda execution: execution.id)
            assert time.monotonic() < deadline, f"still {[(e.id, e.status, e.error_message) for e in found]}"
            time.sleep(0.02)


@pytest.fixture
def queue(connect) -> Queue:
    return Queue(connect(autocommit=True))
