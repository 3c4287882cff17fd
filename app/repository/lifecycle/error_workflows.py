"""The workflow that starts because another one has failed, or because somebody has stopped it while it ran."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.repository.connection import Connection
from app.repository.lifecycle.creation import create_execution

MODE = "error"

CURRENT_WORKFLOW = """
    SELECT w.version_id, w.project_id
      FROM workflows AS w
     WHERE w.id = %(workflow_id)s
       FOR KEY SHARE
"""

# Which of them have an error workflow: the one that the settings name, else an Error Trigger of their own.
WANTED = """
    SELECT e.id, e.workflow_id, v.name, e.mode, e.retry_of, wanted.id
      FROM executions AS e
      JOIN workflow_versions AS v ON v.id = e.workflow_version_id
     CROSS JOIN LATERAL (
           SELECT coalesce(
               nullif(nullif(v.definition -> 'settings' ->> 'errorWorkflow', ''), 'DEFAULT'),
               CASE WHEN EXISTS (
                   SELECT FROM json_array_elements(v.definition -> 'nodes') AS n (node)
                    WHERE n.node ->> 'type' = 'n8n-nodes-base.errorTrigger'
                      AND n.node ->> 'disabled' IS DISTINCT FROM 'true')
               THEN e.workflow_id END)) AS wanted (id)
     WHERE e.id = ANY(%(ids)s) AND e.mode <> 'manual'
       AND wanted.id IS NOT NULL AND (e.mode <> 'error' OR wanted.id <> e.workflow_id)
     ORDER BY e.id
"""

STOPPED = {"name": "ManualExecutionCancelledError", "message": "The execution was cancelled manually"}


@dataclass(frozen=True, slots=True)
class ErrorWorkflow:
    """The workflow to start because this execution failed; `items` is a JSON array for its Error Trigger."""

    workflow_id: str
    items: bytes
    start_node: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """What an Error Trigger is told. `address`: where this server is reached from outside."""

    execution_id: int
    workflow_id: str
    workflow_name: str | None
    mode: str
    error: dict[str, Any]
    retry_of: int | None = None
    last_node: str | None = None
    address: str | None = None

    def items(self) -> bytes:
        """The one item of the Error Trigger, in n8n's shape."""
        execution: dict[str, Any] = {"id": str(self.execution_id)}
        if self.address is not None:
            execution["url"] = f"{self.address}/api/v1/executions/{self.execution_id}"
        if self.retry_of is not None:
            execution["retryOf"] = str(self.retry_of)
        execution["error"] = self.error
        if self.last_node is not None:
            execution["lastNodeExecuted"] = self.last_node
        execution["mode"] = self.mode
        workflow = {"id": self.workflow_id, "name": self.workflow_name}
        return orjson.dumps([{"json": {"execution": execution, "workflow": workflow}}], default=str)


def start_error_workflow(connection: Connection, failed: int, wanted: ErrorWorkflow) -> None:
    """Queue the error workflow of an execution that failed; one that is no longer there is passed over."""
    current = connection.execute(CURRENT_WORKFLOW, {"workflow_id": wanted.workflow_id}).fetchone()
    if current is not None:
        create_execution(
            connection,
            workflow_id=wanted.workflow_id,
            version_id=current[0],
            project_id=current[1],
            mode=MODE,
            parent_id=failed,
            start_node=wanted.start_node,
            items=wanted.items,
        )


def start_for_stopped(connection: Connection, ids: Sequence[int], address: str | None) -> None:
    """Queue the error workflows of executions that were stopped while they ran."""
    for execution_id, workflow_id, name, mode, retry_of, wanted in connection.execute(WANTED, {"ids": list(ids)}):
        failure = Failure(execution_id, workflow_id, name, mode, STOPPED, retry_of, address=address)
        start_error_workflow(connection, execution_id, ErrorWorkflow(wanted, failure.items()))
